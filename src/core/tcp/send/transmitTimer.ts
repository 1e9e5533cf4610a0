import { type Micros, NEVER } from '../../base/time.ts';
import { INITIAL_RTO, RESTART_THRESHOLD, SHORTEST_WAIT } from '../config.ts';
import { type Tcb, Timer, unsentText } from '../tcb.ts';

/**
 * The one timer of what is in flight, which waits for one of three things: the retransmission
 * timeout, a tail loss probe, or the end of the reordering window (Linux: icsk_pending).
 *
 * What is true here: while anything is in flight, exactly one of the three deadlines is set.
 *
 * @rfc 6298 5, 8985 8
 */
type Kind = typeof Timer.RETRANSMISSION | typeof Timer.LOSS_PROBE | typeof Timer.REORDERING;

/** Waits for `kind`, and no longer for the others. */
export function setTimer(tcb: Tcb, kind: Kind, at: Micros): void {
  const { deadlines } = tcb;
  stopTimer(tcb);
  deadlines[kind] = at;
  deadlines[Timer.PERSIST] = NEVER;
}

export function stopTimer(tcb: Tcb): void {
  const { deadlines } = tcb;
  deadlines[Timer.RETRANSMISSION] = NEVER;
  deadlines[Timer.LOSS_PROBE] = NEVER;
  deadlines[Timer.REORDERING] = NEVER;
}

/** An ACK covered something: the timer starts anew (tcp_set_xmit_timer). @rfc 6298 5.2, 5.3 */
export function restartTimer(tcb: Tcb, now: Micros): void {
  if (scheduleProbe(tcb, tcb.rtt.rto, now)) return;
  rearmTimeout(tcb, now);
  if (tcb.config.rtoRestart && isShort(tcb)) countFromEarliest(tcb, now);
}

/** Too few segments are left for three duplicate ACKs: a loss among them costs a timeout. @rfc 7765 4 */
function isShort(tcb: Tcb): boolean {
  const { count } = tcb.retransmitQueue;
  const unsent = Math.ceil(unsentText(tcb) / tcb.snd.mss);
  return count > 0 && count + unsent < RESTART_THRESHOLD;
}

/** "Restart the retransmission timer so that it will expire after ... RTO - T_earliest". @rfc 7765 4 */
function countFromEarliest(tcb: Tcb, now: Micros): void {
  const left = untilTimeout(tcb, now);
  if (left > 0) setTimer(tcb, Timer.RETRANSMISSION, now + left);
}

/**
 * Sets the timer for a probe, if one may be sent.
 * @param untilRto when the timeout would come: a probe never waits longer
 * @rfc 8985 7.2
 */
export function scheduleProbe(tcb: Tcb, untilRto: Micros, now: Micros): boolean {
  const { recovery, rtt, retransmitQueue: queue, config } = tcb;
  if (tcb.fastOpen.pending) return false; // the timer is that of the SYN-ACK
  if (queue.count === 0 || !tcb.sackPermitted || config.earlyRetransmit < 3) return false;
  if (recovery.phase !== 'open' && recovery.phase !== 'cwr') return false;
  let wait: Micros = INITIAL_RTO;
  if (rtt.srtt > 0) {
    // A lone segment may wait for a delayed ACK.
    wait = 2 * rtt.srtt + (queue.count === 1 ? config.minRto : SHORTEST_WAIT);
  }
  if (untilRto > 0) wait = Math.min(wait, untilRto);
  setTimer(tcb, Timer.LOSS_PROBE, now + Math.max(1, Math.floor(wait)));
  return true;
}

/** The timeout, from now on; or from when SND.UNA was sent, if a probe came between (tcp_rearm_rto). */
export function rearmTimeout(tcb: Tcb, now: Micros): void {
  const { deadlines } = tcb;
  if (tcb.retransmitQueue.count === 0) {
    stopTimer(tcb);
    return;
  }
  const between = deadlines[Timer.LOSS_PROBE] !== NEVER || deadlines[Timer.REORDERING] !== NEVER;
  const rto = between ? Math.max(1, untilTimeout(tcb, now)) : tcb.rtt.rto;
  setTimer(tcb, Timer.RETRANSMISSION, now + rto);
}

/** How far the timeout of what lies at SND.UNA is away; it may be over (tcp_rto_delta_us). */
export function untilTimeout(tcb: Tcb, now: Micros): Micros {
  return tcb.retransmitQueue.sentAt(0) + tcb.rtt.rto - now;
}

/** The next expiry, or the end of the user timeout if that comes before it (Linux clamps so too). */
export function armRetransmission(tcb: Tcb, now: Micros): void {
  const { recovery, config } = tcb;
  const limited = config.userTimeout > 0 && recovery.retries > 0;
  const left = limited ? recovery.since + config.userTimeout - now : NEVER;
  setTimer(tcb, Timer.RETRANSMISSION, now + Math.max(1, Math.min(tcb.rtt.rto, left)));
}

/** A new segment was sent. @param first nothing was in flight before it */
export function onSent(tcb: Tcb, first: boolean, now: Micros): void {
  if (first || tcb.deadlines[Timer.LOSS_PROBE] !== NEVER) rearmTimeout(tcb, now);
}

/** New segments were sent: the probe follows the last of them. */
export function onBurstsSent(tcb: Tcb, now: Micros): void {
  scheduleProbe(tcb, untilTimeout(tcb, now), now);
}
