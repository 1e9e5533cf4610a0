import type { SendReason } from '../../base/reasons.ts';
import { diff } from '../../base/seq.ts';
import { type Micros, NEVER } from '../../base/time.ts';
import {
  ACK_TICK,
  COMPRESSED_ACK_DELAY,
  DELAYED_ACK_MAX,
  DELAYED_ACK_UNKNOWN,
  DUPLICATE_ACK_THRESHOLD,
  QUICK_ACKS,
} from '../config.ts';
import { oweAck, oweDuplicateAck, type Tcb, Timer } from '../tcb.ts';
import { isWindowUpdateDue, selectWindow } from './window.ts';

/**
 * When to acknowledge what has arrived: Linux's rules. At once when a connection begins, or after a
 * long silence, so that the peer's window grows (quick ACKs); at once when more than one full
 * segment is unacknowledged and the user keeps up; at once when the order is broken or mended; else
 * after a delay, in which an answer of the user may carry the ACK.
 *
 * What is true here: input schedules (`ack.scheduled`), {@link decideAck} at the end of each segment
 * decides, output sends, and any segment that is sent settles all of it ({@link onAckSent}).
 *
 * @rfc 9293 3.8.6.3, 5681 4.2
 */

/** Something has arrived that must be acknowledged some time (inet_csk_schedule_ack). */
export function scheduleAck(tcb: Tcb, cause: SendReason): void {
  tcb.ack.scheduled = true;
  tcb.ack.cause = cause;
}

/** How quickly does text follow text? That is what an ACK may wait (tcp_event_data_recv). */
export function onTextArrived(tcb: Tcb, now: Micros): void {
  const { ack, config } = tcb;
  const rto = tcb.rtt.rto;
  const half = config.delayedAck / 2;
  const since = now - tcb.textAt;
  if (ack.ato === 0) {
    addQuickAcks(tcb);
    ack.ato = config.delayedAck;
  } else if (since <= half) {
    ack.ato = ack.ato / 2 + half;
  } else if (since < ack.ato) {
    ack.ato = Math.min(ack.ato / 2 + since, rto);
  } else if (since > rto) {
    addQuickAcks(tcb); // the peer may have begun slow start again
  }
  tcb.textAt = now;
}

/** The order is broken, or the peer repeats: it is told quickly for a while (tcp_enter_quickack_mode). */
export function enterQuickAcks(tcb: Tcb, most = QUICK_ACKS): void {
  addQuickAcks(tcb, most);
  tcb.ack.interactive = false;
  tcb.ack.ato = tcb.config.delayedAck;
}

/** Half a window of segments, 2 at least and `most` at most (tcp_incr_quickack). */
function addQuickAcks(tcb: Tcb, most = QUICK_ACKS): void {
  const { ack, window } = tcb;
  const half = Math.floor(window.announced / (2 * ack.segment));
  ack.quick = Math.max(ack.quick, Math.min(half === 0 ? 2 : half, most));
}

/** The end of a segment: at once, or when? (__tcp_ack_snd_check) */
export function decideAck(tcb: Tcb, now: Micros): void {
  const { ack } = tcb;
  if (!ack.scheduled) return;
  if (tcb.config.ackRule === 'second-segment') decideSecond(tcb, now);
  else if (isSecondSegment(tcb)) {
    owe(tcb, ack.cause === 'ack-now' ? 'ack-second-segment' : ack.cause);
  } else if ((ack.quick > 0 && !ack.interactive) || ack.atOnce) {
    owe(tcb, ack.cause);
  } else if (!hasHole(tcb)) {
    delayAck(tcb, now);
  } else if (!mayCompress(tcb) || isOneOfFirst(tcb)) {
    owe(tcb, ack.cause);
  } else {
    compressAck(tcb, now);
  }
}

/** Every second segment, and all that is not plain new text in order, at once (FreeBSD: DELAY_ACK). */
function decideSecond(tcb: Tcb, now: Micros): void {
  const { ack, config, deadlines, sackBlocks } = tcb;
  const isNew = ack.cause === 'ack-now' && !sackBlocks.hasDuplicate;
  const isPlain = isNew && !ack.atOnce && !hasHole(tcb) && config.delayedAck > 0;
  if (isPlain && deadlines[Timer.DELAYED_ACK] === NEVER) {
    deadlines[Timer.DELAYED_ACK] = now + config.delayedAck;
  } else owe(tcb, isPlain ? 'ack-second-segment' : ack.cause);
}

/** Does text, or a FIN, wait beyond a hole? */
export function hasHole(tcb: Tcb): boolean {
  const { rcv, receiveBuffer } = tcb;
  return receiveBuffer.ranges.count > 0 || (rcv.finSeen && diff(rcv.fin, rcv.nxt) > 0);
}

/** An ACK for each segment out of order, so that the peer can count them. @rfc 5681 4.2 */
function owe(tcb: Tcb, reason: SendReason): void {
  if (reason === 'ack-out-of-order') oweDuplicateAck(tcb, reason);
  else oweAck(tcb, reason);
}

/** More than one full segment, and the window moves on with it: else the user's read tells. */
function isSecondSegment(tcb: Tcb): boolean {
  const { ack, rcv, receiveBuffer } = tcb;
  if (diff(rcv.nxt, ack.last) <= ack.segment) return false;
  return receiveBuffer.length === 0 || selectWindow(tcb) >= tcb.window.announced;
}

function mayCompress(tcb: Tcb): boolean {
  return tcb.sackPermitted && tcb.ack.compressed < tcb.config.compressedAcks;
}

/** The duplicate ACKs that fast retransmit of the peer needs are not held back. */
function isOneOfFirst(tcb: Tcb): boolean {
  const { ack, rcv } = tcb;
  if (ack.duplicatesAt !== rcv.nxt) {
    ack.duplicatesAt = rcv.nxt;
    ack.duplicatesSent = 0;
  }
  if (ack.duplicatesSent >= DUPLICATE_ACK_THRESHOLD) return false;
  ack.duplicatesSent++;
  return true;
}

/** Later ones wait a 20th of a round trip for each other: SACK tells as much in one. */
function compressAck(tcb: Tcb, now: Micros): void {
  const { ack, deadlines, rtt, tuning } = tcb;
  const seen = tuning.rtt / 8;
  const roundTrip = rtt.srtt > 0 && rtt.srtt < seen ? rtt.srtt : seen;
  const delay = Math.min(COMPRESSED_ACK_DELAY, Math.floor(roundTrip / 20));
  if (delay === 0) {
    owe(tcb, ack.cause); // as long as the round-trip time is not known
    return;
  }
  ack.compressed++;
  tcb.shared.counters.TCPAckCompressed++;
  if (deadlines[Timer.COMPRESSED_ACK] !== NEVER) return;
  deadlines[Timer.COMPRESSED_ACK] = now + delay;
}

/** A delayed ACK: bounded by the round-trip time and by 200 ms (tcp_send_delayed_ack). */
function delayAck(tcb: Tcb, now: Micros): void {
  const { ack, deadlines, config, rtt } = tcb;
  let delay = ack.ato;
  if (delay > config.delayedAck) {
    let most = ack.interactive || ack.pushed > 0 ? DELAYED_ACK_MAX : DELAYED_ACK_UNKNOWN;
    if (rtt.srtt > 0) most = Math.min(most, Math.max(rtt.srtt, config.delayedAck));
    delay = Math.min(delay, most);
  }
  delay = Math.floor(Math.min(delay, Math.max(DELAYED_ACK_MAX, config.delayedAck)));
  const running = deadlines[Timer.DELAYED_ACK] ?? NEVER;
  if (running <= now + delay / 4) {
    oweAck(tcb, 'delayed-ack'); // it would be sent any moment
  } else {
    deadlines[Timer.DELAYED_ACK] = Math.min(running, now + (delay === 0 ? ACK_TICK : delay));
  }
}

/** The delay is over; the user was not as quick to answer as thought (tcp_delack_timer_handler). */
export function onDelayedAckTimer(tcb: Tcb): void {
  const { ack, config } = tcb;
  if (!ack.scheduled) return;
  if (ack.interactive) {
    ack.interactive = false;
    ack.ato = config.delayedAck;
  } else {
    ack.ato = Math.min(ack.ato * 2, tcb.rtt.rto);
  }
  oweAck(tcb, ack.cause === 'ack-fin' ? 'ack-fin' : 'delayed-ack');
}

/** ACKs of segments out of order have waited for one another (tcp_compressed_ack_kick). */
export function onCompressedAckTimer(tcb: Tcb): void {
  if (tcb.ack.compressed > 0) oweAck(tcb, 'compressed-ack');
}

/** Text of ours goes out: if it follows text of the peer closely, it answers it (tcp_event_data_sent). */
export function onTextSent(tcb: Tcb, now: Micros): void {
  if (now - tcb.textAt < tcb.ack.ato) tcb.ack.interactive = true;
}

/** A segment with the newest ACK goes out: none is owed any more (tcp_event_ack_sent). */
export function onAckSent(tcb: Tcb): void {
  const { ack, deadlines } = tcb;
  if (ack.scheduled && ack.quick > 0) {
    ack.quick--;
    if (ack.quick === 0) ack.ato = tcb.config.delayedAck;
  }
  ack.owed = null;
  ack.scheduled = false;
  ack.atOnce = false;
  ack.pushed = 0;
  ack.compressed = 0;
  ack.last = tcb.rcv.nxt;
  tcb.receiveBuffer.memory.acknowledged = ack.last;
  deadlines[Timer.DELAYED_ACK] = NEVER;
  deadlines[Timer.COMPRESSED_ACK] = NEVER;
}

/**
 * The user has read (tcp_cleanup_rbuf): is the peer told now? Yes if more than a segment waits for
 * its ACK; if all was read, small segments among it, and the user does not answer; or if the window
 * has become much larger.
 */
export function ackAfterRead(tcb: Tcb): SendReason | null {
  const { ack, rcv } = tcb;
  if (ack.scheduled && tcb.config.ackRule === 'quick') {
    if (diff(rcv.nxt, ack.last) > ack.segment) return 'ack-second-segment';
    const isPushed = ack.pushed > 1 || (ack.pushed === 1 && !ack.interactive);
    if (isPushed && tcb.receiveBuffer.memory.total === 0) return 'ack-now';
  }
  return !isFinTaken(tcb) && isWindowUpdateDue(tcb) ? 'window-update' : null;
}

/** "do not send window open ACK in states, where we will not receive more". */
function isFinTaken(tcb: Tcb): boolean {
  return tcb.rcv.finSeen && diff(tcb.rcv.nxt, tcb.rcv.fin) > 0;
}
