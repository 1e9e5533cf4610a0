import test from 'ava';
import { Xoshiro128 } from '../../src/core/base/random.ts';
import { MS, SECOND } from '../../src/core/base/time.ts';
import { GUARANTEED_MEMORY } from '../../src/core/tcp/limits.ts';
import { Shared } from '../../src/core/tcp/shared.ts';
import { established, pattern } from '../harness/transcript.ts';

test('RFC 5961 7: a stack sends no more challenges in a second than one and a half times its limit', (t) => {
  const shared = new Shared(new Xoshiro128(1));
  shared.configure({ challengeAcks: 100 });
  for (let second = 0; second < 20; second++) {
    let taken = 0;
    for (let i = 0; i < 1000; i++) {
      if (shared.takeChallenge(second * SECOND + i * MS)) taken++;
    }
    t.true(taken >= 50 && taken < 150, `${taken}`);
  }
});

test('RFC 5961 7: a challenge that the stack may not send is not sent', (t) => {
  const c = established(t);
  c.stack.tcp.setLimits({ challengeAcks: 0 });
  c.receives({ flags: 'R', seq: 100 }).dropped('reset-not-exact').nothing();
  c.stack.tcp.setLimits({ challengeAcks: 1000 });
  c.passes(SECOND).receives({ flags: 'R', seq: 100 }).sends({ reason: 'challenge-ack' });
});

test('limits: the order of those of memory, and their signs, are looked at', (t) => {
  const shared = new Shared();
  t.throws(() => shared.configure({ memoryLow: 2, memoryPressure: 1 }), { instanceOf: RangeError });
  t.throws(() => shared.configure({ orphans: -1 }), { instanceOf: RangeError });
});

test('Linux tcp_mem: what buffers hold is on the account of the stack, and comes off it', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 1000))).sends({ len: 1000 });
  t.is(c.stack.tcp.usage.memory, 1000);
  c.receives({ seq: 1, ack: 1001, len: 100 }).sends({ ack: 101 });
  t.true(c.stack.tcp.usage.memory >= 100);
  c.read();
  t.is(c.stack.tcp.usage.memory, 0);
  c.user((user) => user.send(pattern(0, 1000))).sends({ len: 1000 });
  c.user((user, now) => user.abort(now)).sends({ flags: 'R.' });
  t.is(c.stack.tcp.usage.memory, 0);
});

test('Linux tcp_mem: a full stack takes of each user what every connection may have, and no more', (t) => {
  const c = established(t);
  c.stack.tcp.setLimits({ memoryLow: 0, memoryPressure: 0, memoryHigh: 0 });
  t.is(c.established.writable, GUARANTEED_MEMORY);
  c.user((user) => t.is(user.send(pattern(0, 10_000)), GUARANTEED_MEMORY));
  t.is(c.established.writable, 0);
  c.skip();
});

test('Linux tcp_mem: text in order is refused when the stack is full and the user has not read', (t) => {
  const c = established(t);
  const { counters } = c.stack.tcp;
  c.stack.tcp.setLimits({ memoryLow: 0, memoryPressure: 0, memoryHigh: 0 });
  c.receives({ seq: 1, ack: 1, len: 1460 }).sends({ ack: 1461 });
  t.is(counters.TCPMemoryPressures, 1);
  c.receives({ seq: 1461, ack: 1, len: 1460 }).dropped('memory-limit').sends({ ack: 1461 });
  t.is(counters.TCPRcvQDrop, 1);
  t.deepEqual(c.read(), pattern(0, 1460));
  c.skip();
  c.receives({ seq: 1461, ack: 1, len: 1460 }).dropped(null).skip();
});

test('RFC 2018 8: text out of order is dropped for want of memory, and not reported any more', (t) => {
  const c = established(t);
  const { counters } = c.stack.tcp;
  c.receives({ seq: 4381, ack: 1, len: 1460 }).sends({ ack: 1 });
  c.stack.tcp.setLimits({ memoryLow: 0, memoryPressure: 0, memoryHigh: 0 });
  c.receives({ seq: 8761, ack: 1, len: 1460 }).skip();
  t.is(counters.OfoPruned, 1);
  t.is(c.established.tcb.sackBlocks.count <= 1, true);
  c.receives({ seq: 1, ack: 1, len: 1460 }).sends({ ack: 1461 });
});

test('Linux tcp_max_orphans: a connection that is left beyond the limit is reset', (t) => {
  const c = established(t);
  c.stack.tcp.setLimits({ orphans: 0 });
  c.user((user, now) => {
    user.send(pattern(0, 10));
    user.release(now);
  });
  c.sends({ flags: 'R.', reason: 'reset-no-room' }).is('CLOSED');
  t.is(c.stack.tcp.counters.TCPAbortOnMemory, 1);
  t.is(c.stack.tcp.usage.orphans, 0);
});

test('Linux tcp_max_orphans: an orphan is one until its FIN is acknowledged on both sides', (t) => {
  const c = established(t);
  c.user((user, now) => user.release(now)).sends({ flags: 'F.' });
  t.is(c.stack.tcp.usage.orphans, 1);
  c.receives({ flags: 'F.', seq: 1, ack: 2 }).sends({ flags: '.' }).is('TIME-WAIT');
  t.is(c.stack.tcp.usage.orphans, 0);
  t.is(c.stack.tcp.usage.timeWaits, 1);
  c.passes(60 * SECOND).is('CLOSED');
  t.is(c.stack.tcp.usage.timeWaits, 0);
});

test('Linux tcp_max_tw_buckets: beyond the limit the last ACK goes out, and the connection ends', (t) => {
  const c = established(t);
  c.stack.tcp.setLimits({ timeWaits: 0 });
  c.user((user, now) => user.close(now)).sends({ flags: 'F.' });
  c.receives({ flags: 'F.', seq: 1, ack: 2 }).sends({ flags: '.', seq: 2, ack: 2 });
  c.passes(0).is('CLOSED');
  t.is(c.stack.tcp.counters.TCPTimeWaitOverflow, 1);
  t.is(c.stack.tcp.connectionCount, 0);
});
