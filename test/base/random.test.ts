import test from 'ava';
import { fill, fraction, uniform, Xoshiro128 } from '../../src/core/base/random.ts';

const MASK = 0xffffffffn;

/** xoshiro128** as its authors print it, over BigInt. */
function reference(state: bigint[]): () => number {
  const rotl = (x: bigint, k: bigint) => ((x << k) | (x >> (32n - k))) & MASK;
  let [a = 0n, b = 0n, c = 0n, d = 0n] = state;
  return () => {
    const result = (rotl((b * 5n) & MASK, 7n) * 9n) & MASK;
    const shifted = (b << 9n) & MASK;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = rotl(d, 11n);
    return Number(result);
  };
}

/** splitmix32 over BigInt, with the finalizer of MurmurHash3. */
function expand(seed: bigint): bigint[] {
  return [1n, 2n, 3n, 4n].map((n) => {
    let z = (seed + n * 0x9e3779b9n) & MASK;
    z = ((z ^ (z >> 16n)) * 0x85ebca6bn) & MASK;
    z = ((z ^ (z >> 13n)) * 0xc2b2ae35n) & MASK;
    return z ^ (z >> 16n);
  });
}

test('xoshiro128**: the reference gives the published first numbers', (t) => {
  const next = reference([1n, 2n, 3n, 4n]);
  t.deepEqual([next(), next(), next(), next()], [11520, 0, 5927040, 70819200]);
});

for (const seed of [0, 1, 0x9e3779b9, 0xffffffff]) {
  test(`xoshiro128**: seed ${seed} gives the numbers of the reference`, (t) => {
    const random = new Xoshiro128(seed);
    const next = reference(expand(BigInt(seed)));
    for (let i = 0; i < 1000; i++) t.is(random.u32(), next());
  });
}

test('chance: the same seed gives the same numbers, another seed others', (t) => {
  const numbers = (seed: number) => {
    const random = new Xoshiro128(seed);
    return Array.from({ length: 8 }, () => random.u32());
  };
  t.deepEqual(numbers(7), numbers(7));
  t.notDeepEqual(numbers(7), numbers(8));
});

test('chance: uniform reaches each number below the limit about equally often', (t) => {
  const random = new Xoshiro128(1);
  const seen = new Array(10).fill(0);
  for (let i = 0; i < 100_000; i++) seen[uniform(random, 10)]++;
  for (const n of seen) t.true(n > 9_500 && n < 10_500, `${seen}`);
  t.is(seen.length, 10);
});

test('chance: uniform stays below the limit at the greatest number', (t) => {
  const greatest = { u32: () => 0xffffffff };
  for (const limit of [1, 2, 3, 1000, 0x7fffffff, 0xffffffff, 0x100000000]) {
    t.is(uniform(greatest, limit), limit - 1);
  }
});

test('chance: fraction is at least 0 and below 1', (t) => {
  t.is(fraction({ u32: () => 0 }), 0);
  t.true(fraction({ u32: () => 0xffffffff }) < 1);
});

test('chance: fill overwrites every octet, whatever the length', (t) => {
  for (let length = 0; length < 10; length++) {
    const word = { u32: () => 0x04030201 };
    const octets = new Uint8Array(length);
    fill(word, octets);
    t.deepEqual(
      [...octets],
      Array.from({ length }, (_, i) => (i % 4) + 1),
    );
  }
});
