import test from 'ava';
import fc from 'fast-check';
import { parseIpv4 } from '../../src/core/base/address.ts';
import { Xoshiro128 } from '../../src/core/base/random.ts';
import { adjust, finish, pseudoHeaderSum, sum } from '../../src/core/wire/checksum.ts';
import { hex } from './packets.ts';

/** The definition: 16-bit words, the carry added back in after each. */
function oracle(octets: Uint8Array, initial = 0): number {
  let n = initial % 0xffff;
  for (const [i, octet] of octets.entries()) n += (i & 1) === 0 ? octet << 8 : octet;
  while (n > 0xffff) n = (n % 0x10000) + Math.floor(n / 0x10000);
  return n;
}

/** Both representations of zero are the same. */
function same(a: number, b: number): boolean {
  return a % 0xffff === b % 0xffff;
}

function sumOf(octets: Uint8Array, initial = 0): number {
  return sum(octets, new DataView(octets.buffer), 0, octets.length, initial);
}

test('RFC 1071 3: the numerical example', (t) => {
  t.is(sumOf(hex('0001 f203 f4f5 f6f7')), 0xddf2);
  t.is(finish(0xddf2), 0x220d);
});

test('RFC 1071 1: octets with their checksum sum to all ones', (t) => {
  t.is(finish(sumOf(hex('0001 f203 f4f5 f6f7 220d'))), 0);
});

test('RFC 1071 1: an odd last octet is padded with zero', (t) => {
  t.is(sumOf(hex('01')), 0x0100);
  t.is(sumOf(hex('0102 03')), 0x0402);
});

test('RFC 1071: every offset and length agrees with the definition', (t) => {
  const random = new Xoshiro128(1);
  const octets = Uint8Array.from({ length: 160 }, () => random.u32());
  const view = new DataView(octets.buffer);
  for (let from = 0; from < 20; from++) {
    for (let to = from; to <= 150; to++) {
      t.is(sum(octets, view, from, to, 0), oracle(octets.subarray(from, to)), `${from} ${to}`);
    }
  }
});

test('RFC 1071: any octets and initial sum agree with the definition', (t) => {
  const initial = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), initial, (octets, initial) => {
      const copy = octets.slice();
      t.true(same(sumOf(copy, initial), oracle(copy, initial)));
      t.true(sumOf(copy, initial) <= 0xffff);
    }),
  );
});

test('RFC 1071: the largest sums do not overflow', (t) => {
  for (const length of [1, 2, 65_535, 65_536, 2 ** 17, 2 ** 18]) {
    const octets = new Uint8Array(length).fill(0xff);
    t.is(sumOf(octets, 0xffffffff), oracle(octets, 0xffffffff) || 0xffff, `${length}`);
  }
});

test('RFC 1071 2: the sum of the pieces is the sum of the whole', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(150), (octets, cut) => {
      const copy = octets.slice();
      const at = Math.min(2 * cut, copy.length & ~1);
      const view = new DataView(copy.buffer);
      const left = sum(copy, view, 0, at, 0);
      t.is(sum(copy, view, at, copy.length, left), sumOf(copy));
      t.is(finish(left + sum(copy, view, at, copy.length, 0)), finish(sumOf(copy)));
    }),
  );
});

test('RFC 9293 3.1: the pseudo-header holds addresses, protocol and length', (t) => {
  const source = parseIpv4('192.168.1.10');
  const destination = parseIpv4('255.255.255.255');
  if (source === null || destination === null) return t.fail();
  const octets = hex('c0a8010a ffffffff 0006 ffff');
  t.true(same(pseudoHeaderSum(source, destination, 6, 0xffff), oracle(octets)));
});

test('RFC 1624 4: the example whose checksum becomes zero', (t) => {
  t.is(adjust(0xdd2f, 0x5555, 0x3285), 0x0000);
});

test('RFC 1624 3: an adjusted checksum is the one computed anew', (t) => {
  const word = fc.integer({ min: 0, max: 0xffff });
  fc.assert(
    fc.property(fc.array(word, { minLength: 2, maxLength: 20 }), word, (words, changed) => {
      const octets = Uint8Array.from(words.flatMap((w) => [w >> 8, w & 255]));
      const [old = 0] = words;
      const adjusted = adjust(finish(sumOf(octets)), old, changed);
      octets.set([changed >> 8, changed & 255]);
      // A sum of nothing but zeros is the one case in which the two zeros differ.
      const anew = finish(sumOf(octets));
      t.true(adjusted === anew || octets.every((octet) => octet === 0));
    }),
  );
});
