import type { Timers } from '../../src/apps/netLike.ts';

/** Timers whose time goes on when the test says so. */
export class ManualTimers implements Timers {
  #now = 0;
  readonly #ties: 'first-first' | 'last-first';
  #waiting: { at: number; callback: () => void }[] = [];

  /** @param ties which of two goes first that are due at the same time */
  constructor(ties: 'first-first' | 'last-first' = 'first-first') {
    this.#ties = ties;
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    const timer = { at: this.#now + delayMs, callback };
    if (this.#ties === 'first-first') this.#waiting.push(timer);
    else this.#waiting.unshift(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#waiting = this.#waiting.filter((other) => other !== timer);
  }

  passes(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = this.#waiting.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#now = next.at;
      this.clearTimeout(next);
      next.callback();
    }
    this.#now = end;
  }

  get pending(): number {
    return this.#waiting.length;
  }
}
