import type { SendReason } from '../../base/reasons.ts';
import { add, diff, le, lt, type Seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { Flag } from '../../wire/tcp.ts';
import { onTextSent } from '../receive/ackPolicy.ts';
import { finSeq, hasUnsent, outstanding, type Tcb } from '../tcb.ts';
import { burstSegments, chunkGoal, cwndQuota, mayDefer } from './burst.ts';
import { validateCwnd } from './cwndValidation.ts';
import { sendStamp } from './deliveryRate.ts';
import { cwndSegments, inFlight, isReducing } from './inFlight.ts';
import { onMtuProbeSent, probeToSend } from './mtuProbing.ts';
import { mustWaitForPace, onPaced, updatePace } from './pacing.ts';
import type { SegmentWriter } from './segmentWriter.ts';
import { growSendBuffer } from './sendTuning.ts';
import { situation } from './situation.ts';
import { onBurstsSent, onSent } from './transmitTimer.ts';
import { tellOfRoom } from './writable.ts';

/**
 * When text goes out that was not sent before, and the FIN behind it: in bursts of full segments, as
 * Linux's tcp_write_xmit does it, whose steps these are.
 *
 * What is true here: SND.NXT advances by whole bursts; a segment that is not full is the last one of
 * a burst, and ends a chunk of the write queue or the peer's window.
 *
 * @rfc 9293 3.7.4, 3.8.6.2.1
 */

/** What may go now of the chunk at SND.NXT. */
interface Burst {
  /** Octets of text; may be 0 if the FIN goes alone. */
  readonly length: number;
  readonly fin: boolean;
}

/** New text, and the FIN behind it, as far as windows, Nagle's rule and the device let it go. */
export function sendNew(tcb: Tcb, now: Micros, writer: SegmentWriter): void {
  const { snd, writeQueue } = tcb;
  const before = snd.nxt;
  const sizes = { goal: chunkGoal(tcb), maxWnd: snd.maxWnd };
  if (lt(snd.up, snd.una)) snd.up = snd.una;
  writeQueue.acknowledge(snd.una);
  for (;;) {
    const laidOut = writeQueue.arrange(snd.nxt, sizes);
    if (laidOut === null) break;
    // As Linux does, which sends in the midst of a long write.
    if (laidOut === 'pushed') sendBursts(tcb, { most: Infinity, push: true }, now, writer);
    else if (writeQueue.isLast(snd.nxt)) sendBursts(tcb, { most: 1, push: true }, now, writer);
  }
  const push = tcb.config.noDelay || tcb.recovery.rexmit === 'new';
  const cork = tcb.config.cork || writeQueue.takeMore();
  sendBursts(tcb, { most: Infinity, push, cork }, now, writer);
  if (snd.nxt !== before) {
    onBurstsSent(tcb, now);
    tellOfRoom(tcb);
  }
  growSendBuffer(tcb);
}

/** New text as the probe that is owed: one burst, of one segment if cwnd has room for none. @rfc 8985 7.3 */
export function sendProbeText(tcb: Tcb, now: Micros, writer: SegmentWriter): void {
  tcb.writeQueue.acknowledge(tcb.snd.una);
  sendBursts(tcb, { most: 1, push: true }, now, writer);
}

/** How bursts are to be sent. */
interface Order {
  /** Number of bursts, at most. */
  readonly most: number;
  /** Nagle's rule does not hold. */
  readonly push: boolean;
  /** A segment that is not full waits, whatever Nagle's rule says. */
  readonly cork?: boolean;
}

function sendBursts(tcb: Tcb, order: Order, now: Micros, writer: SegmentWriter): void {
  const { retransmitQueue: queue, snd } = tcb;
  const before = snd.nxt;
  if (order.most > 1 && sendMtuProbe(tcb, now, writer) === 'wait') return;
  for (let i = 0; i < order.most; i++) {
    if (!hasUnsent(tcb) || !writer.ready || queue.full) break;
    if (outstanding(tcb) === 0) onIdleEnd(tcb, now);
    if (!tcb.overrideOwed && mustWaitForPace(tcb, now)) break;
    const burst = nextBurst(tcb, order, now);
    if (burst === null) break;
    sendBurst(tcb, burst, now, writer);
  }
  const limited = inFlight(tcb) >= cwndSegments(tcb);
  if (limited || snd.nxt !== before) validateCwnd(tcb, limited, now);
}

/**
 * A probe of the path's MTU, if it is time for one.
 * @returns wait: nothing is to be sent until there is room for one
 * @rfc 4821 7.5
 */
function sendMtuProbe(tcb: Tcb, now: Micros, writer: SegmentWriter): 'go on' | 'wait' {
  const { snd, writeQueue } = tcb;
  const octets = probeToSend(tcb, diff(writeQueue.end, snd.nxt), now);
  if (octets < 0) return 'wait';
  if (octets === 0 || !writer.ready || tcb.retransmitQueue.full) return 'go on';
  const to = add(snd.nxt, octets);
  let push = false;
  for (let end = writeQueue.endOf(snd.nxt); le(end, to); end = writeQueue.endOf(end)) {
    if (end !== to && writeQueue.isRecordEnd(end)) return 'go on';
    push ||= writeQueue.isPushed(end);
  }
  writeQueue.gather(snd.nxt, octets);
  transmit(tcb, { to, push, fin: false, reason: 'mtu-probe' }, now, writer);
  tcb.retransmitQueue.endBurst(tcb.retransmitQueue.count - 1);
  onMtuProbeSent(tcb, octets);
  onPaced(tcb, octets, now);
  return 'go on';
}

/** How much goes in one burst; null: it must wait. */
function nextBurst(tcb: Tcb, order: Order, now: Micros): Burst | null {
  const { snd, writeQueue } = tcb;
  const { mss, nxt } = snd;
  const most = burstSegments(tcb);
  const quota = Math.max(Math.min(cwndQuota(tcb), most), tcb.recovery.tlpOwed ? 1 : 0);
  const room = snd.wnd - outstanding(tcb);
  if (tcb.overrideOwed) return forced(tcb, room);
  if (quota === 0) return null;
  const missing = quota * mss - diff(writeQueue.endOf(nxt), nxt);
  if (missing > 0) writeQueue.grow(nxt, missing);
  const chunk = diff(writeQueue.endOf(nxt), nxt);
  const isLast = writeQueue.isLast(nxt);
  const fin = isLast && tcb.sendClosed && add(nxt, chunk) === finSeq(tcb);
  if (chunk === 0 && !fin) return null;
  if (Math.min(mss, chunk) + (fin && chunk <= mss ? 1 : 0) > room) return null;
  if (chunk <= mss) {
    const maySmall = !isLast || fin || chunk === mss || isUrgent(tcb);
    return maySmall || !mustWaitForMore(tcb, order) ? { length: chunk, fin } : null;
  }
  if (order.most > 1 && mayDefer(tcb, { chunk, room, most, isLast }, now)) return null;
  if (isUrgent(tcb)) return { length: mss, fin: false };
  const needed = Math.min(chunk, room);
  const length = splitPoint(tcb, { needed, most: quota * mss }, order);
  return { length, fin: fin && length === chunk && room > length };
}

/**
 * How much of a long chunk goes: full segments, and behind them what is left of the chunk or of the
 * peer's window if Nagle's rule lets a small segment go (Linux: tcp_mss_split_point).
 */
function splitPoint(
  tcb: Tcb,
  { needed, most }: { needed: number; most: number },
  order: Order,
): number {
  if (most <= needed) return most;
  const partial = needed % tcb.snd.mss;
  return partial > 0 && mustWaitForMore(tcb, order) ? needed - partial : needed;
}

/** Does a segment that is not full wait for more text, or for an ACK? (Linux: tcp_nagle_check) */
function mustWaitForMore(tcb: Tcb, { push, cork = false }: Order): boolean {
  if (lt(tcb.snd.nxt, tcb.snd.pushTo)) return false;
  return cork || (!push && mustWaitForAck(tcb));
}

/** Is there urgent text that is not acknowledged? Then segments leave one by one, and do not wait. */
function isUrgent({ snd }: Tcb): boolean {
  return lt(snd.una, snd.up);
}

/** After the override timeout: what the window has room for, and pushed (Linux: tcp_write_wakeup). */
function forced(tcb: Tcb, room: number): Burst | null {
  const { snd, writeQueue } = tcb;
  tcb.overrideOwed = false;
  const chunk = diff(writeQueue.endOf(snd.nxt), snd.nxt);
  const length = Math.min(chunk, room, snd.mss);
  if (room <= 0) return null;
  if (length > 0) writeQueue.cut(snd.nxt, add(snd.nxt, length));
  const isWhole = length === chunk && room > length && writeQueue.isLast(snd.nxt);
  return { length, fin: tcb.sendClosed && isWhole };
}

/**
 * The Nagle algorithm in Minshall's form, which Linux has: a segment that is not full waits only for
 * the ACK of another one that was not full.
 *
 * @rfc 9293 3.7.4
 */
function mustWaitForAck(tcb: Tcb): boolean {
  const { snd } = tcb;
  return outstanding(tcb) > 0 && lt(snd.una, snd.smallEnd);
}

/** Text goes out after a silence of an RTO: cwnd says nothing of the path any more. @rfc 5681 4.1 */
function onIdleEnd(tcb: Tcb, now: Micros): void {
  const idle = now - tcb.sentTextAt;
  if (!tcb.config.slowStartAfterIdle || tcb.congestion.ownsCwnd) return;
  if (tcb.sentTextAt === 0 || idle <= tcb.rtt.rto) return;
  tcb.congestion.onIdle(idle, tcb.rtt.rto);
  tcb.cwndUsage.restart(now);
}

function sendBurst(tcb: Tcb, { length, fin }: Burst, now: Micros, writer: SegmentWriter): void {
  const { snd, writeQueue } = tcb;
  const end = add(snd.nxt, length);
  // As Linux does, a receiver that collects a burst is told where it ends.
  const pushed = length > 0 && (length > snd.mss || writeQueue.isPushed(end));
  if (length === 0 || length % snd.mss !== 0) snd.smallEnd = fin ? add(end, 1) : end;
  for (let left = length; left > snd.mss; left -= snd.mss) {
    transmit(tcb, { to: add(snd.nxt, snd.mss), push: false, fin: false }, now, writer);
  }
  transmit(tcb, { to: end, push: pushed, fin }, now, writer);
  tcb.retransmitQueue.endBurst(tcb.retransmitQueue.count - 1);
  onPaced(tcb, length, now);
}

/** What a segment is: its text ends before `to`. */
interface Transmission {
  readonly to: Seq;
  readonly push: boolean;
  readonly fin: boolean;
  readonly reason?: SendReason;
}

function transmit(
  tcb: Tcb,
  { to, push, fin, reason }: Transmission,
  now: Micros,
  writer: SegmentWriter,
): void {
  const { snd, recovery, retransmitQueue: queue } = tcb;
  const from = snd.nxt;
  const length = diff(to, from);
  snd.nxt = fin ? add(to, 1) : to;
  queue.push(from, snd.nxt, now, sendStamp(tcb, now));
  if (fin) tcb.finSent = true;
  if (length > 0) {
    tcb.shared.counters.TCPOrigDataSent++;
    if (inFlight(tcb) === 1) onSendStart(tcb, now);
    tcb.sentTextAt = now;
    onTextSent(tcb, now);
  }
  writer.send(tcb, from, length, flagsOf(push, fin), reason ?? reasonToSend(tcb, length), now);
  if (isReducing(recovery.phase)) recovery.prrOut++;
  onSent(tcb, queue.count === 1, now);
}

/** Nothing was in flight (Linux: CA_EVENT_TX_START). */
function onSendStart(tcb: Tcb, now: Micros): void {
  const { congestion, sentTextAt } = tcb;
  congestion.onSendStart(sentTextAt > 0 ? now - sentTextAt : 0, situation(tcb, now));
  if (congestion.ownsCwnd) updatePace(tcb);
}

function reasonToSend(tcb: Tcb, length: number): SendReason {
  if (tcb.recovery.tlpOwed) return 'tail-loss-probe';
  if (length === 0) return 'fin';
  return tcb.recovery.phase === 'disorder' ? 'limited-transmit' : 'data';
}

/** PSH on the last octet that the user has written. @rfc 9293 3.9.1.2 MUST-61 */
export function flagsOf(push: boolean, fin: boolean): number {
  return Flag.ACK | (push ? Flag.PSH : 0) | (fin ? Flag.FIN : 0);
}
