import { add, diff, le, lt, type Seq, seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { MAX_SEGMENTS_IN_FLIGHT } from '../config.ts';

/** Presumed lost. */
const LOST = 1;
/** Sent again since it was marked lost, and in flight once more. */
const RESENT = 2;
/** Sent more than once: its acknowledgement is no measurement. @rfc 6298 3 (Karn) */
const EVER_RESENT = 4;

const FIRST_CAPACITY = 16;

/**
 * One record for each segment that was sent and is not yet acknowledged, in order of sequence
 * numbers; together they cover SND.UNA to SND.NXT without a gap. The text itself stays in the send
 * buffer. Records are columns of typed arrays, indexed by a position in a ring.
 *
 * Invariant: `lostOctets` is the sum over LOST records, `resentOctets` that over RESENT ones, and
 * RESENT implies LOST.
 *
 * @rfc 9293 3.4
 */
export class RetransmitQueue {
  #seq = new Float64Array(FIRST_CAPACITY);
  #end = new Float64Array(FIRST_CAPACITY);
  #sentAt = new Float64Array(FIRST_CAPACITY);
  #marks = new Uint8Array(FIRST_CAPACITY);
  #first = 0;
  #count = 0;
  /** No record before this one is lost and still to be sent again. */
  #lostFrom = 0;
  /** Octets marked lost, sent again or not. */
  lostOctets = 0;
  /** Octets marked lost that have been sent again. */
  resentOctets = 0;

  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count >= MAX_SEGMENTS_IN_FLIGHT;
  }

  #at(i: number): number {
    return (this.#first + i) & (this.#seq.length - 1);
  }

  seq(i: number): Seq {
    return seq(this.#seq[this.#at(i)] ?? 0);
  }

  end(i: number): Seq {
    return seq(this.#end[this.#at(i)] ?? 0);
  }

  /** When it was sent last. */
  sentAt(i: number): Micros {
    return this.#sentAt[this.#at(i)] ?? 0;
  }

  octets(i: number): number {
    return diff(this.end(i), this.seq(i));
  }

  isLost(i: number): boolean {
    return ((this.#marks[this.#at(i)] ?? 0) & LOST) !== 0;
  }

  wasResent(i: number): boolean {
    return ((this.#marks[this.#at(i)] ?? 0) & EVER_RESENT) !== 0;
  }

  /** Files a segment that was sent for the first time. `from` is the end of the record before. */
  push(from: Seq, to: Seq, now: Micros): void {
    if (this.#count === this.#seq.length) this.#grow();
    const at = this.#at(this.#count++);
    this.#seq[at] = from;
    this.#end[at] = to;
    this.#sentAt[at] = now;
    this.#marks[at] = 0;
  }

  /** Notes that record `i` was sent again. */
  resent(i: number, now: Micros): void {
    const at = this.#at(i);
    const marks = this.#marks[at] ?? 0;
    if ((marks & LOST) !== 0 && (marks & RESENT) === 0) this.resentOctets += this.octets(i);
    this.#marks[at] = marks | EVER_RESENT | ((marks & LOST) !== 0 ? RESENT : 0);
    this.#sentAt[at] = now;
  }

  /** Marks record `i` as lost and not yet sent again. */
  markLost(i: number): void {
    const at = this.#at(i);
    const marks = this.#marks[at] ?? 0;
    if ((marks & RESENT) !== 0) this.resentOctets -= this.octets(i);
    if ((marks & LOST) === 0) this.lostOctets += this.octets(i);
    this.#marks[at] = (marks & EVER_RESENT) | LOST;
    if (i < this.#lostFrom) this.#lostFrom = i;
  }

  /** Marks everything in flight as lost. @rfc 5681 3.1 */
  markAllLost(): void {
    for (let i = 0; i < this.#count; i++) this.markLost(i);
  }

  /** First record that is lost and not sent again; -1: there is none. */
  nextLost(): number {
    if (this.lostOctets === this.resentOctets) return -1;
    for (let i = this.#lostFrom; i < this.#count; i++) {
      this.#lostFrom = i;
      if (((this.#marks[this.#at(i)] ?? 0) & (LOST | RESENT)) === LOST) return i;
    }
    return -1;
  }

  /** Cuts record `i` at `octets`, so that its first part can be sent alone. */
  split(i: number, octets: number): void {
    this.push(this.end(i), this.end(i), 0);
    for (let k = this.#count - 1; k > i + 1; k--) this.#copy(k - 1, k);
    this.#copy(i, i + 1);
    const cut = add(this.seq(i), octets);
    this.#end[this.#at(i)] = cut;
    this.#seq[this.#at(i + 1)] = cut;
  }

  /** Drops what lies before `una`; a record that it divides keeps its later part. */
  acknowledge(una: Seq): void {
    while (this.#count > 0 && le(this.end(0), una)) {
      this.#uncount(0, this.octets(0));
      this.#first = this.#at(1);
      this.#count--;
      if (this.#lostFrom > 0) this.#lostFrom--;
    }
    if (this.#count > 0 && lt(this.seq(0), una)) {
      this.#uncount(0, diff(una, this.seq(0)));
      this.#seq[this.#first] = una;
    }
  }

  clear(): void {
    this.#count = 0;
    this.#lostFrom = 0;
    this.lostOctets = 0;
    this.resentOctets = 0;
  }

  #uncount(i: number, octets: number): void {
    const marks = this.#marks[this.#at(i)] ?? 0;
    if ((marks & LOST) !== 0) this.lostOctets -= octets;
    if ((marks & RESENT) !== 0) this.resentOctets -= octets;
  }

  #copy(from: number, to: number): void {
    const a = this.#at(from);
    const b = this.#at(to);
    this.#seq[b] = this.#seq[a] ?? 0;
    this.#end[b] = this.#end[a] ?? 0;
    this.#sentAt[b] = this.#sentAt[a] ?? 0;
    this.#marks[b] = this.#marks[a] ?? 0;
  }

  #grow(): void {
    this.#seq = this.#unrolled(this.#seq);
    this.#end = this.#unrolled(this.#end);
    this.#sentAt = this.#unrolled(this.#sentAt);
    const marks = new Uint8Array(this.#marks.length * 2);
    for (let i = 0; i < this.#count; i++) {
      marks[i] = this.#marks[(this.#first + i) & (this.#marks.length - 1)] ?? 0;
    }
    this.#marks = marks;
    this.#first = 0;
  }

  #unrolled(column: Float64Array): Float64Array<ArrayBuffer> {
    const next = new Float64Array(column.length * 2);
    for (let i = 0; i < this.#count; i++) {
      next[i] = column[(this.#first + i) & (column.length - 1)] ?? 0;
    }
    return next;
  }
}
