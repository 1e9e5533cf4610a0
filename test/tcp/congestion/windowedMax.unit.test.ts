import test from 'ava';
import fc from 'fast-check';
import { WindowedMax } from '../../../src/core/tcp/congestion/windowedMax.ts';

const WINDOW = 10;

test('Linux lib/minmax.c: the largest value counts for a window, then the largest since', (t) => {
  const max = new WindowedMax(WINDOW);
  max.reset(0, 0);
  max.add(100, 1);
  for (let now = 2; now <= 5; now++) max.add(50, now);
  max.add(70, 6);
  for (let now = 7; now <= 11; now++) {
    max.add(20, now);
    t.is(max.value, 100);
  }
  max.add(20, 12);
  t.is(max.value, 70);
  for (let now = 13; now <= 17; now++) max.add(20, now);
  t.is(max.value, 20);
});

test('Linux lib/minmax.c: a silence of a window makes the next value the largest', (t) => {
  const max = new WindowedMax(WINDOW);
  max.add(100, 1);
  max.add(90, 2);
  max.add(3, 13);
  t.is(max.value, 3);
});

test('Linux lib/minmax.c: it is a value of the window, not less than the last, and the largest of its last quarter', (t) => {
  const steps = fc.array(fc.tuple(fc.nat(100), fc.nat(3)), { maxLength: 200 });
  fc.assert(
    fc.property(steps, (values) => {
      const max = new WindowedMax(WINDOW);
      const seen: { value: number; at: number }[] = [{ value: 0, at: 0 }];
      let now = 0;
      for (const [value, wait] of values) {
        now += wait;
        max.add(value, now);
        seen.push({ value, at: now });
        const inWindow = seen.filter(({ at }) => now - at <= WINDOW).map((one) => one.value);
        const recent = seen.filter(({ at }) => now - at <= WINDOW / 4).map((one) => one.value);
        t.true(inWindow.includes(max.value), `${max.value} at ${now}`);
        t.true(max.value >= Math.max(...recent), `${max.value} at ${now}`);
      }
    }),
  );
});
