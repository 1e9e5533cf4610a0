import { add, diff, type Seq, seq } from '../base/seq.ts';
import { type Micros, MS, NEVER } from '../base/time.ts';
import { type Arrival, arrivalsOf } from './arrivals.ts';
import { LONGEST_BURST } from './guess.ts';
import type { Inferred } from './inferred.ts';
import { hasAck, isFin, isReset, isSyn } from './numbers.ts';
import type { Part, PartEvent } from './part.ts';
import { shiftOf } from './profile.ts';

/**
 * When the application read, as its ACKs and windows show. A reader that waits is woken by the first
 * segment and runs when the interrupt has dealt with those that came together; then it takes
 * everything. That it did not is seen from a window whose right edge stands still although more text
 * was acknowledged; and an ACK that nothing of the peer asked for was sent because of a read, if it
 * opens the window.
 *
 * @param wakingTime segments that follow each other within it are read together
 */
export function inferReads(part: Part, wakingTime: Micros): Inferred[] {
  const reader = new Reader(part, wakingTime);
  for (const arrival of arrivalsOf(part)) reader.onArrival(arrival);
  return reader.finish();
}

/** From the last segment until a reader that was woken has read. */
const WAKING: Micros = 60;
/** An ACK within this came from the interrupt that brought the segment, not from a reader. */
const INTERRUPT: Micros = 100;
/** No timer of delayed ACKs is as short (Linux: TCP_DELACK_MIN is 40 ms): a read made it due. */
const BEFORE_DELAYED: Micros = 30 * MS;
/** Share of what is unread by which the edge moves: if less, nothing was read. */
const STILL = 0.1;
/** Share of the largest window: who announces that much has an empty buffer. */
const EMPTY = 0.9;

/** The share of memory that text takes is not the same for all sizes of segments. */
const OVERHEAD = 1.2;

interface Announced {
  readonly at: Micros;
  readonly edge: Seq;
  readonly window: number;
  /** A bare ACK that is not the answer of the interrupt to what came last. */
  readonly isSpontaneous: boolean;
  /** ... and not that of the timer of delayed ACKs either. */
  readonly isEarly: boolean;
  readonly hasText: boolean;
  /** Nothing but an update of the window. */
  readonly isUpdate: boolean;
}

class Reader {
  readonly #wakingTime: Micros;
  readonly #announced: readonly Announced[];
  readonly #unit: number;
  /** Octets that the buffer can hold and offer, if it does not grow. */
  readonly #most: number;
  readonly #reads: Inferred[] = [];
  /** What has arrived together. */
  #burst: { firstAt: Micros; lastAt: Micros; octets: number } | null = null;
  #unread = 0;
  /** The next of {@link Announced} that has not been looked at. */
  #next = 0;
  #edge: Seq | null = null;
  #widest = 0;

  constructor(part: Part, wakingTime: Micros) {
    this.#wakingTime = wakingTime;
    this.#announced = announcedBy(part);
    const shift = shiftOf(part, 'own');
    this.#unit = 2 ** shift;
    const widest = this.#announced.reduce((most, { window }) => Math.max(most, window), 0);
    this.#most = shift === 0 ? widest * OVERHEAD : Number.POSITIVE_INFINITY;
  }

  onArrival({ at, octets }: Arrival): void {
    const burst = this.#burst;
    if (burst !== null) {
      const isOver = at - burst.lastAt > this.#wakingTime || at - burst.firstAt > LONGEST_BURST;
      if (!isOver && !this.#isReadBetween(burst.lastAt, at)) {
        burst.octets += octets;
        burst.lastAt = at;
        return;
      }
      this.#endOfBurst(at);
    }
    this.#burst = { firstAt: at, lastAt: at, octets };
  }

  finish(): Inferred[] {
    this.#endOfBurst(NEVER);
    return this.#reads;
  }

  /** Did the reader say something between two segments? */
  #isReadBetween(from: Micros, to: Micros): boolean {
    const said = this.#firstFrom(from);
    return said !== undefined && said.at < to && (said.isSpontaneous || said.hasText);
  }

  /** What came together was read, or was not, until `nextAt` brings more. */
  #endOfBurst(nextAt: Micros): void {
    const burst = this.#burst;
    if (burst === null) return;
    this.#burst = null;
    this.#passTo(burst.lastAt);
    const since = this.#unread === 0 ? burst.firstAt : null;
    this.#unread += burst.octets;
    const answer = this.#firstFrom(burst.lastAt);
    // who answers has read; who does not is taken to have run after a while
    const isAnswer = answer !== undefined && answer.at < nextAt;
    const isOfReader = isAnswer && this.#isOfReader(answer);
    const woken = burst.lastAt + Math.min(WAKING, this.#wakingTime, (nextAt - burst.lastAt) / 2);
    const at = isOfReader && answer.at < burst.lastAt + MS ? answer.at : woken;
    const next = this.#firstFrom(at);
    if (next?.isUpdate !== true || next.at === at) this.#readAt(at, since ?? at, next);
    this.#updates(nextAt);
  }

  /** Was it said by the reader, or after it had read? */
  #isOfReader(said: Announced): boolean {
    const holds = said.window + this.#unread > this.#most;
    return said.isSpontaneous || said.hasText || holds;
  }

  /** A read that returns at this time, as far as what is announced next shows it. */
  #readAt(at: Micros, since: Micros, next: Announced | undefined): void {
    const octets = this.#readBy(next);
    if (octets <= 0) return;
    this.#reads.push({ at, since, act: { call: 'read', octets } });
    this.#unread -= octets;
  }

  #readBy(next: Announced | undefined): number {
    const edge = this.#edge;
    const last = this.#announced.at(-1);
    if (next === undefined) return last?.window === 0 ? 0 : this.#unread;
    if (edge === null || this.#unread < 2 * this.#unit) return this.#unread;
    const moved = diff(next.edge, edge);
    if (next.window >= this.#widest * EMPTY) return this.#unread;
    if (moved <= this.#unread * STILL) return 0;
    return next.window >= this.#widest / 2 ? this.#unread : Math.min(this.#unread, moved);
  }

  /** ACKs that nothing has asked for: what was left is read then. */
  #updates(until: Micros): void {
    for (let said = this.#announced[this.#next]; said !== undefined; ) {
      if (said.at >= until) return;
      const moved = this.#edge === null ? 0 : diff(said.edge, this.#edge);
      if (this.#unread > 0 && said.isSpontaneous && (moved > 0 || said.isEarly)) {
        const isAll = said.window >= this.#widest * EMPTY;
        const octets = isAll ? this.#unread : Math.min(this.#unread, Math.max(1, moved));
        this.#reads.push({ at: said.at, act: { call: 'read', octets } });
        this.#unread -= octets;
      }
      this.#pass(said);
      said = this.#announced[this.#next];
    }
  }

  #firstFrom(at: Micros): Announced | undefined {
    for (let i = this.#next; i < this.#announced.length; i++) {
      const said = this.#announced[i];
      if (said !== undefined && said.at >= at) return said;
    }
    return undefined;
  }

  #passTo(at: Micros): void {
    for (let said = this.#announced[this.#next]; said !== undefined && said.at < at; ) {
      this.#pass(said);
      said = this.#announced[this.#next];
    }
  }

  #pass(said: Announced): void {
    this.#next++;
    this.#edge = said.edge;
    this.#widest = Math.max(this.#widest, said.window);
  }
}

function announcedBy(part: Part): Announced[] {
  const announced: Announced[] = [];
  const shift = shiftOf(part, 'own');
  let heardAt = -NEVER;
  for (const event of part.events) {
    if (event.from === 'peer') heardAt = event.at;
    if (!isAnnouncement(event)) continue;
    const { segment, at } = event;
    const window = isSyn(segment) ? segment.window : segment.window * 2 ** shift;
    const ack = seq(segment.ack);
    const hasText = segment.length > 0 || isFin(segment);
    const isSpontaneous = at - heardAt > INTERRUPT && !hasText;
    const isInOrder = segment.options.sackBlocks.length === 0;
    const isEarly = isSpontaneous && isInOrder && at - heardAt < BEFORE_DELAYED;
    const edge = add(ack, window);
    const last = announced.at(-1);
    const isSameAck = last !== undefined && add(last.edge, -last.window) === ack;
    const isUpdate = isSpontaneous && isSameAck && window > last.window;
    announced.push({ at, edge, window, isSpontaneous, isEarly, hasText, isUpdate });
  }
  return announced;
}

function isAnnouncement(event: PartEvent): event is PartEvent & { from: 'own' } {
  return event.from === 'own' && hasAck(event.segment) && !isReset(event.segment);
}
