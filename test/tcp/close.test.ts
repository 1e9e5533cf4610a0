import test from 'ava';
import { SECOND } from '../../src/core/base/time.ts';
import { ACK_TICK, DELAYED_ACK } from '../../src/core/tcp/config.ts';
import { established, pattern, type Transcript } from '../harness/transcript.ts';

function closed(c: Transcript): Transcript {
  return c.user((user, now) => user.close(now));
}

test('RFC 9293 3.6 case 1: the user closes first, and TIME-WAIT lasts 60 s', (t) => {
  const c = established(t);
  closed(c).sends({ flags: 'F.', seq: 1, ack: 1, reason: 'fin' }).is('FIN-WAIT-1');
  c.receives({ seq: 1, ack: 2 }).is('FIN-WAIT-2');
  c.receives({ flags: 'F.', seq: 1, ack: 2 });
  c.sends({ flags: '.', seq: 2, ack: 2, reason: 'ack-fin' }).is('TIME-WAIT');
  c.passes(59 * SECOND).is('TIME-WAIT');
  c.passes(1 * SECOND).is('CLOSED');
  t.is(c.established.error, null);
  t.is(c.stack.tcp.connectionCount, 0);
});

test('RFC 9293 3.6 case 2: the peer closes first', (t) => {
  const c = established(t);
  c.receives({ flags: 'F.', seq: 1, ack: 1 }).is('CLOSE-WAIT').passes(ACK_TICK);
  c.sends({ flags: '.', ack: 2, reason: 'ack-fin', at: ACK_TICK });
  t.true(c.established.ended);
  closed(c).sends({ flags: 'F.', seq: 1, ack: 2 }).is('LAST-ACK');
  c.receives({ seq: 2, ack: 2 }).is('CLOSED');
  t.is(c.stack.tcp.connectionCount, 0);
});

test('RFC 9293 3.6 case 3: both close at once', (t) => {
  const c = established(t);
  closed(c).sends({ flags: 'F.', seq: 1 });
  c.receives({ flags: 'F.', seq: 1, ack: 1 }).sends({ flags: '.', seq: 2, ack: 2 }).is('CLOSING');
  c.receives({ seq: 2, ack: 2 }).is('TIME-WAIT');
});

test('RFC 9293 3.6: a FIN with the ACK of ours leads from FIN-WAIT-1 to TIME-WAIT', (t) => {
  const c = established(t);
  closed(c).sends({ flags: 'F.' });
  c.receives({ flags: 'F.', seq: 1, ack: 2 }).sends({ flags: '.', ack: 2 }).is('TIME-WAIT');
});

test('RFC 9293 3.10.4: the FIN goes out behind all that was queued, with the last of it', (t) => {
  const c = established(t);
  c.user((user, now) => {
    user.send(pattern(0, 2000));
    user.close(now);
  });
  c.sends({ flags: '.', seq: 1, len: 1460 }).sends({ flags: 'FP.', seq: 1461, len: 540 });
  c.is('FIN-WAIT-1');
  c.receives({ seq: 1, ack: 2001 }).is('FIN-WAIT-1');
  c.receives({ seq: 1, ack: 2002 }).is('FIN-WAIT-2');
});

test('RFC 9293 3.6: half-closed by the user: text of the peer still arrives, for hours', (t) => {
  const c = established(t);
  closed(c).sends({ flags: 'F.', seq: 1 });
  c.receives({ seq: 1, ack: 2 });
  for (let i = 0; i < 10; i++) {
    c.passes(3600 * SECOND);
    c.receives({ seq: 1 + i * 100, ack: 2, len: 100 }).sends({
      flags: '.',
      seq: 2,
      ack: 101 + i * 100,
    });
  }
  c.is('FIN-WAIT-2');
  t.deepEqual(c.read(), pattern(0, 1000));
});

test('RFC 9293 3.6: half-closed by the peer: the user sends on, for hours', (t) => {
  const c = established(t);
  c.receives({ flags: 'F.', seq: 1, ack: 1 }).passes(ACK_TICK).sends({ ack: 2 });
  for (let i = 0; i < 10; i++) {
    c.passes(3600 * SECOND);
    c.user((user) => user.send(pattern(i * 100, 100)));
    c.sends({ flags: 'P.', seq: 1 + i * 100, ack: 2, text: pattern(i * 100, 100) });
    c.receives({ seq: 2, ack: 101 + i * 100 });
  }
  c.is('CLOSE-WAIT');
});

test('RFC 9293 3.10.7.4 Eighth: a FIN beyond a hole counts when the hole is filled', (t) => {
  const c = established(t);
  c.receives({ flags: 'F.', seq: 11, ack: 1, len: 10 }).sends({ flags: '.', ack: 1 });
  c.is('ESTABLISHED');
  c.receives({ seq: 1, ack: 1, len: 10 }).sends({ flags: '.', ack: 22 }).is('CLOSE-WAIT');
  t.deepEqual(c.read(), pattern(0, 20));
});

test('RFC 9293 3.10.7.4 Eighth: a bare FIN beyond a hole counts as well', (t) => {
  const c = established(t);
  c.receives({ flags: 'F.', seq: 11, ack: 1 }).sends({ flags: '.', ack: 1 });
  c.receives({ seq: 1, ack: 1, len: 10 }).sends({ flags: '.', ack: 12 }).is('CLOSE-WAIT');
});

test('RFC 9293 3.10.7.4: text behind the FIN of the peer is not delivered', (t) => {
  const c = established(t);
  c.receives({ flags: 'F.', seq: 11, ack: 1 }).sends({ ack: 1 });
  c.receives({ seq: 1, ack: 1, len: 30 }).sends({ ack: 12 }).is('CLOSE-WAIT');
  t.is(c.read().length, 10);
  c.receives({ seq: 12, ack: 1, len: 30 }).dropped('text-after-fin').nothing();
});

test('RFC 9293 3.8.1: an unacknowledged FIN is sent again', (t) => {
  const c = established(t);
  closed(c).sends({ flags: 'F.', seq: 1 }).mark();
  c.passes(c.established.tcb.rtt.rto).sends({ flags: 'F.', seq: 1, reason: 'rto' });
});

test('RFC 9293 3.10.7.4 Eighth: a repeated FIN in TIME-WAIT is acknowledged and restarts it', (t) => {
  const c = established(t);
  closed(c).sends({ flags: 'F.' });
  c.receives({ flags: 'F.', seq: 1, ack: 2 }).sends({ flags: '.' });
  c.passes(50 * SECOND).receives({ flags: 'F.', seq: 1, ack: 2 });
  c.sends({ flags: '.', seq: 2, ack: 2 });
  c.passes(50 * SECOND).is('TIME-WAIT');
  c.passes(10 * SECOND).is('CLOSED');
});

test('MAY-2, RFC 6191: a newer SYN ends TIME-WAIT and opens anew', (t) => {
  const c = established(t);
  closed(c).sends({ flags: 'F.' });
  c.receives({ flags: 'F.', seq: 1, ack: 2 }).sends({ flags: '.' });
  c.receives({ flags: 'S', seq: 1 }).sends({ flags: '.', reason: 'ack-unacceptable' });
  c.receives({ flags: 'S', seq: 5000, mss: 1460 }).dropped(null);
  t.is(c.takeSent().has(2), true);
  t.is(c.stack.tcp.connectionCount, 1);
});

test('RFC 9293 3.10.7.4 Second: a RST in TIME-WAIT or LAST-ACK ends it without an error', (t) => {
  const c = established(t);
  c.receives({ flags: 'F.', seq: 1, ack: 1 }).skip();
  closed(c).skip();
  c.receives({ flags: 'R', seq: 2 }).is('CLOSED');
  t.is(c.established.error, null);
});

test('RFC 9293 3.10.5: ABORT sends a RST and forgets what was queued', (t) => {
  const c = established(t, {}, { wnd: 0 });
  c.user((user, now) => {
    user.send(pattern(0, 5000));
    user.abort(now);
  });
  c.sends({ flags: 'R.', seq: 1, ack: 1, reason: 'reset-abort' }).is('CLOSED');
  c.passes(3600 * SECOND).nothing();
});

test('MUST-12: the user can tell a close from a reset', (t) => {
  const c = established(t);
  c.receives({ flags: 'F.', seq: 1, ack: 1 }).skip();
  t.true(c.established.ended);
  t.is(c.established.error, null);
  c.receives({ flags: 'R', seq: 2 });
  t.is(c.established.error, 'EPIPE');
});

test('SHLD-3: a user that leaves unread text behind resets', (t) => {
  const c = established(t);
  c.receives({ seq: 1, ack: 1, len: 10 }).skip();
  c.user((user, now) => user.release(now));
  c.sends({ flags: 'R.', seq: 1, ack: 11, reason: 'reset-unread-data' }).is('CLOSED');
  t.is(c.established.error, null);
});

test('SHLD-3: text that arrives after the user has left is answered by a RST', (t) => {
  const c = established(t);
  c.user((user, now) => user.release(now)).sends({ flags: 'F.', seq: 1 });
  c.receives({ seq: 1, ack: 2, len: 10 }).dropped('text-after-close');
  c.sends({ flags: 'R', seq: 2, wnd: 0, reason: 'reset-after-close' }).is('CLOSED');
});

test('RFC 9293 3.6: a user that leaves has its text sent, and FIN-WAIT-2 does not last for ever', (t) => {
  const c = established(t);
  c.user((user, now) => {
    user.send(pattern(0, 10));
    user.release(now);
  });
  c.sends({ flags: 'FP.', seq: 1, text: pattern(0, 10) });
  c.receives({ seq: 1, ack: 12 }).is('FIN-WAIT-2');
  c.passes(59 * SECOND).is('FIN-WAIT-2');
  c.passes(1 * SECOND).is('CLOSED');
});

test('RFC 9293 3.10.2: SEND after CLOSE fails with EPIPE, CLOSE twice does nothing', (t) => {
  const c = established(t);
  closed(c).sends({ flags: 'F.' });
  t.throws(() => c.established.send(pattern(0, 1)), { message: /^EPIPE/ });
  closed(c).nothing();
});

test('RFC 9293 3.10.7.1: after the end the peer’s segments are answered by a RST', (t) => {
  const c = established(t);
  c.user((user, now) => user.abort(now)).sends({ flags: 'R.' });
  c.receives({ seq: 1, ack: 1, len: 10 }).sends({ flags: 'R', seq: 1, reason: 'reset' });
});

test('RFC 9293 3.8.6.1: a FIN that the closed window holds back is probed for, and sent', (t) => {
  const c = established(t, {}, { wnd: 10 });
  c.user((user) => user.send(pattern(0, 10))).sends({ len: 10 });
  c.receives({ seq: 1, ack: 11, wnd: 0 });
  closed(c).nothing().is('FIN-WAIT-1');
  c.passes(c.established.tcb.rtt.rto).sends({ flags: '.', seq: 10, reason: 'window-probe' });
  c.receives({ seq: 1, ack: 11, wnd: 1 }).sends({ flags: 'F.', seq: 11 });
});

test('RFC 9293 3.10.7.4: a bare FIN is taken at a closed window', (t) => {
  const c = established(t, { config: { receiveBuffer: 1460 } });
  c.receives({ seq: 1, ack: 1, len: 1460 }).sends({ ack: 1461, wnd: 0 });
  c.receives({ flags: 'F.', seq: 1461, ack: 1 }).is('CLOSE-WAIT').passes(DELAYED_ACK);
  c.sends({ flags: '.', ack: 1462, reason: 'ack-fin' });
});

test('RFC 9293 3.10.4: a listener that closes resets what nobody has accepted', (t) => {
  const c = established(t);
  c.remotePort++;
  c.receives({ flags: 'S', mss: 1460 }).skip();
  c.receives({ flags: '.', seq: 1, ack: 1 }).skip();
  t.is(c.stack.tcp.connectionCount, 2);
  if (c.listener !== null) c.stack.tcp.closeListener(c.listener, c.now);
  c.turn();
  t.is(c.takeSent().has(4), true);
  c.is('ESTABLISHED');
  t.is(c.stack.tcp.connectionCount, 1);
});
