import type { Ipv4Address } from '../../base/address.ts';
import { SipHash } from '../../base/siphash.ts';

/** Octets of a cookie that we make (Linux: TCP_FASTOPEN_COOKIE_SIZE). RFC 7413 4.1.1 allows 4 to 16. */
export const COOKIE_LENGTH = 8;
/** Octets of one key. */
const KEY_LENGTH = 16;

/**
 * Makes and checks the cookies of TCP Fast Open: SipHash of both addresses, as Linux makes them, so that
 * servers behind one address can share a key.
 *
 * What is true here: cookies are made with the first key, and those of the second are still good, so a
 * key can be replaced without a client noticing.
 *
 * @rfc 7413 4.1.2
 */
export class FastOpenCookies {
  readonly #hashes: readonly SipHash[];
  readonly #words = new Uint32Array(2);

  /** @param keys one key of 16 octets, or two, one behind the other */
  constructor(keys: Uint8Array) {
    const hashes: SipHash[] = [];
    for (let at = 0; at + KEY_LENGTH <= keys.length; at += KEY_LENGTH) {
      hashes.push(new SipHash(keys.subarray(at, at + KEY_LENGTH)));
    }
    this.#hashes = hashes;
  }

  /** The cookie for a client. */
  make(client: Ipv4Address, server: Ipv4Address): Uint8Array {
    return this.#of(0, client, server);
  }

  /** Which key made the cookie: 0, the first; 1, the one that was replaced; -1: none of ours. */
  check(cookie: Uint8Array, client: Ipv4Address, server: Ipv4Address): number {
    if (cookie.length !== COOKIE_LENGTH) return -1;
    return this.#hashes.findIndex((_, key) => isEqual(cookie, this.#of(key, client, server)));
  }

  #of(key: number, client: Ipv4Address, server: Ipv4Address): Uint8Array {
    const hash = this.#hashes[key];
    const cookie = new Uint8Array(COOKIE_LENGTH);
    if (hash === undefined) return cookie;
    this.#words[0] = swapped(client);
    this.#words[1] = swapped(server);
    hash.hash32(this.#words, 2);
    const view = new DataView(cookie.buffer);
    view.setUint32(0, hash.low, true);
    view.setUint32(4, hash.high, true);
    return cookie;
  }
}

/** The hash takes the low octet of a word first, and Linux the first one of an address. */
function swapped(address: number): number {
  const low = ((address & 0xff) << 24) | ((address & 0xff00) << 8);
  return (low | ((address >>> 8) & 0xff00) | (address >>> 24)) >>> 0;
}

/** Looks at all octets, whatever the first ones are. */
function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < COOKIE_LENGTH; i++) difference |= (a[i] ?? 0) ^ (b[i] ?? 0);
  return difference === 0;
}
