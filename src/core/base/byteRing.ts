/** Octets of the first storage, unless the limit asks for less. */
const FIRST_SIZE = 4096;
/** Up to here a loop copies faster than `set(subarray)`, which makes an object. */
const SHORT_COPY = 32;

/**
 * A queue of octets over a ring of a power of two octets, which is allocated at the first write and
 * doubles until it holds the limit:
 *
 * ```
 *            first octet             length            limit
 *                |---- the queue -----|------ free ------|
 *                                        ^^^^    ^^  put there by writeAt, not yet committed
 * ```
 *
 * The send buffer uses it as a queue. The receive buffer puts text that arrives out of order where
 * it will belong (`writeAt`) and moves the end over it once the gap before it is filled (`commit`).
 */
export class ByteRing {
  #storage: Uint8Array | null;
  /** Index of the first octet in the storage. */
  #first: number;
  #length: number;
  /** End of what was written, committed or not, counted from the first octet. */
  #reach: number;
  #limit: number;

  /** @param limit most octets that it will hold, 0 to 2^30 */
  constructor(limit: number) {
    this.#storage = null;
    this.#first = 0;
    this.#length = 0;
    this.#reach = 0;
    this.#limit = limit;
  }

  /** Most octets that it holds. */
  get limit(): number {
    return this.#limit;
  }

  /** Octets in the queue; those that `writeAt` put behind its end do not count. */
  get length(): number {
    return this.#length;
  }

  /** `limit - length` */
  get free(): number {
    return this.#limit - this.#length;
  }

  /** Sets the limit to `limit`, or to what is used (by `writeAt` too) where that is more. */
  setLimit(limit: number): void {
    this.#limit = limit < this.#reach ? this.#reach : limit;
  }

  /**
   * Appends the octets of `source` from `from` on.
   * @returns how many were taken: `count` or `free`, whichever is less
   */
  write(source: Uint8Array, from: number, count: number): number {
    const taken = Math.min(count, this.free);
    this.writeAt(this.#length, source, from, taken);
    this.#length += taken;
    return taken;
  }

  /**
   * Puts octets `offset` octets behind the first one, which may be beyond the end of the queue.
   * Its length does not change. @throws RangeError if that is beyond the limit
   */
  writeAt(offset: number, source: Uint8Array, from: number, count: number): void {
    const end = offset + count;
    if (offset < 0 || count < 0 || end > this.#limit) {
      throw new RangeError(`octets ${offset} to ${end} of a ring of ${this.#limit}`);
    }
    if (from < 0 || from + count > source.length) {
      throw new RangeError(`octets ${from} to ${from + count} of a source of ${source.length}`);
    }
    if (count === 0) return;
    const storage = this.#storageFor(end);
    const at = (this.#first + offset) & (storage.length - 1);
    const head = Math.min(count, storage.length - at);
    copyOctets(storage, at, source, from, head);
    if (head < count) copyOctets(storage, 0, source, from + head, count - head);
    if (end > this.#reach) this.#reach = end;
  }

  /** The next `count` octets, which `writeAt` put there, now belong to the queue. */
  commit(count: number): void {
    if (count < 0 || this.#length + count > this.#reach) {
      throw new RangeError(`commit of ${count} octets of ${this.#reach - this.#length}`);
    }
    this.#length += count;
  }

  /** Copies octets out, which stay in the queue. @throws RangeError beyond its end */
  peek(offset: number, into: Uint8Array, at: number, count: number): void {
    if (offset < 0 || count < 0 || offset + count > this.#length) {
      throw new RangeError(`octets ${offset} to ${offset + count} of ${this.#length}`);
    }
    if (at < 0 || at + count > into.length) {
      throw new RangeError(`octets ${at} to ${at + count} of a target of ${into.length}`);
    }
    const storage = this.#storage;
    if (storage === null || count === 0) return;
    const from = (this.#first + offset) & (storage.length - 1);
    const head = Math.min(count, storage.length - from);
    copyOctets(into, at, storage, from, head);
    if (head < count) copyOctets(into, at + head, storage, 0, count - head);
  }

  /** Removes the first `count` octets. @throws RangeError if there are fewer */
  discard(count: number): void {
    if (count < 0 || count > this.#length) {
      throw new RangeError(`discard of ${count} octets of ${this.#length}`);
    }
    if (this.#storage !== null) this.#first = (this.#first + count) & (this.#storage.length - 1);
    this.#length -= count;
    this.#reach -= count;
  }

  /** Gives the storage back: nothing is in the queue, and nothing fits. */
  release(): void {
    this.#storage = null;
    this.#first = 0;
    this.#length = 0;
    this.#reach = 0;
    this.#limit = 0;
  }

  /** The storage, grown if it does not hold `end` octets. */
  #storageFor(end: number): Uint8Array {
    const old = this.#storage;
    if (old !== null && end <= old.length) return old;
    const most = powerOfTwo(this.#limit);
    const size = Math.min(most, Math.max(FIRST_SIZE, powerOfTwo(end)));
    const storage = new Uint8Array(size);
    if (old !== null) {
      // All of it, in order: what writeAt put beyond the end of the queue moves too.
      const head = old.length - this.#first;
      storage.set(old.subarray(this.#first), 0);
      storage.set(old.subarray(0, this.#first), head);
    }
    this.#storage = storage;
    this.#first = 0;
    return storage;
  }
}

function copyOctets(
  into: Uint8Array,
  at: number,
  source: Uint8Array,
  from: number,
  count: number,
): void {
  if (count <= SHORT_COPY) {
    for (let i = 0; i < count; i++) into[at + i] = source[from + i] ?? 0;
  } else {
    into.set(source.subarray(from, from + count), at);
  }
}

/** The least power of two that is not below `n`. */
function powerOfTwo(n: number): number {
  return n <= 1 ? 1 : 2 ** (32 - Math.clz32(n - 1));
}
