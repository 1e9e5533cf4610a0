import test from 'ava';
import fc from 'fast-check';
import { add, diff, inWindow, le, lt, max, min, seq } from '../../src/core/base/seq.ts';

const anySeq = fc.integer({ min: 0, max: 0xffffffff }).map(seq);
/** Everything but -2^31, which is as far forward as back. */
const distance = fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 });

test('RFC 9293 3.4: arithmetic is modulo 2^32', (t) => {
  t.true(seq(2 ** 32) === 0);
  t.true(seq(-1) === 0xffffffff);
  t.is(add(seq(0xffffffff), 1), seq(0));
  t.is(add(seq(0), -1), seq(0xffffffff));
  t.is(diff(seq(5), seq(0xfffffffb)), 10);
  t.is(diff(seq(0xfffffffb), seq(5)), -10);
});

test('RFC 9293 3.4: the distance of a number added is that number', (t) => {
  fc.assert(fc.property(anySeq, distance, (a, n) => t.is(diff(add(a, n), a), n)));
});

test('RFC 9293 3.4: comparison follows the distance across the wrap', (t) => {
  fc.assert(
    fc.property(anySeq, distance, (a, n) => {
      const b = add(a, n);
      t.is(lt(a, b), n > 0);
      t.is(le(a, b), n >= 0);
      t.is(max(a, b), n > 0 ? b : a);
      t.is(min(a, b), n > 0 ? a : b);
    }),
  );
});

test('RFC 9293 3.4: a window holds its left edge and not its right one', (t) => {
  const window = fc.integer({ min: 0, max: 2 ** 30 });
  fc.assert(
    fc.property(anySeq, window, (left, size) => {
      t.is(inWindow(left, left, size), size > 0);
      t.is(inWindow(add(left, size - 1), left, size), size > 0);
      t.false(inWindow(add(left, size), left, size));
      t.false(inWindow(add(left, -1), left, size));
    }),
  );
});
