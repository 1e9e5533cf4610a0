import type { Micros } from '../../base/time.ts';
import type { TcpConfig } from '../config.ts';

/**
 * Round-trip time and retransmission timeout.
 *
 * Deviates from RFC 6298 2.4 (RTO of at least 1 s) as Linux does: the variance term alone has a
 * floor of `minRto`, so RTO = SRTT + max(minRto, 4 RTTVAR).
 *
 * @rfc 6298 2
 */
export class RttEstimator {
  readonly #config: TcpConfig;
  /** Smoothed round-trip time in µs; 0 before the first measurement. */
  srtt: Micros;
  rttvar: Micros;
  /** Shortest measurement so far; 0 before the first. */
  minRtt: Micros;
  /** Timeout without backoff. */
  #base: Micros;
  /** How often the timer has expired in a row. */
  backoff: number;

  constructor(config: TcpConfig) {
    this.#config = config;
    this.srtt = 0;
    this.rttvar = 0;
    this.minRtt = 0;
    this.#base = config.initialRto;
    this.backoff = 0;
  }

  /** The timeout now, in µs: doubled for each expiry, up to `maxRto`. @rfc 6298 5.5 */
  get rto(): Micros {
    return Math.min(this.#base * 2 ** Math.min(this.backoff, 30), this.#config.maxRto);
  }

  /** Takes a measurement, which must not be of something sent twice. @rfc 6298 2.2, 2.3 */
  sample(measured: Micros): void {
    const rtt = Math.max(1, Math.round(measured));
    if (this.minRtt === 0 || rtt < this.minRtt) this.minRtt = rtt;
    if (this.srtt === 0) {
      this.srtt = rtt;
      this.rttvar = rtt / 2;
    } else {
      this.rttvar = 0.75 * this.rttvar + 0.25 * Math.abs(this.srtt - rtt);
      this.srtt = 0.875 * this.srtt + 0.125 * rtt;
    }
    const variance = Math.max(this.#config.minRto, 4 * this.rttvar);
    this.#base = Math.min(Math.round(this.srtt + variance), this.#config.maxRto);
    this.backoff = 0;
  }

  /** The SYN had to be repeated, and nothing was measured: text starts with `rto`. @rfc 6298 5.7 */
  restart(rto: Micros): void {
    if (this.srtt === 0) this.#base = rto;
    this.backoff = 0;
  }
}
