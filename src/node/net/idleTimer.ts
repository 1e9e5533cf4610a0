import { type Micros, MS } from '../../core/base/time.ts';
import { checkDuration } from './errors.ts';
import type { NetHost } from './host.ts';

/** Longest delay that the timers of a host know. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/**
 * Fires when nothing has restarted it for a time. A restart is a note of the time: the timer of the
 * host runs on, and what is left is waited for when it fires.
 */
export class IdleTimer {
  /** Milliseconds as set last; undefined: never set. 0: it is off. */
  timeout: number | undefined = undefined;
  readonly #host: NetHost;
  readonly #onIdle: () => void;
  /** When something last happened. */
  #since: Micros = 0;
  #timer: unknown = null;

  constructor(host: NetHost, onIdle: () => void) {
    this.#host = host;
    this.#onIdle = onIdle;
  }

  /** Starts it, or turns it off with 0. @throws TypeError, RangeError */
  set(timeout: number): void {
    this.timeout = checkDuration(timeout, 'msecs');
    this.stop();
    this.restart();
  }

  /** Something happened: counts from the beginning, even if it has fired. */
  restart(): void {
    if (this.timeout === undefined || this.timeout === 0) return;
    this.#since = this.#host.now();
    if (this.#timer === null) this.#wait(this.timeout);
  }

  stop(): void {
    if (this.#timer !== null) this.#host.timers.clearTimeout(this.#timer);
    this.#timer = null;
  }

  #wait(delayMs: number): void {
    const delay = Math.min(Math.max(1, Math.ceil(delayMs)), MAX_DELAY_MS);
    this.#timer = this.#host.timers.setTimeout(() => this.#check(), delay);
  }

  #check(): void {
    this.#timer = null;
    const left = (this.timeout ?? 0) - (this.#host.now() - this.#since) / MS;
    if (left > 0) this.#wait(left);
    else this.#onIdle();
  }
}
