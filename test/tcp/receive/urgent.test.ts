import test from 'ava';
import { Event } from '../../../src/core/tcp/tcb.ts';
import { established, opening, pattern, type Transcript } from '../../harness/transcript.ts';

/** Counts how often the user is told. */
function toldOf(c: Transcript): () => number {
  let told = 0;
  c.established.onEvents = (events) => {
    if ((events & Event.URGENT) !== 0) told++;
  };
  return () => told;
}

test('MUST-32: the user is told of urgent text, and whenever the end of it moves, but not twice', (t) => {
  const c = established(t);
  const told = toldOf(c);
  c.receives({ flags: 'U.', seq: 1, ack: 1, len: 10, up: 30 }).skip();
  t.is(told(), 1);
  c.receives({ flags: 'U.', seq: 11, ack: 1, len: 10, up: 20 }).skip(); // the same end
  t.is(told(), 1);
  c.receives({ flags: 'U.', seq: 21, ack: 1, len: 10, up: 15 }).skip();
  t.is(told(), 2);
  c.receives({ seq: 31, ack: 1, len: 10 }).skip();
  t.is(told(), 2);
});

test('MUST-33: the user can ask how far it is to the end of urgent text', (t) => {
  const c = established(t);
  t.is(c.established.urgent, 0);
  c.receives({ seq: 1, ack: 1, len: 10 }).skip();
  c.receives({ flags: 'U.', seq: 11, ack: 1, len: 10, up: 30 }).skip();
  t.is(c.established.urgent, 40);
  t.deepEqual(c.read(15), pattern(0, 15));
  t.is(c.established.urgent, 25);
  c.receives({ seq: 21, ack: 1, len: 30 }).skip();
  t.deepEqual(c.read(), pattern(15, 35));
  t.is(c.established.urgent, 0);
});

test('MUST-33: behind the FIN there is nothing urgent left', (t) => {
  const c = established(t);
  c.receives({ flags: 'FU.', seq: 1, ack: 1, len: 10, up: 10 }).skip();
  t.is(c.established.urgent, 10);
  c.read(4);
  t.is(c.established.urgent, 6);
  c.read();
  t.is(c.established.urgent, 0);
});

test('MUST-31: urgent text may be longer than any urgent pointer', (t) => {
  const c = established(t);
  let at = 1;
  for (; at < 100_000; at += 10_000) {
    c.receives({ flags: 'U.', seq: at, ack: 1, len: 10_000, up: 50_000 }).skip();
    t.is(c.read().length, 10_000);
    t.is(c.established.urgent, 40_000);
  }
});

test('RFC 9293 3.10.7.4 Sixth: of a segment that was cut the pointer counts from its own number', (t) => {
  const c = established(t);
  c.receives({ seq: 1, ack: 1, len: 10 }).skip();
  t.is(c.read().length, 10);
  c.receives({ flags: 'U.', seq: 6, ack: 1, len: 10, up: 10 }).skip();
  t.is(c.established.urgent, 5);
  const d = established(t);
  d.receives({ seq: 1, ack: 1, len: 10 }).skip();
  d.receives({ flags: 'U.', seq: 1, ack: 1, len: 20, up: 10 }).skip(); // ends in what is unread
  t.is(d.established.urgent, 10);
});

test('RFC 9293 3.10.7.3 Fourth: urgent text that comes with the SYN-ACK is told of', (t) => {
  const c = opening(t);
  c.skip().receives({ flags: 'SU.', seq: 0, ack: 1, mss: 1460, len: 5, up: 6 }).skip();
  t.is(c.established.urgent, 5);
});
