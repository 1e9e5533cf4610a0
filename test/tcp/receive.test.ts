import test from 'ava';
import { diff } from '../../src/core/base/seq.ts';
import { MS, SECOND } from '../../src/core/base/time.ts';
import { established, pattern } from '../harness/transcript.ts';

test('RFC 9293 3.10.7.4 Seventh: text in order is delivered, octet for octet', (t) => {
  const c = established(t);
  for (let i = 0; i < 5; i++) c.receives({ seq: 1 + i * 100, ack: 1, len: 100 }).skip();
  t.deepEqual(c.read(), pattern(0, 500));
});

test('SHLD-31, MAY-13: text out of order is kept, acknowledged at once, and delivered when the hole is filled', (t) => {
  const c = established(t);
  c.receives({ seq: 101, ack: 1, len: 100 });
  c.sends({ flags: '.', ack: 1, reason: 'ack-out-of-order' });
  c.receives({ seq: 301, ack: 1, len: 100 }).sends({ flags: '.', ack: 1 });
  t.is(c.established.readable, 0);
  c.receives({ seq: 1, ack: 1, len: 100 }).sends({ flags: '.', ack: 201, reason: 'ack-now' });
  c.receives({ seq: 201, ack: 1, len: 100 }).sends({ flags: '.', ack: 401 });
  t.deepEqual(c.read(), pattern(0, 400));
});

test('RFC 5681 4.2: each out-of-order segment of a batch gets a duplicate ACK of its own', (t) => {
  const c = established(t);
  c.receivesAll([
    { seq: 101, ack: 1, len: 100 },
    { seq: 201, ack: 1, len: 100 },
    { seq: 301, ack: 1, len: 100 },
  ]);
  for (let i = 0; i < 3; i++) c.sends({ flags: '.', seq: 1, ack: 1 });
  c.nothing();
});

test('MUST-58, MUST-59: text that arrives together is acknowledged once', (t) => {
  const c = established(t);
  c.receivesAll([1, 1461, 2921, 4381].map((seq) => ({ seq, ack: 1, len: 1460 })));
  c.sends({ flags: '.', ack: 5841 }).nothing();
});

test('RFC 9293 3.10.7.4: overlapping pieces, in any order, are delivered once', (t) => {
  const c = established(t);
  for (const [from, to] of [
    [50, 150],
    [100, 300],
    [20, 60],
    [299, 301],
    [1, 25],
    [1, 301],
  ] as const) {
    c.receives({ seq: from, ack: 1, len: to - from }).skip();
  }
  t.deepEqual(c.read(), pattern(0, 300));
});

test('SHLD-18: after the quick ACKs of the beginning an ACK is delayed by 40 ms', (t) => {
  const c = established(t);
  for (let i = 0; i < 16; i++)
    c.receives({ seq: 1 + i * 10, ack: 1, len: 10 }).sends({ ack: 11 + i * 10 });
  c.receives({ seq: 161, ack: 1, len: 10 }).nothing().mark();
  c.passes(100 * MS).sends({ flags: '.', ack: 171, at: 40 * MS, reason: 'delayed-ack' });
});

test('SHLD-19: more than one full segment is acknowledged when the user has read it (Linux: tcp_cleanup_rbuf)', (t) => {
  const c = established(t);
  for (let i = 0; i < 16; i++) c.receives({ flags: 'P.', seq: 1 + i * 20, ack: 1, len: 20 }).skip();
  // A full segment is taken to have 536 octets, until a larger one is seen. The window does not move
  // on with the text while nobody reads.
  for (let i = 0; i < 6; i++) {
    c.receives({ flags: 'P.', seq: 321 + i * 100, ack: 1, len: 100 }).nothing();
  }
  c.read(100);
  c.turn();
  c.sends({ flags: '.', ack: 921, reason: 'ack-second-segment' });
});

test('Linux tcp_grow_window: a full segment that opens the window is acknowledged at once', (t) => {
  const c = established(t);
  for (let i = 0; i < 16; i++) c.receives({ seq: 1 + i * 10, ack: 1, len: 10 }).skip();
  c.receives({ seq: 161, ack: 1, len: 1460 });
  c.sends({ flags: '.', ack: 1621, reason: 'ack-now' });
});

test('RFC 9293 3.8.6.3: an answer of the user carries the ACK', (t) => {
  const c = established(t);
  c.receives({ seq: 1, ack: 1, len: 10 }).sends({ flags: '.', ack: 11 });
  c.user((user) => user.send(pattern(0, 5))).sends({ flags: 'P.', ack: 11, len: 5 });
  c.receives({ seq: 11, ack: 6, len: 10 }).nothing(); // it answers: the ACK can wait
  c.user((user) => user.send(pattern(5, 5))).sends({ flags: 'P.', seq: 6, ack: 21, len: 5 });
  c.receives({ seq: 21, ack: 11 }).passes(SECOND).nothing();
});

test('SHLD-14: the window shrinks as text arrives and never from the right', (t) => {
  const c = established(t, { config: { receiveBuffer: 4000 } });
  let edge = 1 + 2920;
  for (let seq = 1; seq < 2921; seq += 100) {
    c.receives({ seq, ack: 1, len: Math.min(100, 2921 - seq) });
    if (c.unexpected === 0) c.passes(40 * MS);
    const sent = c.takeSent();
    const right = diff(sent.ack, c.irs) + sent.wnd;
    t.true(right >= edge, `${right} is left of ${edge}`);
    edge = right;
  }
});

test('MUST-39: the window opens by a segment, not by a little', (t) => {
  const c = established(t, { config: { receiveBuffer: 4000, segmentLayout: 'linear' } });
  c.receives({ seq: 1, ack: 1, len: 1460 }).sends({ ack: 1461, wnd: 2920 });
  // The window does not move on with the text, so the ACK waits for the user to read.
  c.receives({ seq: 1461, ack: 1, len: 1460 })
    .passes(40 * MS)
    .sends({ ack: 2921, wnd: 1460 });
  c.receives({ seq: 2921, ack: 1, len: 1460 })
    .passes(40 * MS)
    .sends({ ack: 4381, wnd: 0 });
  c.receives({ seq: 4381, ack: 1, len: 1 }).dropped('window-closed').sends({ ack: 4381, wnd: 0 });
  c.read(100);
  c.turn();
  c.nothing(); // no buffer of Linux is empty by that
  c.read(4280);
  c.turn();
  c.sends({ flags: '.', seq: 1, ack: 4381, wnd: 2920, reason: 'window-update' });
});

test('RFC 9293 3.10.7.4: at a closed window the ACK of a segment with text counts', (t) => {
  const c = established(t, { config: { receiveBuffer: 1460 } });
  c.user((user) => user.send(pattern(0, 100))).sends({ flags: 'P.', len: 100 });
  c.receives({ seq: 1, ack: 1, len: 1460 }).sends({ ack: 1461, wnd: 0 });
  c.receives({ seq: 1461, ack: 101, len: 10 }).dropped('window-closed');
  c.sends({ ack: 1461, wnd: 0, reason: 'ack-unacceptable' });
  t.is(c.established.tcb.snd.una, c.established.tcb.snd.nxt);
});

test('RFC 9293 3.10.7.4: text that ends beyond the window is taken if all before it was read (Linux: tcp_sequence)', (t) => {
  const c = established(t, { config: { receiveBuffer: 1000 } });
  c.receives({ flags: 'F.', seq: 1, ack: 1, len: 1448 }).is('CLOSE-WAIT');
  c.passes(40 * MS).sends({ ack: 1450, wnd: 0, reason: 'ack-fin' });
  t.deepEqual(c.read(), pattern(0, 1448));
});

test('RFC 9293 3.10.7.4: ... and dropped if not', (t) => {
  const c = established(t, { config: { receiveBuffer: 1000 } });
  c.receives({ seq: 1, ack: 1, len: 100 }).sends({ ack: 101, wnd: 1052 });
  c.receives({ flags: 'F.', seq: 101, ack: 1, len: 1448 }).dropped('unacceptable');
  c.sends({ ack: 101, wnd: 1052 }).is('ESTABLISHED');
  c.receives({ seq: 101, ack: 1, len: 1052 })
    .passes(40 * MS)
    .sends({ ack: 1153, wnd: 0 });
});

test('RFC 9293 3.10.7.4: no more separate pieces are kept than the limit allows', (t) => {
  const c = established(t);
  for (let i = 0; i < 256; i++) c.receives({ seq: 3 + i * 2, ack: 1, len: 1 }).sends({ ack: 1 });
  c.receives({ seq: 3 + 512, ack: 1, len: 1 })
    .dropped('reassembly-limit')
    .sends({ ack: 1 });
  c.receives({ seq: 1, ack: 1, len: 512 }).sends({ ack: 514 });
  t.deepEqual(c.read(), pattern(0, 513));
});
