/**
 * The octets of a file that arrive in pieces and are taken in items: file header, record, block.
 * It holds what has arrived and was not taken yet, which is less than one item and one piece if
 * whoever pushes takes all whole items in between.
 */
export class OctetQueue {
  /** Octets that can be taken. */
  length = 0;
  /** Within the file: the first octet of the item that is being read. */
  itemStart = 0;
  /** Over the octets that are held; the item, as far as it was not discarded, begins at `at`. */
  view: DataView;
  /** Index in `view`. */
  at = 0;
  #octets = new Uint8Array(0);
  /** Within the file: the octet at `at`. */
  #position = 0;
  /** Octets that are discarded as soon as they arrive. */
  #unwanted = 0;

  constructor() {
    this.view = new DataView(this.#octets.buffer);
  }

  /** Is there anything of an item that was begun? */
  get isWithinItem(): boolean {
    return this.length > 0 || this.#position > this.itemStart;
  }

  /** Takes a copy of `chunk`. */
  push(chunk: Uint8Array): void {
    const unwanted = Math.min(this.#unwanted, chunk.length);
    this.#unwanted -= unwanted;
    this.#position += unwanted;
    const wanted = chunk.length - unwanted;
    if (wanted === 0) return;
    this.#makeRoom(wanted);
    this.#octets.set(unwanted === 0 ? chunk : chunk.subarray(unwanted), this.at + this.length);
    this.length += wanted;
  }

  /** A copy of `count` octets, which must be there, from `at + from` on. */
  copy(from: number, count: number): Uint8Array {
    return this.#octets.slice(this.at + from, this.at + from + count);
  }

  /** The item ends behind `count` octets, which must be there: it is taken. */
  take(count: number): void {
    this.discard(count);
    this.itemStart = this.#position;
  }

  /** Octets of the item that are not needed, whether they are there or yet to come. */
  discard(count: number): void {
    const here = Math.min(count, this.length);
    this.at += here;
    this.length -= here;
    this.#position += here;
    this.#unwanted += count - here;
  }

  /** Forgets all that is held. */
  clear(): void {
    this.length = 0;
    this.at = 0;
    this.#octets = new Uint8Array(0);
    this.view = new DataView(this.#octets.buffer);
  }

  #makeRoom(wanted: number): void {
    if (this.at + this.length + wanted <= this.#octets.length) return;
    const rest = this.#octets.subarray(this.at, this.at + this.length);
    const needed = this.length + wanted;
    if (needed <= this.#octets.length) {
      this.#octets.copyWithin(0, this.at, this.at + this.length);
    } else {
      // doubled, so that a long item in short pieces is not copied again for each of them
      const larger = new Uint8Array(Math.max(needed, 2 * this.#octets.length));
      larger.set(rest);
      this.#octets = larger;
      this.view = new DataView(larger.buffer);
    }
    this.at = 0;
  }
}
