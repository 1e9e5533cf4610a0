import { ByteRing } from '../../base/byteRing.ts';
import { RangeSet } from '../../base/rangeSet.ts';
import { add, diff, type Seq } from '../../base/seq.ts';
import { MAX_REASSEMBLY_RANGES } from '../config.ts';

/**
 * The text that has arrived and that the user has not read, and beyond it what came out of order:
 *
 * ```
 *   read | in order, unread |  hole  | out of order |  hole  | ... |
 *        ^ next octet to    ^ RCV.NXT                              ^ RCV.NXT + free
 *          be read
 * ```
 *
 * All of it lies in one ring; the ranges say which octets beyond RCV.NXT are there.
 */
export class ReceiveBuffer {
  readonly #ring: ByteRing;
  readonly ranges: RangeSet;

  constructor(limit: number) {
    this.#ring = new ByteRing(limit);
    this.ranges = new RangeSet(MAX_REASSEMBLY_RANGES);
  }

  /** Octets in order, not yet read. */
  get length(): number {
    return this.#ring.length;
  }

  /** Octets beyond RCV.NXT for which there is room. */
  get free(): number {
    return this.#ring.free;
  }

  get limit(): number {
    return this.#ring.limit;
  }

  /**
   * Keeps text that begins `offset` octets beyond RCV.NXT.
   * @returns octets by which RCV.NXT advances; -1 if there are too many separate pieces
   */
  insert(nxt: Seq, offset: number, octets: Uint8Array, from: number, count: number): number {
    const ring = this.#ring;
    if (offset === 0 && this.ranges.count === 0) return ring.write(octets, from, count);
    const left = add(nxt, offset);
    if (!this.ranges.insert(left, add(left, count))) return -1;
    ring.writeAt(ring.length + offset, octets, from, count);
    if (this.ranges.left(0) !== nxt) return 0;
    const advance = diff(this.ranges.right(0), nxt);
    ring.commit(advance);
    this.ranges.cutBelow(add(nxt, advance));
    return advance;
  }

  /** Moves up to `count` octets to the user. @returns octets moved */
  read(into: Uint8Array, at: number, count: number): number {
    const octets = Math.min(count, this.#ring.length);
    this.#ring.peek(0, into, at, octets);
    this.#ring.discard(octets);
    return octets;
  }

  /** Gives back the storage: nothing will be read any more. */
  release(): void {
    this.#ring.release();
    this.ranges.clear();
  }
}
