import type { SendReason } from '../../base/reasons.ts';
import { add, diff, lt } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { finSeq, hasUnsent, outstanding, type Tcb, Timer, unsentText } from '../tcb.ts';
import { burstSegments } from './burst.ts';
import { sendStamp } from './deliveryRate.ts';
import { cwndSegments, inFlight, isReducing } from './inFlight.ts';
import { flagsOf, sendProbeText } from './newText.ts';
import { mustWaitForPace, onPaced } from './pacing.ts';
import { Mark } from './retransmitQueue.ts';
import type { SegmentWriter } from './segmentWriter.ts';
import { timestampAt } from './sender.ts';
import { onProbeSent } from './tailLossProbe.ts';
import { armRetransmission } from './transmitTimer.ts';

/**
 * Sends what recovery has marked as lost, and the probe for a lost end.
 *
 * What is true here: what goes out is counted for PRR and for the undoing of the reduction.
 *
 * @rfc 5681 3.2, 6675 5, 8985 6
 */

/**
 * What is marked lost, as far as cwnd allows; the first of it even beyond, if recovery says so
 * (tcp_xmit_retransmit_queue).
 */
export function sendLost(tcb: Tcb, now: Micros, writer: SegmentWriter): void {
  const { retransmitQueue: queue, recovery } = tcb;
  if (recovery.rexmit !== 'lost') return;
  for (let i = queue.nextLost(); i >= 0 && writer.ready; i = queue.nextLost()) {
    const room = cwndSegments(tcb) - inFlight(tcb);
    if (recovery.force === null && room <= 0) return;
    if (recovery.force !== 'rto' && mustWaitForPace(tcb, now)) return;
    if (!cutToFit(tcb, i)) return;
    const most = recovery.force === 'rto' ? 1 : Math.min(room, burstSegments(tcb));
    repeatBurst(tcb, i, most, now, writer);
  }
  recovery.force = null;
}

/**
 * Record `i`, and those behind it that are lost as well and had been sent in one burst with it. As
 * Linux does, a receiver that collects a burst is told where it ends.
 * @param most segments
 */
function repeatBurst(tcb: Tcb, i: number, most: number, now: Micros, writer: SegmentWriter): void {
  const { retransmitQueue: queue, recovery } = tcb;
  let last = i;
  let octets = 0;
  while (last - i + 1 < most && isRepeatedWith(tcb, last)) last++;
  for (let k = i; k <= last; k++) {
    const reason = recovery.force ?? reasonToRepeat(tcb);
    recovery.force = null;
    octets += textOf(tcb, k);
    repeat(tcb, k, { reason, push: k === last && k > i }, now, writer);
  }
  queue.endBurst(last);
  onPaced(tcb, octets, now);
}

/** Does the record behind `i` go in one burst with it? */
function isRepeatedWith(tcb: Tcb, i: number): boolean {
  const { retransmitQueue: queue, snd } = tcb;
  const next = i + 1;
  if (queue.isBurstEnd(i) || !isLostAndWaits(tcb, next)) return false;
  if (textOf(tcb, i) < snd.mss || textOf(tcb, next) > snd.mss) return false;
  return diff(queue.end(next), snd.una) <= snd.wnd;
}

/**
 * F-RTO has sent new text before anything else (`newText.ts`). If there was none to send, what is
 * lost goes out after all. @rfc 5682 3.1 step 2b
 */
export function afterNewText(tcb: Tcb): void {
  const { recovery } = tcb;
  if (recovery.rexmit !== 'new') return;
  const sent = lt(recovery.point, tcb.snd.nxt);
  recovery.rexmit = sent ? 'none' : 'lost';
  if (!sent) recovery.frto = false;
}

/** A probe for a lost end: new text if there is and the window has room, else the last segment. @rfc 8985 7.3 */
export function sendTailProbe(tcb: Tcb, now: Micros, writer: SegmentWriter): void {
  const { recovery, retransmitQueue: queue, snd } = tcb;
  if (queue.count === 0) recovery.tlpOwed = false; // all of it was acknowledged in this turn
  if (!recovery.tlpOwed || !writer.ready) return;
  const room = snd.wnd - outstanding(tcb);
  if (hasUnsent(tcb) && Math.min(snd.mss, Math.max(1, unsentText(tcb))) <= room) {
    const end = snd.nxt;
    sendProbeText(tcb, now, writer);
    if (snd.nxt !== end) onProbeSent(tcb, 'new', now);
    recovery.tlpOwed = false;
    return;
  }
  recovery.tlpOwed = false;
  const last = queue.count - 1;
  if (queue.isSacked(last) || !cutToFit(tcb, last)) return;
  queue.probe(last, now, sendStamp(tcb, now));
  recovery.totalRetrans++;
  if (last > 0) queue.endBurst(last - 1);
  write(tcb, last, { reason: 'tail-loss-probe', push: false }, now, writer);
  onPaced(tcb, textOf(tcb, last), now);
  onProbeSent(tcb, 'again', now);
}

/**
 * Cuts record `i` so that it fits the path and the window. "should retransmit normally the old data
 * between SND.UNA and SND.UNA+SND.WND": beyond it nothing goes, except at SND.UNA, as a probe.
 *
 * @rfc 9293 3.8.6 SHLD-16
 */
function cutToFit(tcb: Tcb, i: number): boolean {
  const { retransmitQueue: queue, snd } = tcb;
  let room = snd.wnd - diff(queue.seq(i), snd.una);
  if (room <= 0) {
    if (i > 0) return false;
    room = snd.mss;
  }
  const most = Math.min(snd.mss, room);
  if (textOf(tcb, i) > most) {
    if (most === snd.mss) recutBurst(tcb, i);
    else queue.split(i, most);
    return true;
  }
  joinFollowing(tcb, i, most);
  return true;
}

/** Segments have become smaller: what was sent as one burst is cut anew as a whole (tcp_set_skb_tso_segs). */
function recutBurst(tcb: Tcb, i: number): void {
  const { retransmitQueue: queue, snd } = tcb;
  let last = i;
  while (!queue.isBurstEnd(last) && isLostAndWaits(tcb, last + 1)) last++;
  if (last > i) queue.join(i, last);
  for (let k = i; textOf(tcb, k) > snd.mss; k++) queue.split(k, snd.mss);
}

/** Is there a record `i` that is lost and was not yet sent again? */
function isLostAndWaits({ retransmitQueue: queue }: Tcb, i: number): boolean {
  return i < queue.count && (queue.marks(i) & (Mark.LOST | Mark.RESENT)) === Mark.LOST;
}

/**
 * What follows record `i` goes along with it as far as it fits into `most` octets of text: small
 * segments are repeated as one, and a FIN with the text before it (Linux: tcp_retrans_try_collapse).
 *
 * @rfc 9293 3.8.1
 */
function joinFollowing(tcb: Tcb, i: number, most: number): void {
  const { retransmitQueue: queue, snd, recovery } = tcb;
  let last = i;
  for (let text = textOf(tcb, i); text < most && last + 1 < queue.count; last++) {
    if (queue.isSacked(last + 1) || tcb.writeQueue.isRecordEnd(queue.end(last))) break;
    text += textOf(tcb, last + 1);
    if (text > most || diff(queue.end(last + 1), snd.una) > snd.wnd) break;
  }
  if (last === i) return;
  queue.join(i, last);
  // Duplicate ACKs of a peer without SACK may have been for these (tcp_adjust_pcount).
  recovery.duplicateAcks = Math.max(0, recovery.duplicateAcks - (last - i));
}

function reasonToRepeat({ recovery: { phase }, sackPermitted }: Tcb): SendReason {
  return phase === 'recovery' && sackPermitted ? 'rack-retransmission' : 'loss-retransmission';
}

/** How a segment is sent again. */
interface Order {
  readonly reason: SendReason;
  /** PSH, even if its text is not pushed. */
  readonly push: boolean;
}

function repeat(tcb: Tcb, i: number, order: Order, now: Micros, writer: SegmentWriter): void {
  const { retransmitQueue: queue, recovery, deadlines } = tcb;
  queue.resent(i, now, sendStamp(tcb, now));
  if (recovery.retransStamp === 0) recovery.retransStamp = timestampAt(tcb, now) || 1;
  recovery.undoRetrans = Math.max(0, recovery.undoRetrans) + 1;
  if (order.reason !== 'rto') countRepetition(tcb);
  recovery.totalRetrans++;
  if (isReducing(recovery.phase)) recovery.prrOut++;
  write(tcb, i, order, now, writer);
  // Only what SND.UNA waits for restarts the timer: it must not be put off by what follows.
  if (i === 0 && (deadlines[Timer.REORDERING] ?? 0) === Number.POSITIVE_INFINITY) {
    armRetransmission(tcb, now);
  }
}

/** The timeout itself is counted when it expires. */
function countRepetition({ recovery, shared: { counters } }: Tcb): void {
  if (recovery.phase === 'loss') counters.TCPSlowStartRetrans++;
  else counters.TCPFastRetrans++;
}

function write(tcb: Tcb, i: number, order: Order, now: Micros, writer: SegmentWriter): void {
  const { retransmitQueue: queue } = tcb;
  tcb.mtuSearch.size = 0; // inconclusive, if it was a probe: RFC 4821 7.6.4
  const from = queue.seq(i);
  const length = textOf(tcb, i);
  const fin = length < queue.octets(i);
  const push = length > 0 && (order.push || tcb.writeQueue.isPushed(add(from, length)));
  if (length > 0) tcb.sentTextAt = now;
  writer.noteRepetition();
  writer.send(tcb, from, length, flagsOf(push, fin), order.reason, now);
}

/** Octets of text of record `i`: all but the FIN. */
function textOf(tcb: Tcb, i: number): number {
  const { retransmitQueue: queue } = tcb;
  const fin = tcb.finSent && diff(queue.end(i), finSeq(tcb)) === 1;
  return queue.octets(i) - (fin ? 1 : 0);
}
