import type { Position } from './ast.ts';

/** Why a text is no packetdrill script: a result, never thrown. */
export interface ScriptError {
  readonly kind: 'error';
  readonly position: Position;
  /** What is wrong, and what would be right; one line. */
  readonly message: string;
}

/** `file:line:column: message`. */
export function describeError(file: string, { position, message }: ScriptError): string {
  return `${file}:${position.line}:${position.column}: ${message}`;
}
