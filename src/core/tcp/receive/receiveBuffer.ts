import { ByteRing } from '../../base/byteRing.ts';
import { RangeSet } from '../../base/rangeSet.ts';
import { add, diff, type Seq } from '../../base/seq.ts';
import { MAX_REASSEMBLY_RANGES, type SegmentLayout } from '../config.ts';
import { SegmentMemory } from './segmentMemory.ts';

/**
 * The text that has arrived and that the user has not read, and beyond it what came out of order:
 *
 * ```
 *   read | in order, unread |  hole  | out of order |  hole  | ... |
 *        ^ next octet to    ^ RCV.NXT                              ^ RCV.NXT + free
 *          be read
 * ```
 *
 * All of it lies in one ring; the ranges say which octets beyond RCV.NXT are there. Beside it stands
 * what all this would cost Linux, from which the window is computed.
 */
export class ReceiveBuffer {
  readonly #ring: ByteRing;
  readonly ranges: RangeSet;
  readonly memory: SegmentMemory;
  /**
   * Octets that were not read when the user had read the first buffer of those that it has read since
   * this was -1: Linux measures then, not when all is read.
   */
  unreadAtFirst: number;

  /** @param limit most octets that are ever held, above any window */
  constructor(limit: number, layout: SegmentLayout) {
    this.#ring = new ByteRing(limit);
    this.ranges = new RangeSet(MAX_REASSEMBLY_RANGES);
    this.memory = new SegmentMemory(layout);
    this.unreadAtFirst = -1;
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
    const { ranges, memory } = this;
    if (offset === 0 && ranges.count === 0) {
      const taken = ring.write(octets, from, count);
      memory.append(taken, add(nxt, taken));
      return taken;
    }
    const left = add(nxt, offset);
    if (!ranges.insert(left, add(left, count))) return -1;
    ring.writeAt(ring.length + offset, octets, from, count);
    if (offset > 0) {
      memory.appendOutOfOrder(left, add(left, count));
      return 0;
    }
    const advance = diff(ranges.right(0), nxt);
    ring.commit(advance);
    ranges.cutBelow(add(nxt, advance));
    memory.append(count, add(nxt, count));
    memory.moveInOrder(add(nxt, count));
    return advance;
  }

  /** Moves up to `count` octets to the user. @returns octets moved */
  read(into: Uint8Array, at: number, count: number): number {
    const octets = Math.min(count, this.#ring.length);
    if (this.unreadAtFirst < 0 && octets > 0) {
      this.unreadAtFirst = this.#ring.length - Math.min(octets, this.memory.firstOctets);
    }
    this.#ring.peek(0, into, at, octets);
    this.#ring.discard(octets);
    this.memory.read(octets);
    return octets;
  }

  /** Forgets what lies beyond a hole: the peer has to send it again. @rfc 2018 8 */
  dropOutOfOrder(): void {
    this.ranges.clear();
    this.memory.clearOutOfOrder();
  }

  /** Gives back the storage: nothing will be read any more. */
  release(): void {
    this.#ring.release();
    this.ranges.clear();
    this.memory.clear();
  }
}
