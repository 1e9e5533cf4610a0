import { MS } from '../../base/time.ts';
import type { DeliveryCounts } from './congestionControl.ts';
import { octetsPerSecond, RATE_UNIT } from './rate.ts';

/**
 * Finds out whether a token-bucket policer drops what goes beyond its rate: then the fastest delivery
 * is that of the tokens that had been saved up, and says nothing of the rate that is allowed for long.
 * It is taken for one when two intervals in a row, each of them between losses and of four rounds at
 * least, lost a fifth of what was delivered and delivered at about the same rate. That rate is
 * believed for 48 rounds.
 *
 * What is true here: an interval begins when something is lost, so that the tokens are used up then.
 *
 * Linux: lt_bw_sampling of tcp_bbr.c, which the draft has not.
 */

/** Rounds of an interval (bbr_lt_intvl_min_rtts, and four times that). */
const SHORTEST = 4;
const LONGEST = 16;
/** Lost segments for each 256 that were delivered: many (bbr_lt_loss_thresh). */
const MANY_LOST = 50;
/** Two rates are the same if they differ by an eighth (bbr_lt_bw_ratio), or by so many octets a second. */
const SAME_SHARE = 8;
const SAME_OCTETS = 500;
/** Rounds for which the rate is believed (bbr_lt_bw_max_rtts). */
const BELIEVED = 48;

/** What an ACK has told: the policer was found, or whatever was found of it is forgotten. */
export type Verdict = 'found' | 'forgotten' | null;

/** What {@link Policer.update} is to know of an ACK. */
export interface PolicedAck {
  /** Segments that it shows to be lost. */
  readonly lost: number;
  readonly isAppLimited: boolean;
  /** A round begins with it. */
  readonly isRoundStart: boolean;
  /** The rate is probed for, so that rounds count for the end of belief. */
  readonly isProbing: boolean;
  readonly mss: number;
}

export class Policer {
  /** There is one (lt_use_bw). */
  isFound = false;
  /** Its rate, or that of the last interval; 0: there was none (lt_bw). */
  rate = 0;
  /** An interval is under way (lt_is_sampling), since this ms; the rounds in it, or of belief. */
  #isSampling = false;
  #since = 0;
  #rounds = 0;
  /** Counts when it began. */
  #delivered = 0;
  #lost = 0;

  reset(counts: DeliveryCounts): void {
    this.isFound = false;
    this.rate = 0;
    this.#isSampling = false;
    this.#beginInterval(counts);
  }

  update(ack: PolicedAck, counts: DeliveryCounts): Verdict {
    if (this.isFound) return this.#doubt(ack, counts);
    if (!this.#isSampling) {
      if (ack.lost === 0) return null;
      this.#beginInterval(counts);
      this.#isSampling = true;
    }
    if (ack.isAppLimited) {
      this.reset(counts);
      return null;
    }
    if (ack.isRoundStart) this.#rounds++;
    if (this.#rounds < SHORTEST) return null;
    if (this.#rounds > LONGEST) {
      this.reset(counts);
      return null;
    }
    return ack.lost > 0 ? this.#endInterval(ack.mss, counts) : null;
  }

  /** The rate is believed for some time only: the path may have changed. */
  #doubt({ isProbing, isRoundStart }: PolicedAck, counts: DeliveryCounts): Verdict {
    if (!isProbing || !isRoundStart) return null;
    this.#rounds++;
    if (this.#rounds < BELIEVED) return null;
    this.reset(counts);
    return 'forgotten';
  }

  #beginInterval({ deliveredAt, deliveredInAll, lostInAll }: DeliveryCounts): void {
    this.#since = Math.floor(deliveredAt / MS);
    this.#delivered = deliveredInAll;
    this.#lost = lostInAll;
    this.#rounds = 0;
  }

  /** Something is lost, so the tokens are used up again. */
  #endInterval(mss: number, counts: DeliveryCounts): Verdict {
    const lost = counts.lostInAll - this.#lost;
    const delivered = counts.deliveredInAll - this.#delivered;
    if (delivered === 0 || lost * 256 < MANY_LOST * delivered) return null;
    const ms = Math.floor(counts.deliveredAt / MS) - this.#since;
    if (ms < 1) return null;
    const rate = Math.floor((delivered * RATE_UNIT) / (ms * MS));
    if (this.rate > 0 && isSame(rate, this.rate, mss)) {
      this.rate = Math.floor((rate + this.rate) / 2);
      this.isFound = true;
      this.#rounds = 0;
      return 'found';
    }
    this.rate = rate;
    this.#beginInterval(counts);
    return null;
  }
}

function isSame(rate: number, before: number, mss: number): boolean {
  const difference = Math.abs(rate - before);
  return difference * SAME_SHARE <= before || octetsPerSecond(difference, mss) <= SAME_OCTETS;
}
