import { le, lt } from '../../base/seq.ts';
import { type Micros, MS } from '../../base/time.ts';
import { DUPLICATE_ACK_THRESHOLD, MAX_REORDERING } from '../config.ts';
import { hasUnsent, outstanding, type Tcb, Timer } from '../tcb.ts';
import { inFlight, isAnyResent, isReducing, sackedOut, setCwnd } from './inFlight.ts';
import { markLostByCount } from './isLost.ts';
import { failMtuProbe } from './mtuProbing.ts';
import { detectLoss, markLost, markLostByRack, timeLeft } from './rack.ts';
import { situation } from './situation.ts';
import { armRetransmission, rearmTimeout, setTimer } from './transmitTimer.ts';
import { beginUndo, endByUndo, undoByDuplicates, undoLoss, undoPartial } from './undo.ts';
import {
  beginReduction,
  currentSsthresh,
  endReduction,
  enterCwr,
  keepOpen,
  reduce,
} from './windowReduction.ts';

/**
 * Which segments are lost, and what that means for cwnd: the phases of recovery, as in Linux's
 * tcp_fastretrans_alert.
 *
 * ```
 *            a hole              lost (RACK, or three duplicate ACKs)
 *     open --------> disorder ----------------------------------> recovery
 *      ^  ^              |                                           |
 *      |  +--------------+        SND.UNA reaches the point          |
 *      +-------------------------------------------------------------+
 *      |                    the same                     timeout, from any
 *      +-------------------------------- loss <---------------------
 * ```
 *
 * What is true here: input and timers mark, `retransmit.ts` sends what is marked. Nothing is sent
 * from here.
 *
 * @rfc 5681 3.2, 6582 3.2, 6675 5, 8985 6
 */

/** Shortest wait for a peer that has taken back a report to report it again. */
const RENEGING_WAIT: Micros = 10 * MS;

/**
 * An ACK that is not plain progress: it is a duplicate, reports something, or comes while something
 * is being repaired.
 * @param duplicates 1: it is a duplicate ACK. @rfc 5681 2
 */
export function onDubiousAck(tcb: Tcb, duplicates: 0 | 1, now: Micros): void {
  const { recovery, news } = tcb;
  if (news.marked) recovery.priorSsthresh = 0; // the reduction is called for, and stays
  if (isReneging(tcb, now)) return;
  if (recovery.phase === 'open') recovery.retransStamp = 0;
  else if (le(recovery.point, tcb.snd.una) && !endPhase(tcb)) return;
  switch (recovery.phase) {
    case 'recovery':
      if (!continueRecovery(tcb, duplicates, now)) return;
      break;
    case 'loss':
      continueLoss(tcb, duplicates);
      identifyLoss(tcb, now);
      if (!isOpen(tcb) && !news.resentLost) return;
      if (!beginIfLost(tcb, duplicates, now)) return;
      break;
    default:
      if (!beginIfLost(tcb, duplicates, now)) return;
  }
  recovery.rexmit = 'lost';
}

/** The phase, read anew after a call that may have changed it. */
function isOpen(tcb: Tcb): boolean {
  return tcb.recovery.phase === 'open';
}

/** An ACK reached the recovery point. @returns false: nothing more is to be done */
function endPhase(tcb: Tcb): boolean {
  const { recovery, snd } = tcb;
  if (recovery.phase === 'cwr') {
    if (snd.una !== recovery.point) {
      endReduction(tcb);
      recovery.phase = 'open';
    }
  } else if (recovery.phase === 'recovery') {
    recovery.duplicateAcks = 0;
    if (!endByUndo(tcb)) return false;
    endReduction(tcb);
  }
  return true;
}

/** @returns false: nothing is to be sent again now */
function continueRecovery(tcb: Tcb, duplicates: 0 | 1, now: Micros): boolean {
  const { recovery, news } = tcb;
  if (!news.advanced) addDuplicates(tcb, duplicates);
  else if (undoPartial(tcb)) return false;
  if (undoByDuplicates(tcb)) tryToOpen(tcb);
  identifyLoss(tcb, now);
  if (recovery.phase === 'recovery') return true;
  if (tcb.retransmitQueue.lostOut === 0) return false;
  enterRecovery(tcb);
  return true;
}

/** Open, disorder or window reduction: does recovery begin? */
function beginIfLost(tcb: Tcb, duplicates: 0 | 1, now: Micros): boolean {
  const { recovery, news } = tcb;
  if (!tcb.sackPermitted) {
    if (news.advanced) recovery.duplicateAcks = 0;
    addDuplicates(tcb, duplicates);
  }
  if (recovery.phase === 'open' || recovery.phase === 'disorder') undoByDuplicates(tcb);
  identifyLoss(tcb, now);
  if (tcb.retransmitQueue.lostOut === 0) {
    tryToOpen(tcb);
    return false;
  }
  if (failMtuProbe(tcb)) {
    repeatTooLong(tcb);
    return false;
  }
  enterRecovery(tcb);
  recovery.force = 'fast-retransmit';
  return true;
}

/** A timeout has marked all as lost. F-RTO finds out whether it was spurious. @rfc 5682 3.1 */
function continueLoss(tcb: Tcb, duplicates: 0 | 1): void {
  const { recovery, news, snd } = tcb;
  const recovered = le(recovery.point, snd.una);
  if (news.advanced && undoLoss(tcb, 'perhaps')) return;
  if (recovery.frto && followFrto(tcb, duplicates, recovered)) return;
  if (recovered) {
    endByUndo(tcb);
    return;
  }
  if (!tcb.sackPermitted) {
    if (lt(recovery.point, snd.nxt) && duplicates > 0) addDuplicates(tcb, duplicates);
    else if (news.advanced) recovery.duplicateAcks = 0;
  }
  recovery.rexmit = 'lost';
}

/**
 * The steps of F-RTO with SACK. @returns true: nothing else is to be done with this ACK
 * @rfc 5682 3.1
 */
function followFrto(tcb: Tcb, duplicates: 0 | 1, recovered: boolean): boolean {
  const { recovery, news, snd } = tcb;
  // Step 3.b: "SACK information that was not retransmitted": something of the flight arrived.
  if (news.originalArrived && undoLoss(tcb, 'by-frto')) return true;
  if (lt(recovery.point, snd.nxt)) {
    if (news.sacked || duplicates > 0) recovery.frto = false; // step 3.a: the loss was real
    return false;
  }
  if (!news.advanced || recovered) return false;
  recovery.point = snd.nxt;
  // Step 2.b: "transmit up to two new (previously unsent) segments".
  if (hasUnsent(tcb) && snd.wnd > outstanding(tcb)) {
    recovery.rexmit = 'new';
    return true;
  }
  recovery.frto = false;
  return false;
}

/** What RACK, or what the peer has reported, or for one without SACK the count of duplicate ACKs, says is lost. */
function identifyLoss(tcb: Tcb, now: Micros): void {
  const { recovery, retransmitQueue: queue, news } = tcb;
  if (queue.count === 0) return;
  if (!tcb.sackPermitted) {
    const begins = !isRepairing(tcb) && recovery.duplicateAcks >= recovery.reordering;
    const partial = recovery.phase === 'recovery' && news.advanced;
    if ((begins || partial) && !queue.isLost(0)) markLost(tcb, 0);
    if (partial) recovery.force = 'partial-ack'; // RFC 6582 3.2 step 3
    return;
  }
  if (tcb.config.lossDetection === 'count') {
    markLostByCount(tcb);
    return;
  }
  const before = queue.resentOut;
  if (markLostByRack(tcb, now)) news.setTimer = false;
  if (queue.resentOut < before) news.resentLost = true;
}

function isRepairing({ recovery: { phase } }: Tcb): boolean {
  return phase === 'recovery' || phase === 'loss';
}

/** A duplicate ACK without SACK: one segment more has left the network (tcp_add_reno_sack). */
function addDuplicates(tcb: Tcb, duplicates: 0 | 1): void {
  const { recovery } = tcb;
  if (tcb.sackPermitted || duplicates === 0) return;
  const before = recovery.duplicateAcks;
  recovery.duplicateAcks += duplicates;
  checkDuplicates(tcb, 0);
  recovery.delivered += Math.max(0, recovery.duplicateAcks - before);
}

/** `acked` segments were acknowledged: one was the hole, the others had been counted before. */
export function removeDuplicates(tcb: Tcb, acked: number): void {
  const { recovery } = tcb;
  if (acked > 0) {
    recovery.delivered += Math.max(1, acked - recovery.duplicateAcks);
    recovery.duplicateAcks = Math.max(0, recovery.duplicateAcks - (acked - 1));
  }
  checkDuplicates(tcb, acked);
}

/** More duplicate ACKs than segments: the network puts them out of order (tcp_check_reno_reordering). */
function checkDuplicates(tcb: Tcb, acked: number): void {
  const { recovery, retransmitQueue: queue } = tcb;
  const holes = Math.min(Math.max(1, queue.lostOut), queue.count);
  if (recovery.duplicateAcks + holes <= queue.count) return;
  recovery.duplicateAcks = queue.count - holes;
  recovery.reordering = Math.min(queue.count + acked, MAX_REORDERING);
  recovery.reorderings++;
}

function tryToOpen(tcb: Tcb): void {
  const { recovery } = tcb;
  if (!isAnyResent(tcb)) recovery.retransStamp = 0;
  if (tcb.news.marked) enterCwr(tcb);
  if (recovery.phase !== 'cwr') keepOpen(tcb);
}

/** Fast recovery begins (tcp_enter_recovery). @rfc 5681 3.2, 6675 5 */
function enterRecovery(tcb: Tcb): void {
  const { recovery } = tcb;
  if (!isAnyResent(tcb)) recovery.retransStamp = 0;
  recovery.priorSsthresh = 0;
  beginUndo(tcb);
  if (!isReducing(recovery.phase)) {
    if (!tcb.news.marked) recovery.priorSsthresh = currentSsthresh(tcb);
    beginReduction(tcb, 'loss');
  }
  recovery.phase = 'recovery';
  if (tcb.sackPermitted) tcb.shared.counters.TCPSackRecovery++;
  else tcb.shared.counters.TCPRenoRecovery++;
}

/**
 * The peer acknowledged up to a segment that it had reported, and not that: it has taken it back. A
 * timeout will forget its reports, unless they come again soon (tcp_check_sack_reneging). @rfc 2018 8
 */
function isReneging(tcb: Tcb, now: Micros): boolean {
  const { news, rtt } = tcb;
  if (!news.reneging || !news.advanced) return false;
  setTimer(tcb, Timer.RETRANSMISSION, now + Math.max(Math.floor(rtt.srtt / 2), RENEGING_WAIT));
  news.setTimer = false;
  return true;
}

/** The reordering window of what was late is over (tcp_rack_reo_timeout). @rfc 8985 6.3 */
export function onReorderingTimeout(tcb: Tcb, now: Micros): void {
  const { recovery } = tcb;
  const before = inFlight(tcb);
  detectLoss(tcb, now);
  if (inFlight(tcb) !== before) {
    if (recovery.phase !== 'recovery') {
      tcb.news.marked = false;
      enterRecovery(tcb);
      recovery.force = 'fast-retransmit';
      tcb.news.advanced = false;
      if (!tcb.congestion.ownsCwnd) reduce(tcb, 1, 0);
    }
    recovery.rexmit = 'lost';
  }
  rearmTimeout(tcb, now);
}

/** The retransmission timer expired (tcp_enter_loss). @rfc 5681 3.1, 6298 5.4-5.6, 5682 3.1 step 1 */
export function onTimeout(tcb: Tcb, now: Micros): void {
  const { recovery, congestion } = tcb;
  const isNew = !isRepairing(tcb);
  if (recovery.retries === 0) countTimeout(tcb);
  markTimedOut(tcb, now);
  const calm = recovery.phase === 'open' || recovery.phase === 'disorder';
  const again = recovery.phase === 'loss' && recovery.retries === 0;
  if (calm || le(recovery.point, tcb.snd.una) || again) {
    recovery.priorSsthresh = currentSsthresh(tcb);
    recovery.priorCwnd = Math.max(1, Math.floor(congestion.cwnd / tcb.snd.mss));
    congestion.onRto(true, situation(tcb, now));
    beginUndo(tcb);
  } else {
    congestion.onRto(false, situation(tcb, now));
  }
  setCwnd(tcb, inFlight(tcb) + 1);
  if (calm && sackedOut(tcb) >= DUPLICATE_ACK_THRESHOLD) {
    recovery.reordering = Math.min(recovery.reordering, DUPLICATE_ACK_THRESHOLD);
  }
  recovery.frto = isNew || recovery.retries > 0;
  recovery.phase = 'loss';
  recovery.point = tcb.snd.nxt;
  recovery.tlpEnd = null;
  tcb.ecn.cwrOwed = tcb.ecn.on;
  recovery.force = 'rto';
  recovery.rexmit = 'lost';
  if (recovery.retries === 0) recovery.since = now;
  recovery.retries++;
  tcb.rtt.backoff++;
  armRetransmission(tcb, now);
}

/** What was going on when the first of a row of timeouts put an end to it (tcp_retransmit_timer). */
function countTimeout(tcb: Tcb): void {
  const { counters } = tcb.shared;
  const { phase } = tcb.recovery;
  if (phase === 'recovery') {
    if (tcb.sackPermitted) counters.TCPSackRecoveryFail++;
    else counters.TCPRenoRecoveryFail++;
  } else if (phase === 'loss') {
    counters.TCPLossFailures++;
  } else if (phase === 'disorder' || sackedOut(tcb) > 0) {
    if (tcb.sackPermitted) counters.TCPSackFailures++;
    else counters.TCPRenoFailures++;
  }
}

/**
 * All that is in flight is lost, except what was sent so late that its answer may be on its way. What
 * the peer reported counts no more if SND.UNA is among it.
 *
 * Deviates from RFC 2018 8 ("SHOULD turn off all of the SACKed bits") as Linux does: the reports are
 * believed as long as they do not contradict the ACK.
 */
function markTimedOut(tcb: Tcb, now: Micros): void {
  const { retransmitQueue: queue, recovery } = tcb;
  const reneged = queue.count > 0 && queue.isSacked(0);
  if (reneged) {
    tcb.shared.counters.TCPSACKReneging++;
    queue.forgetSacked();
    recovery.reneged = true;
  } else if (!tcb.sackPermitted) {
    recovery.duplicateAcks = 0;
  }
  const byTime = tcb.config.lossDetection === 'rack' && !reneged;
  for (let i = 0; i < queue.count; i++) {
    if (i > 0 && byTime && timeLeft(tcb, i, 0, now) > 0) continue;
    markLost(tcb, i);
  }
}

/**
 * Segments in flight that do not fit the path (any more) are sent again at once, without a word to
 * congestion control: they were too long, not too many (tcp_simple_retransmit).
 *
 * @rfc 1191 6.4
 */
export function repeatTooLong(tcb: Tcb): void {
  const { retransmitQueue: queue, snd } = tcb;
  for (let i = 0; i < queue.count; i++) {
    if (queue.octets(i) > snd.mss) markLost(tcb, i);
  }
  if (queue.lostOut > 0) repairUnreduced(tcb);
}

/**
 * What is marked lost goes out again as far as cwnd allows, and cwnd stays: no congestion is to blame (tcp_non_congestion_loss_retransmit).
 */
export function repairUnreduced(tcb: Tcb): void {
  const { snd, recovery, congestion } = tcb;
  if (recovery.phase !== 'loss') {
    recovery.point = snd.nxt;
    congestion.ssthresh = currentSsthresh(tcb);
    recovery.priorSsthresh = 0;
    recovery.undoMarker = null;
    recovery.phase = 'loss';
  }
  recovery.rexmit = 'lost';
}
