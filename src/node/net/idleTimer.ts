import { checkDuration } from './errors.ts';

/** Longest delay that the timers of Node know. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** Fires when nothing has restarted it for a time; it never keeps the process running. */
export class IdleTimer {
  /** Milliseconds as set last; undefined: never set. 0: it is off. */
  timeout: number | undefined = undefined;
  readonly #onIdle: () => void;
  #timer: NodeJS.Timeout | null = null;

  constructor(onIdle: () => void) {
    this.#onIdle = onIdle;
  }

  /** Starts it, or turns it off with 0. @throws TypeError, RangeError */
  set(timeout: number): void {
    this.timeout = checkDuration(timeout, 'msecs');
    this.stop();
    if (timeout === 0) return;
    this.#timer = setTimeout(this.#onIdle, Math.min(timeout, MAX_DELAY_MS)).unref();
  }

  /** Something happened: counts from the beginning, even if it has fired. */
  restart(): void {
    this.#timer?.refresh();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}
