import { type Micros, MS, SECOND } from '../../base/time.ts';
import { INITIAL_WINDOW_SEGMENTS } from '../config.ts';
import type { AckSample, DeliveryCounts, Situation } from './congestionControl.ts';
import { type PolicedAck, Policer, type Verdict } from './policer.ts';
import { GAIN_UNIT, RATE_UNIT } from './rate.ts';
import { TICKS_PER_SECOND, ticks } from './ticks.ts';
import { WindowedMax } from './windowedMax.ts';

/**
 * What BBR believes of the path, and learns from ACKs: the rate of its bottleneck is the fastest
 * delivery of the last ten rounds, its round-trip time the shortest of the last ten seconds. Their
 * product (BDP) fits into the path without a queue.
 *
 * What is true here: a round ends when something is delivered that was sent after it began, so it is
 * counted by segments and not by time. Rates are in {@link RATE_UNIT}, gains in {@link GAIN_UNIT},
 * with the roundings of Linux's tcp_bbr.c; names of its variables stand in brackets.
 *
 * draft-cardwell-iccrg-bbr-congestion-control-00, section 4.1
 */

/** Rounds that the fastest delivery counts for: those of a cycle of gains, and two (bbr_bw_rtts). */
const RATE_ROUNDS = 10;
/** Ticks that the shortest round-trip time counts for (bbr_min_rtt_win_sec). */
const MIN_RTT_TICKS: number = 10 * TICKS_PER_SECOND;
/** The path is full after so many rounds in which the rate did not grow by a quarter (bbr_full_bw_*). */
const FULL_ROUNDS = 3;
const FULL_GROWTH = 320;
/** Rounds that an extraordinary number of acknowledged segments counts for, once or twice. */
const EXTRA_ROUNDS = 5;
/** ... and what is delivered in this time is allowed for it, at most (bbr_extra_acked_max_us). */
const EXTRA_TIME: Micros = 100 * MS;
/** Segments acknowledged, after which the count begins anew (bbr_ack_epoch_acked_reset_thresh). */
const MOST_ACKED = 2 ** 20;
/** No round-trip time. */
const UNKNOWN: number = Number.POSITIVE_INFINITY;

export class BbrModel {
  /** A round began with this ACK (round_start). */
  isRoundStart = false;
  /** Startup has filled the path (full_bw_reached). */
  isFull = false;
  /** Infinity: not known (min_rtt_us). */
  minRtt: Micros = UNKNOWN;
  readonly policer: Policer;
  readonly #rates: WindowedMax;
  /** What {@link Policer} is told: one record for all ACKs. */
  readonly #policed: { -readonly [K in keyof PolicedAck]: PolicedAck[K] };
  /** Rounds so far, and the count of delivered segments that ends this one (next_rtt_delivered). */
  #rounds = 0;
  #roundEnd = 0;
  /** Tick at which the shortest round-trip time was measured (min_rtt_stamp). */
  #minRttAt = 0;
  /** The rate when it grew much last, and rounds since (full_bw, full_bw_cnt). */
  #fullRate = 0;
  #fullRounds = 0;
  /** Segments acknowledged since then, which may come faster than the path delivers (ack_epoch_*). */
  #acked = 0;
  #ackedSince: Micros = 0;
  /** How many more than expected: the most of these rounds, and of those before (extra_acked). */
  #extra = 0;
  #extraBefore = 0;
  #extraRounds = 0;

  constructor() {
    this.policer = new Policer();
    this.#rates = new WindowedMax(RATE_ROUNDS);
    this.#policed = { lost: 0, isAppLimited: false, isRoundStart: false, isProbing: false, mss: 0 };
  }

  /** Nothing is known but the round-trip time of the handshake (bbr_init). */
  reset(situation: Situation): void {
    this.isRoundStart = false;
    this.isFull = false;
    this.minRtt = situation.minRtt > 0 ? situation.minRtt : UNKNOWN;
    this.policer.reset(situation);
    this.#rates.reset(0, 0);
    this.#rounds = 0;
    this.#roundEnd = 0;
    this.#minRttAt = ticks(situation.now);
    this.#fullRate = 0;
    this.#fullRounds = 0;
    this.countAcksFrom(situation.now);
    this.#extra = 0;
    this.#extraBefore = 0;
    this.#extraRounds = 0;
  }

  /** The fastest delivery (bbr_max_bw). */
  get maxRate(): number {
    return this.#rates.value;
  }

  /** The rate to send at: that of a policer, if there is one (bbr_bw). */
  get rate(): number {
    return this.policer.isFound ? this.policer.rate : this.#rates.value;
  }

  /**
   * Takes the rate that an ACK shows, if any (bbr_update_bw).
   * @param isProbing the rate is probed for
   */
  takeRate(sample: AckSample, isProbing: boolean, mss: number): Verdict {
    this.isRoundStart = false;
    if (!hasRate(sample)) return null;
    if (sample.priorDelivered >= this.#roundEnd) {
      this.beginRound(sample.deliveredInAll);
      this.#rounds++;
      this.isRoundStart = true;
    }
    this.#policed.lost = sample.lost;
    this.#policed.isAppLimited = sample.isAppLimited;
    const verdict = this.#police(sample, isProbing, mss);
    const rate = Math.floor((sample.delivered * RATE_UNIT) / sample.interval);
    // A user that sends little is no sign of a slow path.
    if (!sample.isAppLimited || rate >= this.maxRate) this.#rates.add(rate, this.#rounds);
    return verdict;
  }

  /** A round ends when something is delivered that is sent from now on. */
  beginRound(delivered: number): void {
    this.#roundEnd = delivered;
  }

  /**
   * ACKs may come in bunches, after a silence for which more must be in flight than the path holds
   * (bbr_update_ack_aggregation).
   * @param cwnd segments
   */
  takeAggregation(sample: AckSample, cwnd: number): void {
    if (sample.acked <= 0 || !hasRate(sample)) return;
    if (this.isRoundStart) this.#ageExtra();
    const time = Math.max(0, sample.deliveredAt - this.#ackedSince);
    let expected = Math.floor((this.rate * time) / RATE_UNIT);
    if (this.#acked <= expected || this.#acked + sample.acked >= MOST_ACKED) {
      this.countAcksFrom(sample.deliveredAt);
      expected = 0;
    }
    this.#acked += sample.acked;
    this.#extra = Math.max(this.#extra, Math.min(this.#acked - expected, cwnd));
  }

  /** The count of acknowledged segments begins. */
  countAcksFrom(at: Micros): void {
    this.#acked = 0;
    this.#ackedSince = at;
  }

  #ageExtra(): void {
    this.#extraRounds++;
    if (this.#extraRounds < EXTRA_ROUNDS) return;
    this.#extraRounds = 0;
    this.#extraBefore = this.#extra;
    this.#extra = 0;
  }

  /** Segments that are in flight on account of that (bbr_ack_aggregation_cwnd). */
  extraSegments(): number {
    if (!this.isFull) return 0;
    const most = Math.floor((this.rate * EXTRA_TIME) / RATE_UNIT);
    return Math.min(most, Math.max(this.#extra, this.#extraBefore));
  }

  /** Is the path full? It is when more does not become faster (bbr_check_full_bw_reached). */
  checkFull({ isAppLimited }: AckSample): void {
    if (this.isFull || !this.isRoundStart || isAppLimited) return;
    if (this.maxRate >= Math.floor((this.#fullRate * FULL_GROWTH) / GAIN_UNIT)) {
      this.#fullRate = this.maxRate;
      this.#fullRounds = 0;
      return;
    }
    this.#fullRounds++;
    this.isFull = this.#fullRounds >= FULL_ROUNDS;
  }

  /** What was believed lost was not: what followed from it says nothing (bbr_undo_cwnd). */
  onUndo(counts: DeliveryCounts): void {
    this.#fullRate = 0;
    this.#fullRounds = 0;
    this.policer.reset(counts);
  }

  /** A timeout: it is treated as the end of a round (bbr_set_state). */
  onRto(counts: DeliveryCounts, isProbing: boolean, mss: number): Verdict {
    this.#fullRate = 0;
    this.isRoundStart = true;
    this.#policed.lost = 1;
    this.#policed.isAppLimited = false;
    return this.#police(counts, isProbing, mss);
  }

  #police(counts: DeliveryCounts, isProbing: boolean, mss: number): Verdict {
    this.#policed.isRoundStart = this.isRoundStart;
    this.#policed.isProbing = isProbing;
    this.#policed.mss = mss;
    return this.policer.update(this.#policed, counts);
  }

  /** Takes a round-trip time. @returns true: the shortest one was too old */
  takeRtt({ rtt, isDelayed, now }: AckSample): boolean {
    const tick = ticks(now);
    const isExpired = tick - this.#minRttAt > MIN_RTT_TICKS;
    if (rtt > 0 && (rtt <= this.minRtt || (isExpired && !isDelayed))) {
      this.minRtt = rtt;
      this.#minRttAt = tick;
    }
    return isExpired;
  }

  /** The shortest round-trip time is as good as new. */
  renewMinRtt(now: Micros): void {
    this.#minRttAt = ticks(now);
  }

  /** BDP times a gain in segments, rounded up (bbr_bdp). */
  bdp(rate: number, gain: number): number {
    if (this.minRtt === UNKNOWN) return INITIAL_WINDOW_SEGMENTS;
    return Math.ceil(Math.floor((rate * this.minRtt * gain) / GAIN_UNIT) / RATE_UNIT);
  }

  /** Segments that are delivered in this time. */
  deliveredIn(time: Micros): number {
    return Math.floor((this.rate * time) / RATE_UNIT);
  }

  /** Octets of text in a second, of segments of `mss`. */
  octetRate(mss: number): number {
    return Math.floor((this.rate * mss * SECOND) / RATE_UNIT);
  }
}

function hasRate({ delivered, interval }: AckSample): boolean {
  return delivered >= 0 && interval > 0;
}
