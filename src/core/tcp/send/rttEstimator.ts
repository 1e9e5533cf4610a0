import { lt, type Seq, seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import type { TcpConfig } from '../config.ts';

/**
 * Round-trip time and retransmission timeout, in Linux's integers (tcp_rtt_estimator): SRTT is kept in
 * eighths of a µs, the mean deviation in quarters.
 *
 * Deviates from RFC 6298 as Linux does:
 * - 2.3: a round trip that is shorter than expected moves the deviation by a 32nd alone, since a path
 *   that becomes faster is no reason to wait longer;
 * - 2.3: the variance is the largest deviation of a window of text. It rises at once, and falls by a
 *   quarter of the difference for each window;
 * - 2.4: the variance term alone has a floor, `minRto`, so RTO = SRTT + max(minRto, 4 RTTVAR), where
 *   the RFC asks for one second in all.
 *
 * @rfc 6298 2
 */
export class RttEstimator {
  readonly #config: TcpConfig;
  /** Eight times SRTT; 0 before the first measurement (srtt_us). */
  #srtt8: number;
  /** Four times the mean deviation (mdev_us), and the largest of this window (mdev_max_us). */
  #deviation4: number;
  #largest4: number;
  /** What is added to SRTT: four times RTTVAR, not below its floor (rttvar_us). */
  #variance4: number;
  /** The window ends when SND.UNA is beyond this (rtt_seq). */
  #windowEnd: Seq;
  /** Shortest measurement so far; 0 before the first. */
  minRtt: Micros;
  /** Timeout without backoff. */
  #base: Micros;
  /** How often the timer has expired in a row. */
  backoff: number;

  constructor(config: TcpConfig) {
    this.#config = config;
    this.#srtt8 = 0;
    this.#deviation4 = 0;
    this.#largest4 = 0;
    this.#variance4 = 0;
    this.#windowEnd = seq(0);
    this.minRtt = 0;
    this.#base = config.initialRto;
    this.backoff = 0;
  }

  /** Smoothed round-trip time in µs; 0 before the first measurement. */
  get srtt(): Micros {
    return Math.floor(this.#srtt8 / 8);
  }

  /** Mean deviation of the round-trip time in µs. */
  get rttvar(): Micros {
    return Math.floor(this.#deviation4 / 4);
  }

  /** The timeout now, in µs: doubled for each expiry, up to `maxRto`. @rfc 6298 5.5 */
  get rto(): Micros {
    const { maxRto, rtoSlop, rtoFloor } = this.#config;
    const isMeasured = this.#srtt8 !== 0;
    const slop = isMeasured || this.backoff > 0 ? rtoSlop : 0;
    const timeout = this.#base * 2 ** Math.min(this.backoff, 30) + slop;
    return Math.min(isMeasured ? Math.max(timeout, rtoFloor) : timeout, maxRto);
  }

  /**
   * Takes a measurement, which must not be of something sent twice.
   *
   * @param una SND.UNA, which the ACK that gave it has advanced
   * @param nxt SND.NXT
   * @rfc 6298 2.2, 2.3
   */
  sample(measured: Micros, una: Seq, nxt: Seq): void {
    const rtt = Math.max(1, Math.round(measured));
    this.noteShortest(rtt);
    if (this.#srtt8 === 0) this.#begin(rtt, nxt);
    else this.#adjust(rtt, una, nxt);
    const variance = Math.max(this.#config.minRto, this.#variance4);
    this.#base = Math.min(this.srtt + variance, this.#config.maxRto);
    this.backoff = 0;
  }

  /** A round trip was this short, be it of the last segment that an ACK covers (tcp_update_rtt_min). */
  noteShortest(rtt: Micros): void {
    if (this.minRtt === 0 || rtt < this.minRtt) this.minRtt = rtt;
  }

  /** The SYN had to be repeated, and nothing was measured: text starts with `rto`. @rfc 6298 5.7 */
  restart(rto: Micros): void {
    if (this.#srtt8 === 0) this.#base = rto;
    this.backoff = 0;
  }

  #begin(rtt: Micros, nxt: Seq): void {
    this.#srtt8 = rtt * 8;
    this.#deviation4 = rtt * 2;
    this.#variance4 = Math.max(this.#deviation4, this.#config.minRto);
    this.#largest4 = this.#variance4;
    this.#windowEnd = nxt;
  }

  #adjust(rtt: Micros, una: Seq, nxt: Seq): void {
    const error = rtt - this.srtt;
    this.#srtt8 = Math.max(1, this.#srtt8 + error);
    const change = Math.abs(error) - this.rttvar;
    this.#deviation4 += error < 0 && change > 0 ? Math.floor(change / 8) : change;
    if (this.#deviation4 > this.#largest4) {
      this.#largest4 = this.#deviation4;
      if (this.#largest4 > this.#variance4) this.#variance4 = this.#largest4;
    }
    if (!lt(this.#windowEnd, una)) return;
    if (this.#largest4 < this.#variance4) {
      this.#variance4 -= Math.floor((this.#variance4 - this.#largest4) / 4);
    }
    this.#windowEnd = nxt;
    this.#largest4 = this.#config.minRto;
  }
}
