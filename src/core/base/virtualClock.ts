import type { Clock, Micros } from './time.ts';

/** A clock that stands still until it is told otherwise. */
export class VirtualClock implements Clock {
  #now: Micros;

  constructor(start: Micros = 0) {
    this.#now = start;
  }

  now(): Micros {
    return this.#now;
  }

  /** Jumps to `t`. @throws RangeError if that is in the past */
  advanceTo(t: Micros): void {
    if (!(t >= this.#now)) throw new RangeError(`from ${this.#now} back to ${t}`);
    this.#now = t;
  }
}
