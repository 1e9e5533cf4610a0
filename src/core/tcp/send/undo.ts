import { lt } from '../../base/seq.ts';
import type { Tcb } from '../tcb.ts';
import { isAnyResent, isEchoBefore } from './inFlight.ts';
import { RECOVERY_THRESHOLD } from './rack.ts';
import { noteReordering } from './scoreboard.ts';
import { deliveryCounts } from './situation.ts';
import { keepOpen } from './windowReduction.ts';

/**
 * A reduction of cwnd that turns out to have been needless is taken back: when D-SACK has reported
 * every repetition, or when an ACK echoes a timestamp from before the first of them. The steps are
 * those of Linux's tcp_try_undo_*.
 *
 * @rfc 3522 3.2, 3708 3, 4015 3
 */

/** A window is about to be reduced that may be restored later (tcp_init_undo). */
export function beginUndo(tcb: Tcb): void {
  const { recovery, retransmitQueue: queue } = tcb;
  recovery.undoMarker = tcb.snd.una;
  const probe = recovery.tlpEnd !== null && recovery.tlpRetrans ? 1 : 0;
  recovery.undoRetrans = queue.resentOut + probe || -1;
}

/** The end of a recovery. @returns false: the phase is to stay for now (tcp_try_undo_recovery) */
export function endByUndo(tcb: Tcb): boolean {
  const { recovery, rack } = tcb;
  if (mayUndo(tcb)) {
    if (recovery.phase === 'loss') tcb.shared.counters.TCPLossUndo++;
    else tcb.shared.counters.TCPFullUndo++;
    restore(tcb);
  } else if (rack.persist > 0) rack.persist--;
  if (mustNotReopen(tcb)) return false;
  recovery.phase = 'open';
  recovery.reneged = false;
  return true;
}

/**
 * SND.UNA advanced within a recovery. If what it covers was only late, the segments at its end are
 * not lost either.
 *
 * @returns true: something is out that was sent twice; nothing else is believed lost meanwhile
 *   (tcp_try_undo_partial)
 */
export function undoPartial(tcb: Tcb): boolean {
  const { recovery, retransmitQueue: queue, news } = tcb;
  if (recovery.undoMarker === null || !isDelayed(tcb)) return false;
  noteReordering(tcb, news.una);
  if (queue.resentOut > 0) return true;
  if (!isAnyResent(tcb)) recovery.retransStamp = 0;
  queue.unmarkLost();
  restore(tcb);
  tcb.shared.counters.TCPPartialUndo++;
  keepOpen(tcb);
  return false;
}

/** Has D-SACK reported all that was sent twice (tcp_try_undo_dsack)? */
export function undoByDuplicates(tcb: Tcb): boolean {
  const { recovery, rack } = tcb;
  if (recovery.undoMarker === null || recovery.undoRetrans !== 0) return false;
  rack.persist = Math.min(RECOVERY_THRESHOLD, rack.persist + 1);
  restore(tcb);
  tcb.shared.counters.TCPDSACKUndo++;
  return true;
}

/**
 * Was the timeout spurious (tcp_try_undo_loss)?
 * @param found F-RTO says so. @rfc 5682 3.1 step 3b
 */
export function undoLoss(tcb: Tcb, found: 'by-frto' | 'perhaps'): boolean {
  const { recovery } = tcb;
  if (found === 'perhaps' && !mayUndo(tcb)) return false;
  tcb.retransmitQueue.unmarkLost();
  restore(tcb);
  tcb.shared.counters.TCPLossUndo++;
  if (found === 'by-frto') tcb.shared.counters.TCPSpuriousRTOs++;
  recovery.retries = 0;
  if (mustNotReopen(tcb)) return true;
  if (found === 'by-frto' || tcb.sackPermitted) {
    recovery.phase = 'open';
    recovery.reneged = false;
  }
  return true;
}

/** (tcp_may_undo) */
function mayUndo(tcb: Tcb): boolean {
  const { recovery } = tcb;
  return recovery.undoMarker !== null && (recovery.undoRetrans === 0 || isDelayed(tcb));
}

/** Does the ACK answer what was sent before anything was sent twice (tcp_packet_delayed)? @rfc 3522 3.2 */
function isDelayed(tcb: Tcb): boolean {
  const { retransStamp, point } = tcb.recovery;
  if (retransStamp !== 0) return isEchoBefore(tcb, retransStamp);
  // Nothing was sent again yet; or it was, and the stamp has been cleared by mustNotReopen().
  return tcb.sackPermitted || lt(tcb.snd.una, point);
}

/** cwnd and ssthresh as they were (tcp_undo_cwnd_reduction). @rfc 4015 3.2 */
function restore(tcb: Tcb): void {
  const { recovery, congestion, rack } = tcb;
  if (recovery.priorSsthresh > 0) {
    congestion.onUndo(recovery.priorCwnd, deliveryCounts(tcb));
    if (recovery.priorSsthresh > congestion.ssthresh) {
      congestion.ssthresh = recovery.priorSsthresh;
      tcb.ecn.cwrOwed = false;
    }
  }
  recovery.undoMarker = null;
  rack.advanced = true; // what else is lost is looked for again
}

/**
 * Without SACK the phase lasts until an ACK goes beyond the recovery point, so that the duplicate
 * ACKs of repetitions begin no other one (tcp_is_non_sack_preventing_reopen). @rfc 6582 3.2 step 1
 */
function mustNotReopen(tcb: Tcb): boolean {
  const { recovery } = tcb;
  if (tcb.sackPermitted || tcb.snd.una !== recovery.point) return false;
  if (!isAnyResent(tcb)) recovery.retransStamp = 0;
  return true;
}
