import { NO_THRESHOLD } from '../config.ts';
import type { Tcb } from '../tcb.ts';
import {
  cwndSegments,
  inFlight,
  isAnyResent,
  isReducing,
  leftOut,
  setCwnd,
  ssthreshSegments,
} from './inFlight.ts';

/**
 * Proportional rate reduction: while cwnd is reduced, each segment that is delivered lets a share of
 * one go, so that sending does not pause, and at the end cwnd is ssthresh. The steps are those of
 * Linux's tcp_cwnd_reduction.
 *
 * @rfc 6937 3
 */

/** The window is to be reduced: congestion control says to what (tcp_init_cwnd_reduction). */
export function beginReduction(tcb: Tcb, cause: 'loss' | 'mark'): void {
  const { recovery, congestion } = tcb;
  recovery.point = tcb.snd.nxt;
  recovery.tlpEnd = null;
  recovery.priorCwnd = cwndSegments(tcb);
  recovery.prrDelivered = 0;
  recovery.prrOut = 0;
  if (cause === 'loss') congestion.onLoss();
  else congestion.onEcn(tcb.config.ecnBackoff);
  tcb.ecn.cwrOwed = tcb.ecn.on;
}

/**
 * A router has marked a segment: the window is reduced, though nothing is to be repaired, until all is
 * acknowledged that was sent before (tcp_enter_cwr). "the TCP sender should not react ... more than once
 * every window of data".
 *
 * @rfc 3168 6.1.2
 */
export function enterCwr(tcb: Tcb): void {
  const { recovery } = tcb;
  recovery.priorSsthresh = 0;
  if (recovery.phase !== 'open' && recovery.phase !== 'disorder') return;
  recovery.undoMarker = null;
  beginReduction(tcb, 'mark');
  recovery.phase = 'cwr';
}

/**
 * `delivered` segments have arrived, and `lost` were found lost. "SafeACK": SND.UNA advanced and
 * nothing more is lost, so that one more may go.
 *
 * @rfc 6937 3.1
 */
export function reduce(tcb: Tcb, delivered: number, lost: number): void {
  const { recovery, news } = tcb;
  if (delivered <= 0 || recovery.priorCwnd === 0) return;
  const flight = inFlight(tcb);
  const ssthresh = ssthreshSegments(tcb);
  const delta = ssthresh - flight;
  recovery.prrDelivered += delivered;
  let count: number;
  if (delta < 0) {
    count = Math.ceil((ssthresh * recovery.prrDelivered) / recovery.priorCwnd) - recovery.prrOut;
  } else {
    count = Math.max(recovery.prrDelivered - recovery.prrOut, delivered);
    if (news.advanced && lost === 0) count++;
    count = Math.min(delta, count);
  }
  // The fast retransmit itself always goes.
  count = Math.max(count, recovery.prrOut > 0 ? 0 : 1);
  setCwnd(tcb, flight + count);
}

/** cwnd becomes ssthresh, unless the reduction was undone (tcp_end_cwnd_reduction). */
export function endReduction(tcb: Tcb): void {
  const { recovery, congestion } = tcb;
  if (congestion.ownsCwnd || congestion.ssthresh === NO_THRESHOLD) return;
  if (recovery.phase === 'cwr' || recovery.undoMarker !== null)
    congestion.cwnd = congestion.ssthresh;
}

/** ssthresh for a window that is to be restored later (tcp_current_ssthresh). */
export function currentSsthresh(tcb: Tcb): number {
  const { congestion, recovery, snd } = tcb;
  if (isReducing(recovery.phase)) return congestion.ssthresh;
  const cwnd = cwndSegments(tcb);
  return Math.max(congestion.ssthresh, (Math.floor(cwnd / 2) + Math.floor(cwnd / 4)) * snd.mss);
}

/** Nothing is being repaired: `open`, or `disorder` if something is out of order (tcp_try_keep_open). */
export function keepOpen(tcb: Tcb): void {
  const { recovery } = tcb;
  const phase = leftOut(tcb) > 0 || isAnyResent(tcb) ? 'disorder' : 'open';
  if (recovery.phase === phase) return;
  recovery.phase = phase;
  recovery.point = tcb.snd.nxt;
}
