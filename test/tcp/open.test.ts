import test from 'ava';
import { MS, SECOND } from '../../src/core/base/time.ts';
import { DELAYED_ACK } from '../../src/core/tcp/config.ts';
import { established, listening, opening, Transcript } from '../harness/transcript.ts';

test('RFC 9293 3.5: a passive open answers SYN with SYN-ACK and is open with the ACK of it', (t) => {
  const c = listening(t);
  c.receives({ flags: 'S', mss: 1460 });
  c.sends({ flags: 'S.', seq: 0, ack: 1, mss: 1460, wnd: 64_240, reason: 'handshake' });
  t.is(c.listener?.accept(), null);
  c.receives({ flags: '.', seq: 1, ack: 1 }).nothing();
  c.connection = c.listener?.accept() ?? null;
  c.is('ESTABLISHED');
  t.deepEqual(c.transitions, [
    'CLOSED -> LISTEN',
    'LISTEN -> SYN-RECEIVED',
    'SYN-RECEIVED -> ESTABLISHED',
  ]);
});

test('RFC 9293 3.5: an active open sends SYN and acknowledges the SYN-ACK', (t) => {
  const c = opening(t);
  c.sends({ flags: 'S', seq: 0, mss: 1460, wnd: 64_240, windowShift: -1, reason: 'handshake' });
  c.is('SYN-SENT');
  c.receives({ flags: 'S.', seq: 0, ack: 1, mss: 1000 });
  c.sends({ flags: '.', seq: 1, ack: 1, reason: 'handshake-ack' });
  c.is('ESTABLISHED');
  t.is(c.established.tcb.snd.mss, 1000);
});

test('RFC 9293 3.5: text and FIN that come with the SYN-ACK are taken', (t) => {
  const c = opening(t);
  c.sends({ flags: 'S' });
  c.receives({ flags: 'SF.', seq: 0, ack: 1, mss: 1460, len: 5 });
  c.sends({ flags: '.', seq: 1, ack: 7 });
  c.is('CLOSE-WAIT');
  t.is(c.read().length, 5);
});

test('MUST-10: simultaneous open: SYN against SYN leads to one connection', (t) => {
  const c = opening(t);
  c.sends({ flags: 'S', seq: 0 });
  c.receives({ flags: 'S', seq: 0, mss: 1460 });
  c.sends({ flags: 'S.', seq: 0, ack: 1, reason: 'handshake' });
  c.is('SYN-RECEIVED');
  c.receives({ flags: 'S.', seq: 0, ack: 1, mss: 1460 });
  c.sends({ flags: '.', seq: 1, ack: 1, reason: 'ack-duplicate' });
  c.is('ESTABLISHED');
});

test('MUST-10: simultaneous open completes by a bare ACK as well', (t) => {
  const c = opening(t);
  c.sends({ flags: 'S' });
  c.receives({ flags: 'S', seq: 0, mss: 1460 }).sends({ flags: 'S.', seq: 0, ack: 1 });
  c.receives({ flags: '.', seq: 1, ack: 1 }).is('ESTABLISHED');
});

test('MUST-11: a RST in SYN-RECEIVED returns a passive open to LISTEN without a word', (t) => {
  const c = listening(t);
  c.receives({ flags: 'S', mss: 1460 }).sends({ flags: 'S.' });
  c.receives({ flags: 'R', seq: 1 }).dropped('reset-accepted').nothing();
  t.is(c.stack.tcp.connectionCount, 0);
  t.is(c.listener?.halfOpen, 0);
  c.receives({ flags: 'S', mss: 1460 }).sends({ flags: 'S.' });
});

test('MUST-11: a RST in SYN-RECEIVED after an active open is a refused connection', (t) => {
  const c = opening(t);
  c.sends({ flags: 'S' });
  c.receives({ flags: 'S', seq: 0, mss: 1460 }).sends({ flags: 'S.' });
  c.receives({ flags: 'R', seq: 1 }).is('CLOSED');
  t.is(c.established.error, 'ECONNREFUSED');
});

test('RFC 9293 3.10.7.3: a RST that acknowledges our SYN refuses the connection', (t) => {
  const c = opening(t);
  c.sends({ flags: 'S' });
  c.receives({ flags: 'R.', seq: 0, ack: 1 }).dropped('reset-accepted').is('CLOSED');
  t.is(c.established.error, 'ECONNREFUSED');
  t.is(c.stack.tcp.connectionCount, 0);
});

test('RFC 9293 3.10.7.3: a RST without ACK, or with a wrong one, is blind and ignored', (t) => {
  const c = opening(t);
  c.sends({ flags: 'S' });
  c.receives({ flags: 'R', seq: 1 }).dropped('blind-reset').is('SYN-SENT');
  c.receives({ flags: 'R.', seq: 1, ack: 9 }).dropped('blind-reset').is('SYN-SENT');
});

test('RFC 9293 3.10.7.3 First: an ACK of what was not sent is answered by a RST', (t) => {
  const c = opening(t);
  c.sends({ flags: 'S' });
  c.receives({ flags: 'S.', seq: 0, ack: 5 });
  c.sends({ flags: 'R', seq: 5, reason: 'reset-unacceptable-ack' });
  c.is('SYN-SENT');
});

test('RFC 9293 3.10.7.3 Fifth: neither SYN nor RST is dropped', (t) => {
  const c = opening(t);
  c.sends({ flags: 'S' });
  c.receives({ flags: '.', seq: 1, ack: 1 }).dropped('no-syn').is('SYN-SENT');
});

test('RFC 9293 3.10.7.2: LISTEN ignores RST, resets ACK, drops what has no SYN', (t) => {
  const c = listening(t);
  c.receives({ flags: 'R', seq: 1 }).dropped('listen-rst').nothing();
  c.receives({ flags: '.', seq: 1, ack: 77 }).dropped('listen-ack');
  c.sends({ flags: 'R', seq: 77, reason: 'reset' });
  c.receives({ flags: 'F', seq: 1 }).dropped('listen-no-syn').nothing();
});

test('RFC 9293 3.10.7.1: a segment for nobody is answered by a RST, a RST by nothing', (t) => {
  const c = new Transcript(t, {}, SECOND);
  c.receives({ flags: 'S', seq: 0 }).dropped('tcp-no-connection');
  c.sends({ flags: 'R.', ack: 1, reason: 'reset' });
  c.receives({ flags: '.', seq: 1, ack: 50, len: 10 }).sends({ flags: 'R', seq: 50 });
  c.receives({ flags: 'F', seq: 4, len: 10 }).sends({ flags: 'R.', ack: 15 });
  c.receives({ flags: 'R', seq: 1 }).nothing();
});

test('MUST-22: SYN is repeated with doubled timeouts, then the open times out', (t) => {
  const c = opening(t, { config: { synRetries: 3, synLinearTimeouts: 0 } });
  c.sends({ flags: 'S', at: 0 });
  c.passes(20 * SECOND);
  c.sends({ flags: 'S', seq: 0, at: 1 * SECOND, reason: 'handshake-retransmission' });
  c.sends({ flags: 'S', at: 3 * SECOND });
  c.sends({ flags: 'S', at: 7 * SECOND });
  c.is('CLOSED');
  t.is(c.established.error, 'ETIMEDOUT');
});

test('RFC 9293 3.8.1: the first four repetitions of a SYN are a second apart, as in Linux', (t) => {
  const c = opening(t, { config: { synRetries: 3 } });
  c.sends({ flags: 'S', at: 0 });
  c.passes(20 * SECOND);
  for (const at of [1, 2, 3, 4, 5, 7, 11]) c.sends({ flags: 'S', at: at * SECOND });
  c.is('CLOSED');
});

test('MUST-22: with 6 repetitions an open is given up after 127 s', (t) => {
  const c = opening(t, { config: { synLinearTimeouts: 0 } });
  c.skip()
    .passes(126 * SECOND)
    .skip()
    .is('SYN-SENT');
  c.passes(2 * SECOND).is('CLOSED');
  t.is(c.established.error, 'ETIMEDOUT');
});

test('RFC 9293 3.8.1: SYN-ACK is repeated, at once for a repeated SYN, and given up quietly', (t) => {
  const c = listening(t, { config: { synAckRetries: 2 } });
  c.receives({ flags: 'S', mss: 1460 }).sends({ flags: 'S.' }).mark();
  c.receives({ flags: 'S', mss: 1460 }).dropped('unacceptable');
  c.sends({ flags: 'S.', seq: 0, ack: 1, reason: 'handshake-retransmission', at: 0 });
  c.passes(10 * SECOND);
  c.sends({ flags: 'S.', at: 1 * SECOND }).sends({ flags: 'S.', at: 3 * SECOND });
  c.nothing();
  t.is(c.stack.tcp.connectionCount, 0);
  t.is(c.listener?.halfOpen, 0);
});

test('RFC 9293 3.10.7.4 Fifth: a wrong ACK in SYN-RECEIVED is answered by a RST', (t) => {
  const c = listening(t);
  c.receives({ flags: 'S', mss: 1460 }).sends({ flags: 'S.' });
  c.receives({ flags: '.', seq: 1, ack: 3 }).dropped('bad-ack');
  c.sends({ flags: 'R', seq: 3, reason: 'reset-unacceptable-ack' });
  c.receives({ flags: '.', seq: 1, ack: 1 }).nothing();
  t.is(c.listener?.accept()?.state, 'ESTABLISHED');
});

test('RFC 9293 3.10.7.4: text and FIN on the third segment of the handshake are taken', (t) => {
  const c = listening(t);
  c.receives({ flags: 'S', mss: 1460 }).sends({ flags: 'S.' });
  c.receives({ flags: 'F.', seq: 1, ack: 1, len: 4 }).passes(DELAYED_ACK);
  c.sends({ flags: '.', ack: 6, reason: 'ack-fin' });
  c.connection = c.listener?.accept() ?? null;
  c.is('CLOSE-WAIT');
  t.is(c.read().length, 4);
});

test('RFC 9293 3.10.7.2: a listener holds no more half-open connections than its backlog', (t) => {
  const c = listening(t, { backlog: 2, config: { synCookies: 'off' } });
  for (let i = 0; i < 2; i++) {
    c.remotePort++;
    c.receives({ flags: 'S', mss: 1460 }).dropped(null).skip();
  }
  c.remotePort++;
  c.receives({ flags: 'S', mss: 1460 }).dropped('syn-queue-full').nothing();
  t.is(c.stack.tcp.connectionCount, 2);
});

test('RFC 9293 3.10.7.2: a full accept queue keeps the handshake waiting', (t) => {
  const c = listening(t, { backlog: 1 });
  c.receives({ flags: 'S', mss: 1460 }).skip();
  c.receives({ flags: '.', seq: 1, ack: 1 });
  c.remotePort++;
  c.receives({ flags: 'S', mss: 1460 }).dropped('accept-queue-full').nothing();
  t.is(c.listener?.accept()?.state, 'ESTABLISHED');
  c.receives({ flags: 'S', mss: 1460 }).dropped(null).skip();
});

test('MUST-14, MUST-15: the MSS option is honoured, and 536 stands for a missing one', (t) => {
  t.is(established(t, {}, { mss: 700 }).established.tcb.snd.mss, 700);
  t.is(established(t, {}, { mss: 0 }).established.tcb.snd.mss, 536);
  t.is(established(t, {}, { mss: 9000 }).established.tcb.snd.mss, 1460);
});

test('MUST-67: the MSS that is announced is the MTU less 40, or less', (t) => {
  const c = listening(t, { mtu: 1000 });
  c.receives({ flags: 'S', mss: 1460 }).sends({ flags: 'S.', mss: 960 });
  const d = listening(t, { config: { mss: 500 } });
  d.receives({ flags: 'S', mss: 1460 }).sends({ flags: 'S.', mss: 500 });
});

test('RFC 7323 2: window scaling is used when both offer it', (t) => {
  const both = { config: { windowScaling: true } };
  const c = listening(t, both);
  c.receives({ flags: 'S', mss: 1460, windowShift: 3, wnd: 1000 });
  c.sends({ flags: 'S.', wnd: 64_240, windowShift: 10 });
  c.receives({ flags: '.', seq: 1, ack: 1, wnd: 1000 });
  const { snd } = c.listener?.accept()?.tcb ?? t.fail();
  t.is(snd?.wnd, 8000);
  const d = listening(t, both);
  d.receives({ flags: 'S', mss: 1460 }).sends({ flags: 'S.', windowShift: -1 });
});

test('RFC 7323 3: timestamps are used when both offer them, and echo the last one', (t) => {
  const c = listening(t, { config: { timestamps: true } });
  c.receives({ flags: 'S', mss: 1460, tsVal: 500 }).sends({ flags: 'S.', tsEcr: 500 });
  c.receives({ flags: '.', seq: 1, ack: 1, tsVal: 501, tsEcr: 1 });
  c.receives({ flags: 'P.', seq: 1, ack: 1, len: 5, tsVal: 502, tsEcr: 1 });
  c.sends({ flags: '.', ack: 6, tsEcr: 502 });
  const d = listening(t, { config: { timestamps: true } });
  d.receives({ flags: 'S', mss: 1460 }).sends({ flags: 'S.', tsEcr: 0 });
  d.receives({ flags: '.', seq: 1, ack: 1 });
  t.false(d.listener?.accept()?.tcb.ts.on);
});

test('RFC 9293 3.10.4: CLOSE in SYN-SENT sends the FIN once the connection is open', (t) => {
  const c = opening(t);
  c.sends({ flags: 'S' });
  c.user((user, now) => {
    user.send(new Uint8Array(3));
    user.close(now);
  });
  c.is('SYN-SENT');
  c.receives({ flags: 'S.', seq: 0, ack: 1, mss: 1460 });
  c.sends({ flags: 'FP.', seq: 1, ack: 1, len: 3 });
  c.is('FIN-WAIT-1');
});

test('RFC 9293 3.10.5: ABORT in SYN-SENT sends nothing', (t) => {
  const c = opening(t);
  c.sends({ flags: 'S' });
  c.user((user, now) => user.abort(now)).is('CLOSED');
});

test('RFC 6298 5.7: after a repeated SYN text starts with a timeout of 3 s', (t) => {
  const c = opening(t);
  c.sends({ flags: 'S' })
    .passes(1500 * MS)
    .sends({ flags: 'S' });
  c.receives({ flags: 'S.', seq: 0, ack: 1, mss: 1460 }).sends({ flags: '.' });
  t.is(c.established.tcb.rtt.rto, 3 * SECOND);
});

test('RFC 5681 3.1: after the second repeated SYN the first window is one segment, as in Linux', (t) => {
  for (const [passed, segments] of [
    [1500, 10],
    [2500, 1],
  ] as const) {
    const c = opening(t);
    c.skip()
      .passes(passed * MS)
      .skip();
    c.receives({ flags: 'S.', seq: 0, ack: 1, mss: 1460 }).sends({ flags: '.' });
    t.is(c.established.tcb.congestion.cwnd, segments * 1460);
  }
});
