import { diff, le, type Seq, seq } from '../../base/seq.ts';
import { MAX_FRAGMENTS, type SegmentLayout } from '../config.ts';
import { OutOfOrderMemory, octetsBeyond } from './outOfOrderMemory.ts';

/**
 * What the text that waits for the user would cost Linux in memory. The window is computed from it,
 * so a stack that is to announce Linux's windows has to count as Linux does: not octets of text, but
 * of the buffers that hold them.
 *
 * What is true here: a record is a buffer of Linux (sk_buff), with the octets of text in it that
 * were not read. Text that follows closely is put into the last one (tcp_try_coalesce) and costs
 * less then. A buffer is given back when all of it has been read, never a part of it.
 */

/** Small head with its sk_buff and skb_shared_info: SKB_TRUESIZE(SKB_SMALL_HEAD). */
const PAGED_HEAD = 832;
/** sk_buff, and with it skb_shared_info. */
const SK_BUFF = 256;
const LINEAR_HEAD = 576;
/** Ethernet, IP and TCP headers, and the headroom that the TAP driver leaves. */
const LINEAR_HEADROOM = 132;
const CACHE_LINE = 64;

/** What a TUN device that is written to without waiting leaves in front of the IP header, and the headers. */
const TUN_HEADROOM = 64 + 40;
const SHARED_INFO = 320;
/** The head of a small buffer; the largest that is a power of two of octets, and not whole pages. */
const SMALL_HEAD = 576;
const LARGEST_POWER = 8192;
const PAGE = 4096;

/** Memory of the buffer of one segment (skb->truesize), as measured on Linux 6.18. @param text octets */
export function truesize(layout: SegmentLayout, text: number): number {
  if (layout === 'paged') return PAGED_HEAD + text;
  if (layout === 'tun') return tunSize(text);
  return LINEAR_HEAD + Math.ceil((text + LINEAR_HEADROOM) / CACHE_LINE) * CACHE_LINE;
}

/** Over TUN all of a segment lies in one piece of memory, as it is allocated. */
function tunSize(text: number): number {
  const octets = Math.ceil((text + TUN_HEADROOM) / CACHE_LINE) * CACHE_LINE + SHARED_INFO;
  if (octets <= SMALL_HEAD) return SK_BUFF + SMALL_HEAD;
  if (octets > LARGEST_POWER) return SK_BUFF + Math.ceil(octets / PAGE) * PAGE;
  return SK_BUFF + 2 ** Math.ceil(Math.log2(octets));
}

const FIRST_CAPACITY = 16;

export class SegmentMemory {
  readonly layout: SegmentLayout;
  /** Memory of everything, out-of-order text included (sk_rmem_alloc). */
  total: number;
  /**
   * RCV.NXT as the peer knows it: over veth, a buffer can be added to only when the peer, whose
   * copy it is, has given it up.
   */
  acknowledged: Seq;
  /** ... of the text beyond a hole. */
  readonly #outOfOrder: OutOfOrderMemory;
  /** Records in a ring: octets of text not read, and memory. */
  #octets: Uint32Array;
  #memory: Uint32Array;
  #first: number;
  #count: number;
  /** Of the last record: pieces put into it, room behind the text, end of its first segment. */
  #pieces: number;
  #tailroom: number;
  #firstEnd: Seq;

  constructor(layout: SegmentLayout) {
    this.layout = layout;
    this.total = 0;
    this.acknowledged = seq(0);
    this.#outOfOrder = new OutOfOrderMemory();
    this.#octets = new Uint32Array(FIRST_CAPACITY);
    this.#memory = new Uint32Array(FIRST_CAPACITY);
    this.#first = 0;
    this.#count = 0;
    this.#pieces = 0;
    this.#tailroom = 0;
    this.#firstEnd = seq(0);
  }

  /** A segment in order. @param end RCV.NXT behind it */
  append(text: number, end: Seq): void {
    const memory = truesize(this.layout, text);
    this.#take(text, { memory, pieces: this.layout === 'paged' ? 1 : 0 }, end);
  }

  /**
   * A segment beyond a hole. Over veth the peer keeps its copy until all is acknowledged, so nothing
   * can be added to one.
   */
  appendOutOfOrder(left: Seq, right: Seq): void {
    const memory = truesize(this.layout, diff(right, left));
    const buffer = { left, right, memory, pieces: this.layout === 'paged' ? 1 : 0 };
    const before = this.#outOfOrder.total;
    const mayJoin = this.layout === 'linear';
    this.#outOfOrder.insert(buffer, memory - SK_BUFF, mayJoin ? MAX_FRAGMENTS : 0);
    this.total += this.#outOfOrder.total - before;
  }

  /** RCV.NXT has advanced to `nxt`: text that lay beyond a hole may be in order now (tcp_ofo_queue). */
  moveInOrder(nxt: Seq): void {
    const before = this.#outOfOrder.total;
    let from = nxt;
    for (;;) {
      const buffer = this.#outOfOrder.takeFirst(from);
      if (buffer === null) break;
      this.#take(octetsBeyond(buffer, from), buffer, buffer.right);
      from = buffer.right;
    }
    this.total += this.#outOfOrder.total - before;
  }

  /** Octets of text that are left in the first buffer; 0: there is none. */
  get firstOctets(): number {
    return this.#count === 0 ? 0 : (this.#octets[this.#first & (this.#octets.length - 1)] ?? 0);
  }

  /** The user has read. */
  read(text: number): void {
    let left = text;
    const mask = this.#octets.length - 1;
    while (this.#count > 0) {
      const at = this.#first & mask;
      const octets = this.#octets[at] ?? 0;
      if (octets > left) {
        this.#octets[at] = octets - left;
        return;
      }
      left -= octets;
      this.total -= this.#memory[at] ?? 0;
      this.#first = (this.#first + 1) & mask;
      this.#count--;
    }
  }

  /** Packs the text in order closely, as Linux does when memory is short (tcp_collapse). */
  collapse(): void {
    let octets = 0;
    const mask = this.#octets.length - 1;
    for (let i = 0; i < this.#count; i++) octets += this.#octets[(this.#first + i) & mask] ?? 0;
    this.#count = 0;
    this.total = this.#outOfOrder.total;
    if (octets > 0) this.#push(octets, PAGED_HEAD + octets);
    this.#pieces = 0;
  }

  /** What lies beyond a hole is dropped. */
  clearOutOfOrder(): void {
    this.total -= this.#outOfOrder.total;
    this.#outOfOrder.clear();
  }

  clear(): void {
    this.total = 0;
    this.#outOfOrder.clear();
    this.#count = 0;
  }

  /** Into the last buffer, if it has room, or behind it. */
  #take(text: number, buffer: { memory: number; pieces: number }, end: Seq): void {
    const { memory, pieces } = buffer;
    if (this.#coalesces(text, pieces)) {
      this.#addToLast(text, this.#coalescedCost(text, buffer));
      return;
    }
    this.#push(text, memory);
    this.#pieces = pieces;
    const head =
      this.layout === 'tun' ? SK_BUFF + SHARED_INFO + TUN_HEADROOM : LINEAR_HEAD + LINEAR_HEADROOM;
    const isWhole = this.layout !== 'paged' && pieces === 0;
    this.#tailroom = isWhole ? memory - head - text : 0;
    this.#firstEnd = end;
  }

  #coalesces(text: number, pieces: number): boolean {
    if (this.#count === 0) return false;
    const all = this.#pieces + pieces;
    if (this.layout === 'linear') return text <= this.#tailroom || all < MAX_FRAGMENTS;
    // a head that was allocated is not taken apart (skb_head_is_locked)
    if (this.layout === 'tun') return text <= this.#tailroom;
    return all <= MAX_FRAGMENTS && le(this.#firstEnd, this.acknowledged);
  }

  /** skb_try_coalesce: of the new buffer only the pages stay, or all but its sk_buff. */
  #coalescedCost(text: number, { memory, pieces }: { memory: number; pieces: number }): number {
    if (this.layout !== 'paged' && text <= this.#tailroom) {
      this.#tailroom -= text;
      return 0;
    }
    this.#tailroom = 0; // behind other pieces there is no room
    this.#pieces += this.layout === 'paged' ? pieces : pieces + 1;
    return memory - (this.layout === 'paged' ? PAGED_HEAD : SK_BUFF);
  }

  #addToLast(text: number, memory: number): void {
    const at = (this.#first + this.#count - 1) & (this.#octets.length - 1);
    this.#octets[at] = (this.#octets[at] ?? 0) + text;
    this.#memory[at] = (this.#memory[at] ?? 0) + memory;
    this.total += memory;
  }

  #push(text: number, memory: number): void {
    if (this.#count === this.#octets.length) this.#grow();
    const at = (this.#first + this.#count) & (this.#octets.length - 1);
    this.#octets[at] = text;
    this.#memory[at] = memory;
    this.#count++;
    this.total += memory;
  }

  #grow(): void {
    const capacity = this.#octets.length;
    const octets = new Uint32Array(capacity * 2);
    const memory = new Uint32Array(capacity * 2);
    for (let i = 0; i < capacity; i++) {
      const at = (this.#first + i) & (capacity - 1);
      octets[i] = this.#octets[at] ?? 0;
      memory[i] = this.#memory[at] ?? 0;
    }
    this.#octets = octets;
    this.#memory = memory;
    this.#first = 0;
  }
}
