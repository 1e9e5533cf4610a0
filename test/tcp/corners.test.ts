import test from 'ava';
import { add, diff } from '../../src/core/base/seq.ts';
import { MS, SECOND } from '../../src/core/base/time.ts';
import { established, opening, pattern } from '../harness/transcript.ts';

test('RFC 9293 3.4: marks of what is long past do not stand in the way after half the sequence space', (t) => {
  const c = established(t);
  const { tcb } = c.established;
  // As after 2 GiB without a loss: both lie almost 2^31 behind, and two more segments cross that.
  tcb.recovery.point = add(tcb.snd.una, -(2 ** 31 - 2000));
  tcb.snd.smallEnd = tcb.recovery.point;
  for (let from = 0; from < 2920; from += 1460) {
    c.user((user) => user.send(pattern(from, 1460))).skip();
    c.receives({ seq: 1, ack: 1 + from + 1460 });
  }
  c.user((user) => user.send(pattern(2920, 10))).sends({ seq: 2921, len: 10 });
  c.receives({ seq: 1, ack: 2931 });
  c.user((user) => user.send(pattern(2930, 8 * 1460))).skip();
  for (let i = 0; i < 3; i++) c.receives({ seq: 1, ack: 2931 });
  c.sends({ seq: 2931, reason: 'fast-retransmit' });
});

test('RFC 5681 4.2: duplicate ACKs of a hole that the same batch fills are not sent', (t) => {
  const c = established(t);
  c.receivesAll([101, 201, 301, 401, 1].map((seq) => ({ seq, ack: 1, len: 100 })));
  c.sends({ flags: '.', ack: 501 }).nothing();
});

test('RFC 9293 3.8.6.1: keepalive probes do not count against text that the window holds back', (t) => {
  const c = established(t, {
    config: {
      keepAlive: true,
      keepAliveIdle: 10 * SECOND,
      keepAliveInterval: 5 * SECOND,
      userTimeout: 30 * SECOND,
    },
  });
  c.receives({ seq: 1, ack: 1, wnd: 0 });
  c.passes(10 * SECOND + MS).sends({ reason: 'keepalive-probe' });
  c.user((user) => user.send(pattern(0, 10)));
  c.passes(2 * SECOND)
    .skip()
    .is('ESTABLISHED');
});

test('MAY-2: the successor of a connection in TIME-WAIT begins beyond its last number', (t) => {
  const c = established(t);
  let sent = 0;
  while (sent < 400 * 1460) {
    c.established.send(pattern(0, 11_680));
    sent += 11_680;
    c.turn();
    c.skip();
    c.now += 100;
    c.receives({ seq: 1, ack: 1 + sent });
  }
  c.skip()
    .user((user, now) => user.close(now))
    .skip();
  c.receives({ flags: 'F.', seq: 1, ack: sent + 2 }).skip();
  const last = c.established.tcb.snd.nxt;
  c.receives({ flags: 'S', seq: 100_000, mss: 1460 });
  t.true(diff(c.takeSent().seq, last) > 0);
});

test('MAY-2: a SYN that nobody would accept leaves TIME-WAIT alone', (t) => {
  const c = established(t);
  c.user((user, now) => user.close(now)).skip();
  c.receives({ flags: 'F.', seq: 1, ack: 2 }).skip();
  if (c.listener !== null) c.stack.tcp.closeListener(c.listener, c.now);
  c.turn();
  c.receives({ flags: 'S', seq: 50_000, mss: 1460 });
  c.sends({ flags: '.', reason: 'challenge-ack' }).is('TIME-WAIT');
});

test('SHLD-3: a user that leaves a closed window behind has it opened, so that text gets its RST', (t) => {
  const c = established(t, { config: { receiveBuffer: 2000 } });
  c.receives({ seq: 1, ack: 1, len: 1000 }).skip();
  c.receives({ seq: 1001, ack: 1, len: 1000 }).skip();
  c.user((user, now) => {
    user.receive(new Uint8Array(2000));
    user.release(now);
  }).skip();
  c.receives({ seq: 2001, ack: 2, len: 10 }).sends({ flags: 'R', reason: 'reset-after-close' });
});

test('RFC 6429 3: answered probes of a closed window do not keep a connection that its user has left', (t) => {
  const c = established(t);
  c.receives({ seq: 1, ack: 1, wnd: 0 });
  c.user((user, now) => {
    user.send(pattern(0, 10));
    user.release(now);
  });
  for (let i = 0; i < 60 && c.established.state !== 'CLOSED'; i++) {
    c.passes(60 * SECOND);
    if (c.unexpected > 0) c.skip().receives({ seq: 1, ack: 1, wnd: 0 }).skip();
  }
  c.is('CLOSED');
  t.is(c.stack.tcp.connectionCount, 0);
});

test('RFC 7323 2.2: the window of a SYN-ACK is not scaled, in a simultaneous open neither', (t) => {
  const c = opening(t, { config: { windowScaling: true } });
  c.skip().receives({ flags: 'S', seq: 0, mss: 1460, windowShift: 7, wnd: 1024 }).skip();
  c.receives({ flags: 'S.', seq: 0, ack: 1, mss: 1460, windowShift: 7, wnd: 1024 }).skip();
  t.is(c.established.tcb.snd.wnd, 1024);
});

test('RFC 5681 4.2: a FIN beyond a hole is acknowledged each time that it comes', (t) => {
  const c = established(t);
  for (let i = 0; i < 2; i++) {
    c.receives({ flags: 'F.', seq: 101, ack: 1 }).sends({ flags: '.', ack: 1 });
  }
});
