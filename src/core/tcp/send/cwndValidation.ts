import type { Micros } from '../../base/time.ts';
import { INITIAL_WINDOW_SEGMENTS } from '../config.ts';
import type { Tcb } from '../tcb.ts';
import { cwndSegments, setCwnd } from './inFlight.ts';
import { currentSsthresh } from './windowReduction.ts';

/**
 * A window that is not used says nothing of the path: it may not grow, and shrinks when it was not
 * used for long.
 *
 * @rfc 7661 1, 4.1
 */

/** Was cwnd what held the sender back? (Linux: tcp_is_cwnd_limited) @rfc 7661 4.1 */
export function isCwndLimited(tcb: Tcb): boolean {
  const { cwnd, ssthresh } = tcb.congestion;
  return tcb.cwndUsage.isLimited(cwndSegments(tcb), cwnd < ssthresh);
}

/** New text was sent, or was not because of cwnd, which is `limited` (Linux: tcp_cwnd_validate). */
export function validateCwnd(tcb: Tcb, limited: boolean, now: Micros): void {
  const { cwndUsage: usage, retransmitQueue: queue, snd } = tcb;
  usage.note(limited, queue.count, snd);
  if (isCwndLimited(tcb)) {
    usage.restart(now);
    return;
  }
  usage.used = Math.max(usage.used, queue.count);
  if (tcb.congestion.ownsCwnd) return;
  if (tcb.config.slowStartAfterIdle && now - usage.since >= tcb.rtt.rto) shrink(tcb, now);
}

/**
 * For a timeout the application or the peer's window has held the sender back: cwnd falls half the
 * way to what was used, and ssthresh remembers it (Linux: tcp_cwnd_application_limited).
 */
function shrink(tcb: Tcb, now: Micros): void {
  const { cwndUsage: usage, congestion, recovery } = tcb;
  usage.since = now;
  if (recovery.phase !== 'open' || tcb.writeBlocked) return;
  const cwnd = cwndSegments(tcb);
  const used = Math.max(usage.used, INITIAL_WINDOW_SEGMENTS);
  usage.used = 0;
  if (used >= cwnd) return;
  congestion.ssthresh = currentSsthresh(tcb);
  setCwnd(tcb, Math.floor((cwnd + used) / 2));
}
