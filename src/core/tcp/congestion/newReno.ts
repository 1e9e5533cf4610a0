import type { Micros } from '../../base/time.ts';
import { INITIAL_WINDOW_SEGMENTS } from '../config.ts';
import type { AckSample, CongestionControl } from './congestionControl.ts';

/** Window of a connection whose SYN was lost, and after a timeout: one segment. @rfc 5681 3.1 */
const LOSS_WINDOW_SEGMENTS = 1;
/** Smallest ssthresh. @rfc 5681 3.1 equation 4 */
const MIN_SSTHRESH_SEGMENTS = 2;

/**
 * Slow start, congestion avoidance, and halving on loss, counted in octets with appropriate byte
 * counting (RFC 3465) and no limit on one ACK's share in slow start, since a peer that
 * acknowledges a whole batch at once sends few ACKs (Linux does the same).
 *
 * @rfc 5681 3.1
 */
export class NewReno implements CongestionControl {
  readonly name = 'reno';
  cwnd: number;
  ssthresh: number;
  #mss: number;
  /** Octets acknowledged since cwnd grew last, in congestion avoidance. */
  #acked: number;
  /** No loss of this connection's text or SYN has changed cwnd yet. */
  #initial: boolean;

  constructor(mss: number) {
    this.#mss = mss;
    this.cwnd = INITIAL_WINDOW_SEGMENTS * mss;
    this.ssthresh = Number.MAX_SAFE_INTEGER;
    this.#acked = 0;
    this.#initial = true;
  }

  setMss(mss: number): void {
    if (mss === this.#mss) return;
    // The window counts segments when the size of all of them changes.
    const segments = this.#initial ? INITIAL_WINDOW_SEGMENTS : this.cwnd / this.#mss;
    this.cwnd = Math.max(mss, Math.floor(segments * mss));
    this.#mss = mss;
  }

  onAck(sample: AckSample, limited: boolean): void {
    if (!limited) return; // RFC 7661 1: growth without use would be unfounded
    this.#initial = false;
    let octets = sample.ackedOctets;
    if (this.cwnd < this.ssthresh) {
      const growth = Math.min(octets, this.ssthresh - this.cwnd);
      this.cwnd += growth;
      octets -= growth;
    }
    if (octets === 0) return;
    this.#acked += octets;
    if (this.#acked >= this.cwnd) {
      this.#acked -= this.cwnd;
      this.cwnd += this.#mss;
    }
  }

  onLoss(inFlight: number): void {
    this.#initial = false;
    this.ssthresh = this.#halved(inFlight);
    this.cwnd = this.ssthresh;
    this.#acked = 0;
  }

  onRecovered(inFlight: number): void {
    // RFC 6582 3.2 step 3 option 1: no burst into a network that has emptied.
    this.cwnd = Math.min(this.ssthresh, Math.max(inFlight, this.#mss) + this.#mss);
  }

  onRto(inFlight: number, first: boolean): void {
    this.#initial = false;
    if (first) this.ssthresh = this.#halved(inFlight);
    this.cwnd = LOSS_WINDOW_SEGMENTS * this.#mss;
    this.#acked = 0;
  }

  onIdle(idle: Micros, rto: Micros): void {
    const restart = Math.min(INITIAL_WINDOW_SEGMENTS * this.#mss, this.cwnd);
    // Halved for each timeout that has passed (RFC 7661 4.4.2; Linux: tcp_cwnd_restart).
    let cwnd = this.cwnd;
    for (let t = idle - rto; t > 0 && cwnd > restart; t -= rto) cwnd /= 2;
    this.ssthresh = Math.max(this.ssthresh, Math.floor(this.cwnd * 0.75));
    this.cwnd = Math.max(restart, Math.floor(cwnd));
  }

  onSynLost(): void {
    this.#initial = false;
    this.cwnd = LOSS_WINDOW_SEGMENTS * this.#mss;
  }

  #halved(inFlight: number): number {
    return Math.max(Math.floor(inFlight / 2), MIN_SSTHRESH_SEGMENTS * this.#mss);
  }
}
