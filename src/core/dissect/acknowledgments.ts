import { add, le, lt, type Seq, seq } from '../base/seq.ts';
import { type Finding, finding } from './findings.ts';
import type { Flow, SeenSegment } from './flow.ts';

/** Window shifts of both ends, where the SYN of both was seen; null: not known. */
export type WindowShift = number | null;

/** Neither SYN nor FIN nor RST: what probes and their answers look like. */
function isPlain(s: SeenSegment): boolean {
  return !s.isSyn && !s.isFin && !s.isReset;
}

/**
 * Is it a question: a keepalive or a probe of a zero window? Both look alike where the octet that
 * is sent is an old one (or none at all): then the window of the other end decides, and whether it
 * was full, so that there is something to send.
 */
export function findProbe(s: SeenSegment, from: Flow, to: Flow): Finding | null {
  if (from.next === null || !isPlain(s)) return null;
  if (s.length === 1 && s.seq === from.next && to.window === 0) {
    return finding('zero-window-probe', 'one octet, though the window is zero');
  }
  if (s.length > 1 || add(s.seq, 1) !== from.next) return null;
  if (to.window === 0 && from.hasFilledWindow) {
    return finding('zero-window-probe', `${octets(s.length)} at SND.UNA-1: the window is zero`);
  }
  return finding('keep-alive', `${octets(s.length)} at SND.NXT-1`);
}

function octets(length: number): string {
  return length === 1 ? 'one old octet' : 'no octet';
}

/** What the window that it announces says, and whether its text fills that of the other end. */
export function findWindow(s: SeenSegment, from: Flow, to: Flow, shift: WindowShift): Finding[] {
  if (!isPlain(s)) return [];
  const found: Finding[] = [];
  const { window } = s.segment;
  if (window === 0) found.push(finding('zero-window'));
  if (isRepeatedAck(s, from) && window !== 0 && window !== from.window) {
    const before = from.window === 0 ? 'it was zero' : `it was ${from.window ?? 'not known'}`;
    found.push(finding('window-update', `the window alone has changed: ${before}`));
  }
  const edge = rightEdge(to, shift);
  if (s.length > 0 && edge === s.end) {
    found.push(
      finding('window-full', `it ends at the right edge that packet ${to.lastPacket} set`),
    );
  }
  return found;
}

/** The first number that may not be sent to it; null: not known. @param shift of that end */
export function rightEdge(to: Flow, shift: WindowShift): Seq | null {
  if (to.lastAck === null || to.window === null) return null;
  if (to.window === 0) return to.lastAck;
  if (shift === null) return null;
  return add(to.lastAck, to.isWindowOfSyn ? to.window : to.window * 2 ** shift);
}

/** Does it carry nothing but the same SEG.ACK again? */
function isRepeatedAck(s: SeenSegment, from: Flow): boolean {
  return (
    isPlain(s) && s.length === 0 && s.ack !== null && s.ack === from.lastAck && s.seq === from.next
  );
}

/**
 * What an ACK that acknowledges nothing new is: the answer to a probe, to a segment that is not
 * believed, or a duplicate ACK.
 *
 * A duplicate ACK needs text in flight (RFC 5681 2 (a)), and the same window as before, unless it
 * has a SACK block: then its reason is clear (RFC 6675 2).
 */
export function findRepeatedAck(s: SeenSegment, from: Flow, to: Flow): Finding | null {
  const { window } = s.segment;
  if (answersProbe(s, from, to)) {
    return finding('zero-window-probe-ack', undefined, to.probe?.packet);
  }
  if (!isRepeatedAck(s, from)) return null;
  const isSameWindow = window === from.window;
  if (to.probe?.name === 'keep-alive' && window !== 0 && isSameWindow) {
    return finding('keep-alive-ack', undefined, to.probe.packet);
  }
  if (to.isChallenged && isSameWindow) return finding('challenge-ack', undefined, to.lastPacket);
  const isInFlight = to.next !== null && s.ack !== null && lt(s.ack, to.next);
  const isAllowed = isSameWindow || hasNewBlock(s, from);
  if (!isInFlight || !isAllowed || window === 0) return null;
  const count = from.duplicateAcks + 1;
  const what = `number ${count} behind packet ${from.lastAckPacket}`;
  return finding('duplicate-ack', what, from.lastAckPacket, count);
}

/** The octet of a probe may have been taken, or not. */
function answersProbe(s: SeenSegment, from: Flow, to: Flow): boolean {
  const { lastAck } = from;
  if (to.probe?.name !== 'zero-window-probe' || s.ack === null || lastAck === null) return false;
  return (
    isPlain(s) &&
    s.length === 0 &&
    s.seq === from.next &&
    s.segment.window === 0 &&
    from.window === 0 &&
    (s.ack === lastAck || s.ack === add(lastAck, 1))
  );
}

function hasNewBlock(s: SeenSegment, from: Flow): boolean {
  return s.segment.options.sackBlocks.some(
    ([left, right]) => !from.sackBlocks.some(([l, r]) => l === left && r === right),
  );
}

/** What its SACK blocks say. @param base what numbers are counted from @rfc 2883 4 */
export function findSack(s: SeenSegment, to: Flow, base: number): Finding | null {
  const [first, second] = s.segment.options.sackBlocks;
  if (first === undefined || s.ack === null) return null;
  const [left, right] = first;
  const range = `${(left - base) >>> 0}:${(right - base) >>> 0}`;
  const isDuplicate =
    le(seq(right), s.ack) ||
    (second !== undefined && le(seq(second[0]), seq(left)) && le(seq(right), seq(second[1])));
  if (!isDuplicate) return finding('sack', `${range} has arrived behind a gap`);
  const again = to.retransmissionOf(seq(left), seq(right));
  const which = again === null ? '' : `: packet ${again} was not needed`;
  return finding('d-sack', `${range} has arrived twice${which}`, again);
}
