import test from 'ava';
import { MS } from '../../../src/core/base/time.ts';
import { pattern } from '../../harness/transcript.ts';
import { lossy, MSS, sacks } from './lossy.ts';

test('Linux tcp_sndbuf_expand: a buffer that holds the user back grows to two cwnds, up to wmemMax', (t) => {
  const c = lossy(t, { config: { wmemDefault: 10 * MSS, wmemMax: 25 * MSS } });
  const { sendBuffer, congestion } = c.established.tcb;
  c.user((user) => t.is(user.send(pattern(0, 12 * MSS)), 10 * MSS)).skip();
  c.passes(100 * MS);
  sacks(c, 3);
  t.is(congestion.cwnd, 12 * MSS);
  t.is(sendBuffer.limit, 24 * MSS);
  t.is(c.established.writable, 16 * MSS);
  t.false(c.established.tcb.writeBlocked);
  c.user((user) => t.is(user.send(pattern(0, 17 * MSS)), 16 * MSS)).skip();
  for (let i = 5; i <= 11; i += 2) sacks(c, i).skip();
  t.is(congestion.cwnd, 20 * MSS);
  t.is(sendBuffer.limit, 24 * MSS);
  sacks(c, 27).skip();
  t.is(sendBuffer.limit, 24 * MSS); // the user could write, and was not held back
});

test('Linux tcp_should_expand_sndbuf: it stays while cwnd is what holds the sender back', (t) => {
  const c = lossy(t, { config: { wmemDefault: 25 * MSS } });
  const { sendBuffer } = c.established.tcb;
  c.user((user) => user.send(pattern(0, 30 * MSS))).skip();
  t.true(c.established.tcb.writeBlocked);
  c.passes(100 * MS);
  sacks(c, 3).skip(); // 23 wait, of which 12 go out
  t.is(sendBuffer.limit, 25 * MSS);
});

test('Linux SOCK_SNDBUF_LOCK: a send buffer that the user has set keeps its size', (t) => {
  const c = lossy(t, { config: { sendBuffer: 10 * MSS } });
  c.user((user) => user.send(pattern(0, 30 * MSS))).skip();
  c.passes(100 * MS);
  sacks(c, 5).skip();
  t.is(c.established.tcb.sendBuffer.limit, 10 * MSS);
});
