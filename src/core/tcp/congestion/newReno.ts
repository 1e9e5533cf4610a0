import type { Micros } from '../../base/time.ts';
import {
  type EcnBackoff,
  INITIAL_WINDOW_SEGMENTS,
  NO_THRESHOLD,
  type SlowStartName,
} from '../config.ts';
import type { AckSample, CongestionControl, Situation } from './congestionControl.ts';
import {
  AdditiveIncrease,
  isFirstSlowStart,
  isSlowStart,
  LOSS_WINDOW_SEGMENTS,
  MIN_SSTHRESH_SEGMENTS,
  rescaled,
  restartAfterIdle,
  segmentsOf,
  shareOf,
  slowStart,
} from './growth.ts';
import { HyStartPlusPlus } from './hyStartPlusPlus.ts';

/** beta_loss and beta_ecn. @rfc 8511 3.1 */
const BETA = 0.5;
const BETA_ECN = 0.8;

/**
 * Slow start, one segment for each window in congestion avoidance, and half of it on loss.
 *
 * Deviates from RFC 5681 3.1 equation 4 as Linux does: ssthresh is half of cwnd, not of FlightSize.
 *
 * @rfc 5681 3.1
 */
export class NewReno implements CongestionControl {
  readonly name = 'reno';
  readonly ownsCwnd = false;
  readonly holdsBack = false;
  readonly paces = false;
  readonly pacingRate = 0;
  readonly minBurst = null;
  mss: number;
  cwnd: number;
  ssthresh: number;
  readonly #avoidance: AdditiveIncrease;
  readonly #hyStart: HyStartPlusPlus | null;

  /** @param name what ends slow start */
  constructor(mss: number, name: SlowStartName = 'hystart') {
    this.mss = mss;
    this.cwnd = INITIAL_WINDOW_SEGMENTS * mss;
    this.ssthresh = NO_THRESHOLD;
    this.#avoidance = new AdditiveIncrease();
    this.#hyStart = name === 'hystart++' ? new HyStartPlusPlus() : null;
  }

  setMss(mss: number): void {
    this.cwnd = rescaled(this.cwnd, this.mss, mss);
    this.ssthresh = rescaled(this.ssthresh, this.mss, mss);
    this.mss = mss;
  }

  onEstablished({ nxt }: Situation): void {
    this.#hyStart?.reset(nxt);
  }

  onRtt(sample: AckSample): void {
    if (isFirstSlowStart(this) && this.#hyStart?.update(sample)) this.ssthresh = this.cwnd;
  }

  onAck(sample: AckSample, limited: boolean): void {
    if (!limited) return; // RFC 7661 1: growth without use would be unfounded
    const left = isSlowStart(this)
      ? slowStart(this, shareOf(this, sample, this.#hyStart))
      : sample.acked;
    if (left > 0) this.#avoidance.grow(this, segmentsOf(this), left);
  }

  onLoss(): void {
    this.#reduceTo(BETA);
  }

  onEcn(backoff: EcnBackoff): void {
    this.#reduceTo(backoff === 'abe' && !isSlowStart(this) ? BETA_ECN : BETA);
  }

  onRto(first: boolean): void {
    if (first) this.onLoss();
    this.cwnd = LOSS_WINDOW_SEGMENTS * this.mss;
    this.#avoidance.reset();
  }

  onUndo(prior: number): void {
    this.cwnd = Math.max(segmentsOf(this), prior) * this.mss;
  }

  onIdle(idle: Micros, rto: Micros): void {
    restartAfterIdle(this, idle, rto);
  }

  onSendStart(): void {}

  onSynLost(): void {
    this.cwnd = LOSS_WINDOW_SEGMENTS * this.mss;
  }

  model(): null {
    return null;
  }

  #reduceTo(share: number): void {
    const kept = Math.floor(segmentsOf(this) * share);
    this.ssthresh = Math.max(kept, MIN_SSTHRESH_SEGMENTS) * this.mss;
    this.#avoidance.reset();
  }
}
