import { ByteRing } from '../../base/byteRing.ts';
import { add, diff, type Seq } from '../../base/seq.ts';

/**
 * The text from the first unacknowledged octet on, and where it ends:
 *
 * ```
 *        head                           end        (FIN)
 *   ------|------------------------------|-----------|
 *   acked |  sent or not yet, all kept   |  free     |
 * ```
 *
 * `head` is SND.UNA once the SYN is acknowledged. The FIN, when the user has closed, has the number
 * `end`.
 */
export class SendBuffer {
  readonly #ring: ByteRing;
  /** Number of the first octet kept. */
  head: Seq;

  constructor(limit: number, first: Seq) {
    this.#ring = new ByteRing(limit);
    this.head = first;
  }

  /** Number behind the last octet written by the user. */
  get end(): Seq {
    return add(this.head, this.#ring.length);
  }

  get length(): number {
    return this.#ring.length;
  }

  get free(): number {
    return this.#ring.free;
  }

  get limit(): number {
    return this.#ring.limit;
  }

  /** Lets it hold so many octets, where that is more than now. */
  grow(limit: number): void {
    if (limit > this.limit) this.#ring.setLimit(limit);
  }

  /** Appends what fits. @returns octets taken */
  write(source: Uint8Array, from: number, count: number): number {
    return this.#ring.write(source, from, count);
  }

  /** Copies `count` octets from number `from` on. */
  peek(from: Seq, into: Uint8Array, at: number, count: number): void {
    this.#ring.peek(diff(from, this.head), into, at, count);
  }

  /** Forgets what lies before `una`. @returns octets forgotten */
  acknowledge(una: Seq): number {
    const count = Math.min(diff(una, this.head), this.#ring.length);
    if (count <= 0) return 0;
    this.#ring.discard(count);
    this.head = add(this.head, count);
    return count;
  }

  /** Gives back the storage: nothing will be sent any more. */
  release(): void {
    this.#ring.release();
  }
}
