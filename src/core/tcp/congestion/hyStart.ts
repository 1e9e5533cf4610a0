import { lt, type Seq, seq } from '../../base/seq.ts';
import { type Micros, MS, SECOND } from '../../base/time.ts';
import type { AckSample } from './congestionControl.ts';

/**
 * HyStart: finds the end of slow start before segments are lost, either because the ACKs of a round
 * come in one train that is as long as half of the shortest round trip, or because the first round
 * trips of a round are longer than the shortest one by more than an eighth.
 *
 * What is true here: a round lasts until an ACK goes beyond the SND.NXT at which it began. The steps
 * and numbers are those of hystart_update() in Linux's tcp_cubic.c.
 *
 * Unlike HyStart++ (hyStartPlusPlus.ts) it ends slow start at once, with no conservative phase that
 * could find out that it ended too early.
 *
 * @rfc 9438 4.10
 */

/** A smaller window, in segments, is no concern of this (hystart_low_window). */
const LOW_WINDOW = 16;
/** ACKs of one train follow one another within this time (hystart_ack_delta_us). */
const TRAIN_GAP: Micros = 2 * MS;
/** Round trips of a round that are looked at (HYSTART_MIN_SAMPLES). */
const SAMPLES = 8;
/** How much longer they are when a queue builds up: an eighth, in these bounds (HYSTART_DELAY_*). */
const LEAST_DELAY: Micros = 4 * MS;
const MOST_DELAY: Micros = 16 * MS;
/** A burst that may lie in a queue: at most this much is allowed for it (hystart_ack_delay). */
const MOST_BURST: Micros = 1 * MS;
/** Octets of four of the largest bursts (sk_gso_max_size without headers). */
const FOUR_BURSTS = 4 * 65_215;
/** Linux: tcp_pacing_ss_ratio, tcp_pacing_ca_ratio: cwnds sent in a round trip. */
const SLOW_START_PACE = 2;
const AVOIDANCE_PACE = 1.2;

/** What {@link HyStart.update} is to know of the windows, in segments. */
export interface SlowStart {
  readonly cwnd: number;
  readonly ssthresh: number;
  readonly mss: number;
  /** Shortest round-trip time. */
  readonly delayMin: Micros;
}

export class HyStart {
  /** The end has been found: there is nothing more to look for. */
  #found = false;
  /** The round ends when SND.UNA is beyond this. */
  #end: Seq = seq(0);
  #roundStart: Micros = 0;
  /** When the last ACK of the train came. */
  #lastAck: Micros = 0;
  /** Shortest round trip of this round, and how many there were. */
  #roundRtt: Micros = Number.POSITIVE_INFINITY;
  #samples = 0;

  /** Looks for an end, from a round that begins here. @param nxt SND.NXT */
  reset(nxt: Seq, now: Micros): void {
    this.#found = false;
    this.#beginRound(nxt, now);
  }

  /** An ACK of slow start has measured `sample.rtt`. @returns true: slow start is to end here */
  update(sample: AckSample, slowStart: SlowStart): boolean {
    if (this.#found) return false;
    if (lt(this.#end, sample.una)) this.#beginRound(sample.nxt, sample.now);
    if (slowStart.cwnd < LOW_WINDOW) return false;
    const train = this.#isTrainLong(sample, slowStart);
    const delay = this.#isDelayed(sample.rtt, slowStart.delayMin);
    this.#found = train || delay;
    return this.#found;
  }

  #beginRound(nxt: Seq, now: Micros): void {
    this.#end = nxt;
    this.#roundStart = now;
    this.#lastAck = now;
    this.#roundRtt = Number.POSITIVE_INFINITY;
    this.#samples = 0;
  }

  #isTrainLong(sample: AckSample, slowStart: SlowStart): boolean {
    const { now } = sample;
    if (now - this.#lastAck > TRAIN_GAP) return false;
    this.#lastAck = now;
    // Pacing could spread the round's text over half of a round trip: hence half of it without.
    const threshold = Math.floor((slowStart.delayMin + burstTime(sample, slowStart)) / 2);
    return now - this.#roundStart > threshold;
  }

  #isDelayed(rtt: Micros, delayMin: Micros): boolean {
    if (rtt < this.#roundRtt) this.#roundRtt = rtt;
    if (this.#samples < SAMPLES) {
      this.#samples++;
      return false;
    }
    const allowed = Math.min(Math.max(Math.floor(delayMin / 8), LEAST_DELAY), MOST_DELAY);
    return this.#roundRtt > delayMin + allowed;
  }
}

/** How long four bursts take at the rate at which slow start sends. */
function burstTime({ srtt }: AckSample, { cwnd, ssthresh, mss }: SlowStart): Micros {
  if (srtt === 0) return 0;
  const pace = cwnd < ssthresh / 2 ? SLOW_START_PACE : AVOIDANCE_PACE;
  const octetsPerSecond = (pace * cwnd * mss * SECOND) / srtt;
  return Math.min(MOST_BURST, Math.floor((FOUR_BURSTS * SECOND) / octetsPerSecond));
}
