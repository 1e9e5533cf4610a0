import type { Seq } from '../../base/seq.ts';
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
import { HyStart } from './hyStart.ts';
import { HyStartPlusPlus } from './hyStartPlusPlus.ts';
import { TICK, TICKS_PER_SECOND, ticks } from './ticks.ts';

/**
 * CUBIC: in congestion avoidance cwnd follows a cubic function of the time since the last loss, which
 * is flat about W_max, the window at which that loss happened:
 *
 * ```
 *   W_cubic(t) = C (t - K)^3 + W_max          K = cbrt((W_max - cwnd_epoch) / C)
 *
 *                                      /
 *   W_max  - - - - - - ______--------´
 *                 .--´       K
 *               /
 *   0.7 W_max  |
 *              t = 0: the first ACK after recovery
 * ```
 *
 * What is true here: windows are whole segments. Time is counted in ticks of Linux's clock, as the
 * curve is looked up once in a tick, and scaled by 1024; the arithmetic is that of tcp_cubic.c, so
 * that cwnd is the same at each ACK.
 *
 * Deviates from RFC 9438 as Linux does:
 * - 4.6: ssthresh is a share of cwnd, not of FlightSize;
 * - 4.2: the target is where the curve will be after the shortest round trip, not the smoothed one;
 * - 4.3: the Reno-friendly estimate keeps its slope above the cwnd of the loss;
 * - 4.8: a timeout forgets W_max, so that the next epoch begins on the flat part of the curve.
 *
 * @rfc 9438
 */

/** beta: 0.7, in 1024ths. @rfc 9438 4.6 */
const BETA = 717;
/** beta_ecn: 0.85. @rfc 8511 3.1 */
const BETA_ECN = 870;
const SCALE = 1024;
/** C: 0.4, in 1024ths, with the round trip of 100 ms that it is defined for (section 5.1). @rfc 9438 4.2 */
const CUBE_RATE = 41 * 10;
/** 2^40: 10 bits of C, and 10 bits of each of three times. */
const CUBE_SCALE = 2 ** 40;
/** Segments of distance to the cube of a scaled time. */
const CUBE_FACTOR = Math.floor(CUBE_SCALE / CUBE_RATE);
/** 8 / alpha: Reno with this beta adds alpha segments in a window. @rfc 9438 4.3 */
const RENO_SCALE = Math.floor(Math.floor((8 * (SCALE + BETA)) / 3) / (SCALE - BETA));
/** A cwnd that has not changed is looked at this often at most: 32 times in a second. */
const LOOK_TICKS = Math.floor(TICKS_PER_SECOND / 32);
/** No slower than 5% in a round while no loss has told W_max. */
const LEAST_EARLY_GROWTH = 20;
/** No faster than half of cwnd in a round. @rfc 9438 4.4: target at most 1.5 cwnd */
const MOST_GROWTH = 2;
/** No epoch has begun since the last reduction. */
const NONE = -1;

export class Cubic implements CongestionControl {
  readonly name = 'cubic';
  readonly ownsCwnd = false;
  readonly holdsBack = false;
  readonly paces = false;
  readonly pacingRate = 0;
  readonly minBurst = null;
  mss: number;
  cwnd: number;
  ssthresh: number;
  readonly #avoidance: AdditiveIncrease;
  readonly #hyStart: HyStart | null;
  readonly #hyStartPlusPlus: HyStartPlusPlus | null;
  /** What {@link HyStart} is told: one record for all ACKs. */
  readonly #slowStart: { cwnd: number; ssthresh: number; mss: number; delayMin: Micros };
  /** Segments that let cwnd grow by one (cnt). */
  #each: number;
  /** W_max in segments; 0: not known. */
  #wMax: number;
  /** cwnd and the tick when the curve was looked up last. */
  #lookedAtCwnd: number;
  #lookedAt: number;
  /** W_max of this epoch, and K in 1024ths of a second. */
  #origin: number;
  #k: number;
  /** Shortest round-trip time; 0: not known. */
  #delayMin: Micros;
  /** Tick at which the epoch began; {@link NONE}. */
  #epochStart: number;
  /** Segments delivered that Reno's window has not grown for, and that window: W_est. */
  #delivered: number;
  #renoCwnd: number;

  /** @param name what ends slow start */
  constructor(mss: number, name: SlowStartName = 'hystart') {
    this.mss = mss;
    this.cwnd = INITIAL_WINDOW_SEGMENTS * mss;
    this.ssthresh = NO_THRESHOLD;
    this.#avoidance = new AdditiveIncrease();
    this.#hyStart = name === 'hystart' ? new HyStart() : null;
    this.#hyStartPlusPlus = name === 'hystart++' ? new HyStartPlusPlus() : null;
    this.#slowStart = { cwnd: 0, ssthresh: 0, mss: 0, delayMin: 0 };
    this.#each = 0;
    this.#wMax = 0;
    this.#lookedAtCwnd = 0;
    this.#lookedAt = 0;
    this.#origin = 0;
    this.#k = 0;
    this.#delayMin = 0;
    this.#epochStart = NONE;
    this.#delivered = 0;
    this.#renoCwnd = 0;
  }

  setMss(mss: number): void {
    this.cwnd = rescaled(this.cwnd, this.mss, mss);
    this.ssthresh = rescaled(this.ssthresh, this.mss, mss);
    this.mss = mss;
  }

  onEstablished({ nxt, now }: Situation): void {
    this.#forget(nxt, now);
  }

  onRtt(sample: AckSample): void {
    if (isFirstSlowStart(this) && this.#hyStartPlusPlus?.update(sample)) this.ssthresh = this.cwnd;
    // Right after a reduction the queue may still be long.
    if (this.#epochStart !== NONE && ticks(sample.now) - this.#epochStart < TICKS_PER_SECOND)
      return;
    if (this.#delayMin === 0 || sample.rtt < this.#delayMin) this.#delayMin = sample.rtt;
    if (this.#hyStart === null || !isSlowStart(this)) return;
    const state = this.#slowStart;
    state.cwnd = segmentsOf(this);
    state.ssthresh = this.ssthresh / this.mss;
    state.mss = this.mss;
    state.delayMin = this.#delayMin;
    if (this.#hyStart.update(sample, state)) this.ssthresh = this.cwnd;
  }

  onAck(sample: AckSample, limited: boolean): void {
    if (!limited) return; // RFC 9438 4.2, 5.8: growth without use would be unfounded
    const left = isSlowStart(this)
      ? slowStart(this, shareOf(this, sample, this.#hyStartPlusPlus))
      : sample.acked;
    if (left === 0) return;
    const cwnd = segmentsOf(this);
    this.#lookUp(cwnd, left, sample.now);
    this.#avoidance.grow(this, this.#each, left);
  }

  onLoss(): void {
    this.#reduceTo(BETA);
  }

  onEcn(backoff: EcnBackoff): void {
    this.#reduceTo(backoff === 'abe' && !isSlowStart(this) ? BETA_ECN : BETA);
  }

  onRto(first: boolean, { nxt, now }: Situation): void {
    if (first) this.onLoss();
    this.#avoidance.reset();
    this.#forget(nxt, now);
    this.cwnd = LOSS_WINDOW_SEGMENTS * this.mss;
  }

  onUndo(prior: number): void {
    this.cwnd = Math.max(segmentsOf(this), prior) * this.mss;
  }

  onIdle(idle: Micros, rto: Micros): void {
    restartAfterIdle(this, idle, rto);
  }

  /** An idle time is no time of the epoch, so cwnd goes on along the curve. @rfc 9438 5.8 */
  onSendStart(idle: Micros, { now }: Situation): void {
    if (this.#epochStart === NONE) return;
    this.#epochStart = Math.min(this.#epochStart + ticks(idle), ticks(now));
  }

  onSynLost(): void {
    this.cwnd = LOSS_WINDOW_SEGMENTS * this.mss;
  }

  model(): null {
    return null;
  }

  /** What stays of cwnd (cubictcp_recalc_ssthresh). @param beta in 1024ths */
  #reduceTo(beta: number): void {
    const cwnd = segmentsOf(this);
    this.#epochStart = NONE;
    // RFC 9438 4.7, fast convergence: below the last W_max others need room, so less is aimed at.
    const yields = cwnd < this.#wMax;
    this.#wMax = yields ? Math.floor((cwnd * (SCALE + BETA)) / (2 * SCALE)) : cwnd;
    const kept = Math.floor((cwnd * beta) / SCALE);
    this.ssthresh = Math.max(kept, MIN_SSTHRESH_SEGMENTS) * this.mss;
    this.#avoidance.reset();
  }

  /** All that was learned of the path (bictcp_reset). */
  #forget(nxt: Seq, now: Micros): void {
    this.#each = 0;
    this.#wMax = 0;
    this.#lookedAtCwnd = 0;
    this.#lookedAt = 0;
    this.#origin = 0;
    this.#k = 0;
    this.#delayMin = 0;
    this.#epochStart = NONE;
    this.#delivered = 0;
    this.#renoCwnd = 0;
    this.#hyStart?.reset(nxt, now);
    this.#hyStartPlusPlus?.reset(nxt);
  }

  /** How many segments let cwnd grow by one now (bictcp_update). @rfc 9438 4.2 */
  #lookUp(cwnd: number, delivered: number, now: Micros): void {
    const tick = ticks(now);
    this.#delivered += delivered;
    if (this.#lookedAtCwnd === cwnd && tick - this.#lookedAt <= LOOK_TICKS) return;
    if (this.#epochStart === NONE || tick !== this.#lookedAt) {
      this.#lookedAtCwnd = cwnd;
      this.#lookedAt = tick;
      if (this.#epochStart === NONE) this.#beginEpoch(cwnd, delivered, tick);
      const target = this.#target(tick);
      this.#each = target > cwnd ? Math.floor(cwnd / (target - cwnd)) : 100 * cwnd;
      if (this.#wMax === 0) this.#each = Math.min(this.#each, LEAST_EARLY_GROWTH);
    }
    this.#befriendReno(cwnd);
    this.#each = Math.max(this.#each, MOST_GROWTH);
  }

  #beginEpoch(cwnd: number, delivered: number, tick: number): void {
    this.#epochStart = tick;
    this.#delivered = delivered;
    this.#renoCwnd = cwnd;
    this.#origin = Math.max(this.#wMax, cwnd);
    // Deviates from Linux, whose cube root is an estimate within 0.2%.
    this.#k = Math.floor(Math.cbrt(CUBE_FACTOR * (this.#origin - cwnd)));
  }

  /** W_cubic a round trip from now. */
  #target(tick: number): number {
    const after = tick - this.#epochStart + Math.ceil(this.#delayMin / TICK);
    const t = Math.floor((after * SCALE) / TICKS_PER_SECOND);
    const distance = Math.abs(t - this.#k);
    const delta = Math.floor((CUBE_RATE * distance ** 3) / CUBE_SCALE);
    return t < this.#k ? this.#origin - delta : this.#origin + delta;
  }

  /** No slower than Reno would be with the same loss, W_est. @rfc 9438 4.3 */
  #befriendReno(cwnd: number): void {
    const each = Math.max(1, Math.floor((cwnd * RENO_SCALE) / 8));
    // Linux takes them off one by one, as long as more than `each` are left.
    const more = Math.max(0, Math.ceil(this.#delivered / each) - 1);
    this.#delivered -= more * each;
    this.#renoCwnd += more;
    if (this.#renoCwnd <= cwnd) return;
    const most = Math.floor(cwnd / (this.#renoCwnd - cwnd));
    if (this.#each > most) this.#each = most;
  }
}
