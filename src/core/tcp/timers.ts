import { type Micros, NEVER } from '../base/time.ts';
import { FALLBACK_RTO, MIN_RTO, type TcpConfig } from './config.ts';
import { isOutOfResources, orphanRetries } from './orphans.ts';
import { onCompressedAckTimer, onDelayedAckTimer } from './receive/ackPolicy.ts';
import { suspectBlackhole } from './send/fastOpenClient.ts';
import { onKeepAliveTimer } from './send/keepAlive.ts';
import { onReorderingTimeout, onTimeout } from './send/lossRecovery.ts';
import { suspectBlackHole } from './send/mtuProbing.ts';
import { onPacingTimer } from './send/pacing.ts';
import { onPersistTimer } from './send/persist.ts';
import { onProbeTimer } from './send/tailLossProbe.ts';
import { closeTcb, Event, giveUp, outstanding, type Tcb, Timer } from './tcb.ts';

/**
 * What happens when a timer of a connection expires. A handler changes state alone; `output`, later
 * in the same turn, sends what it asks for.
 *
 * @rfc 9293 3.10.8
 */
export function onDeadline(tcb: Tcb, now: Micros): void {
  if (takeExpired(tcb, Timer.TIME_WAIT, now)) onTimeWaitTimer(tcb, now);
  if (takeExpired(tcb, Timer.RETRANSMISSION, now)) onRetransmissionTimeout(tcb, now);
  if (isExpired(tcb, Timer.LOSS_PROBE, now)) onProbeTimer(tcb, now);
  if (isExpired(tcb, Timer.REORDERING, now)) onReorderingTimeout(tcb, now);
  if (takeExpired(tcb, Timer.PERSIST, now)) onPersistTimer(tcb, now);
  if (takeExpired(tcb, Timer.DELAYED_ACK, now)) onDelayedAckTimer(tcb);
  if (takeExpired(tcb, Timer.COMPRESSED_ACK, now)) onCompressedAckTimer(tcb);
  if (takeExpired(tcb, Timer.PACING, now)) onPacingTimer(tcb);
  if (takeExpired(tcb, Timer.KEEPALIVE, now)) onKeepAliveTimer(tcb, now);
}

/** TIME-WAIT is over, or FIN-WAIT-2 has lasted too long. */
function onTimeWaitTimer(tcb: Tcb, now: Micros): void {
  if (tcb.state === 'TIME-WAIT') tcb.shared.counters.TW++;
  closeTcb(tcb, null, now);
}

/** The earliest deadline; {@link NEVER}: no timer runs. */
export function earliestDeadline(tcb: Tcb): Micros {
  const { deadlines } = tcb;
  let earliest = NEVER;
  for (let i = 0; i < deadlines.length; i++) {
    const at = deadlines[i] ?? NEVER;
    if (at < earliest) earliest = at;
  }
  return earliest;
}

function isExpired(tcb: Tcb, timer: number, now: Micros): boolean {
  return (tcb.deadlines[timer] ?? NEVER) <= now;
}

function takeExpired(tcb: Tcb, timer: number, now: Micros): boolean {
  if (!isExpired(tcb, timer, now)) return false;
  tcb.deadlines[timer] = NEVER;
  return true;
}

/**
 * Giving up is silent, as in Linux: a RST would not arrive either, and a peer that still lives gets one
 * for its next segment.
 *
 * "For any state if the retransmission timeout expires on a segment in the retransmission queue".
 */
function onRetransmissionTimeout(tcb: Tcb, now: Micros): void {
  if (outstanding(tcb) === 0) return;
  tcb.shared.counters.TCPTimeouts++;
  if (tcb.state === 'SYN-SENT' || tcb.state === 'SYN-RECEIVED' || tcb.fastOpen.pending) {
    onSynTimeout(tcb, now);
    return;
  }
  if (tcb.orphan && isOutOfResources(tcb, isAlive(tcb), now)) return;
  const isOver = isGivenUp(tcb, now);
  suspectBlackhole(tcb, isOver, now);
  if (isOver) {
    giveUp(tcb, now);
    return;
  }
  if (isAdvised(tcb, now)) suspectBlackHole(tcb, now);
  onTimeout(tcb, now);
  advise(tcb, now);
  // SHLD-17: octets beyond a window that the peer shrank are no reason to end the connection.
  if (tcb.snd.wnd === 0 && isHeard(tcb, now)) tcb.recovery.since = now;
}

/** @rfc 9293 3.8.3 MUST-22, 6298 5.7 */
function onSynTimeout(tcb: Tcb, now: Micros): void {
  const { recovery, config } = tcb;
  const isActive = tcb.state === 'SYN-SENT';
  // of an active open time counts from the first SYN on
  if (recovery.retries === 0) recovery.since = isActive ? tcb.retransmitQueue.sentAt(0) : now;
  const isOver = isActive ? isOpenGivenUp(tcb, now) : isAnswerGivenUp(tcb, now);
  if (!tcb.fastOpen.pending) suspectBlackhole(tcb, isOver, now);
  if (isOver) {
    giveUp(tcb, now);
    return;
  }
  recovery.retries++;
  if (config.synPlainAfter > 0 && recovery.retries >= config.synPlainAfter) dropOptions(tcb);
  advise(tcb, now);
  if (!isActive || recovery.retries > config.synLinearTimeouts) tcb.rtt.backoff++;
  // Deviates from RFC 5681 3.1 ("a SYN or SYN/ACK is lost ... MUST be one segment") as Linux does,
  // since a timeout of one second (RFC 6298 2.1) may well be spurious (tcp_init_transfer).
  if (isActive && recovery.retries > 1) tcb.congestion.onSynLost();
  // As Linux does (tcp_enter_loss): to the peer this timeout is a reduction like any other.
  if (isActive) tcb.ecn.cwrOwed = tcb.ecn.on;
  tcb.synOwed = 'handshake-retransmission';
}

/** Somebody on the way may not like the options of our SYN. */
function dropOptions(tcb: Tcb): void {
  if (tcb.state !== 'SYN-SENT') return;
  tcb.ts.on = false;
  tcb.windowScaling = false;
  tcb.sackPermitted = false;
}

/** R1: "pass negative advice to the IP layer", and tell the user. @rfc 9293 3.8.3 MUST-20 */
function advise(tcb: Tcb, now: Micros): void {
  if (tcb.recovery.retries !== tcb.config.adviceRetries) return;
  tcb.flow.suspect(now);
  tcb.events |= Event.UNANSWERED;
}

/** Has the time passed that R1 repetitions take? */
function isAdvised({ recovery, config }: Tcb, now: Micros): boolean {
  const { retries, since } = recovery;
  return retries > 0 && now - since >= doubled(MIN_RTO, config.adviceRetries, config);
}

/** Linux's retransmits_timed_out(): the time that `synRetries` doubled timeouts take is over. */
function isOpenGivenUp({ recovery, config }: Tcb, now: Micros): boolean {
  const { userTimeout, initialRto, synRetries } = config;
  if (config.givingUp === 'count' && userTimeout === 0) return recovery.retries >= synRetries;
  const limit = userTimeout > 0 ? userTimeout : doubled(initialRto, synRetries, config);
  return now - recovery.since >= limit;
}

function isAnswerGivenUp({ recovery, config, gate, fastOpen }: Tcb, now: Micros): boolean {
  // one more than otherwise, as Linux: the user may have it already (tcp_fastopen_synack_timer)
  if (fastOpen.pending) return recovery.retries > config.synAckRetries;
  const most = gate === null ? config.synAckRetries : gate.synAckRetries(config.synAckRetries);
  if (recovery.retries >= most) return true;
  const { userTimeout } = config;
  return recovery.retries > 0 && userTimeout > 0 && now - recovery.since >= userTimeout;
}

/** Called when the handshake is complete: a SYN that was repeated may have measured nothing. */
export function onHandshakeComplete(tcb: Tcb): void {
  if (tcb.rtt.srtt === 0) tcb.rtt.restart(FALLBACK_RTO);
  tcb.recovery.retries = 0;
}

/**
 * Has R2, or the user timeout, passed since the segment was first repeated? R2 is the time that
 * `dataRetries` repetitions with exponential backoff take when the first waits {@link MIN_RTO},
 * whatever the path's RTO or its `minRto` is (Linux's arithmetic, in retransmits_timed_out).
 *
 * @rfc 9293 3.8.3 SHLD-11
 */
function isGivenUp(tcb: Tcb, now: Micros): boolean {
  const { recovery, config } = tcb;
  if (recovery.retries === 0) return false;
  const retries = tcb.orphan ? orphanRetries(tcb, isAlive(tcb)) : config.dataRetries;
  if (config.givingUp === 'count' && config.userTimeout === 0) return recovery.retries >= retries;
  const { userTimeout } = config;
  const limit = userTimeout > 0 ? userTimeout : doubled(MIN_RTO, retries, config);
  return now - recovery.since >= limit;
}

/** Its timeout has not become the longest one. */
function isAlive({ rtt, config }: Tcb): boolean {
  return rtt.rto < config.maxRto;
}

/** The time that so many repetitions take when the first waits `first`, and each one twice as long. */
function doubled(first: Micros, retries: number, { maxRto }: TcpConfig): Micros {
  let total = 0;
  for (let i = 0; i <= retries; i++) total += Math.min(first * 2 ** Math.min(i, 30), maxRto);
  return total;
}

function isHeard(tcb: Tcb, now: Micros): boolean {
  return now - tcb.heardAt < 2 * tcb.config.maxRto;
}
