import type { Position } from '../ast.ts';
import type { Difference } from './match.ts';

export type Verdict = 'pass' | 'fail' | 'unsupported';

/** What became of a script. */
export interface ScriptResult {
  readonly verdict: Verdict;
  /** Why, in one line; of a pass: empty. */
  readonly reason: string;
  /** Where; null: not at one place. */
  readonly position: Position | null;
  /** What happened until then, in the notation of scripts, with times. */
  readonly transcript: readonly string[];
  /** The fields that differ, of a packet or call that was not as expected. */
  readonly differences: readonly Difference[];
  /** The packets of a mismatch, as the script would write them; null: none. */
  readonly expected: string | null;
  readonly actual: string | null;
  /** Why the host sent what it sent; null: it does not say. */
  readonly sendReason: string | null;
  /** Mismatches that the script calls not fatal. */
  readonly warnings: readonly string[];
}

/** Ends a script that is not as it should be. */
export class Mismatch extends Error {
  readonly position: Position;
  readonly details: Partial<
    Pick<ScriptResult, 'differences' | 'expected' | 'actual' | 'sendReason'>
  >;

  constructor(message: string, position: Position, details: Mismatch['details'] = {}) {
    super(message);
    this.name = 'Mismatch';
    this.position = position;
    this.details = details;
  }
}
