import { add, diff, le, lt, type Seq, seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { MAX_SEGMENTS_IN_FLIGHT } from '../config.ts';
import { NO_STAMP, type SendStamp } from './delivery.ts';

/** Marks of a record, with Linux's meaning (TCPCB_*). */
export const Mark = {
  /** The peer has it, beyond a hole. @rfc 2018 5 */
  SACKED: 1,
  /** Presumed lost. */
  LOST: 2,
  /** Sent again, and in flight once more. */
  RESENT: 4,
  /** Sent more than once, as a probe or otherwise. @rfc 6298 3 (Karn) */
  EVER_RESENT: 8,
  /** The last segment of those that were sent as one, in a burst. */
  BURST_END: 16,
  /** The user had too little to send when it was sent last. */
  APP_LIMITED: 32,
} as const;

const FIRST_CAPACITY = 16;
const NOBODY = -1;

/**
 * One record for each segment that was sent and is not yet acknowledged, in order of sequence
 * numbers; together they cover SND.UNA to SND.NXT without a gap. The text itself stays in the send
 * buffer.
 *
 * ```
 *   position      0   1   2   3        what callers count in; 0 begins at SND.UNA
 *   order ring  | 7 | 2 | 5 | 0 |      the slot of each
 *   slots         seq, end, sentAt ... columns of typed arrays: a record keeps its slot for life
 *   time list     2 -> 0 -> 7 -> 5     slots in the order in which they were sent last
 * ```
 *
 * What is true here: `sackedOut`, `lostOut` and `resentOut` count the records with that mark. No record is
 * SACKED and LOST. The time list holds every record that is not SACKED, and that was not taken out
 * of it as lost since it was sent last.
 *
 * @rfc 9293 3.4, 2018 5
 */
export class RetransmitQueue {
  #order = new Int32Array(FIRST_CAPACITY).map((_, slot) => slot);
  #seq = new Float64Array(FIRST_CAPACITY);
  #end = new Float64Array(FIRST_CAPACITY);
  #sentAt = new Float64Array(FIRST_CAPACITY);
  #delivered = new Float64Array(FIRST_CAPACITY);
  #deliveredAt = new Float64Array(FIRST_CAPACITY);
  #firstSentAt = new Float64Array(FIRST_CAPACITY);
  #marks = new Uint8Array(FIRST_CAPACITY);
  /** So many records from this one on are known to be SACKED: a walk may leap over them. */
  #run = new Int32Array(FIRST_CAPACITY);
  /** Position plus records that were ever acknowledged: it stays when the queue is cut in front. */
  #place = new Float64Array(FIRST_CAPACITY);
  #older = new Int32Array(FIRST_CAPACITY).fill(NOBODY);
  #younger = new Int32Array(FIRST_CAPACITY).fill(NOBODY);
  #timed = new Uint8Array(FIRST_CAPACITY);
  #oldest = NOBODY;
  #youngest = NOBODY;
  #first = 0;
  #passed = 0;
  #count = 0;
  /** No record before this one is lost and still to be sent again. */
  #lostFrom = 0;
  /** Records that the peer has reported. */
  sackedOut = 0;
  /** Records marked lost, sent again or not. */
  lostOut = 0;
  /** Records that were sent again and are in flight. */
  resentOut = 0;

  get count(): number {
    return this.#count;
  }

  get full(): boolean {
    return this.#count >= MAX_SEGMENTS_IN_FLIGHT;
  }

  /** Is anything lost that was not sent again? */
  get hasLost(): boolean {
    return this.lostOut > 0 && this.nextLost() >= 0;
  }

  #slot(i: number): number {
    return this.#order[(this.#first + i) & (this.#order.length - 1)] ?? 0;
  }

  // ---- what is known of record `i` ----------------------------------------------------------

  seq(i: number): Seq {
    return seq(this.#seq[this.#slot(i)] ?? 0);
  }

  end(i: number): Seq {
    return seq(this.#end[this.#slot(i)] ?? 0);
  }

  octets(i: number): number {
    return diff(this.end(i), this.seq(i));
  }

  /** When it was sent last. */
  sentAt(i: number): Micros {
    return this.#sentAt[this.#slot(i)] ?? 0;
  }

  /** Segments that had been delivered when it was sent last. */
  deliveredBefore(i: number): number {
    return this.#delivered[this.#slot(i)] ?? 0;
  }

  /** ... and when the last of them was; -1: not known, or of no account any more. */
  deliveredAt(i: number): Micros {
    return this.#deliveredAt[this.#slot(i)] ?? 0;
  }

  /** When the segment was sent that was measured last when this one was sent. */
  firstSentAt(i: number): Micros {
    return this.#firstSentAt[this.#slot(i)] ?? 0;
  }

  /** Bits of {@link Mark}. */
  marks(i: number): number {
    return this.#marks[this.#slot(i)] ?? 0;
  }

  isSacked(i: number): boolean {
    return (this.marks(i) & Mark.SACKED) !== 0;
  }

  isLost(i: number): boolean {
    return (this.marks(i) & Mark.LOST) !== 0;
  }

  isBurstEnd(i: number): boolean {
    return (this.marks(i) & Mark.BURST_END) !== 0;
  }

  /** Was it ever sent twice? */
  wasResent(i: number): boolean {
    return (this.marks(i) & Mark.EVER_RESENT) !== 0;
  }

  // ---- sending ------------------------------------------------------------------------------

  /**
   * Files a segment that was sent for the first time. `from` is the end of the record before.
   * @param stamp what was delivered until now
   */
  push(from: Seq, to: Seq, now: Micros, stamp: SendStamp = NO_STAMP): void {
    const slot = this.#append();
    this.#seq[slot] = from;
    this.#end[slot] = to;
    this.#sentAt[slot] = now;
    this.#marks[slot] = 0;
    this.#stamp(slot, stamp);
    this.#toYoungest(slot);
  }

  /** A burst ends with record `i`: what follows is not sent again together with it. */
  endBurst(i: number): void {
    const slot = this.#slot(i);
    this.#marks[slot] = (this.#marks[slot] ?? 0) | Mark.BURST_END;
  }

  /** Notes that record `i` was sent again. */
  resent(i: number, now: Micros, stamp: SendStamp = NO_STAMP): void {
    const slot = this.#slot(i);
    const marks = this.#marks[slot] ?? 0;
    if ((marks & Mark.RESENT) === 0) this.resentOut++;
    this.#marks[slot] = marks | Mark.RESENT;
    this.probe(i, now, stamp);
  }

  /** Notes that record `i` was sent again as a probe, which does not count as in flight twice. */
  probe(i: number, now: Micros, stamp: SendStamp = NO_STAMP): void {
    const slot = this.#slot(i);
    this.#marks[slot] = (this.#marks[slot] ?? 0) | Mark.EVER_RESENT;
    this.#sentAt[slot] = now;
    this.#stamp(slot, stamp);
    this.#toYoungest(slot);
  }

  /** First record that is lost and not sent again; -1: there is none. */
  nextLost(): number {
    if (this.lostOut === 0) return NOBODY;
    for (let i = this.#lostFrom; i < this.#count; i++) {
      this.#lostFrom = i;
      if ((this.marks(i) & (Mark.LOST | Mark.RESENT)) === Mark.LOST) return i;
    }
    return NOBODY;
  }

  /** Cuts record `i` at `octets`, so that its first part can be sent alone. */
  split(i: number, octets: number): void {
    const whole = this.#slot(i);
    const rest = this.#append();
    for (let k = this.#count - 1; k > i + 1; k--) this.#put(k, this.#slot(k - 1));
    this.#put(i + 1, rest);
    const cut = add(this.seq(i), octets);
    const marks = this.#marks[whole] ?? 0;
    this.#seq[rest] = cut;
    this.#end[rest] = this.#end[whole] ?? 0;
    this.#sentAt[rest] = this.#sentAt[whole] ?? 0;
    this.#delivered[rest] = this.#delivered[whole] ?? 0;
    this.#deliveredAt[rest] = this.#deliveredAt[whole] ?? 0;
    this.#firstSentAt[rest] = this.#firstSentAt[whole] ?? 0;
    this.#marks[rest] = marks;
    this.#run[rest] = 1;
    this.#run[whole] = 1;
    this.#end[whole] = cut;
    this.#marks[whole] = marks & ~Mark.BURST_END;
    if (this.#timed[whole] === 1) this.#linkAfter(rest, whole);
    this.#tally(marks, 1);
  }

  /** Makes one record of `i` to `last`, which are not SACKED; it has the marks of the first. */
  join(i: number, last: number): void {
    const whole = this.#slot(i);
    this.#end[whole] = this.end(last);
    const freed: number[] = [];
    for (let k = i + 1; k <= last; k++) {
      const slot = this.#slot(k);
      const marks = this.#marks[slot] ?? 0;
      this.#marks[whole] =
        (this.#marks[whole] ?? 0) | (marks & (Mark.EVER_RESENT | Mark.BURST_END));
      this.#tally(marks, -1);
      this.#unlink(slot);
      freed.push(slot);
    }
    for (let k = last + 1; k < this.#count; k++) this.#put(k - freed.length, this.#slot(k));
    this.#count -= freed.length;
    freed.forEach((slot, n) => {
      this.#put(this.#count + n, slot);
    });
    if (this.#lostFrom > i) this.#lostFrom = i;
  }

  // ---- marks --------------------------------------------------------------------------------

  /** Record `i` is lost; if it was sent again, that is lost as well (tcp_mark_skb_lost). */
  markLost(i: number): void {
    const slot = this.#slot(i);
    const marks = this.#marks[slot] ?? 0;
    if ((marks & Mark.SACKED) !== 0) return;
    if ((marks & Mark.LOST) === 0) {
      this.lostOut++;
      this.#marks[slot] = marks | Mark.LOST;
    } else if ((marks & Mark.RESENT) !== 0) {
      this.resentOut--;
      this.#marks[slot] = marks & ~Mark.RESENT;
    }
    if (i < this.#lostFrom) this.#lostFrom = i;
  }

  /** The peer has record `i`. Whatever was sent of it again is believed to have left the network. */
  markSacked(i: number): void {
    const slot = this.#slot(i);
    const marks = this.#marks[slot] ?? 0;
    if ((marks & Mark.SACKED) !== 0) return;
    // Linux keeps RESENT of a record that is not LOST: that transmission may still be in flight.
    const gone = (marks & Mark.LOST) !== 0 ? Mark.LOST | Mark.RESENT : 0;
    this.#tally(marks & gone, -1);
    this.#marks[slot] = (marks & ~gone) | Mark.SACKED;
    this.#run[slot] = 1;
    this.sackedOut++;
    this.#unlink(slot);
  }

  /** Record `i` has been measured, and is not to be measured again. */
  clearDeliveredAt(i: number): void {
    this.#deliveredAt[this.#slot(i)] = NO_STAMP.deliveredAt;
  }

  /** The peer has had record `i` twice: what was sent again of it is no longer in flight. */
  clearResent(i: number): void {
    const slot = this.#slot(i);
    const marks = this.#marks[slot] ?? 0;
    if ((marks & Mark.RESENT) === 0) return;
    this.resentOut--;
    this.#marks[slot] = marks & ~Mark.RESENT;
    if (i < this.#lostFrom) this.#lostFrom = i;
  }

  /** Marks everything that the peer has not reported as lost. @rfc 5681 3.1 */
  markAllLost(): void {
    for (let i = 0; i < this.#count; i++) this.markLost(i);
  }

  /** Nothing was lost after all (tcp_undo_cwnd_reduction). */
  unmarkLost(): void {
    for (let i = 0; this.lostOut > 0 && i < this.#count; i++) {
      const slot = this.#slot(i);
      const marks = this.#marks[slot] ?? 0;
      if ((marks & Mark.LOST) === 0) continue;
      this.#marks[slot] = marks & ~Mark.LOST;
      this.lostOut--;
    }
  }

  /** The peer has taken back what it reported. @rfc 2018 8 */
  forgetSacked(): void {
    for (let i = 0; this.sackedOut > 0 && i < this.#count; i++) {
      const slot = this.#slot(i);
      const marks = this.#marks[slot] ?? 0;
      if ((marks & Mark.SACKED) === 0) continue;
      this.#marks[slot] = marks & ~Mark.SACKED;
      this.sackedOut--;
    }
  }

  // ---- finding ------------------------------------------------------------------------------

  /** Position of the first record that does not begin before `at`; the count if there is none. */
  find(at: Seq): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (lt(this.seq(middle), at)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** From `i` on, the first record that is not SACKED. Its cost does not grow with what it leaps over. */
  nextUnsacked(i: number): number {
    let to = i;
    while (to < this.#count && this.isSacked(to)) to += this.#run[this.#slot(to)] ?? 1;
    for (let k = i; k < to; ) {
      const slot = this.#slot(k);
      const run = this.#run[slot] ?? 1;
      this.#run[slot] = to - k;
      k += run;
    }
    return to;
  }

  /** The record that was sent first, of those in the time list; -1: it is empty. */
  oldest(): number {
    return this.#oldest === NOBODY ? NOBODY : this.#position(this.#oldest);
  }

  /** The record that was sent next after `i`; -1: it was the last one. */
  younger(i: number): number {
    const slot = this.#younger[this.#slot(i)] ?? NOBODY;
    return slot === NOBODY ? NOBODY : this.#position(slot);
  }

  /** Record `i` need not be looked at again until it is sent again. */
  dropFromTime(i: number): void {
    this.#unlink(this.#slot(i));
  }

  // ---- acknowledgment -----------------------------------------------------------------------

  /** Drops what lies before `una`; a record that it divides keeps its later part. */
  acknowledge(una: Seq): void {
    while (this.#count > 0 && le(this.end(0), una)) this.dropFirst();
    if (this.#count > 0 && lt(this.seq(0), una)) this.#seq[this.#slot(0)] = una;
  }

  /** Drops the first record, which is acknowledged. */
  dropFirst(): void {
    const slot = this.#slot(0);
    this.#tally(this.#marks[slot] ?? 0, -1);
    this.#unlink(slot);
    this.#first = (this.#first + 1) & (this.#order.length - 1);
    this.#passed++;
    this.#count--;
    if (this.#lostFrom > 0) this.#lostFrom--;
  }

  clear(): void {
    while (this.#count > 0) this.dropFirst();
    this.#lostFrom = 0;
  }

  // -------------------------------------------------------------------------------------------

  #position(slot: number): number {
    return (this.#place[slot] ?? 0) - this.#passed;
  }

  #stamp(slot: number, { delivered, deliveredAt, firstSentAt, isAppLimited }: SendStamp): void {
    this.#delivered[slot] = delivered;
    this.#deliveredAt[slot] = deliveredAt;
    this.#firstSentAt[slot] = firstSentAt;
    const marks = (this.#marks[slot] ?? 0) & ~Mark.APP_LIMITED;
    this.#marks[slot] = isAppLimited ? marks | Mark.APP_LIMITED : marks;
  }

  #put(i: number, slot: number): void {
    this.#order[(this.#first + i) & (this.#order.length - 1)] = slot;
    this.#place[slot] = this.#passed + i;
  }

  /** A slot at the end of the queue, in no list. */
  #append(): number {
    if (this.#count === this.#order.length) this.#grow();
    const i = this.#count++;
    const slot = this.#slot(i);
    this.#place[slot] = this.#passed + i;
    return slot;
  }

  #tally(marks: number, by: 1 | -1): void {
    if ((marks & Mark.SACKED) !== 0) this.sackedOut += by;
    if ((marks & Mark.LOST) !== 0) this.lostOut += by;
    if ((marks & Mark.RESENT) !== 0) this.resentOut += by;
  }

  #toYoungest(slot: number): void {
    if (this.#youngest === slot) return;
    this.#unlink(slot);
    this.#linkAfter(slot, this.#youngest);
  }

  #linkAfter(slot: number, older: number): void {
    const younger = older === NOBODY ? this.#oldest : (this.#younger[older] ?? NOBODY);
    this.#older[slot] = older;
    this.#younger[slot] = younger;
    if (older === NOBODY) this.#oldest = slot;
    else this.#younger[older] = slot;
    if (younger === NOBODY) this.#youngest = slot;
    else this.#older[younger] = slot;
    this.#timed[slot] = 1;
  }

  #unlink(slot: number): void {
    if (this.#timed[slot] === 0) return;
    const older = this.#older[slot] ?? NOBODY;
    const younger = this.#younger[slot] ?? NOBODY;
    if (older === NOBODY) this.#oldest = younger;
    else this.#younger[older] = younger;
    if (younger === NOBODY) this.#youngest = older;
    else this.#older[younger] = older;
    this.#timed[slot] = 0;
  }

  #grow(): void {
    const from = this.#order.length;
    const order = new Int32Array(from * 2);
    for (let i = 0; i < from; i++) order[i] = this.#slot(i);
    for (let slot = from; slot < order.length; slot++) order[slot] = slot;
    this.#order = order;
    this.#first = 0;
    this.#seq = widened(this.#seq);
    this.#end = widened(this.#end);
    this.#sentAt = widened(this.#sentAt);
    this.#delivered = widened(this.#delivered);
    this.#deliveredAt = widened(this.#deliveredAt);
    this.#firstSentAt = widened(this.#firstSentAt);
    this.#place = widened(this.#place);
    this.#run = widenedLinks(this.#run);
    this.#older = widenedLinks(this.#older);
    this.#younger = widenedLinks(this.#younger);
    this.#marks = widenedMarks(this.#marks);
    this.#timed = widenedMarks(this.#timed);
  }
}

function widened(column: Float64Array): Float64Array<ArrayBuffer> {
  const next = new Float64Array(column.length * 2);
  next.set(column);
  return next;
}

function widenedLinks(column: Int32Array): Int32Array<ArrayBuffer> {
  const next = new Int32Array(column.length * 2);
  next.set(column);
  return next;
}

function widenedMarks(column: Uint8Array): Uint8Array<ArrayBuffer> {
  const next = new Uint8Array(column.length * 2);
  next.set(column);
  return next;
}
