import { le, lt, max, min, type Seq, seq } from './seq.ts';

/**
 * A few disjoint ranges of the sequence space, sorted, none touching another:
 *
 * ```
 *   left(0) right(0)   left(1)  right(1)          left(2) right(2)
 *      [-------)          [--------)                 [------)        each without its right edge
 * ```
 *
 * The receiver keeps in it what arrived out of order, the sender what was selectively acknowledged.
 * All ranges lie within 2^31 of one another, and so do the arguments of every method. The edges
 * live in typed arrays of fixed size: nothing is allocated after construction.
 */
export class RangeSet {
  readonly #lefts: Uint32Array;
  readonly #rights: Uint32Array;
  #count: number;
  #lastInserted: number;

  /** @param capacity most ranges that it holds */
  constructor(capacity: number) {
    this.#lefts = new Uint32Array(capacity);
    this.#rights = new Uint32Array(capacity);
    this.#count = 0;
    this.#lastInserted = -1;
  }

  /** How many ranges there are. */
  get count(): number {
    return this.#count;
  }

  /**
   * Index of the range that holds what was inserted last, which is the first block of a SACK
   * option; -1 when it was cut away. @rfc 2018 4
   */
  get lastInserted(): number {
    return this.#lastInserted;
  }

  /** First sequence number of range `i`. @throws RangeError if there is no such range */
  left(i: number): Seq {
    this.#check(i);
    return this.#leftAt(i);
  }

  /** The sequence number behind the last one of range `i`. @throws RangeError like {@link left} */
  right(i: number): Seq {
    this.#check(i);
    return this.#rightAt(i);
  }

  /**
   * Adds the range from `left` to `right`, its right edge excluded, and merges it with those that
   * it overlaps or touches. An empty range changes nothing.
   * @returns false, with nothing changed, if that would need more ranges than there is room for
   */
  insert(left: Seq, right: Seq): boolean {
    if (le(right, left)) return true;
    const from = this.#firstEndingFrom(left);
    let to = from; // [from, to) are the ranges that become one with the new one
    while (to < this.#count && le(this.#leftAt(to), right)) to++;
    if (from === to) {
      if (this.#count === this.#lefts.length) return false;
      this.#move(from, from + 1);
      this.#lefts[from] = left;
      this.#rights[from] = right;
    } else {
      this.#lefts[from] = min(left, this.#leftAt(from));
      this.#rights[from] = max(right, this.#rightAt(to - 1));
      this.#move(to, from + 1);
    }
    this.#lastInserted = from;
    return true;
  }

  /** Removes all that lies before `at`. */
  cutBelow(at: Seq): void {
    let gone = 0;
    while (gone < this.#count && le(this.#rightAt(gone), at)) gone++;
    this.#move(gone, 0);
    this.#lastInserted = Math.max(-1, this.#lastInserted - gone);
    if (this.#count > 0 && lt(this.#leftAt(0), at)) this.#lefts[0] = at;
  }

  /** Does one range hold all from `left` to `right`, its right edge excluded? */
  contains(left: Seq, right: Seq): boolean {
    const i = this.#firstEndingFrom(right);
    return i < this.#count && le(this.#leftAt(i), left);
  }

  /** Sequence numbers in all ranges together. */
  octets(): number {
    let n = 0;
    for (let i = 0; i < this.#count; i++) n += (this.#rightAt(i) - this.#leftAt(i)) >>> 0;
    return n;
  }

  /** Removes everything. */
  clear(): void {
    this.#count = 0;
    this.#lastInserted = -1;
  }

  /** Index of the first range whose right edge is `at` or later. */
  #firstEndingFrom(at: Seq): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (lt(this.#rightAt(middle), at)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Moves the ranges from index `from` on to index `to`, and corrects the count. */
  #move(from: number, to: number): void {
    if (from === to) return;
    this.#lefts.copyWithin(to, from, this.#count);
    this.#rights.copyWithin(to, from, this.#count);
    this.#count += to - from;
  }

  #check(i: number): void {
    if (!(i >= 0 && i < this.#count)) throw new RangeError(`range ${i} of ${this.#count}`);
  }

  #leftAt(i: number): Seq {
    return seq(this.#lefts[i] ?? 0);
  }

  #rightAt(i: number): Seq {
    return seq(this.#rights[i] ?? 0);
  }
}
