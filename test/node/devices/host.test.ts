import test from 'ava';
import { HostClock } from '../../../src/node/hostClock.ts';
import { HostRandom } from '../../../src/node/hostRandom.ts';

test('the clock of the host counts integral microseconds and never goes back', (t) => {
  const clock = new HostClock();
  let last = clock.now();
  for (let n = 0; n < 10_000; n++) {
    const now = clock.now();
    if (!Number.isInteger(now) || now < last) return t.fail(`${last} then ${now}`);
    last = now;
  }
  t.pass();
});

test('the chance of the host fills all 32 bits and does not repeat a batch', (t) => {
  const random = new HostRandom();
  const seen = new Set<number>();
  let or = 0;
  let and = 0xffffffff;
  for (let n = 0; n < 1000; n++) {
    const number = random.u32();
    if (!Number.isInteger(number) || number < 0 || number > 0xffffffff) return t.fail();
    seen.add(number);
    or = (or | number) >>> 0;
    and = (and & number) >>> 0;
  }
  t.is(or, 0xffffffff);
  t.is(and, 0);
  t.true(seen.size > 990);
});
