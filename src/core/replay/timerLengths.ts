import type { Micros } from '../base/time.ts';
import { Timer } from '../tcp/tcb.ts';

/** When each timer of a connection was set, so that it is known how long it ran. */
export class TimerLengths {
  readonly #deadlines: Micros[] = [];
  readonly #setAt: Micros[] = [];

  /** Called after each turn. @param deadlines of its timers, each always at the same place */
  note(deadlines: ArrayLike<Micros>, now: Micros): void {
    for (let i = 0; i < deadlines.length; i++) {
      const deadline = deadlines[i] ?? 0;
      if (this.#deadlines[i] === deadline) continue;
      this.#deadlines[i] = deadline;
      this.#setAt[i] = now;
    }
  }

  /** Is it that of the pace, which a kernel keeps by a timer of high resolution? */
  isPace(deadline: Micros): boolean {
    return this.#deadlines[Timer.PACING] === deadline;
  }

  /** Of the longest timer with this deadline; 0: none has it. */
  of(deadline: Micros): Micros {
    let longest = 0;
    this.#deadlines.forEach((at, i) => {
      if (at === deadline) longest = Math.max(longest, at - (this.#setAt[i] ?? at));
    });
    return longest;
  }
}
