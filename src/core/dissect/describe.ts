import { MS, SECOND } from '../base/time.ts';
import type { Analysis } from './analysis.ts';
import type { RecordedEnd } from './conversations.ts';
import { FINDINGS, type Finding } from './findings.ts';
import { formatMs } from './repeats.ts';
import type { ConversationSummary, EndSummary } from './tally.ts';

/**
 * What a segment is, behind its line:
 *
 * ```
 * stream 0, ESTABLISHED/CLOSE-WAIT; rtt 0.123 ms of packet 4; 1448 in flight; window-full (RFC ...): ...
 * ```
 */
export function describeAnalysis(analysis: Analysis): string {
  const { placement, states, rtt, inFlight, findings } = analysis;
  const words = [`stream ${placement.conversation.stream}, ${states.join('/')}`];
  if (rtt !== null) words.push(`rtt ${formatMs(rtt.micros)} of packet ${rtt.of}`);
  if (inFlight !== null) words.push(`${inFlight} in flight`);
  return [...words, ...findings.map(describeFinding)].join('; ');
}

function describeFinding({ name, what }: Finding): string {
  const { rfc } = FINDINGS[name];
  return rfc === 'none' ? `${name}: ${what}` : `${name} (${rfc}): ${what}`;
}

/** A conversation in a few lines, the first of which names it. */
export function describeConversation(summary: ConversationSummary): string[] {
  const { stream, ends, duration, agreed, findings } = summary;
  const [one, two] = ends;
  const seconds = (duration / SECOND).toFixed(6);
  const lines = [
    `stream ${stream}: ${nameOf(one)} > ${nameOf(two)}, from packet ${summary.firstPacket}, ${seconds} s`,
    `  opened: ${summary.opened}; ended: ${describeEnding(summary)}`,
    describeEnd(one),
    describeEnd(two),
  ];
  if (agreed.length > 0) lines.push(`  agreed: ${agreed.join(', ')}`);
  const counts = Object.entries(findings).map(([name, count]) => `${name} ${count}`);
  if (counts.length > 0) lines.push(`  found: ${counts.join(', ')}`);
  return lines;
}

/** `10.0.0.1.40000`, as in the lines. */
function nameOf({ address, port }: RecordedEnd): string {
  return `${address}.${port}`;
}

function describeEnding({ ended, endedBy, ends }: ConversationSummary): string {
  if (endedBy === null) return ended;
  const who = nameOf(ends[endedBy]);
  return ended === 'closed' ? `closed, ${who} first` : `${ended} by ${who}`;
}

function describeEnd(end: EndSummary): string {
  const words = [`${end.packets} packets, ${end.octets} octets, ${end.state}`];
  if (end.rtt !== null) {
    const { min, median, max, samples } = end.rtt;
    const times = [min, median, max].map((micros) => (micros / MS).toFixed(3)).join('/');
    words.push(`rtt ${times} ms (min/median/max of ${samples})`);
  }
  if (end.mss !== null) words.push(`mss ${end.mss}`);
  if (end.windowShift !== null) words.push(`wscale ${end.windowShift}`);
  return `  ${nameOf(end)}: ${words.join(', ')}`;
}
