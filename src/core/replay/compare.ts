import { MS } from '../base/time.ts';
import type { CapturedOptions, CapturedSegment } from '../capture/capturedSegment.ts';
import { Flag } from '../wire/tcp.ts';
import { hasAck, lengthOf } from './numbers.ts';
import { INITIAL_TTLS } from './profile.ts';
import { JIFFY } from './tolerance.ts';

/** In what two segments can differ. */
export type Field =
  | 'flags'
  | 'seq'
  | 'ack'
  | 'length'
  | 'text'
  | 'window'
  | 'options'
  | 'mss'
  | 'wscale'
  | 'sack'
  | 'tsval'
  | 'tsecr'
  | 'urgent'
  | 'df'
  | 'ttl'
  | 'tos';

/** Our clock of milliseconds, and the recorded one, tick at different instants: one tick of each. */
const TICKS = 2;

/** What the comparison of two segments needs besides them. */
export interface ComparisonContext {
  /** Milliseconds of our segment behind the recorded one (negative: before it). */
  readonly laterByMs: number;
  /** ... and how wrong that may be, since the way to where it was captured took now more, now less. */
  readonly jitterMs: number;
  /** Ticks of the recorded timestamp clock in a millisecond. */
  readonly ticksPerMs: number;
  /** TSval of the first recorded segment that had one; our clock is set by it. */
  readonly firstTimestamp: number;
}

/** The fields in which our segment differs from the recorded one; none: they are equal. */
export function differences(
  recorded: CapturedSegment,
  ours: CapturedSegment,
  context: ComparisonContext,
): Field[] {
  const fields: Field[] = [];
  const unless = (equal: boolean, field: Field): void => {
    if (!equal) fields.push(field);
  };
  unless(recorded.flags === ours.flags, 'flags');
  unless(recorded.seq === ours.seq, 'seq');
  unless(!hasAck(recorded) || !hasAck(ours) || recorded.ack === ours.ack, 'ack');
  unless(recorded.length === ours.length, 'length');
  if (recorded.length === ours.length) unless(isSameText(recorded, ours), 'text');
  unless(recorded.window === ours.window, 'window');
  if ((recorded.flags & Flag.URG) !== 0) {
    unless(recorded.urgentPointer === ours.urgentPointer, 'urgent');
  }
  if (recorded.ipVersion === 4) unless(recorded.dontFragment === ours.dontFragment, 'df');
  if (INITIAL_TTLS.includes(recorded.ttl)) unless(recorded.ttl === ours.ttl, 'ttl');
  unless(recorded.trafficClass === ours.trafficClass, 'tos');
  return [...fields, ...optionDifferences(recorded.options, ours.options, context)];
}

function optionDifferences(
  recorded: CapturedOptions,
  ours: CapturedOptions,
  { laterByMs, jitterMs, ticksPerMs, firstTimestamp }: ComparisonContext,
): Field[] {
  const fields: Field[] = [];
  const isSameOrder = recorded.kinds.join() === ours.kinds.join();
  if (!isSameOrder) fields.push('options');
  if (recorded.mss !== ours.mss) fields.push('mss');
  if (recorded.windowShift !== ours.windowShift) fields.push('wscale');
  if (recorded.sackBlocks.join(' ') !== ours.sackBlocks.join(' ')) fields.push('sack');
  const { timestamps: theirs } = recorded;
  const { timestamps } = ours;
  if (theirs === null || timestamps === null) return fields;
  // both are counted from the first timestamp: our clock has milliseconds, the recorded one may not
  const elapsed = (theirs.value - firstTimestamp) | 0;
  const ourElapsed = ((timestamps.value - firstTimestamp) | 0) * ticksPerMs;
  const ahead = ourElapsed - elapsed - laterByMs * ticksPerMs;
  // the recorded one may have waited between its stamp and the capture
  const most = TICKS + (JIFFY / MS) * ticksPerMs;
  if (ahead > most || ahead < -TICKS - jitterMs * ticksPerMs) fields.push('tsval');
  if (theirs.echo !== timestamps.echo) fields.push('tsecr');
  return fields;
}

/** Of text that the capture cut off, what there is of it. */
function isSameText(recorded: CapturedSegment, ours: CapturedSegment): boolean {
  const { text } = recorded;
  if (text.length > ours.text.length) return false;
  for (let i = 0; i < text.length; i++) if (text[i] !== ours.text[i]) return false;
  return true;
}

/**
 * How well our segment may stand for the recorded one in an alignment: 0 is not at all. They must be
 * of one kind: text for text, a bare ACK for a bare ACK, SYN for SYN, FIN for FIN, RST for RST.
 */
export function likeness(recorded: CapturedSegment, ours: CapturedSegment): number {
  const kinds = Flag.SYN | Flag.RST;
  if (((recorded.flags ^ ours.flags) & kinds) !== 0) return 0;
  const isText = recorded.length > 1;
  if (isText !== ours.length > 1) {
    const areProbes = recorded.length + ours.length === 1 && recorded.seq === ours.seq;
    const areFins = (recorded.flags & ours.flags & Flag.FIN) !== 0;
    if (!areProbes && !areFins) return 0;
    return 3;
  }
  if (isText) return likenessOfText(recorded, ours);
  if (lengthOf(recorded) !== lengthOf(ours)) return 0;
  const isSame = recorded.seq === ours.seq;
  if (!isSame) return hasAck(recorded) && recorded.ack === ours.ack ? 2 : 0.5;
  if (recorded.ack !== ours.ack) return 1;
  return recorded.window === ours.window ? 8 : 6;
}

function likenessOfText(recorded: CapturedSegment, ours: CapturedSegment): number {
  if (recorded.seq === ours.seq) return recorded.length === ours.length ? 12 : 6;
  const before = (ours.seq - recorded.seq) | 0;
  const overlaps = before < 0 ? -before < ours.length : before < recorded.length;
  return overlaps ? 3 : 0;
}
