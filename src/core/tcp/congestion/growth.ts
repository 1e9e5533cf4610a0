import type { Micros } from '../../base/time.ts';
import { INITIAL_WINDOW_SEGMENTS, NO_THRESHOLD } from '../config.ts';
import type { AckSample, CongestionControl } from './congestionControl.ts';
import type { HyStartPlusPlus } from './hyStartPlusPlus.ts';

/**
 * What controllers have in common, in whole segments and with Linux's arithmetic.
 *
 * Counts segments, not ACKs (RFC 3465), and does not limit one ACK's share in slow start, since a
 * peer that acknowledges a whole batch at once sends few ACKs.
 */

/** cwnd and ssthresh of a controller. */
type Windows = Pick<CongestionControl, 'mss' | 'cwnd' | 'ssthresh'>;

/** Window of a connection whose SYN was lost, and after a timeout: one segment. @rfc 5681 3.1 */
export const LOSS_WINDOW_SEGMENTS = 1;
/** Smallest ssthresh. @rfc 5681 3.1 equation 4 */
export const MIN_SSTHRESH_SEGMENTS = 2;

export function segmentsOf({ cwnd, mss }: Windows): number {
  return Math.max(1, Math.floor(cwnd / mss));
}

export function isSlowStart({ cwnd, ssthresh }: Windows): boolean {
  return cwnd < ssthresh;
}

/** No loss has bounded slow start yet: only then is HyStart++ of use. @rfc 9406 4.3 */
export function isFirstSlowStart({ ssthresh }: Windows): boolean {
  return ssthresh === NO_THRESHOLD;
}

/** Segments of the ACK that count in slow start. @rfc 9406 4.2 */
export function shareOf(
  windows: Windows,
  { acked, isPaced }: AckSample,
  hyStart: HyStartPlusPlus | null,
): number {
  return hyStart === null || !isFirstSlowStart(windows) ? acked : hyStart.share(acked, isPaced);
}

/** cwnd grows by what was delivered, up to ssthresh. @returns segments left over @rfc 5681 3.1 */
export function slowStart(windows: Windows, acked: number): number {
  const { mss, ssthresh } = windows;
  const before = segmentsOf(windows);
  const after = Math.min(before + acked, Math.max(before, Math.floor(ssthresh / mss)));
  windows.cwnd = after * mss;
  return acked - (after - before);
}

/** Octets of `octets` when segments of `from` octets become ones of `to`. */
export function rescaled(octets: number, from: number, to: number): number {
  if (octets === NO_THRESHOLD) return octets;
  return Math.max(1, Math.floor(octets / from)) * to;
}

/** cwnd and ssthresh after an idle time: half for each timeout in it (Linux: tcp_cwnd_restart). */
export function restartAfterIdle(windows: Windows, idle: Micros, rto: Micros): void {
  if (idle <= rto) return;
  let cwnd = segmentsOf(windows);
  const restart = Math.min(INITIAL_WINDOW_SEGMENTS, cwnd);
  const kept = Math.floor(cwnd / 2) + Math.floor(cwnd / 4);
  windows.ssthresh = Math.max(windows.ssthresh, kept * windows.mss);
  for (let t = idle - rto; t > 0 && cwnd > restart; t -= rto) cwnd = Math.floor(cwnd / 2);
  windows.cwnd = Math.max(cwnd, restart) * windows.mss;
}

/** One segment more for each so many that are delivered (Linux: tcp_cong_avoid_ai). @rfc 5681 3.1 */
export class AdditiveIncrease {
  /** Segments delivered since cwnd grew last (snd_cwnd_cnt). */
  #count = 0;

  reset(): void {
    this.#count = 0;
  }

  /** @param each segments that let cwnd grow by one */
  grow(windows: Windows, each: number, acked: number): void {
    let segments = segmentsOf(windows);
    if (this.#count >= each) {
      this.#count = 0;
      segments++;
    }
    this.#count += acked;
    const more = Math.floor(this.#count / each);
    this.#count -= more * each;
    windows.cwnd = (segments + more) * windows.mss;
  }
}
