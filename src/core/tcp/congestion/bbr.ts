import { type Random, uniform } from '../../base/random.ts';
import { type Micros, MS } from '../../base/time.ts';
import { INITIAL_WINDOW_SEGMENTS, NO_THRESHOLD } from '../config.ts';
import { BbrModel } from './bbrModel.ts';
import type {
  AckSample,
  CongestionControl,
  DeliveryCounts,
  PathModel,
  Repair,
  Situation,
} from './congestionControl.ts';
import { LOSS_WINDOW_SEGMENTS, rescaled, segmentsOf } from './growth.ts';
import type { Verdict } from './policer.ts';
import { GAIN_UNIT, octetsPerSecond, RATE_UNIT } from './rate.ts';
import { TICK, ticks } from './ticks.ts';

/**
 * BBR, version 1: text is sent at the rate of the path's bottleneck, and not much more of it is in
 * flight than the path holds, whether segments are lost or not (`bbrModel.ts` says what is believed
 * of the path). The rate can only be seen to have grown if sending is faster than it for a while, and
 * the round-trip time only without a queue, so they are probed for in turns:
 *
 * ```
 *   startup: 2.89 times the rate, until it grows no more
 *      |
 *      v
 *   drain: 1/2.89 of it, until the queue that this has built is gone
 *      |
 *      v
 *   probe-bw: 5/4 of it for a round trip, 3/4 for another, then as fast as it is for six
 *      ^  |
 *      |  | no shorter round trip for 10 s
 *      |  v
 *   probe-rtt: four segments in flight, for 200 ms and a round
 * ```
 *
 * What is true here: cwnd and ssthresh are whole segments. cwnd is assigned at every ACK, in recovery
 * too; a loss only makes it follow what is delivered for a round, and it is restored after that.
 * Versions 2 and 3 of BBR, which answer to loss and to ECN, are others.
 *
 * The steps are those of Linux's tcp_bbr.c, which goes beyond the draft in three points: it counts what
 * ACKs in bunches need, it looks for policers, and it draws the phase in which probe-bw begins.
 *
 * draft-cardwell-iccrg-bbr-congestion-control-00, section 4
 */

/** 2 / ln 2: the least gain at which what is delivered can double in each round (bbr_high_gain). */
const HIGH_GAIN = 739;
/** 1 / 2.885 (bbr_drain_gain). */
const DRAIN_GAIN = 88;
/** In probe-bw cwnd has room for ACKs that are late, or come in bunches (bbr_cwnd_gain). */
const CWND_GAIN = 512;
/** Gains of a cycle, each of them for a round trip (bbr_pacing_gain). */
const CYCLE: readonly number[] = [320, 192, 256, 256, 256, 256, 256, 256];
/** A cycle begins with any of its phases but the one that drains (bbr_cycle_rand). */
const FIRST_PHASES = 7;
/** A peer that acknowledges every second segment needs four in flight (bbr_cwnd_min_target). */
const LEAST_SEGMENTS = 4;
/** How long there are no more than these, in ticks (bbr_probe_rtt_mode_ms). */
const PROBE_RTT_TICKS: number = (200 * MS) / TICK;
/** The round-trip time where none is known. */
const NOMINAL_RTT: Micros = MS;
/** Octets a second, below which segments leave one by one (bbr_min_tso_rate). */
const SLOW = 150_000;
/** A burst: what leaves in one millisecond, in these bounds (bbr_tso_segs_goal). */
const BURSTS_A_SECOND = 1024;
const LARGEST_BURST = 65_215;
const MOST_SEGMENTS = 127;
/** Bursts that lie in the two hosts, and not on the path. */
const BURSTS_IN_HOSTS = 3;
/** No time. */
const NONE = -1;

type Mode = 'startup' | 'drain' | 'probe-bw' | 'probe-rtt';

export class Bbr implements CongestionControl {
  readonly name = 'bbr';
  readonly ownsCwnd = true;
  readonly paces = true;
  holdsBack = false;
  /** The bounded one. */
  pacingRate = 0;
  mss: number;
  cwnd: number;
  ssthresh = NO_THRESHOLD;
  readonly #path = new BbrModel();
  readonly #random: Random | null;
  #mode: Mode = 'startup';
  #pacingGain = HIGH_GAIN;
  #cwndGain = HIGH_GAIN;
  /** Phase of the cycle, and since when (cycle_idx, cycle_mstamp). */
  #phase = 0;
  #phaseStart: Micros = 0;
  /** The pace follows from a round-trip time, and not from {@link NOMINAL_RTT} (has_seen_rtt). */
  #hasSeenRtt = false;
  /** Nothing was delivered yet since the user had nothing to send (idle_restart). */
  #isRestarting = false;
  /** What was repaired at the last ACK (prev_ca_state). */
  #repaired: Repair = 'nothing';
  /** No more is sent than is delivered, for the first round of a repair (packet_conservation). */
  #isConserving = false;
  /** Segments of cwnd before the repair, or probe-rtt (prior_cwnd). */
  #priorCwnd = 0;
  /** Tick at which probe-rtt ends, if a round has by then; {@link NONE}: not known yet. */
  #probeRttEnd = NONE;
  #isProbeRttRoundOver = false;
  /** When something was delivered last. */
  #deliveredAt: Micros = 0;

  /** @param random says in which phase a cycle begins; null: always in the first one */
  constructor(mss: number, random: Random | null = null) {
    this.mss = mss;
    this.cwnd = INITIAL_WINDOW_SEGMENTS * mss;
    this.#random = random;
  }

  get minBurst(): number {
    return this.pacingRate < SLOW ? 1 : 2;
  }

  setMss(mss: number): void {
    this.cwnd = rescaled(this.cwnd, this.mss, mss);
    this.ssthresh = rescaled(this.ssthresh, this.mss, mss);
    this.mss = mss;
  }

  /** @returns the model, and where in its cycle it is */
  model(): PathModel & { readonly mode: Mode } {
    const { minRtt } = this.#path;
    return {
      mode: this.#mode,
      bw: this.#path.octetRate(this.mss),
      minRtt: Number.isFinite(minRtt) ? minRtt : 0,
      pacingGain: this.#pacingGain / GAIN_UNIT,
      cwndGain: this.#cwndGain / GAIN_UNIT,
    };
  }

  // ---- what happens -------------------------------------------------------------------------

  onEstablished(situation: Situation): void {
    this.ssthresh = NO_THRESHOLD;
    this.#path.reset(situation);
    this.#mode = 'startup';
    this.#updateGains();
    this.#hasSeenRtt = false;
    this.#isRestarting = false;
    this.#repaired = 'nothing';
    this.#isConserving = false;
    this.#priorCwnd = 0;
    this.#deliveredAt = situation.deliveredAt;
    this.#setFirstRate(situation);
  }

  /** The round-trip time comes with the rest of the ACK. */
  onRtt(): void {}

  onAck(sample: AckSample): void {
    this.#deliveredAt = sample.deliveredAt;
    this.holdsBack = false;
    this.#updateModel(sample);
    this.#setRate(sample, this.#pacingGain);
    this.#setCwnd(sample);
  }

  onLoss(): void {
    this.#saveCwnd();
  }

  /** A mark is no reason to send less, as a loss is none; this version knows nothing else of marks. */
  onEcn(): void {
    this.#saveCwnd();
  }

  onRto(first: boolean, situation: Situation): void {
    if (first) this.#saveCwnd();
    this.#repaired = 'timeout';
    this.#deliveredAt = situation.deliveredAt;
    this.#heed(this.#path.onRto(situation, this.#mode === 'probe-bw', this.mss));
    this.cwnd = LOSS_WINDOW_SEGMENTS * this.mss;
  }

  onUndo(_prior: number, counts: DeliveryCounts): void {
    this.#path.onUndo(counts);
  }

  /** A pace has no need of a restart: it is what the path is believed to take. */
  onIdle(): void {}

  /** After a pause of the user no queue is to be built by a gain, and no ACKs come in bunches. */
  onSendStart(_idle: Micros, situation: Situation): void {
    if (!situation.isStarved) return;
    this.#isRestarting = true;
    this.#path.countAcksFrom(situation.now);
    if (this.#mode === 'probe-bw') this.#setRate(situation, GAIN_UNIT);
    else if (this.#mode === 'probe-rtt') this.#endProbeRtt(situation.now);
  }

  onSynLost(): void {
    this.cwnd = LOSS_WINDOW_SEGMENTS * this.mss;
  }

  // ---- the model and its modes --------------------------------------------------------------

  #updateModel(sample: AckSample): void {
    const path = this.#path;
    const verdict = path.takeRate(sample, this.#mode === 'probe-bw', this.mss);
    if (path.isRoundStart) this.#isConserving = false;
    this.#heed(verdict);
    path.takeAggregation(sample, segmentsOf(this));
    if (this.#mode === 'probe-bw' && this.#isPhaseOver(sample)) this.#nextPhase();
    path.checkFull(sample);
    this.#checkDrain(sample);
    this.#probeRtt(sample, path.takeRtt(sample));
    if (sample.delivered > 0) this.#isRestarting = false;
    this.#updateGains();
  }

  /** A policer: no gain, which would be dropped. */
  #heed(verdict: Verdict): void {
    if (verdict === 'found') this.#pacingGain = GAIN_UNIT;
    else if (verdict === 'forgotten') this.#beginProbing();
  }

  /**
   * A phase lasts for a round trip. The one that probes lasts until the path holds more, or loses; the
   * one that drains only until the queue is gone (bbr_is_next_cycle_phase).
   */
  #isPhaseOver(sample: AckSample): boolean {
    const path = this.#path;
    const gain = this.#pacingGain;
    const isFullLength = sample.deliveredAt - this.#phaseStart > path.minRtt;
    if (gain === GAIN_UNIT) return isFullLength;
    const flight = this.#flightAtNextSending(sample, sample.inFlight);
    if (gain < GAIN_UNIT) return isFullLength || flight <= this.#target(GAIN_UNIT);
    return isFullLength && (sample.lost > 0 || flight >= this.#target(gain));
  }

  #nextPhase(): void {
    this.#phase = (this.#phase + 1) % CYCLE.length;
    this.#phaseStart = this.#deliveredAt;
  }

  #beginProbing(): void {
    const draw = this.#random === null ? 0 : uniform(this.#random, FIRST_PHASES);
    this.#mode = 'probe-bw';
    this.#phase = CYCLE.length - 1 - draw;
    this.#nextPhase();
  }

  #checkDrain(sample: AckSample): void {
    if (this.#mode === 'startup' && this.#path.isFull) {
      this.#mode = 'drain';
      this.ssthresh = this.#target(GAIN_UNIT) * this.mss;
    }
    if (this.#mode !== 'drain') return;
    const flight = this.#flightAtNextSending(sample, sample.flight);
    if (flight <= this.#target(GAIN_UNIT)) this.#beginProbing();
  }

  /** (bbr_update_min_rtt) */
  #probeRtt(sample: AckSample, isExpired: boolean): void {
    if (isExpired && !this.#isRestarting && this.#mode !== 'probe-rtt') {
      this.#mode = 'probe-rtt';
      this.#saveCwnd();
      this.#probeRttEnd = NONE;
    }
    if (this.#mode !== 'probe-rtt') return;
    this.holdsBack = true;
    if (this.#probeRttEnd !== NONE) {
      if (this.#path.isRoundStart) this.#isProbeRttRoundOver = true;
      if (this.#isProbeRttRoundOver) this.#endProbeRtt(sample.now);
    } else if (sample.flight <= LEAST_SEGMENTS) {
      this.#probeRttEnd = ticks(sample.now) + PROBE_RTT_TICKS;
      this.#isProbeRttRoundOver = false;
      this.#path.beginRound(sample.deliveredInAll);
    }
  }

  /** If it has lasted long enough: back to where it came from (bbr_check_probe_rtt_done). */
  #endProbeRtt(now: Micros): void {
    if (this.#probeRttEnd === NONE || ticks(now) <= this.#probeRttEnd) return;
    this.#path.renewMinRtt(now);
    this.cwnd = Math.max(segmentsOf(this), this.#priorCwnd) * this.mss;
    if (this.#path.isFull) this.#beginProbing();
    else this.#mode = 'startup';
  }

  #updateGains(): void {
    const { policer } = this.#path;
    this.#cwndGain = HIGH_GAIN;
    switch (this.#mode) {
      case 'startup':
        this.#pacingGain = HIGH_GAIN;
        break;
      case 'drain':
        this.#pacingGain = DRAIN_GAIN;
        break;
      case 'probe-bw':
        this.#pacingGain = policer.isFound ? GAIN_UNIT : (CYCLE[this.#phase] ?? GAIN_UNIT);
        this.#cwndGain = CWND_GAIN;
        break;
      case 'probe-rtt':
        this.#pacingGain = GAIN_UNIT;
        this.#cwndGain = GAIN_UNIT;
        break;
      default:
        this.#mode satisfies never;
    }
  }

  // ---- what follows from them ---------------------------------------------------------------

  /** While startup fills the path the pace does not fall (bbr_set_pacing_rate). */
  #setRate(situation: Situation, gain: number): void {
    if (!this.#hasSeenRtt && situation.srtt > 0) this.#setFirstRate(situation);
    const rate = octetsPerSecond(this.#path.rate, this.mss, gain);
    const bounded = Math.min(rate, situation.maxPacingRate);
    if (this.#path.isFull || bounded > this.pacingRate) this.pacingRate = bounded;
  }

  /** The initial window in a round trip, with the gain of startup. */
  #setFirstRate({ srtt, maxPacingRate }: Situation): void {
    if (srtt > 0) this.#hasSeenRtt = true;
    const rate = Math.floor((segmentsOf(this) * RATE_UNIT) / (srtt > 0 ? srtt : NOMINAL_RTT));
    this.pacingRate = Math.min(octetsPerSecond(rate, this.mss, HIGH_GAIN), maxPacingRate);
  }

  /** The cwnd that a repair or probe-rtt is to give back (bbr_save_cwnd). */
  #saveCwnd(): void {
    const cwnd = segmentsOf(this);
    const isGood = this.#repaired === 'nothing' && this.#mode !== 'probe-rtt';
    this.#priorCwnd = isGood ? cwnd : Math.max(this.#priorCwnd, cwnd);
  }

  /** As in slow start cwnd grows to its target; it falls to it once the path is full (bbr_set_cwnd). */
  #setCwnd(sample: AckSample): void {
    let cwnd = segmentsOf(this);
    if (sample.acked > 0) {
      cwnd = this.#repairedCwnd(sample, cwnd);
      if (!this.#isConserving) cwnd = this.#grown(sample, cwnd);
    }
    if (this.#mode === 'probe-rtt') cwnd = Math.min(cwnd, LEAST_SEGMENTS);
    this.cwnd = cwnd * this.mss;
  }

  #grown({ acked, deliveredInAll }: AckSample, cwnd: number): number {
    const path = this.#path;
    const target = this.#withBursts(path.bdp(path.rate, this.#cwndGain) + path.extraSegments());
    let grown = cwnd;
    if (path.isFull) grown = Math.min(cwnd + acked, target);
    else if (cwnd < target || deliveredInAll < INITIAL_WINDOW_SEGMENTS) grown = cwnd + acked;
    return Math.max(grown, LEAST_SEGMENTS);
  }

  /**
   * What is lost is not in flight any more. In the first round of a repair as much is sent as is
   * delivered; what was before it is restored in the end (bbr_set_cwnd_to_recover_or_restore).
   */
  #repairedCwnd(sample: AckSample, before: number): number {
    const { repair, flight, acked, lost } = sample;
    const repaired = this.#repaired;
    this.#repaired = repair;
    let cwnd = lost > 0 ? Math.max(before - lost, 1) : before;
    if (repair === 'loss' && repaired !== 'loss') {
      this.#isConserving = true;
      this.#path.beginRound(sample.deliveredInAll);
      cwnd = flight + acked;
    } else if (repair === 'nothing' && repaired !== 'nothing') {
      this.#isConserving = false;
      cwnd = Math.max(cwnd, this.#priorCwnd);
    }
    return this.#isConserving ? Math.max(cwnd, flight + acked) : cwnd;
  }

  /** Segments in flight that the fastest delivery, times a gain, asks for (bbr_inflight). */
  #target(gain: number): number {
    const path = this.#path;
    return this.#withBursts(path.bdp(path.maxRate, gain));
  }

  /** Room for bursts that are not on the path; even, so that the last ACK is not late. */
  #withBursts(segments: number): number {
    const isProbing = this.#mode === 'probe-bw' && this.#phase === 0;
    const sum = segments + BURSTS_IN_HOSTS * this.#burstSegments();
    return sum + (sum % 2) + (isProbing ? 2 : 0);
  }

  #burstSegments(): number {
    const octets = Math.min(Math.floor(this.pacingRate / BURSTS_A_SECOND), LARGEST_BURST);
    return Math.min(Math.max(Math.floor(octets / this.mss), this.minBurst), MOST_SEGMENTS);
  }

  /** Segments on the path when the next burst leaves (bbr_packets_in_net_at_edt). */
  #flightAtNextSending({ now, nextSendAt }: Situation, flight: number): number {
    const wait = Math.max(0, Math.floor(nextSendAt - now));
    const burst = this.#pacingGain > GAIN_UNIT ? this.#burstSegments() : 0;
    return Math.max(0, flight + burst - this.#path.deliveredIn(wait));
  }
}
