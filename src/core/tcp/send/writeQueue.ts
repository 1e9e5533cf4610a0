import { add, diff, le, lt, type Seq, seq } from '../../base/seq.ts';

/** Sizes that a {@link WriteQueue} needs when it lays text out, in octets. */
export interface Sizes {
  /** Most text of one chunk. */
  readonly goal: number;
  /** Largest window that the peer has ever offered. */
  readonly maxWnd: number;
}

/** What the user says of a write. */
export interface WriteFlags {
  /** More follows at once: its end is not pushed. */
  readonly more?: boolean;
  /** Its end is that of urgent text: it is sent when all of it is laid out. */
  readonly urgent?: boolean;
  /** Its end is that of a record: no segment reaches beyond it. */
  readonly record?: boolean;
}

interface Write {
  end: Seq;
  readonly more: boolean;
  readonly urgent: boolean;
  readonly record: boolean;
  begun: boolean;
}

/** What the end of a chunk is: bits. */
const PUSHED = 1;
const RECORD = 2;

/** Chunks are forgotten in such numbers, so that each costs little. */
const FORGOTTEN_AT_ONCE = 32;

/**
 * How the text of the send buffer lies in chunks, each of which is sent as one or more segments:
 * Linux's queue of buffers. Where a chunk ends depends on the user's writes, and PSH stands at the
 * end of one alone:
 *
 * ```
 *     SND.UNA    SND.NXT                    end of text
 *   -----|----------|---------------------------|
 *     chunk |  chunk   |      chunk     | chunk |
 *          PSH                         PSH     PSH
 * ```
 *
 * A write fills up the last chunk if some of that is unsent and no record ends there; its last octet is
 * pushed. In a long
 * write, a full chunk is pushed when more than half of the largest window was written since the last
 * PSH (Linux: forced_push).
 *
 * What is true here: the ends are in order, and the last one is where the laid out text ends.
 *
 * @rfc 9293 3.9.1.2 MUST-61
 */
export class WriteQueue {
  #ends: Seq[] = [];
  /** {@link PUSHED}, {@link RECORD} */
  #marks: number[] = [];
  /** Chunks before this one are acknowledged. */
  #first = 0;
  /** End of the last octet that was pushed (pushed_seq). */
  #pushedTo: Seq;
  /** Ends of the writes that are not laid out wholly, and whether more is to follow each. */
  #writes: Write[] = [];
  /** The last write that was laid out is to be followed by more. */
  #more = false;
  /** Where the laid out text ends (write_seq). */
  #end: Seq;

  constructor(first: Seq) {
    this.#pushedTo = first;
    this.#end = first;
  }

  /** The user has written up to `end`. */
  write(end: Seq, { more = false, urgent = false, record = false }: WriteFlags = {}): void {
    const last = this.#writes.at(-1);
    const isSame = last?.more && more && !urgent && !last.urgent && !record && !last.record;
    if (isSame) last.end = end;
    else this.#writes.push({ end, more, urgent, record, begun: false });
  }

  /** The text up to `end` goes along with the SYN: a chunk of its own, which is pushed. */
  takeForSyn(end: Seq): void {
    this.#ends.push(end);
    this.#marks.push(0);
    this.#end = end;
    this.#push();
    while (this.#writes[0] !== undefined && le(this.#writes[0].end, end)) {
      if (this.#writes[0].record) this.#mark(RECORD);
      this.#writes.shift();
    }
  }

  /** Has the user, since this was asked last, written something that more is to follow? */
  takeMore(): boolean {
    const more = this.#more;
    this.#more = false;
    return more;
  }

  /**
   * Lays out what was written, up to the next chunk that is full while its write goes on: what can be
   * sent of it is sent before that.
   *
   * @param nxt SND.NXT: what lies before it is never added to
   * @returns whether such a chunk is pushed; null: everything is laid out
   */
  arrange(nxt: Seq, sizes: Sizes): 'full' | 'pushed' | null {
    for (let write = this.#writes[0]; write !== undefined; write = this.#writes[0]) {
      const last = this.#ends.length - 1;
      let room = this.roomInLast(nxt, sizes.goal);
      if (!write.begun && room > 0) this.#marks[last] = 0;
      write.begun = true;
      if (room === 0) {
        this.#ends.push(this.#end);
        this.#marks.push(0);
        room = sizes.goal;
      }
      this.#append(Math.min(room, diff(write.end, this.#end)));
      const isMuch = diff(this.#end, this.#pushedTo) > sizes.maxWnd >>> 1;
      if (this.#end !== write.end) {
        if (write.urgent) continue;
        if (isMuch) this.#push();
        return isMuch ? 'pushed' : 'full';
      }
      this.#endWrite(write, isMuch);
    }
    return null;
  }

  /** End of the chunk that the octet `at` lies in; `at` itself: behind the last one. */
  endOf(at: Seq): Seq {
    return this.#ends[this.#find(at)] ?? at;
  }

  /** Is the octet before `end` one to be pushed? */
  isPushed(end: Seq): boolean {
    const i = this.#find(add(end, -1));
    return this.#ends[i] === end && this.#has(i, PUSHED);
  }

  /** Is the octet before `end` the last one of a record? (Linux: MSG_EOR) */
  isRecordEnd(end: Seq): boolean {
    const i = this.#find(add(end, -1));
    return this.#ends[i] === end && this.#has(i, RECORD);
  }

  /** Is the octet `at` in the last chunk, or behind it? */
  isLast(at: Seq): boolean {
    return this.#find(at) >= this.#ends.length - 1;
  }

  /** Moves text from the next chunk into that of `at`, up to `octets` (Linux: tcp_grow_skb). */
  grow(at: Seq, octets: number): void {
    const i = this.#find(at);
    const end = this.#ends[i];
    const next = this.#ends[i + 1];
    if (end === undefined || next === undefined || this.#has(i, RECORD)) return;
    if (diff(next, end) > octets) {
      this.#ends[i] = add(end, octets);
      return;
    }
    const marks = this.#marks[i] ?? 0;
    this.#ends.splice(i, 1);
    this.#marks.splice(i, 1);
    this.#marks[i] = (this.#marks[i] ?? 0) | marks;
  }

  /** Makes the chunk of `at` at least `octets` long, with text of those that follow. */
  gather(at: Seq, octets: number): void {
    for (let end = this.endOf(at); diff(end, at) < octets; ) {
      this.grow(at, octets - diff(end, at));
      const next = this.endOf(at);
      if (next === end) return;
      end = next;
    }
  }

  /** Cuts the chunk of `at` at `end`, and pushes there (Linux: tcp_write_wakeup). */
  cut(at: Seq, end: Seq): void {
    const i = this.#find(at);
    const old = this.#ends[i];
    if (old === undefined) return;
    if (lt(this.#pushedTo, old)) this.#pushedTo = old;
    if (old !== end) {
      this.#ends.splice(i, 0, end);
      this.#marks.splice(i, 0, 0);
    }
    this.#marks[i] = (this.#marks[i] ?? 0) | PUSHED;
  }

  /** Forgets what lies before `una`. */
  acknowledge(una: Seq): void {
    while (this.#first < this.#ends.length && le(this.#ends[this.#first] ?? una, una))
      this.#first++;
    if (lt(this.#pushedTo, una)) this.#pushedTo = una;
    if (this.#first < FORGOTTEN_AT_ONCE || this.#first * 2 < this.#ends.length) return;
    this.#ends.splice(0, this.#first);
    this.#marks.splice(0, this.#first);
    this.#first = 0;
  }

  /** The last chunk ends with a write. */
  #endWrite({ more, record }: Write, isMuch: boolean): void {
    if (isMuch || !more) this.#push();
    if (record) this.#mark(RECORD);
    this.#more = more;
    this.#writes.shift();
  }

  #append(octets: number): void {
    this.#end = add(this.#end, octets);
    this.#ends[this.#ends.length - 1] = this.#end;
  }

  /** Where the laid out text ends. */
  get end(): Seq {
    return this.#end;
  }

  /** Octets that fit into the last chunk, if that is not sent wholly. */
  roomInLast(nxt: Seq, goal: number): number {
    const i = this.#ends.length - 1;
    if (i < this.#first || le(this.#end, nxt) || this.#has(i, RECORD)) return 0;
    const before = i > this.#first ? (this.#ends[i - 1] ?? nxt) : nxt;
    const from = lt(before, nxt) ? nxt : before;
    return Math.max(0, goal - diff(this.#end, from));
  }

  #push(): void {
    this.#mark(PUSHED);
    this.#pushedTo = this.#end;
  }

  /** Marks the last chunk. */
  #mark(mark: number): void {
    const last = this.#ends.length - 1;
    this.#marks[last] = (this.#marks[last] ?? 0) | mark;
  }

  #has(i: number, mark: number): boolean {
    return ((this.#marks[i] ?? 0) & mark) !== 0;
  }

  /** Position of the chunk that the octet `at` lies in; behind the last one: their number. */
  #find(at: Seq): number {
    let low = this.#first;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (lt(at, this.#ends[middle] ?? seq(0))) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
