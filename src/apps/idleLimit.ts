import type { Timers } from './netLike.ts';

/** Tells when nothing has happened for a time. */
export class IdleLimit {
  readonly #timers: Timers;
  readonly #limitMs: number;
  readonly #onIdle: () => void;
  #timer: unknown = null;

  /** @param limitMs 0: never */
  constructor(timers: Timers, limitMs: number, onIdle: () => void) {
    this.#timers = timers;
    this.#limitMs = limitMs;
    this.#onIdle = onIdle;
  }

  /** Counts from now on. */
  restart(): void {
    this.stop();
    if (this.#limitMs > 0) this.#timer = this.#timers.setTimeout(this.#onIdle, this.#limitMs);
  }

  stop(): void {
    if (this.#timer !== null) this.#timers.clearTimeout(this.#timer);
    this.#timer = null;
  }
}
