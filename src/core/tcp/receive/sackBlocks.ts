import { le, lt, max, min, type Seq, seq } from '../../base/seq.ts';
import type { Segment } from '../../wire/tcp.ts';

/** Blocks that are remembered; more do not fit into an option. (Linux: TCP_NUM_SACKS) */
const MAX_BLOCKS = 4;

/**
 * What the SACK option tells the peer: the blocks of text beyond a hole, the one that grew last
 * first, and before them, once, text that has arrived twice.
 *
 * ```
 *   | D-SACK: arrived twice | block that grew last | the one before | ... |
 * ```
 *
 * What is true here: as in Linux (`selective_acks`) the blocks are those of the latest segments, and
 * the oldest is forgotten for want of room, though its text is kept. None is taken back: text that
 * has been reported stays (RFC 2018 8 would allow to renege).
 *
 * @rfc 2018 4, 2883 4
 */
export class SackBlocks {
  readonly #lefts = new Uint32Array(MAX_BLOCKS);
  readonly #rights = new Uint32Array(MAX_BLOCKS);
  #count = 0;
  #duplicateLeft: Seq = seq(0);
  #duplicateRight: Seq = seq(0);
  /** The next segment reports text that has arrived twice. */
  hasDuplicate = false;

  /** Blocks to report, that of the duplicate not counted. */
  get count(): number {
    return this.#count;
  }

  /** Left edge of block `i`. */
  left(i: number): Seq {
    return seq(this.#lefts[i] ?? 0);
  }

  /** Right edge of block `i`, excluded. */
  right(i: number): Seq {
    return seq(this.#rights[i] ?? 0);
  }

  /**
   * A segment arrived beyond a hole (tcp_sack_new_ofo_skb): the block that it touches grows and
   * becomes the first, or it is a new first one.
   * @returns place among the blocks where it was, `count` if it is new
   */
  add(left: Seq, right: Seq): number {
    let place = 0;
    while (place < this.#count && !this.#extend(place, left, right)) place++;
    if (place < this.#count) {
      this.#toFront(place);
      this.#coalesceFirst();
      return place;
    }
    const last = Math.min(this.#count, MAX_BLOCKS - 1);
    this.#lefts.copyWithin(1, 0, last);
    this.#rights.copyWithin(1, 0, last);
    this.#lefts[0] = left;
    this.#rights[0] = right;
    this.#count = last + 1;
    return place;
  }

  /** RCV.NXT has advanced: blocks that it has reached are no more (tcp_sack_remove). */
  cutBelow(nxt: Seq): void {
    let kept = 0;
    for (let i = 0; i < this.#count; i++) {
      if (le(this.left(i), nxt)) continue;
      this.#lefts[kept] = this.left(i);
      this.#rights[kept] = this.right(i);
      kept++;
    }
    this.#count = kept;
  }

  clear(): void {
    this.#count = 0;
  }

  /** Text from `left` to `right` has arrived twice (tcp_dsack_set). @rfc 2883 4 */
  setDuplicate(left: Seq, right: Seq): void {
    this.hasDuplicate = true;
    this.#duplicateLeft = left;
    this.#duplicateRight = right;
  }

  /** ... and more of it, by the same segment (tcp_dsack_extend). */
  extendDuplicate(left: Seq, right: Seq): void {
    if (!this.hasDuplicate) {
      this.setDuplicate(left, right);
    } else if (le(left, this.#duplicateRight) && le(this.#duplicateLeft, right)) {
      this.#duplicateLeft = min(this.#duplicateLeft, left);
      this.#duplicateRight = max(this.#duplicateRight, right);
    }
  }

  /** Octets of the option with its padding behind `others` octets of options; 0: no option. */
  optionLength(others: number): number {
    const room = (40 - others - 4) >>> 3;
    const blocks = Math.min(this.#count + (this.hasDuplicate ? 1 : 0), room);
    return blocks > 0 ? 4 + 8 * blocks : 0;
  }

  /**
   * Puts the blocks into a segment, whose writer leaves out those that do not fit. A duplicate is
   * reported once. @rfc 2883 4 (1)
   */
  fill(segment: Segment): void {
    let to = 0;
    if (this.hasDuplicate) {
      segment.sackLeft[0] = this.#duplicateLeft;
      segment.sackRight[0] = this.#duplicateRight;
      this.hasDuplicate = false;
      to = 1;
    }
    for (let i = 0; i < this.#count && to < MAX_BLOCKS; i++, to++) {
      segment.sackLeft[to] = this.left(i);
      segment.sackRight[to] = this.right(i);
    }
    segment.sackCount = to;
  }

  /** tcp_sack_extend: block `i` with what overlaps or touches it. @returns false: it does neither */
  #extend(i: number, left: Seq, right: Seq): boolean {
    if (lt(this.right(i), left) || lt(right, this.left(i))) return false;
    this.#lefts[i] = min(this.left(i), left);
    this.#rights[i] = max(this.right(i), right);
    return true;
  }

  #toFront(place: number): void {
    const left = this.left(place);
    const right = this.right(place);
    this.#lefts.copyWithin(1, 0, place);
    this.#rights.copyWithin(1, 0, place);
    this.#lefts[0] = left;
    this.#rights[0] = right;
  }

  /** The first block may have reached others (tcp_sack_maybe_coalesce). */
  #coalesceFirst(): void {
    for (let i = 1; i < this.#count; ) {
      if (this.#extend(0, this.left(i), this.right(i))) {
        this.#lefts.copyWithin(i, i + 1, this.#count);
        this.#rights.copyWithin(i, i + 1, this.#count);
        this.#count--;
      } else {
        i++;
      }
    }
  }
}
