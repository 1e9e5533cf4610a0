import type { Micros } from '../base/time.ts';
import { shortly } from './notation.ts';
import { ORIGIN } from './recording.ts';
import type { Replay } from './replay.ts';
import { formatSendReason, type Verdict } from './verdicts.ts';

/** Rows before and behind the first divergence. */
const BEFORE = 5;
const BEHIND = 8;
const WIDTH = 58;

/** One thing that happened, recorded on the left, with this stack on the right. */
interface Row {
  readonly at: Micros;
  readonly left: string;
  readonly right: string;
  readonly verdict: Verdict | null;
}

/**
 * The first divergence and its surroundings, side by side; none if there is no divergence.
 *
 * ```
 *   recorded                          | this stack
 *   0.001116 > [P.] 1:21 ack 1 win 63 | 0.001116 > [P.] 1:21 ack 1 win 63
 *   0.001470 < [.] ack 21 win 64      | 0.001470 < [.] ack 21 win 64
 * ! 0.128865 > [R] 22 win 0           | 0.128829 > [R.] 22 ack 31 win 63   different in flags: ...
 * ```
 */
export function ladderOf(replay: Replay): string[] {
  const rows = rowsOf(replay);
  const first = rows.findIndex(({ verdict }) => verdict !== null && verdict.result !== 'same');
  if (first < 0) return [];
  const shown = rows.slice(Math.max(0, first - BEFORE), first + BEHIND + 1);
  return [`  ${'recorded'.padEnd(WIDTH)} | this stack`, ...shown.map((row) => line(row))];
}

/** `0.001116`: seconds since the first packet of the capture. */
export function formatTime(at: Micros): string {
  return ((at - ORIGIN) / 1e6).toFixed(6);
}

function line({ left, right, verdict }: Row): string {
  const isSame = verdict === null || verdict.result === 'same';
  const mark = isSame ? ' ' : '!';
  const why = isSame ? '' : `   ${explain(verdict)}`;
  return `${mark} ${left.padEnd(WIDTH)} | ${right}${why}`.trimEnd();
}

/** `different in window, flags: ack-now (RFC 9293 3.8.6.3)` */
function explain({ result, fields, reason }: Verdict): string {
  const what = fields.length > 0 ? `${result} in ${fields.join(', ')}` : result;
  return reason === null ? what : `${what}: ${formatSendReason(reason)}`;
}

function rowsOf({ part, outcome, verdicts }: Replay): Row[] {
  const rows: Row[] = verdicts.map((verdict) => {
    const { number, at, segment, ours } = verdict;
    const left = number === null ? '' : `${formatTime(at)} > ${shortly(segment, part, true)}`;
    const sent = ours.map((o) => `${formatTime(o.at)} > ${shortly(o.segment, part, true)}`);
    const more = sent.length > 1 ? ` and ${sent.length - 1} more` : '';
    return { at: ours[0]?.at ?? at, left, right: `${sent[0] ?? ''}${more}`, verdict };
  });
  const playedAt = new Map(outcome.played.map((p) => [p.event, p]));
  for (const event of part.events) {
    if (event.from === 'own') continue;
    const what =
      event.from === 'peer'
        ? shortly(event.segment, part, false)
        : `ICMP type ${event.error.type} code ${event.error.code}`;
    const left = `${formatTime(event.at)} < ${what}`;
    const played = playedAt.get(event);
    const right = played === undefined ? '' : `${formatTime(played.at)} < ${what}`;
    const lost = event.from === 'peer' && event.isLost ? '(lost on its way)' : right;
    rows.push({ at: played?.at ?? event.at, left, right: lost, verdict: null });
  }
  // what the peer said comes before what was said to it at once
  const order = ({ verdict }: Row): number => (verdict === null ? 0 : 1);
  return rows.sort((a, b) => a.at - b.at || order(a) - order(b));
}
