import { type Micros, NEVER } from './time.ts';

/** Who is called when a deadline has come. */
export interface TimerTarget {
  onDeadline(now: Micros): void;
}

/** `position` of an entry that is in no queue. */
const NOWHERE = -1;

/** The one place of a target in a {@link TimerQueue}. Only the queue writes its fields. */
export class TimerEntry {
  readonly target: TimerTarget;
  /** When the target is to be called; {@link NEVER} when it is not queued. */
  deadline: Micros;
  /** Index in the heap, -1 when it is not queued. */
  position: number;
  /** Number of the `schedule` call, which decides between equal deadlines. */
  order: number;

  constructor(target: TimerTarget) {
    this.target = target;
    this.deadline = NEVER;
    this.position = NOWHERE;
    this.order = 0;
  }
}

/**
 * The deadlines of a whole stack, earliest first: a binary heap in which each entry knows its
 * position, so moving and removing one takes O(log n) without a search.
 */
export class TimerQueue {
  readonly #heap: TimerEntry[] = [];
  #orders = 0;
  /** `now` of the running {@link expire}; -Infinity outside of one. */
  #floor: Micros = Number.NEGATIVE_INFINITY;

  get size(): number {
    return this.#heap.length;
  }

  /** The earliest deadline, {@link NEVER} if the queue is empty. */
  next(): Micros {
    const first = this.#heap[0];
    return first === undefined ? NEVER : first.deadline;
  }

  /**
   * Puts the entry in the queue, or moves it when it is there; at {@link NEVER} it is removed.
   * Within a call of {@link expire} a deadline that has passed counts as that call's `now`.
   */
  schedule(entry: TimerEntry, at: Micros): void {
    if (Number.isNaN(at)) throw new RangeError('a deadline of NaN');
    if (at === NEVER) {
      this.cancel(entry);
      return;
    }
    const before = entry.deadline;
    entry.deadline = at < this.#floor ? this.#floor : at;
    entry.order = this.#orders++;
    if (entry.position === NOWHERE) {
      this.#heap.push(entry);
      this.#up(entry, this.#heap.length - 1);
    } else if (entry.deadline < before) {
      this.#up(entry, entry.position);
    } else {
      this.#down(entry, entry.position);
    }
  }

  /** Removes the entry; nothing happens if it is not queued. */
  cancel(entry: TimerEntry): void {
    const hole = entry.position;
    if (hole === NOWHERE) return;
    entry.position = NOWHERE;
    entry.deadline = NEVER;
    const last = this.#heap.pop();
    if (last === undefined || last === entry) return;
    // The last one takes the free place, from where it belongs further up or further down.
    this.#up(last, hole);
    if (last.position === hole) this.#down(last, hole);
  }

  /**
   * Calls the target of each entry whose deadline is `now` or before, in the order of deadlines,
   * equal ones in the order of scheduling. An entry is out of the queue when its target is called,
   * which may schedule and cancel any entry, itself included. What is scheduled for `now` or before
   * meanwhile waits for the next call, so each call ends.
   *
   * @returns how many targets were called
   */
  expire(now: Micros): number {
    const end = this.#orders;
    let called = 0;
    this.#floor = now;
    try {
      for (;;) {
        // What is scheduled from here on has a deadline of `now` or later and a higher order, so
        // it stands behind all that was due before.
        const first = this.#heap[0];
        if (first === undefined || first.deadline > now || first.order >= end) return called;
        this.cancel(first);
        called++;
        first.target.onDeadline(now);
      }
    } finally {
      this.#floor = Number.NEGATIVE_INFINITY;
    }
  }

  /** Places the entry at `position` or, while its parent is later, in the parent's place. */
  #up(entry: TimerEntry, position: number): void {
    let at = position;
    while (at > 0) {
      const above = (at - 1) >>> 1;
      const parent = this.#heap[above];
      if (parent === undefined || isBefore(parent, entry)) break;
      this.#place(parent, at);
      at = above;
    }
    this.#place(entry, at);
  }

  /** Places the entry at `position` or, while a child is earlier, in the earlier child's place. */
  #down(entry: TimerEntry, position: number): void {
    let at = position;
    for (;;) {
      let below = 2 * at + 1;
      let child = this.#heap[below];
      if (child === undefined) break;
      const right = this.#heap[below + 1];
      if (right !== undefined && isBefore(right, child)) {
        child = right;
        below++;
      }
      if (isBefore(entry, child)) break;
      this.#place(child, at);
      at = below;
    }
    this.#place(entry, at);
  }

  #place(entry: TimerEntry, position: number): void {
    this.#heap[position] = entry;
    entry.position = position;
  }
}

function isBefore(a: TimerEntry, b: TimerEntry): boolean {
  return a.deadline < b.deadline || (a.deadline === b.deadline && a.order < b.order);
}
