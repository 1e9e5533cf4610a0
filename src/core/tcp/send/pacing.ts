import { type Micros, SECOND } from '../../base/time.ts';
import { outstanding, type Tcb, Timer } from '../tcb.ts';
import { cwndSegments, inFlight } from './inFlight.ts';
import { UNLIMITED } from './pace.ts';

/**
 * Pacing: text leaves burst by burst at a rate, and not as soon as an ACK lets it go. Each burst puts
 * off the next one by the time that it takes at that rate; what is owed meanwhile waits for the timer.
 * The steps are those of Linux's internal pacing (tcp_pacing_check, tcp_update_skb_after_send).
 *
 * What is true here: without pacing the rate is known all the same, as it says how long bursts are.
 */

/** Segments that leave unpaced when a connection begins (Linux). */
const UNPACED_SEGMENTS = 10;
/** Pace as a share of cwnd in each round trip (Linux: tcp_pacing_ss_ratio, tcp_pacing_ca_ratio). */
const PACE_IN_SLOW_START = 2;
const PACE_IN_AVOIDANCE = 1.2;

/**
 * Is pacing asked for, by the user or by congestion control? What asked for it once is not forgotten,
 * as in Linux: another controller may follow, and a bound may be taken away (SK_PACING_NEEDED).
 */
export function isPaced({ config, pace }: Tcb): boolean {
  return config.pacing || pace.isNeeded;
}

/** The handshake is over, or another controller takes over: the pace that it begins with, if it has one. */
export function beginPace(tcb: Tcb): void {
  if (tcb.congestion.paces) tcb.pace.isNeeded = true;
  if (tcb.congestion.ownsCwnd) updatePace(tcb);
}

/** Must text wait? Then the timer says until when (tcp_pacing_check). */
export function mustWaitForPace(tcb: Tcb, now: Micros): boolean {
  const { pace, deadlines } = tcb;
  if (pace.next <= now || !isPaced(tcb)) return false;
  deadlines[Timer.PACING] = Math.ceil(pace.next);
  return true;
}

/** The timer expired: what is lost goes before what is new (tcp_tsq_write). */
export function onPacingTimer(tcb: Tcb): void {
  const { recovery, retransmitQueue: queue } = tcb;
  if (queue.lostOut > queue.resentOut && cwndSegments(tcb) > inFlight(tcb)) {
    recovery.rexmit = 'lost';
  }
}

/** A burst of so many octets of text has left (tcp_update_skb_after_send). */
export function onPaced(tcb: Tcb, octets: number, now: Micros): void {
  const { pace } = tcb;
  const before = pace.next;
  pace.next = Math.max(before, now);
  pace.segments += Math.ceil(octets / tcb.snd.mss);
  if (pace.rate === UNLIMITED || pace.rate <= 0 || !isPaced(tcb)) return;
  if (pace.segments < UNPACED_SEGMENTS) return;
  const takes = (octets * SECOND) / pace.rate;
  // A timer that was late is made up for, up to half of the time.
  pace.next += takes - Math.min(takes / 2, pace.next - before);
}

/** An ACK was processed, or the handshake is over: the pace that follows (tcp_update_pacing_rate). */
export function updatePace(tcb: Tcb): void {
  const { congestion, pace, rtt } = tcb;
  let rate = congestion.pacingRate;
  if (rate === 0) {
    const { cwnd, ssthresh } = congestion;
    const ratio = cwnd < ssthresh / 2 ? PACE_IN_SLOW_START : PACE_IN_AVOIDANCE;
    rate = (ratio * Math.max(cwnd, outstanding(tcb)) * SECOND) / Math.max(1, rtt.srtt);
  }
  pace.rate = bounded(tcb, rate);
}

/** The user has set another bound. */
export function boundPace(tcb: Tcb): void {
  if (tcb.config.maxPacingRate > 0) tcb.pace.isNeeded = true;
  tcb.pace.rate = bounded(tcb, tcb.pace.rate);
}

function bounded({ config }: Tcb, rate: number): number {
  return config.maxPacingRate > 0 ? Math.min(rate, config.maxPacingRate) : rate;
}
