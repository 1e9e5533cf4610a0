import { lt, type Seq, seq } from '../../base/seq.ts';
import { type Micros, MS } from '../../base/time.ts';
import type { AckSample } from './congestionControl.ts';

/**
 * HyStart++: when the round trips of a round are longer than those of the round before, slow start
 * becomes conservative (CSS): it grows by a quarter as much, until either five rounds are over and it
 * ends, or a round has shorter round trips again, so that it goes on as before.
 *
 * ```
 *                 longer round trips               five rounds
 *     slow start --------------------> CSS ------------------------> congestion avoidance
 *         ^                             |
 *         +-----------------------------+
 *             shorter round trips again
 * ```
 *
 * What is true here: a round lasts until SND.UNA is beyond the SND.NXT at which it began.
 *
 * @rfc 9406 4.2, 4.3
 */

/** RTT samples of a round that are needed to judge it (N_RTT_SAMPLE). */
const SAMPLES = 8;
/** How much longer they are when a queue builds up: an eighth, in these bounds (MIN_, MAX_RTT_THRESH). */
const LEAST_DELAY: Micros = 4 * MS;
const MOST_DELAY: Micros = 16 * MS;
const DELAY_DIVISOR = 8;
/** CSS_GROWTH_DIVISOR and CSS_ROUNDS. */
const CONSERVATIVE_DIVISOR = 4;
const CONSERVATIVE_ROUNDS = 5;
/** Segments that one ACK lets a sender grow by that does not pace (L). */
const MOST_OF_AN_ACK = 8;
const UNKNOWN: Micros = Number.POSITIVE_INFINITY;

export class HyStartPlusPlus {
  /** In CSS. */
  #isConservative = false;
  /** The round ends when SND.UNA is beyond this (windowEnd). */
  #end: Seq = seq(0);
  /** Shortest round trips of the last round and of this one, and how many this one had. */
  #lastRtt = UNKNOWN;
  #roundRtt = UNKNOWN;
  #samples = 0;
  /** What a round must be shorter than to end CSS (cssBaselineMinRtt). */
  #baseline = UNKNOWN;
  /** Rounds of CSS, of which the first may be a part of one. */
  #rounds = 0;
  /** Quarters of a segment that have not become growth yet. */
  #quarters = 0;

  /** Looks for an end, from a round that begins here. @param nxt SND.NXT */
  reset(nxt: Seq): void {
    this.#isConservative = false;
    this.#end = nxt;
    this.#lastRtt = UNKNOWN;
    this.#roundRtt = UNKNOWN;
    this.#samples = 0;
    this.#baseline = UNKNOWN;
    this.#rounds = 0;
    this.#quarters = 0;
  }

  /** An ACK of slow start has measured `sample.rtt`. @returns true: slow start is to end here */
  update(sample: AckSample): boolean {
    if (lt(this.#end, sample.una) && this.#beginRound(sample.nxt)) return true;
    this.#roundRtt = Math.min(this.#roundRtt, sample.rtt);
    this.#samples++;
    if (this.#samples < SAMPLES) return false;
    if (!this.#isConservative) this.#watch();
    else if (this.#roundRtt < this.#baseline) this.#isConservative = false;
    return false;
  }

  /** Segments by which `acked` ones may let cwnd grow. @rfc 9406 4.2: L is infinite with pacing */
  share(acked: number, isPaced: boolean): number {
    const most = isPaced ? acked : Math.min(acked, MOST_OF_AN_ACK);
    if (!this.#isConservative) return most;
    this.#quarters += most;
    const whole = Math.floor(this.#quarters / CONSERVATIVE_DIVISOR);
    this.#quarters -= whole * CONSERVATIVE_DIVISOR;
    return whole;
  }

  /** @returns true: that was the last round of CSS */
  #beginRound(nxt: Seq): boolean {
    this.#end = nxt;
    this.#lastRtt = this.#roundRtt;
    this.#roundRtt = UNKNOWN;
    this.#samples = 0;
    if (this.#isConservative) this.#rounds++;
    return this.#isConservative && this.#rounds >= CONSERVATIVE_ROUNDS;
  }

  /** Are round trips longer than those of the last round? */
  #watch(): void {
    if (this.#lastRtt === UNKNOWN) return;
    const delay = Math.max(LEAST_DELAY, Math.min(this.#lastRtt / DELAY_DIVISOR, MOST_DELAY));
    if (this.#roundRtt < this.#lastRtt + delay) return;
    this.#isConservative = true;
    this.#baseline = this.#roundRtt;
    this.#rounds = 0;
  }
}
