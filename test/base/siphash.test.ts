import test from 'ava';
import { Xoshiro128 } from '../../src/core/base/random.ts';
import { SipHash } from '../../src/core/base/siphash.ts';

const MASK = 0xffffffffffffffffn;
const KEY = Uint8Array.from({ length: 16 }, (_, i) => i);

/** SipHash-2-4 over any number of octets, as its paper prints it. */
function reference(key: Uint8Array, message: Uint8Array): bigint {
  const word = (octets: Uint8Array, at: number) =>
    octets.subarray(at, at + 8).reduce((w, octet, i) => w | (BigInt(octet) << BigInt(8 * i)), 0n);
  const rotl = (x: bigint, k: bigint) => ((x << k) | (x >> (64n - k))) & MASK;
  const k0 = word(key, 0);
  const k1 = word(key, 8);
  let v0 = k0 ^ 0x736f6d6570736575n;
  let v1 = k1 ^ 0x646f72616e646f6dn;
  let v2 = k0 ^ 0x6c7967656e657261n;
  let v3 = k1 ^ 0x7465646279746573n;
  const round = () => {
    v0 = (v0 + v1) & MASK;
    v1 = rotl(v1, 13n) ^ v0;
    v0 = rotl(v0, 32n);
    v2 = (v2 + v3) & MASK;
    v3 = rotl(v3, 16n) ^ v2;
    v0 = (v0 + v3) & MASK;
    v3 = rotl(v3, 21n) ^ v0;
    v2 = (v2 + v1) & MASK;
    v1 = rotl(v1, 17n) ^ v2;
    v2 = rotl(v2, 32n);
  };
  const compress = (m: bigint) => {
    v3 ^= m;
    round();
    round();
    v0 ^= m;
  };
  const whole = message.length - (message.length % 8);
  for (let at = 0; at < whole; at += 8) compress(word(message, at));
  compress(word(message, whole) | (BigInt(message.length & 255) << 56n));
  v2 ^= 0xffn;
  for (let i = 0; i < 4; i++) round();
  return v0 ^ v1 ^ v2 ^ v3;
}

function result(hash: SipHash): bigint {
  return (BigInt(hash.high) << 32n) | BigInt(hash.low);
}

/** The words whose octets, low one first, are 0, 1, 2, ... */
function counting(words: number): Uint32Array {
  return Uint32Array.from({ length: words }, (_, i) => (0x03020100 + i * 0x04040404) >>> 0);
}

test('SipHash-2-4: the reference gives the vector of the paper', (t) => {
  const message = Uint8Array.from({ length: 15 }, (_, i) => i);
  t.is(reference(KEY, message), 0xa129ca6149be45e5n);
});

test('SipHash-2-4: the published vectors of 0, 4 and 8 octets', (t) => {
  const hash = new SipHash(KEY);
  t.is(hash.hash32(counting(0), 0), 0xdd0e0e31);
  t.is(result(hash), 0x726fdb47dd0e0e31n);
  hash.hash32(counting(1), 1);
  t.is(result(hash), 0xcf2794e0277187b7n);
  hash.hash32(counting(2), 2);
  t.is(result(hash), 0x93f5f5799a932462n);
});

test('SipHash-2-4: whole words of 0 to 60 octets agree with the reference', (t) => {
  const hash = new SipHash(KEY);
  for (let count = 0; count <= 15; count++) {
    const octets = Uint8Array.from({ length: 4 * count }, (_, i) => i);
    const low = hash.hash32(counting(count), count);
    t.is(result(hash), reference(KEY, octets), `${count} words`);
    t.is(low, hash.low);
  }
});

test('SipHash-2-4: any key and words agree with the reference', (t) => {
  const random = new Xoshiro128(3);
  const octetsOf = (words: Uint32Array) =>
    Uint8Array.from({ length: 4 * words.length }, (_, i) => (words[i >> 2] ?? 0) >>> (8 * (i & 3)));
  for (let run = 0; run < 300; run++) {
    const key = Uint8Array.from({ length: 16 }, () => random.u32());
    const words = Uint32Array.from({ length: run % 70 }, () => random.u32());
    const hash = new SipHash(key);
    hash.hash32(words, words.length);
    t.is(result(hash), reference(key, octetsOf(words)));
  }
});

test('SipHash-2-4: only the first words count, and the key is copied', (t) => {
  const key = KEY.slice();
  const hash = new SipHash(key);
  key.fill(9);
  t.is(hash.hash32(counting(5), 2), new SipHash(KEY).hash32(counting(2), 2));
});

test('SipHash-2-4: a key is 16 octets', (t) => {
  t.throws(() => new SipHash(new Uint8Array(15)), { instanceOf: RangeError });
});
