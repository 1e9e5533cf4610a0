import type { Ipv4Address } from '../base/address.ts';
import type { Micros } from '../base/time.ts';
import { TimerEntry, type TimerQueue, type TimerTarget } from '../base/timerQueue.ts';
import { MIN_PATH_MTU, PATH_MTU_LIFETIME } from './config.ts';

/**
 * MTUs that occur, largest first: what is tried next when a router does not tell its own.
 *
 * @rfc 1191 7.1
 */
const PLATEAUS = [65535, 32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68] as const;

/** The largest plateau below the length of a datagram that did not fit, if there is one. @rfc 1191 7.1 */
export function plateauBelow(length: number): number {
  for (const plateau of PLATEAUS) if (plateau < length) return plateau;
  return MIN_PATH_MTU;
}

interface PathMtuEntry {
  readonly mtu: number;
  readonly expires: Micros;
}

/**
 * The destinations whose path MTU was found to be below that of the link. It only ever goes down
 * by what routers say, and comes back when the entry expires, so that a larger one is found again.
 *
 * @rfc 1191 6.3
 */
export class PathMtuTable implements TimerTarget {
  /** In the order of their expiry, since all live equally long. */
  readonly #entries = new Map<Ipv4Address, PathMtuEntry>();
  readonly #timers: TimerQueue;
  readonly #limit: number;
  readonly #timer: TimerEntry;
  /** Goes up with each change, so that a flow knows when to look again. */
  generation = 0;

  constructor(timers: TimerQueue, limit: number) {
    this.#timers = timers;
    this.#limit = limit;
    this.#timer = new TimerEntry(this);
  }

  entries(): Iterable<[Ipv4Address, PathMtuEntry]> {
    return this.#entries;
  }

  /** What is known of the path, at most the MTU of its first link. */
  mtuTo(destination: Ipv4Address, linkMtu: number): number {
    const entry = this.#entries.get(destination);
    return entry === undefined ? linkMtu : Math.min(entry.mtu, linkMtu);
  }

  /**
   * A router told the MTU of its next hop. A value below {@link MIN_PATH_MTU} counts as that, one
   * that is not below the present path MTU is ignored.
   *
   * @param current the path MTU until now
   */
  update(destination: Ipv4Address, told: number, current: number, now: Micros): void {
    const mtu = Math.max(told, MIN_PATH_MTU);
    if (mtu >= current) return;
    this.#entries.delete(destination);
    if (this.#entries.size >= this.#limit) this.#removeOldest();
    this.#entries.set(destination, { mtu, expires: now + PATH_MTU_LIFETIME });
    this.#changed();
  }

  onDeadline(now: Micros): void {
    for (const [destination, entry] of this.#entries) {
      if (entry.expires > now) break;
      this.#entries.delete(destination);
    }
    this.#changed();
  }

  #removeOldest(): void {
    for (const destination of this.#entries.keys()) {
      this.#entries.delete(destination);
      return;
    }
  }

  #changed(): void {
    this.generation++;
    for (const entry of this.#entries.values()) {
      this.#timers.schedule(this.#timer, entry.expires);
      return;
    }
    this.#timers.cancel(this.#timer);
  }
}
