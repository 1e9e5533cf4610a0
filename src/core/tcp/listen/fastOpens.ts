import { fill, type Random } from '../../base/random.ts';
import type { Micros } from '../../base/time.ts';
import type { Segment } from '../../wire/tcp.ts';
import type { TcpCounters } from '../counters.ts';
import { FastOpenCookies } from './fastOpenCookies.ts';
import { SECRET_LENGTH } from './isn.ts';
import type { Acceptable, Listener } from './listener.ts';
import type { CookiePair } from './synCookies.ts';

/** What becomes of a SYN, as far as Fast Open goes. */
export interface Judgement {
  /** The user gets the connection at once, with the text of the SYN. */
  readonly isOpen: boolean;
  /** That the SYN-ACK carries; null: none. */
  readonly cookie: Uint8Array | null;
}

/** Who makes and checks cookies. */
type CookieMaker = Pick<FastOpenCookies, 'make' | 'check'>;

const NO: Judgement = { isOpen: false, cookie: null };
const YES: Judgement = { isOpen: true, cookie: null };

/** The server's half of TCP Fast Open: which SYN opens a connection at once. @rfc 7413 4.2.2 */
export class FastOpens {
  readonly #random: Random;
  readonly #counters: TcpCounters;
  /** The last key that was asked for; empty: the stack's own. */
  #key = '';
  #cookies: FastOpenCookies | null = null;
  #own: CookieMaker | null;

  /** @param given the one cookie that there is, where the stack does not make its own */
  constructor(random: Random, counters: TcpCounters, given: Uint8Array | null = null) {
    this.#random = random;
    this.#counters = counters;
    this.#own = given === null ? null : giving(given);
  }

  /** As Linux's tcp_try_fastopen(). */
  judge<C extends Acceptable>(
    listener: Listener<C>,
    seg: Segment,
    { remoteAddress: client, localAddress: server }: CookiePair,
    now: Micros,
  ): Judgement {
    const { fastOpenLength: length, textLength } = seg;
    if (length < 0 && textLength === 0) return NO;
    const counters = this.#counters;
    if (length === 0) counters.TCPFastOpenCookieReqd++;
    if (!listener.mayFastOpen(now)) {
      if (listener.config.fastOpenServer && listener.config.fastOpenBacklog > 0) {
        counters.TCPFastOpenListenOverflow++;
      }
      return NO;
    }
    if (listener.config.fastOpenNoCookie) {
      counters.TCPFastOpenPassive++;
      return YES;
    }
    if (length < 0) return NO;
    const cookies = this.#cookiesOf(listener.config.fastOpenKey);
    const key = cookies.check(seg.fastOpenCookie.subarray(0, length), client, server);
    if (length > 0 && key < 0) counters.TCPFastOpenPassiveFail++;
    if (key === 0) {
      counters.TCPFastOpenPassive++;
      return YES;
    }
    if (key > 0) counters.TCPFastOpenPassiveAltKey++;
    return { isOpen: key > 0, cookie: cookies.make(client, server) };
  }

  #cookiesOf(key: string): CookieMaker {
    if (key === '') {
      this.#own ??= new FastOpenCookies(randomKey(this.#random));
      return this.#own;
    }
    if (this.#cookies === null || this.#key !== key) {
      this.#key = key;
      this.#cookies = new FastOpenCookies(octetsOf(key));
    }
    return this.#cookies;
  }
}

/** Makes no cookie but this. */
function giving(cookie: Uint8Array): CookieMaker {
  const isIt = (other: Uint8Array): boolean => other.every((octet, i) => octet === cookie[i]);
  return {
    make: () => cookie,
    check: (other) => (other.length === cookie.length && isIt(other) ? 0 : -1),
  };
}

function randomKey(random: Random): Uint8Array {
  const key = new Uint8Array(SECRET_LENGTH);
  fill(random, key);
  return key;
}

function octetsOf(digits: string): Uint8Array {
  const octets = new Uint8Array(digits.length / 2);
  for (let i = 0; i < octets.length; i++) {
    octets[i] = Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16);
  }
  return octets;
}
