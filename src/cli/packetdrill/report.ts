import type { ScriptResult } from '../../core/packetdrill/run/result.ts';

/** `file: pass`, `file:12: fail: ...`, `file: unsupported: TCP Fast Open` */
export function resultLine(file: string, { verdict, reason, position }: ScriptResult): string {
  const place = position === null ? file : `${file}:${position.line}`;
  return reason === '' ? `${place}: ${verdict}` : `${place}: ${verdict}: ${reason}`;
}

/** What happened before a script failed, and what is different from what it expects. */
export function failureLines(result: ScriptResult): string[] {
  const { transcript, expected, actual, differences, sendReason } = result;
  const lines = transcript.map((line) => `    ${line}`);
  if (expected !== null) lines.push(`  expected  ${expected}`);
  if (actual !== null) lines.push(`  actual    ${actual}`);
  const width = Math.max(0, ...differences.map(({ field }) => field.length));
  for (const { field, expected: want, actual: got } of differences) {
    lines.push(`    ${field.padEnd(width)}  expected ${want}, actual ${got}`);
  }
  if (sendReason !== null) lines.push(`  sent for  ${sendReason}`);
  return lines;
}

/** How many scripts came to which end. */
export interface Counts {
  readonly pass: number;
  readonly fail: number;
  readonly unsupported: number;
}

export function countsOf(results: readonly ScriptResult[]): Counts {
  const count = (verdict: ScriptResult['verdict']): number =>
    results.filter((result) => result.verdict === verdict).length;
  return { pass: count('pass'), fail: count('fail'), unsupported: count('unsupported') };
}

/** `12 pass, 1 fail, 3 unsupported` */
export function summary({ pass, fail, unsupported }: Counts): string {
  return `${pass} pass, ${fail} fail, ${unsupported} unsupported`;
}
