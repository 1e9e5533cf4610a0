import test from 'ava';
import { seq } from '../../../src/core/base/seq.ts';
import { CwndUsage } from '../../../src/core/tcp/send/cwndUsage.ts';

const space = (una: number, nxt: number) => ({ una: seq(una), nxt: seq(nxt) });

test('RFC 7661 4.1: a sender that cwnd held back may let it grow, for one window of text', (t) => {
  const usage = new CwndUsage();
  usage.note(true, 10, space(1, 1001));
  t.true(usage.isLimited(10, false));
  usage.note(false, 3, space(500, 1301)); // within the window
  t.true(usage.isLimited(10, false));
  usage.note(false, 3, space(1001, 1301));
  t.false(usage.isLimited(10, false));
});

test('RFC 7661 4.1: in slow start cwnd grows up to twice what was used', (t) => {
  const usage = new CwndUsage();
  t.false(usage.isLimited(10, true));
  usage.note(false, 4, space(1, 401));
  usage.note(false, 6, space(101, 701)); // more of the same window
  usage.note(false, 2, space(301, 801));
  t.true(usage.isLimited(11, true));
  t.false(usage.isLimited(12, true));
  t.false(usage.isLimited(11, false));
});
