import { fraction, type Random } from '../base/random.ts';
import { type Micros, MS, SECOND } from '../base/time.ts';

/** How long a frame should wait for the wire (QDELAY_REF). */
const TARGET: Micros = 15 * MS;
/** From one reckoning of the probability to the next (T_UPDATE). */
const PERIOD: Micros = 15 * MS;
/** A queue may be longer for this long before anything is dropped (MAX_BURST). */
const BURST: Micros = 150 * MS;
/** What a second above the target, and one more than last time, add to the probability. */
const ALPHA = 0.125;
const BETA = 1.25;
/** As long as fewer are dropped than this, marks do in their place (mark_ecnth). */
const MOST_MARKED = 0.1;
/** A probability below this is forgiven while the queue is short. */
const FORGIVEN = 0.2;
/** What is left of the probability after a period with no queue. */
const DECAY = 0.98;
/** So many frames are no queue. */
const SHORT = 2;
/** After so many periods without a frame nothing of the past counts. */
const LONG_AGO = 1000;
/** The smaller the probability, the more carefully it is changed: below this, by this part. */
const STEPS = [
  [0.000001, 2048],
  [0.00001, 512],
  [0.0001, 128],
  [0.001, 32],
  [0.01, 8],
  [0.1, 2],
] as const;

/** The queue, when another frame comes. */
export interface QueueState {
  /** When it will be empty. */
  readonly until: Micros;
  /** Frames in it. */
  readonly length: number;
}

/**
 * Proportional Integral controller Enhanced: what comes to a queue is dropped or marked by chance, so
 * that the queue is about 15 ms long. Every 15 ms the probability changes with the delay and with its
 * trend. It needs no timer: the queue in between is known when the next frame comes.
 *
 * @rfc 8033 4
 */
export class Pie {
  readonly #random: Random;
  /** When the probability is reckoned next; 0: there was no frame yet. */
  #next: Micros = 0;
  #probability = 0;
  /** The delay when it was reckoned last. */
  #before: Micros = 0;
  /** Time that is left of a burst that is let through. */
  #burst: Micros = BURST;

  constructor(random: Random) {
    this.#random = random;
  }

  /** That the next frame is dropped, 0 to 1. */
  get probability(): number {
    return this.#probability;
  }

  /** A frame comes to the queue. @rfc 8033 4.1, 5.1 */
  decide(queue: QueueState, isEcnCapable: boolean, now: Micros): 'pass' | 'mark' | 'drop' {
    this.#catchUp(queue, now);
    if (this.#burst > 0 || queue.length <= SHORT) return 'pass';
    if (this.#before < TARGET / 2 && this.#probability < FORGIVEN) return 'pass';
    if (fraction(this.#random) >= this.#probability) return 'pass';
    return isEcnCapable && this.#probability <= MOST_MARKED ? 'mark' : 'drop';
  }

  #catchUp({ until }: QueueState, now: Micros): void {
    if (this.#next === 0 || now - this.#next > LONG_AGO * PERIOD) {
      this.#probability = 0;
      this.#before = 0;
      this.#burst = BURST;
      this.#next = now + PERIOD;
    }
    for (; this.#next <= now; this.#next += PERIOD) this.#update(Math.max(0, until - this.#next));
  }

  /** @rfc 8033 4.2, 4.4 */
  #update(delay: Micros): void {
    const [, part] = STEPS.find(([below]) => this.#probability < below) ?? [1, 1];
    const change = (ALPHA * (delay - TARGET) + BETA * (delay - this.#before)) / SECOND;
    this.#probability += change / part;
    if (delay === 0 && this.#before === 0) this.#probability *= DECAY;
    this.#probability = Math.min(Math.max(this.#probability, 0), 1);
    const isShort = delay < TARGET / 2 && this.#before < TARGET / 2;
    this.#burst = Math.max(0, this.#burst - PERIOD);
    if (this.#probability === 0 && isShort) this.#burst = BURST;
    this.#before = delay;
  }
}
