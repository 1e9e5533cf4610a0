import { type Micros, NEVER } from '../base/time.ts';
import type { TimedCall } from './application.ts';
import { arrivalsOf } from './arrivals.ts';
import type { Part } from './part.ts';
import { ORIGIN } from './recording.ts';
import type { Verdict } from './verdicts.ts';

/**
 * When a reader ran hangs on the scheduler; its windows tell, but only to who knows how the stack
 * makes them. So the stack itself is asked: where the first window differs from the recorded one, a
 * read near it is put off, put in front, or added, and what carries the likeness further is kept.
 */
export class ReadSchedule {
  readonly #part: Part;
  readonly #others: readonly TimedCall[];
  readonly #reads: readonly Read[];
  /** When octets could be read, and how many there had been by then. */
  readonly #arrivals: readonly Read[];

  private constructor(
    part: Part,
    others: readonly TimedCall[],
    reads: readonly Read[],
    arrivals: readonly Read[],
  ) {
    this.#part = part;
    this.#others = others;
    this.#reads = reads;
    this.#arrivals = arrivals;
  }

  /** The reads among these calls. */
  static of(part: Part, calls: readonly TimedCall[]): ReadSchedule {
    const others = calls.filter(({ call }) => call.call !== 'read');
    let total = 0;
    const reads = calls.flatMap(({ at, until, call }): Read[] => {
      if (call.call !== 'read') return [];
      total += call.octets;
      return [{ since: at, at: Math.max(at, until), upTo: total }];
    });
    let arrived = 0;
    const arrivals = arrivalsOf(part).map(({ at, octets }): Read => {
      arrived += octets;
      return { since: at, at, upTo: arrived };
    });
    return new ReadSchedule(part, others, reads, arrivals);
  }

  /** All calls, with the reads of this schedule. */
  calls(): TimedCall[] {
    let before = 0;
    const reads = this.#reads.flatMap(({ since, at, upTo }): TimedCall[] => {
      const octets = upTo - before;
      before = upTo;
      if (octets <= 0) return [];
      const until = since < at ? { until: this.#seconds(at) } : {};
      const call = { at: this.#seconds(since), ...until, call: 'read', octets } as const;
      return [{ at: since, until: at, call }];
    });
    return [...this.#others, ...reads].sort((a, b) => a.until - b.until);
  }

  /** Other schedules that may be right where this one is first wrong, the likeliest first. */
  othersAt(wrong: Verdict): ReadSchedule[] {
    const at = wrong.at;
    const last = lastUpTo(this.#reads, at);
    const recorded = wrong.segment.window;
    const ours = wrong.ours[0]?.segment.window ?? recorded;
    const later = this.#putOff(last, at);
    const earlier = this.#added(last, at);
    return recorded < ours ? [...later, ...earlier] : [...earlier, ...later];
  }

  /** The read `index` later, or not at all: then the next one takes it all. */
  #putOff(index: number, at: Micros): ReadSchedule[] {
    const read = this.#reads[index];
    if (read === undefined) return [];
    const from = lastUpTo(this.#arrivals, read.at) + 1;
    const to = lastUpTo(this.#arrivals, at) + REACH;
    const without = this.#reads.filter((_, i) => i !== index);
    const others = [];
    for (let i = from; i <= to; i++) {
      const moved = this.#readBehind(i);
      if (moved !== null) others.push(this.#with(without, moved));
    }
    others.push(this.#with(without, null));
    return others;
  }

  /** One more read of all that was there, behind one of the last arrivals in front of `at`. */
  #added(index: number, at: Micros): ReadSchedule[] {
    const after = this.#reads[index]?.at ?? -NEVER;
    const last = lastUpTo(this.#arrivals, at);
    const others = [];
    const arrival = this.#arrivals[last];
    if (arrival !== undefined && at - arrival.at > 1) {
      others.push(this.#with(this.#reads, { ...arrival, since: at - 1, at: at - 1 }));
    }
    for (let i = last - 1; i >= Math.max(0, last - MOST_BACK); i--) {
      const added = this.#readBehind(i);
      if (added === null || added.at <= after) break;
      others.push(this.#with(this.#reads, added));
    }
    return others;
  }

  /** All that had arrived, read between this arrival and the next. */
  #readBehind(index: number): Read | null {
    const arrival = this.#arrivals[index];
    if (arrival === undefined) return null;
    const next = this.#arrivals[index + 1]?.at ?? NEVER;
    const at = Math.floor(arrival.at + Math.min(WAKING, (next - arrival.at) / 2));
    return { since: at, at, upTo: arrival.upTo };
  }

  #with(reads: readonly Read[], added: Read | null): ReadSchedule {
    const all = added === null ? [...reads] : [...reads, added];
    all.sort((a, b) => a.at - b.at);
    let most = 0;
    const rising = all.filter(({ upTo }) => {
      if (upTo <= most) return false;
      most = upTo;
      return true;
    });
    return new ReadSchedule(this.#part, this.#others, rising, this.#arrivals);
  }

  #seconds(at: Micros): number {
    return Math.round(at - ORIGIN + this.#part.lag / 2) / 1e6;
  }
}

/** A read, or an arrival: how many octets of the conversation were read, or there, by then. */
interface Read {
  readonly since: Micros;
  readonly at: Micros;
  readonly upTo: number;
}

/** How long a reader that has a processor takes. */
const WAKING: Micros = 40;
/** How many arrivals behind the wrong window a read is put off, and in front of it one is added. */
const REACH = 4;
const MOST_BACK = 12;

/** Index of the last one until then; -1: there is none. */
function lastUpTo(reads: readonly Read[], at: Micros): number {
  return reads.findLastIndex((read) => read.at <= at);
}
