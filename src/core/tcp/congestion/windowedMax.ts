/**
 * The largest value of a window of time, kept in constant space: the best one, the best one since, and
 * the best one since that. When the best one is too old, the next takes its place. Where no better
 * value comes for a part of the window, a worse one is taken as second or third all the same, so that
 * the successor is not as old as the best one. (Linux: lib/minmax.c, after Kathleen Nichols.)
 *
 * ```
 *   value
 *     ^   1
 *     |        2          3          what came between them was smaller than the one on its right
 *     |                      now
 *     +---|----|----------|---|--->
 *         |<---- window ----->|
 * ```
 *
 * What is true here: values fall from the first to the third, and their times rise.
 */
export class WindowedMax {
  readonly #window: number;
  readonly #values: [first: number, second: number, third: number];
  readonly #times: [first: number, second: number, third: number];

  /** @param window how long a value counts, in the unit of the times */
  constructor(window: number) {
    this.#window = window;
    this.#values = [0, 0, 0];
    this.#times = [0, 0, 0];
  }

  get value(): number {
    return this.#values[0];
  }

  /** There is nothing but this value. */
  reset(value: number, now: number): void {
    this.#values.fill(value);
    this.#times.fill(now);
  }

  /** @param now not earlier than the last */
  add(value: number, now: number): void {
    const [first, second, third] = this.#values;
    if (value >= first || now - this.#times[2] > this.#window) {
      this.reset(value, now);
      return;
    }
    if (value >= second) this.#put(1, value, now);
    else if (value >= third) this.#put(2, value, now);
    this.#renew(value, now);
  }

  /** The value is the best one from this place on. */
  #put(place: 1 | 2, value: number, now: number): void {
    if (place === 1) {
      this.#values[1] = value;
      this.#times[1] = now;
    }
    this.#values[2] = value;
    this.#times[2] = now;
  }

  /** What is too old goes, and the second and the third must not be of the same age as the first. */
  #renew(value: number, now: number): void {
    const [firstAt, secondAt, thirdAt] = this.#times;
    const age = now - firstAt;
    if (age > this.#window) {
      this.#shift(value, now);
      if (now - this.#times[0] > this.#window) this.#shift(value, now);
    } else if (secondAt === firstAt && age > this.#window / 4) {
      this.#put(1, value, now);
    } else if (thirdAt === secondAt && age > this.#window / 2) {
      this.#put(2, value, now);
    }
  }

  #shift(value: number, now: number): void {
    this.#values[0] = this.#values[1];
    this.#times[0] = this.#times[1];
    this.#values[1] = this.#values[2];
    this.#times[1] = this.#times[2];
    this.#put(2, value, now);
  }
}
