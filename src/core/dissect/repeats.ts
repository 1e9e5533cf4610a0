import { diff, le, lt } from '../base/seq.ts';
import { type Micros, MS } from '../base/time.ts';
import { type Finding, finding } from './findings.ts';
import type { Flow, SeenSegment } from './flow.ts';

/** How near a segment must be to the one that overtook it, while no RTT is known (as Wireshark). */
const OUT_OF_ORDER: Micros = 3 * MS;
/** How near a fast retransmission is to the ACK that asks for it, at the sender (as Wireshark). */
const FAST: Micros = 20 * MS;
/** A retransmission timer never expires sooner, by Linux; a tail loss probe may. */
const SHORTEST_RTO: Micros = 200 * MS;

/**
 * Octets, a SYN or a FIN that do not lie beyond all that was seen of the sender: were they sent
 * again, and why, or have they been overtaken on their way?
 *
 * @param from what the sender of the segment has sent so far
 * @param to what the other end has sent so far
 * @param rtt of the handshake; null: not known
 * @returns null: nothing of it is old
 */
export function classifyRepeat(
  s: SeenSegment,
  from: Flow,
  to: Flow,
  rtt: Micros | null,
): Finding | null {
  if (from.next === null || s.end === s.seq) return null;
  const { highestAck } = to;
  if (highestAck !== null && le(s.end, highestAck)) {
    return finding(
      'spurious-retransmission',
      `sent ${againAfter(s, from)}though it was acknowledged`,
      from.original(s)?.packet ?? null,
    );
  }
  if (!lt(s.seq, from.next)) return null;
  // one octet that was sent to ask something, with new ones behind it
  if (s.length > 1 && diff(from.next, s.seq) === 1) return null;
  const wasSeen = from.hasSeen(s.seq, s.end);
  const age = from.ageOf(s);
  // a segment cannot be overtaken by those that were sent before it
  if (!wasSeen && age === 'older') return outOfOrder(s, from);
  const { timeoutEnd } = from;
  const isBehindTimeout =
    timeoutEnd !== null &&
    highestAck !== null &&
    lt(highestAck, timeoutEnd) &&
    lt(s.seq, timeoutEnd);
  const asked = isBehindTimeout ? null : askedFor(s, to, rtt);
  if (asked !== null) {
    return finding(
      'fast-retransmission',
      `sent ${againAfter(s, from)}because ${asked}`,
      from.original(s)?.packet ?? null,
    );
  }
  const isNear = s.time - from.nextTime < (rtt ?? OUT_OF_ORDER);
  if (!wasSeen && isNear && age === null && s.end !== from.next) return outOfOrder(s, from);
  return finding(
    'retransmission',
    `sent ${againAfter(s, from)}${whichTimer(s, from, to)}`,
    from.original(s)?.packet ?? null,
  );
}

function outOfOrder(s: SeenSegment, from: Flow): Finding {
  const micros = s.time - from.nextTime;
  const what = `overtaken by packet ${from.nextPacket}, ${formatMs(micros)} before`;
  return finding('out-of-order', what, from.nextPacket);
}

/** Which ACKs ask for this segment to be sent again at once; null: none. */
function askedFor(s: SeenSegment, to: Flow, rtt: Micros | null): string | null {
  // seen at the receiver, it comes one RTT behind the ACK that asks for it, or a little more
  if (s.time - to.lastAckTime >= Math.max(FAST, 1.5 * (rtt ?? 0))) return null;
  if (to.duplicateAcks >= 2 && to.lastAck === s.seq) {
    return `${to.duplicateAcks} duplicate ACKs ask for it`;
  }
  const { sackBlocks } = to;
  if (sackBlocks.length === 0 || sackBlocks.some((block) => covers(block, s))) return null;
  return 'SACK blocks leave it out';
}

function covers([left, right]: readonly [number, number], s: SeenSegment): boolean {
  return ((s.seq - left) | 0) >= 0 && ((right - s.end) | 0) >= 0;
}

/** `again after 204.1 ms ` */
function againAfter(s: SeenSegment, from: Flow): string {
  const original = from.original(s);
  return original === null ? 'again ' : `again after ${formatMs(s.time - original.time)} `;
}

function whichTimer(s: SeenSegment, from: Flow, to: Flow): string {
  const original = from.original(s);
  if (isTimeout(s, from, to)) return 'because the retransmission timer expired';
  if (from.timeoutEnd !== null && to.highestAck !== null && lt(to.highestAck, from.timeoutEnd)) {
    return `in slow start behind the timeout of packet ${from.timeoutPacket} (RFC 5681 3.1)`;
  }
  if (original === null) return 'because it was lost before the capture, or a timer expired';
  const isLast = s.end === from.next && to.highestAck !== s.seq;
  if (isLast) return 'as a tail loss probe (RFC 8985 7)';
  return s.time - original.time < SHORTEST_RTO
    ? 'sooner than by a timeout'
    : 'later than asked for';
}

/** Has the retransmission timer of its sender expired? It sends the first one in flight. */
export function isTimeout(s: SeenSegment, from: Flow, to: Flow): boolean {
  const original = from.original(s);
  if (original === null || s.time - original.time < SHORTEST_RTO) return false;
  // an ACK since the last timeout lets slow start go on
  const isPrompted =
    to.lastAckPacket > from.timeoutPacket && s.time - to.lastAckTime < SHORTEST_RTO;
  if (from.timeoutEnd !== null && isPrompted) return false;
  return s.isSyn || to.highestAck === null || to.highestAck === s.seq;
}

/** `204.1 ms` */
export function formatMs(micros: Micros): string {
  return `${(micros / MS).toFixed(micros < 10 * MS ? 3 : 1)} ms`;
}
