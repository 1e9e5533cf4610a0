import test from 'ava';
import { MS } from '../../../src/core/base/time.ts';
import { established, type Transcript, type Written } from '../../harness/transcript.ts';

const MSS = 1460;
const SACK: Written = { sackPermitted: true };

/** Text that uses up the quick ACKs of the beginning. @returns the number of the next octet */
function quickAcksSpent(c: Transcript): number {
  let seq = 1;
  for (; c.established.tcb.ack.quick > 0 || seq === 1; seq += 10) {
    c.receives({ flags: 'P.', seq, ack: 1, len: 10 }).sends({ ack: seq + 10 });
    c.read();
    c.turn();
  }
  return seq;
}

test('Linux tcp_event_data_recv: the first text allows 16 quick ACKs', (t) => {
  const c = established(t);
  t.is(quickAcksSpent(c), 161);
});

test('Linux tcp_delack_timer_handler: a delayed ACK that was in vain doubles the delay, up to the round trip', (t) => {
  const c = established(t);
  const seq = quickAcksSpent(c);
  c.receives({ flags: 'P.', seq, ack: 1, len: 10 })
    .mark()
    .passes(100 * MS);
  c.sends({ ack: seq + 10, at: 40 * MS, reason: 'delayed-ack' });
  t.is(c.established.status(c.now).ato, 80 * MS);
  c.receives({ flags: 'P.', seq: seq + 10, ack: 1, len: 10 })
    .mark()
    .passes(100 * MS);
  c.sends({ ack: seq + 20, at: 40 * MS });
});

test('Linux tcp_cleanup_rbuf: a user that reads a pushed segment and does not answer has it acknowledged', (t) => {
  const c = established(t);
  const seq = quickAcksSpent(c);
  c.receives({ flags: 'P.', seq, ack: 1, len: 10 }).nothing();
  c.read();
  c.turn();
  c.sends({ flags: '.', ack: seq + 10, reason: 'ack-now' });
});

test('Linux inet_csk_in_pingpong_mode: the ACK waits for the answer of a user that answers', (t) => {
  const c = established(t);
  const seq = quickAcksSpent(c);
  c.receives({ flags: 'P.', seq, ack: 1, len: 10 });
  c.user((user) => user.send(new Uint8Array(5))).sends({ flags: 'P.', ack: seq + 10, len: 5 });
  c.receives({ flags: 'P.', seq: seq + 10, ack: 6, len: 10 });
  c.read();
  c.turn();
  c.nothing()
    .mark()
    .passes(100 * MS);
  c.sends({ ack: seq + 20, at: 40 * MS, reason: 'delayed-ack' });
});

test('Linux tcp_fin: the ACK of a FIN after text waits for that of the user', (t) => {
  const c = established(t);
  c.receives({ flags: 'P.', seq: 1, ack: 1, len: 10 }).sends({ ack: 11 });
  c.receives({ flags: 'F.', seq: 11, ack: 1 })
    .is('CLOSE-WAIT')
    .mark()
    .passes(100 * MS);
  c.sends({ flags: '.', ack: 12, at: 40 * MS, reason: 'ack-fin' });
});

test('RFC 5681 4.2: each segment beyond a hole is acknowledged at once without SACK', (t) => {
  const c = established(t);
  const seq = quickAcksSpent(c);
  for (let i = 1; i < 10; i++) {
    c.receives({ seq: seq + i * 10, ack: 1, len: 10 }).sends({ ack: seq, sack: [] });
  }
  t.is(c.established.tcb.sackBlocks.count, 0);
});

test('Linux tcp_sack_compress_send_ack: with SACK, after three duplicate ACKs others wait for each other', (t) => {
  const c = established(t, {}, SACK);
  const seq = quickAcksSpent(c);
  c.established.tcb.tuning.rtt = 8 * 10 * MS; // a round trip of 10 ms: they wait 0.5 ms
  const right = (n: number): [number, number] => [seq + 10, seq + 10 + 10 * n];
  for (let i = 1; i <= 3; i++) {
    c.receives({ flags: 'P.', seq: seq + i * 10, ack: 1, len: 10 });
    c.sends({ ack: seq, sack: [right(i)], reason: 'ack-out-of-order' });
  }
  const { rtt, snd } = c.established.tcb;
  rtt.sample(1000 * MS, snd.una, snd.nxt); // what the sender measured is longer, and does not count
  c.mark();
  for (let i = 4; i <= 8; i++) {
    c.receives({ flags: 'P.', seq: seq + i * 10, ack: 1, len: 10 }).nothing();
  }
  c.passes(MS).sends({ ack: seq, sack: [right(8)], at: 500, reason: 'compressed-ack' });
});

test('Linux tcp_comp_sack_nr: 0 lets each segment beyond a hole be acknowledged at once', (t) => {
  const c = established(t, { config: { compressedAcks: 0 } }, SACK);
  const seq = quickAcksSpent(c);
  c.established.tcb.tuning.rtt = 8 * 10 * MS;
  for (let i = 1; i <= 8; i++) {
    c.receives({ flags: 'P.', seq: seq + i * 10, ack: 1, len: 10 });
    c.sends({ ack: seq, sack: [[seq + 10, seq + 10 + 10 * i]], reason: 'ack-out-of-order' });
  }
});

test('RFC 2018 4: what fills the hole is acknowledged at once, and reported no more', (t) => {
  const c = established(t, {}, SACK);
  const seq = quickAcksSpent(c);
  c.receives({ seq: seq + 10, ack: 1, len: 10 }).sends({ ack: seq, sack: [[seq + 10, seq + 20]] });
  c.receives({ seq: seq + 30, ack: 1, len: 10 });
  c.sends({
    ack: seq,
    sack: [
      [seq + 30, seq + 40],
      [seq + 10, seq + 20],
    ],
  });
  c.receives({ seq, ack: 1, len: 10 });
  c.sends({ ack: seq + 20, sack: [[seq + 30, seq + 40]] });
  c.receives({ seq: seq + 20, ack: 1, len: 10 });
  c.sends({ ack: seq + 40, sack: [], reason: 'ack-now' });
});

test('RFC 2883 4.1: a segment that has arrived before is reported by D-SACK', (t) => {
  const c = established(t, {}, SACK);
  c.receives({ seq: 1, ack: 1, len: MSS }).sends({ ack: 1461, sack: [] });
  c.receives({ seq: 1, ack: 1, len: MSS }).sends({ ack: 1461, sack: [[1, 1461]] });
  c.receives({ seq: 1461, ack: 1, len: MSS }).sends({ ack: 2921, sack: [] });
  c.receives({ seq: 1, ack: 1, len: MSS });
  c.sends({ ack: 2921, sack: [[1, 1461]], reason: 'ack-unacceptable' });
});

test('RFC 2883 4.2: ... and one beyond a hole, with the block that holds it', (t) => {
  const c = established(t, {}, SACK);
  c.receives({ seq: 101, ack: 1, len: 100 }).sends({ ack: 1, sack: [[101, 201]] });
  c.receives({ seq: 101, ack: 1, len: 100 });
  c.sends({
    ack: 1,
    sack: [
      [101, 201],
      [101, 201],
    ],
  });
});

test('RFC 2883 4.3: ... and the part of a segment that has arrived before', (t) => {
  const c = established(t, {}, SACK);
  c.receives({ seq: 1, ack: 1, len: 100 }).sends({ ack: 101, sack: [] });
  c.receives({ seq: 51, ack: 1, len: 100 }).sends({ ack: 151, sack: [[51, 101]] });
});

test('RFC 2018 2: a SYN-ACK permits SACK only if the SYN did', (t) => {
  for (const sackPermitted of [true, false]) {
    const c = established(t, {}, { sackPermitted });
    t.is(c.established.tcb.sackPermitted, sackPermitted);
    c.receives({ seq: 11, ack: 1, len: 10 });
    c.sends({ ack: 1, sack: sackPermitted ? [[11, 21]] : [] });
  }
});

test('RFC 2018 3: text that carries SACK blocks leaves room for them', (t) => {
  const c = established(t, {}, SACK);
  c.receives({ seq: 11, ack: 1, len: 10 }).sends({ ack: 1, sack: [[11, 21]] });
  c.user((user) => user.send(new Uint8Array(MSS)));
  c.sends({ flags: '.', len: MSS - 12, sack: [[11, 21]] }).skip();
});
