import test from 'ava';
import { MS, SECOND } from '../../src/core/base/time.ts';
import { established } from '../harness/transcript.ts';

test('RFC 9293 3.10.7.4 First: a segment left of the window is acknowledged and dropped', (t) => {
  const c = established(t);
  c.receives({ seq: 1, ack: 1, len: 10 }).sends({ flags: '.', ack: 11 });
  c.receives({ seq: 11, ack: 1, len: 10 }).sends({ flags: '.', ack: 21 });
  c.receives({ seq: 1, ack: 1, len: 10 }).dropped('unacceptable');
  c.sends({ flags: '.', seq: 1, ack: 21, reason: 'ack-unacceptable' });
});

test('RFC 9293 3.10.7.4 First: old text that ends at our last ACK still brings its ACK (Linux: tcp_sequence)', (t) => {
  const c = established(t);
  c.receives({ seq: 1, ack: 1, len: 10 }).sends({ flags: '.', ack: 11 });
  c.user((user) => user.send(new Uint8Array(5))).sends({ flags: 'P.', len: 5 });
  c.receives({ seq: 1, ack: 6, len: 10 }).dropped('text-duplicate');
  c.sends({ flags: '.', seq: 6, ack: 11, reason: 'ack-duplicate' });
  t.is(c.established.tcb.snd.una, c.established.tcb.snd.nxt);
});

test('RFC 9293 3.10.7.4 First: an old bare ACK that no ACK of ours overtook is taken (Linux: rcv_wup)', (t) => {
  const c = established(t);
  c.user((user) => user.send(new Uint8Array(5))).sends({ flags: 'P.', len: 5 });
  c.receives({ flags: 'F.', seq: 1, ack: 1 }).nothing(); // its ACK waits
  c.receives({ seq: 1, ack: 6 }).dropped(null);
  t.is(c.established.tcb.snd.una, c.established.tcb.snd.nxt);
  c.passes(100 * MS).sends({ ack: 2 });
});

test('RFC 9293 3.10.7.4 First: a segment right of the window is acknowledged and dropped', (t) => {
  const c = established(t);
  c.receives({ seq: 64_241, ack: 1, len: 10 })
    .dropped('window-closed')
    .sends({ flags: '.', ack: 1 });
  c.receives({ seq: 64_242, ack: 1, len: 10 }).dropped('unacceptable');
  c.sends({ flags: '.', ack: 1, reason: 'ack-unacceptable' });
});

test('RFC 9293 3.10.7.4 First: of a segment that overlaps RCV.NXT only the new part is taken', (t) => {
  const c = established(t);
  c.receives({ seq: 1, ack: 1, len: 10 }).sends({ flags: '.', ack: 11 });
  c.receives({ seq: 6, ack: 1, len: 10 }).sends({ flags: '.', ack: 16 });
  t.is(c.read().length, 15);
});

test('RFC 9293 3.10.7.4 First: an unacceptable RST is not answered', (t) => {
  const c = established(t);
  c.receives({ flags: 'R', seq: 0 }).dropped('unacceptable').nothing();
  c.receives({ flags: 'R', seq: 70_000 }).dropped('unacceptable').nothing();
  c.is('ESTABLISHED');
});

test('RFC 9293 3.10.7.4 First: bare ACKs out of the window are answered twice a second at most', (t) => {
  const c = established(t);
  c.receives({ seq: 70_000, ack: 1 }).sends({ flags: '.', reason: 'ack-unacceptable' });
  c.receives({ seq: 70_000, ack: 1 }).nothing();
  c.passes(500 * MS)
    .receives({ seq: 70_000, ack: 1 })
    .sends({ flags: '.' });
});

test('RFC 9293 3.10.7.4 First: an empty segment at the right edge is taken', (t) => {
  const c = established(t);
  c.user((user) => user.send(new Uint8Array(100))).sends({ flags: 'P.', len: 100 });
  c.receives({ seq: 64_241, ack: 101 }).dropped(null);
  t.is(c.established.tcb.snd.una, c.established.tcb.snd.nxt);
});

test('RFC 5961 3.2: a RST at RCV.NXT resets', (t) => {
  const c = established(t);
  c.receives({ flags: 'R', seq: 1 }).dropped('reset-accepted').is('CLOSED');
  t.is(c.established.error, 'ECONNRESET');
});

test('RFC 5961 3.2: a RST elsewhere in the window is challenged, twice a second at most', (t) => {
  const c = established(t);
  for (let i = 0; i < 2; i++) {
    c.receives({ flags: 'R', seq: 5 }).dropped('reset-not-exact');
    c.sends({ flags: '.', seq: 1, ack: 1, reason: 'challenge-ack' });
    c.receives({ flags: 'R', seq: 6 }).passes(499 * MS);
    c.receives({ flags: 'R', seq: 6 }).nothing().is('ESTABLISHED').passes(MS);
  }
  c.passes(SECOND).receives({ flags: 'R', seq: 5 }).sends({ flags: '.' });
});

test('RFC 5961 4.2: a SYN in a synchronized state is challenged', (t) => {
  const c = established(t);
  c.receives({ flags: 'S', seq: 10 }).dropped('syn-in-window');
  c.sends({ flags: '.', seq: 1, ack: 1, reason: 'challenge-ack' });
  c.is('ESTABLISHED');
});

test('RFC 9293 3.10.7.4 Fifth: a segment without ACK is dropped', (t) => {
  const c = established(t);
  c.receives({ flags: 'P', seq: 1, len: 10 }).dropped('no-ack').nothing();
  t.is(c.established.readable, 0);
});

test('RFC 9293 3.10.7.4 Fifth: an ACK of what was not sent is answered and dropped', (t) => {
  const c = established(t);
  c.receives({ seq: 1, ack: 50, len: 10 }).dropped('ack-too-new');
  c.sends({ flags: '.', seq: 1, ack: 1, reason: 'challenge-ack' });
  t.is(c.established.readable, 0);
});

test('MAY-12, RFC 5961 5.2: an ACK older than any window is challenged and dropped', (t) => {
  const c = established(t, {}, { wnd: 1000 });
  c.receives({ seq: 1, ack: -1100, len: 10, wnd: 1000 }).dropped('ack-too-old');
  c.sends({ flags: '.', reason: 'challenge-ack' });
});

test('RFC 7323 5.3: an old timestamp is refused and answered, and a RST is exempt', (t) => {
  const c = established(t, { config: { timestamps: true } }, { tsVal: 1000 });
  c.receives({ seq: 1, ack: 1, len: 5, tsVal: 1010 }).sends({ flags: '.', ack: 6, tsEcr: 1010 });
  c.receives({ seq: 6, ack: 1, len: 5, tsVal: 1005 }).dropped('paws');
  c.sends({ flags: '.', ack: 6, tsEcr: 1010 });
  c.receives({ flags: 'R', seq: 6, tsVal: 1 }).dropped('reset-accepted').is('CLOSED');
});

test('RFC 7323 5.5: after 24 days of silence any timestamp is taken', (t) => {
  const c = established(t, { config: { timestamps: true } }, { tsVal: 1000 });
  c.receives({ seq: 1, ack: 1, len: 5, tsVal: 1010 }).sends({ flags: '.' });
  c.passes(25 * 24 * 3600 * SECOND);
  c.receives({ seq: 6, ack: 1, len: 5, tsVal: 7 }).dropped(null).sends({ flags: '.', tsEcr: 7 });
});

test('RFC 7323 4.3: the timestamp of an out-of-order segment is not echoed', (t) => {
  const c = established(t, { config: { timestamps: true } }, { tsVal: 1000 });
  c.receives({ seq: 11, ack: 1, len: 10, tsVal: 1020 }).sends({ flags: '.', ack: 1, tsEcr: 1001 });
  c.receives({ seq: 1, ack: 1, len: 10, tsVal: 1015 }).sends({ flags: '.', ack: 21, tsEcr: 1015 });
});

test('MUST-3: a segment with a wrong checksum is dropped', (t) => {
  const c = established(t);
  const frame = c.frame({ seq: 1, ack: 1, len: 10 });
  frame[frame.length - 1] = (frame[frame.length - 1] ?? 0) ^ 1;
  c.receivesFrame(frame).dropped('tcp-bad-checksum').nothing();
});
