import test from 'ava';
import { VirtualClock } from '../../src/core/base/virtualClock.ts';

test('virtual time: it stands still until it is advanced', (t) => {
  const clock = new VirtualClock();
  t.is(clock.now(), 0);
  clock.advanceTo(5);
  t.is(clock.now(), 5);
  clock.advanceTo(5);
  t.is(clock.now(), 5);
  t.is(new VirtualClock(7).now(), 7);
});

test('virtual time: it never goes back', (t) => {
  const clock = new VirtualClock(5);
  t.throws(() => clock.advanceTo(4), { instanceOf: RangeError });
  t.throws(() => clock.advanceTo(Number.NaN), { instanceOf: RangeError });
  t.is(clock.now(), 5);
});
