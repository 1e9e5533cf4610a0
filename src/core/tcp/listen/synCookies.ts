import type { Ipv4Address } from '../../base/address.ts';
import { add, type Seq, seq } from '../../base/seq.ts';
import { SipHash } from '../../base/siphash.ts';
import { type Micros, MS, SECOND } from '../../base/time.ts';
import { Flag, type Segment } from '../../wire/tcp.ts';
import { DEFAULT_MSS, MIN_MSS } from '../config.ts';

/**
 * SYN cookies: what a listener would have to remember of a SYN is put into the numbers of the SYN-ACK,
 * and read back from the ACK that ends the handshake.
 *
 * ```
 *   ISS - hash(addresses, ports) - ISN of the peer:
 *     | minute, 8 bits |  size + hash(addresses, ports, minute), 24 bits  |
 *   TSval - offset:
 *     | milliseconds, lowest bits cut off | ECN | SACK | shift, 15: none (4 bits) |
 * ```
 *
 * What is true here: nobody without the secret can make a cookie, and one is good for its own minute
 * and the next.
 *
 * @rfc 4987 3.6
 */

/** The unit of the count that makes cookies expire (Linux: TCP_SYNCOOKIE_PERIOD). */
const PERIOD: Micros = 60 * SECOND;
/** Cookies of so many periods are good, the present one among them (Linux: MAX_SYNCOOKIE_AGE). */
const MAX_AGE = 2;
/** How long after the last cookie ACKs are looked at for one (Linux: TCP_SYNCOOKIE_VALID). */
export const COOKIE_LIFE: Micros = MAX_AGE * PERIOD;
const DATA_BITS = 24;
const DATA_MASK = (1 << DATA_BITS) - 1;
const COUNT_MASK = 0xff;

/**
 * The segment sizes that a cookie can say; that of the peer is rounded down. Linux has 536, 1300, 1440
 * and 1460, and sends a peer that takes less than 536 more than it takes, against MUST-16.
 */
const SIZES = [MIN_MSS, 216, DEFAULT_MSS, 1300, 1400, 1440, 1460, 8960] as const;

const OPTION_BITS = 6;
const OPTION_MASK = (1 << OPTION_BITS) - 1;
const NO_SHIFT = 15;
const SACK_BIT = 16;
const ECN_BIT = 32;

/** Whose cookie it is; local is our end. */
export interface CookiePair {
  readonly localAddress: Ipv4Address;
  readonly localPort: number;
  readonly remoteAddress: Ipv4Address;
  readonly remotePort: number;
}

/** The options of a SYN that a timestamp carries. */
export interface CookieOptions {
  /** 0 to 14; -1: no window scaling. */
  readonly windowShift: number;
  readonly sack: boolean;
  readonly ecn: boolean;
}

/** Makes cookies, and tells them from other numbers. @rfc 4987 3.6 */
export class SynCookies {
  readonly #hash: SipHash;
  readonly #words = new Uint32Array(5);

  /** @param secret 16 random octets, of no other use */
  constructor(secret: Uint8Array) {
    this.#hash = new SipHash(secret);
  }

  /** The ISS that answers a SYN. @param irs its number @param mss its option, 0: none */
  make(pair: CookiePair, irs: Seq, mss: number, now: Micros): Seq {
    const count = Math.floor(now / PERIOD);
    const data = (this.#of(pair, count, 1) + sizeIndex(mss)) & DATA_MASK;
    const base = this.#of(pair, 0, 0) + irs;
    return seq(base + (((count & COUNT_MASK) << DATA_BITS) >>> 0) + data);
  }

  /** The segment size in a cookie that came back; 0: it is none, or too old. */
  check(pair: CookiePair, irs: Seq, cookie: Seq, now: Micros): number {
    const count = Math.floor(now / PERIOD);
    const plain = (cookie - this.#of(pair, 0, 0) - irs) >>> 0;
    const age = (count - (plain >>> DATA_BITS)) & COUNT_MASK;
    if (age >= MAX_AGE) return 0;
    return SIZES[(plain - this.#of(pair, count - age, 1)) & DATA_MASK] ?? 0;
  }

  #of(pair: CookiePair, count: number, use: number): number {
    this.#words[0] = pair.localAddress;
    this.#words[1] = pair.remoteAddress;
    this.#words[2] = pair.localPort * 0x10000 + pair.remotePort;
    this.#words[3] = count;
    this.#words[4] = use;
    return this.#hash.hash32(this.#words, 5);
  }
}

/** What a cookie says of the peer's segment size. */
function sizeIndex(mss: number): number {
  const size = mss === 0 ? DEFAULT_MSS : mss;
  let index = SIZES.length - 1;
  while (index > 0 && size < (SIZES[index] ?? 0)) index--;
  return index;
}

/**
 * How far the clock of timestamps is set back, so that the lowest bits of TSval are the options: 0 to
 * 63 ms (Linux: cookie_init_timestamp).
 */
export function setBack(options: CookieOptions, now: Micros): number {
  const clock = Math.floor(now / MS);
  const shift = options.windowShift < 0 ? NO_SHIFT : options.windowShift;
  const bits = shift | (options.sack ? SACK_BIT : 0) | (options.ecn ? ECN_BIT : 0);
  const behind = (clock % (OPTION_MASK + 1)) - bits;
  return behind < 0 ? behind + OPTION_MASK + 1 : behind;
}

/** The options in a TSecr. @param offset of the timestamps that we send this peer */
export function optionsIn(tsEcr: number, offset: number): CookieOptions {
  const bits = (tsEcr - offset) & OPTION_MASK;
  const shift = bits & NO_SHIFT;
  return {
    windowShift: shift === NO_SHIFT ? -1 : shift,
    sack: (bits & SACK_BIT) !== 0,
    ecn: (bits & ECN_BIT) !== 0,
  };
}

/**
 * The SYN that the ACK of a cookie followed, as far as it is known. Without timestamps there were no
 * options but the size.
 */
export function rebuildSyn(into: Segment, ack: Segment, mss: number, offset: number): void {
  into.clear();
  into.seq = add(ack.seq, -1);
  into.mss = mss;
  if (!ack.hasTimestamps) return;
  const options = optionsIn(ack.tsEcr, offset);
  into.windowShift = options.windowShift;
  into.sackPermitted = options.sack;
  if (options.ecn) into.flags |= Flag.ECE | Flag.CWR;
  into.hasTimestamps = true;
  into.tsVal = ack.tsVal;
}
