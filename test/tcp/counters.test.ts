import test from 'ava';
import { SECOND } from '../../src/core/base/time.ts';
import { established, pattern } from '../harness/transcript.ts';

test('RFC 4022 4: a connection is counted from its SYN to its end', (t) => {
  const c = established(t);
  const { counters } = c.stack.tcp;
  t.is(counters.tcpCurrEstab, 1);
  t.is(counters.tcpActiveOpens + counters.tcpPassiveOpens, 1);
  c.user((user, now) => user.abort(now)).sends({ flags: 'R.' });
  t.deepEqual(
    [counters.tcpCurrEstab, counters.tcpEstabResets, counters.tcpOutRsts, counters.tcpAttemptFails],
    [0, 1, 1, 0],
  );
});

test('RFC 4022 4: segments sent are counted without those that repeat octets', (t) => {
  const c = established(t);
  const before = c.stack.counters().tcp;
  c.user((user) => user.send(pattern(0, 10))).sends({ len: 10 });
  c.passes(c.established.tcb.rtt.rto).sends({ len: 10 });
  const { tcpOutSegs, tcpRetransSegs } = c.stack.counters().tcp;
  t.is(tcpOutSegs - before.tcpOutSegs, 1);
  t.is(tcpRetransSegs - before.tcpRetransSegs, 1);
});

test('RFC 4022 4: TIME-WAIT is counted when it is over', (t) => {
  const c = established(t);
  c.user((user, now) => user.close(now)).sends({ flags: 'F.' });
  c.receives({ flags: 'F.', seq: 1, ack: 2 }).sends({ flags: '.' });
  t.is(c.stack.tcp.counters.TW, 0);
  c.passes(60 * SECOND).is('CLOSED');
  t.is(c.stack.tcp.counters.TW, 1);
});

test('what a stack has counted is told as plain data, its reasons with it', (t) => {
  const c = established(t);
  c.receives({ flags: 'R', seq: 100 }).sends({ flags: '.', reason: 'challenge-ack' });
  const { tcp, drops, sends } = c.stack.counters();
  t.is(tcp.TCPChallengeACK, 1);
  t.is(drops['reset-not-exact'], 1);
  t.is(sends['challenge-ack'], 1);
});
