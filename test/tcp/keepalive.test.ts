import test from 'ava';
import { SECOND } from '../../src/core/base/time.ts';
import type { TcpConfig } from '../../src/core/tcp/config.ts';
import { ACK_TICK, INVALID_ACK_INTERVAL } from '../../src/core/tcp/config.ts';
import { established, pattern, type Transcript } from '../harness/transcript.ts';

const IDLE = 7200 * SECOND;
const INTERVAL = 75 * SECOND;

function alive(t: Parameters<typeof established>[0], changes: Partial<TcpConfig> = {}): Transcript {
  return established(t, { config: { keepAlive: true, ...changes } });
}

test('MUST-25: keepalive is off by default', (t) => {
  const c = established(t);
  c.passes(30 * 24 * 3600 * SECOND).is('ESTABLISHED');
});

test('MUST-28, SHLD-12, MAY-5: the first probe comes after two idle hours, at SND.NXT - 1, empty', (t) => {
  const c = alive(t);
  c.passes(IDLE - 1).nothing();
  c.passes(1).sends({ flags: '.', seq: 0, ack: 1, len: 0, at: IDLE, reason: 'keepalive-probe' });
});

test('MUST-26: any answer restarts the idle time', (t) => {
  const c = alive(t);
  c.passes(IDLE).sends({ reason: 'keepalive-probe', at: IDLE });
  c.receives({ seq: 1, ack: 1 }).mark();
  c.passes(IDLE - 1).nothing();
  c.passes(1).sends({ reason: 'keepalive-probe', at: IDLE });
});

test('MUST-26: text of the peer restarts the idle time', (t) => {
  const c = alive(t);
  c.passes(IDLE / 2)
    .receives({ seq: 1, ack: 1, len: 10 })
    .sends({ ack: 11 })
    .mark();
  c.passes(IDLE - 1).nothing();
  c.passes(1).sends({ reason: 'keepalive-probe', seq: 0, ack: 11 });
});

test('MUST-29: nine probes 75 s apart, then a RST and ETIMEDOUT: dead after 7200 + 9 x 75 s', (t) => {
  const c = alive(t);
  c.passes(IDLE + 9 * INTERVAL - 1);
  for (let i = 0; i < 9; i++) {
    c.sends({ flags: '.', seq: 0, at: IDLE + i * INTERVAL, reason: 'keepalive-probe' });
  }
  c.is('ESTABLISHED');
  c.passes(1).sends({
    flags: 'R.',
    seq: 1,
    ack: 1,
    at: IDLE + 9 * INTERVAL,
    reason: 'reset-keepalive',
  });
  c.is('CLOSED');
  t.is(c.established.error, 'ETIMEDOUT');
});

test('MUST-27: idle, interval and count can be chosen per connection while it lives', (t) => {
  const c = established(t);
  c.user((user, now) =>
    user.configure(
      {
        keepAlive: true,
        keepAliveIdle: 10 * SECOND,
        keepAliveInterval: 2 * SECOND,
        keepAliveCount: 3,
      },
      now,
    ),
  );
  c.passes(20 * SECOND);
  for (let i = 0; i < 3; i++) c.sends({ reason: 'keepalive-probe', at: (10 + 2 * i) * SECOND });
  c.sends({ flags: 'R.', at: 16 * SECOND, reason: 'reset-keepalive' });
});

test('MUST-24: keepalive can be switched off again', (t) => {
  const c = alive(t);
  c.user((user, now) => user.configure({ keepAlive: false }, now));
  c.passes(2 * IDLE).is('ESTABLISHED');
});

test('MAY-6: a probe may carry one octet, which the peer has had before', (t) => {
  const c = alive(t, { keepAliveProbeOctets: 1 });
  c.passes(IDLE).sends({ flags: '.', seq: 0, ack: 1, len: 1, reason: 'keepalive-probe' });
});

test('RFC 9293 3.8.4: a probe of the peer is acknowledged, be it empty or of one octet', (t) => {
  for (const len of [0, 1]) {
    const c = established(t);
    for (let i = 0; i < 3; i++) {
      c.receives({ flags: '.', seq: 0, ack: 1, len }).sends({ flags: '.', seq: 1, ack: 1 });
      c.passes(INVALID_ACK_INTERVAL);
    }
    t.is(c.established.readable, 0);
  }
});

test('RFC 9293 3.8.4: a peer that has restarted answers by a RST, which ends the connection', (t) => {
  const c = alive(t);
  c.passes(IDLE).sends({ reason: 'keepalive-probe' });
  c.receives({ flags: 'R', seq: 1 }).is('CLOSED');
  t.is(c.established.error, 'ECONNRESET');
});

test('MUST-26: while text is unacknowledged it is sent again, and no probe is sent', (t) => {
  const c = alive(t, { keepAliveIdle: 10 * SECOND, keepAliveInterval: SECOND });
  c.user((user) => user.send(pattern(0, 10))).sends({ len: 10 });
  c.passes(600 * SECOND);
  while (c.unexpected > 0) c.sends({ reason: 'rto' });
  c.is('ESTABLISHED');
});

test('MUST-26: while text waits for the window, that is probed for', (t) => {
  const c = alive(t, { keepAliveIdle: 10 * SECOND, keepAliveInterval: SECOND });
  c.receives({ seq: 1, ack: 1, wnd: 0 });
  c.user((user) => user.send(pattern(0, 10)));
  c.passes(60 * SECOND);
  while (c.unexpected > 0) c.sends({ reason: 'window-probe' });
});

test('RFC 9293 3.8.4: half-closed connections are probed as well, in either direction', (t) => {
  const c = alive(t);
  c.user((user, now) => user.close(now)).sends({ flags: 'F.', seq: 1 });
  c.receives({ seq: 1, ack: 2 }).is('FIN-WAIT-2');
  c.passes(IDLE).sends({ flags: '.', seq: 1, ack: 1, reason: 'keepalive-probe' });
  const d = alive(t);
  d.receives({ flags: 'F.', seq: 1, ack: 1 }).passes(ACK_TICK).sends({ ack: 2 }).is('CLOSE-WAIT');
  d.passes(IDLE).sends({ flags: '.', seq: 0, ack: 2, reason: 'keepalive-probe' });
});

test('RFC 5482: the user timeout stands above the count', (t) => {
  const c = alive(t, {
    keepAliveIdle: 10 * SECOND,
    keepAliveInterval: 5 * SECOND,
    userTimeout: 17 * SECOND,
  });
  c.passes(30 * SECOND);
  c.sends({ at: 10 * SECOND, reason: 'keepalive-probe' });
  c.sends({ at: 15 * SECOND, reason: 'keepalive-probe' });
  c.sends({ flags: 'R.', at: 20 * SECOND, reason: 'reset-keepalive' });
});

test('RFC 9293 3.10.6: STATUS shows the probes that are out, and the time to the next', (t) => {
  const c = alive(t);
  const seen = (): [number, number | null] => {
    const { probes, keepAliveTimer } = c.established.status(c.now);
    return [probes, keepAliveTimer];
  };
  t.deepEqual(seen(), [0, IDLE]);
  c.passes(IDLE + SECOND).sends({ reason: 'keepalive-probe' });
  t.deepEqual(seen(), [1, INTERVAL - SECOND]);
  c.passes(INTERVAL).sends({ reason: 'keepalive-probe' });
  t.deepEqual(seen(), [2, INTERVAL - SECOND]);
  c.receives({ seq: 1, ack: 1 });
  t.is(seen()[0], 0);
  c.user((user, now) => user.configure({ keepAlive: false }, now));
  t.deepEqual(seen(), [0, null]);
});

test('RFC 9293 3.10.6: STATUS has the names and units of tcp_info', (t) => {
  const c = established(t, {}, { mss: 1000, wnd: 50_000 });
  c.user((user) => user.send(pattern(0, 20_000))).skip();
  const info = c.established.status(c.now);
  t.like(info, {
    state: 'ESTABLISHED',
    caState: 'open',
    sndMss: 1000,
    advmss: 1460,
    pmtu: 1500,
    unacked: 10,
    sndCwnd: 10,
    sndSsthresh: Number.POSITIVE_INFINITY,
    sndWnd: 50_000,
    rcvWnd: 64_240,
    notsentBytes: 10_000,
  });
});

test('RFC 9293 3.8.4: a probe of ours does not stand for the ACK of theirs, which comes with it', (t) => {
  for (const keepAliveProbeOctets of [0, 1] as const) {
    const c = alive(t, { keepAliveProbeOctets });
    c.passes(IDLE - 1);
    c.now += 1;
    c.receives({ flags: '.', seq: 0, ack: 1 }).dropped('unacceptable');
    c.sends({ seq: 0, len: keepAliveProbeOctets, reason: 'keepalive-probe' });
    c.sends({ flags: '.', seq: 1, ack: 1, reason: 'ack-unacceptable' });
    c.receives({ seq: 1, ack: 1 }).nothing();
    t.is(c.established.tcb.probesOut, 0);
  }
});
