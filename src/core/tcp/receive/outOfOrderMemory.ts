import { diff, le, lt, max, min, type Seq } from '../../base/seq.ts';

/** Pieces of a buffer and what is known of it, as far as more may be put into it. */
export interface HeldBuffer {
  left: Seq;
  /** Behind its last octet. */
  right: Seq;
  memory: number;
  /** Pages it is made of besides its head (nr_frags). */
  pieces: number;
}

/** Buffers that are told apart; beyond, text that touches a buffer is counted to it. */
const MAX_BUFFERS = 4096;

/**
 * The buffers of text beyond a hole (Linux: `out_of_order_queue`), in the order of their numbers.
 * As there, they may overlap: what arrives is dropped if it brings nothing new, and drops what it
 * covers, but is not cut.
 */
export class OutOfOrderMemory {
  /** Memory of all of them. */
  total = 0;
  #buffers: HeldBuffer[] = [];

  /**
   * A segment beyond a hole (tcp_data_queue_ofo).
   * @param joinedCost memory of its text when it is put into the buffer before it (tcp_ooo_try_coalesce)
   * @param maxPieces pieces that a buffer must have fewer of for that; 0: never
   */
  insert(buffer: HeldBuffer, joinedCost: number, maxPieces: number): void {
    const { left, right } = buffer;
    const at = this.#placeOf(left);
    const before = this.#buffers[at - 1];
    if (before !== undefined && before.right === left && before.pieces < maxPieces) {
      before.right = right;
      before.pieces++;
      this.#charge(before, joinedCost);
    } else if (this.#buffers.length < MAX_BUFFERS || !this.#addToNeighbour(buffer, at)) {
      let covered = at;
      for (; this.#isCovered(covered, right); covered++) {
        this.total -= this.#buffers[covered]?.memory ?? 0;
      }
      this.#buffers.splice(at, covered - at, buffer);
      this.total += buffer.memory;
    }
  }

  /**
   * RCV.NXT has advanced to `nxt`: takes out the first buffer if it begins there, or before
   * (tcp_ofo_queue). One that brings nothing new is dropped.
   */
  takeFirst(nxt: Seq): HeldBuffer | null {
    for (let first = this.#buffers[0]; first !== undefined; first = this.#buffers[0]) {
      if (lt(nxt, first.left)) return null;
      this.#buffers.shift();
      this.total -= first.memory;
      if (lt(nxt, first.right)) return first;
    }
    return null;
  }

  clear(): void {
    this.#buffers = [];
    this.total = 0;
  }

  /** Index of the first buffer that begins at `left` or beyond. */
  #placeOf(left: Seq): number {
    let low = 0;
    let high = this.#buffers.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const buffer = this.#buffers[middle];
      if (buffer !== undefined && lt(buffer.left, left)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #isCovered(i: number, right: Seq): boolean {
    const buffer = this.#buffers[i];
    return buffer !== undefined && le(buffer.right, right);
  }

  #addToNeighbour({ left, right, memory }: HeldBuffer, at: number): boolean {
    const before = this.#buffers[at - 1];
    const behind = this.#buffers[at];
    const touched =
      before !== undefined && le(left, before.right)
        ? before
        : behind !== undefined && le(behind.left, right)
          ? behind
          : null;
    if (touched === null) return false;
    touched.left = min(touched.left, left);
    touched.right = max(touched.right, right);
    this.#charge(touched, memory);
    return true;
  }

  #charge(buffer: HeldBuffer, memory: number): void {
    buffer.memory += memory;
    this.total += memory;
  }
}

/** Octets of a buffer that lie beyond `nxt`. */
export function octetsBeyond(buffer: HeldBuffer, nxt: Seq): number {
  return Math.min(diff(buffer.right, nxt), diff(buffer.right, buffer.left));
}
