import { formatIpv4, type Ipv4Address } from '../base/address.ts';
import type { Micros } from '../base/time.ts';

/** What is remembered of a server. @rfc 7413 4.1.3 */
export interface FastOpenServer {
  /** Largest segment that it announced last; 0: it announced none. */
  readonly mss: number;
  /** Empty: it has given none. */
  readonly cookie: Uint8Array;
  /** The cookie came in the format of before RFC 7413, and goes back in it. */
  readonly isExperiment: boolean;
  /**
   * Formats in which a cookie was asked for in vain: after the first one the other is tried, once, and
   * then the first again for good (Linux: try_exp).
   */
  readonly vain: 0 | 1 | 2;
}

/** Two ends of a path. */
interface Ends {
  readonly local: Ipv4Address;
  readonly remote: Ipv4Address;
}

const NO_COOKIE = new Uint8Array(0);
const UNKNOWN: FastOpenServer = { mss: 0, cookie: NO_COOKIE, isExperiment: false, vain: 0 };

/** A pause is at most 2^6 times as long as the first one. */
const MOST_DOUBLINGS = 6;

/**
 * What the active opens of a stack know of TCP Fast Open: the cookie of each server, and whether the
 * network seems to swallow SYNs with text, so that Fast Open pauses towards everybody.
 *
 * What is true here: of each pair of addresses one cookie is kept, the last one that arrived; who was
 * not heard of for the longest time is forgotten first.
 *
 * @rfc 7413 4.1.3
 */
export class FastOpenCache {
  readonly #servers = new Map<string, FastOpenServer>();
  /** When a server has refused Fast Open. */
  readonly #refusals = new Map<string, Micros>();
  /** Pauses in a row, each twice as long as the one before, and when the last one began. */
  #pauses = 0;
  #pausedAt: Micros = 0;

  /** How many servers are known. */
  get size(): number {
    return this.#servers.size;
  }

  /** What is known of `remote`, as it is reached from `local`. */
  find(local: Ipv4Address, remote: Ipv4Address): FastOpenServer {
    return this.#servers.get(keyOf(local, remote)) ?? UNKNOWN;
  }

  /**
   * A server has answered.
   *
   * @param news what it said: without a cookie the one that is known stays, as does the segment size
   * @param most servers that are remembered
   */
  remember({ local, remote }: Ends, news: FastOpenServer, most: number): void {
    const key = keyOf(local, remote);
    const old = this.#servers.get(key) ?? UNKNOWN;
    this.#servers.delete(key); // it is put behind the others
    const cookie = news.cookie.length > 0 ? news : old;
    const mayTryOther = old.cookie.length === 0 && news.vain > old.vain;
    this.#servers.set(key, {
      mss: news.mss > 0 ? news.mss : old.mss,
      cookie: cookie.cookie,
      isExperiment: cookie.isExperiment,
      vain: cookie === old && mayTryOther ? news.vain : old.vain,
    });
    for (const [oldest] of this.#servers) {
      if (this.#servers.size <= most) break;
      this.#servers.delete(oldest);
    }
  }

  /** Forgets all servers (Linux: ip tcp_metrics flush). */
  clear(): void {
    this.#servers.clear();
    this.#refusals.clear();
  }

  // ---- refusals -----------------------------------------------------------------------------

  /** A server wants no Fast Open: its cookie is forgotten. @param most servers that are remembered */
  refuse({ local, remote }: Ends, most: number, now: Micros): void {
    const key = keyOf(local, remote);
    this.#servers.delete(key);
    this.#refusals.delete(key);
    this.#refusals.set(key, now);
    for (const [oldest] of this.#refusals) {
      if (this.#refusals.size <= most) break;
      this.#refusals.delete(oldest);
    }
  }

  /** @param time for which a refusal counts */
  isRefused({ local, remote }: Ends, time: Micros, now: Micros): boolean {
    const at = this.#refusals.get(keyOf(local, remote));
    return at !== undefined && now < at + time;
  }

  // ---- pauses -------------------------------------------------------------------------------

  /** Was there a pause since the last {@link resume}? */
  get hasPaused(): boolean {
    return this.#pauses > 0;
  }

  /** Fast Open met a network that swallows it. */
  pause(now: Micros): void {
    this.#pauses++;
    this.#pausedAt = now;
  }

  /** @param first length of the first pause; 0: there are none */
  isPaused(first: Micros, now: Micros): boolean {
    if (first === 0 || this.#pauses === 0) return false;
    return now < this.#pausedAt + first * 2 ** Math.min(this.#pauses - 1, MOST_DOUBLINGS);
  }

  /** It works after all: the next pause is the first one again. */
  resume(): void {
    this.#pauses = 0;
  }
}

function keyOf(local: Ipv4Address, remote: Ipv4Address): string {
  return `${formatIpv4(local)} ${formatIpv4(remote)}`;
}
