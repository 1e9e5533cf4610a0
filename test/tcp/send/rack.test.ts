import test from 'ava';
import { MS } from '../../../src/core/base/time.ts';
import { Timer } from '../../../src/core/tcp/tcb.ts';
import { at, block, counts, info, lossy, MSS, resends, sacks, windows, writes } from './lossy.ts';

test('RFC 8985 6.2: three segments later than one are reported, and it is lost at once', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip().passes(100 * MS);
  sacks(c, 1, block(2)).nothing();
  t.deepEqual(counts(c), ['disorder', 1, 0, 0]);
  sacks(c, 1, block(2, 3)).nothing();
  t.deepEqual(counts(c), ['disorder', 2, 0, 0]);
  sacks(c, 1, block(2, 4)).sends({ seq: 1, len: MSS, reason: 'fast-retransmit' }).nothing();
  t.deepEqual(counts(c), ['recovery', 3, 1, 1]);
  t.is(windows(c)[1], 5);
});

test('RFC 8985 6.3: one report makes the others late: lost after a quarter of a round trip and 2 ms', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip()
    .passes(100 * MS)
    .mark();
  sacks(c, 1, block(3)).nothing();
  c.passes(26 * MS).nothing();
  c.passes(1 * MS).sends({ seq: 1, len: MSS, reason: 'fast-retransmit', at: 27 * MS });
  t.deepEqual(counts(c), ['recovery', 1, 2, 1]);
  // cwnd follows from what is delivered: of two that arrive one lets the second go
  sacks(c, 1, block(3, 4)).nothing();
  sacks(c, 1, block(3, 5))
    .sends({ seq: at(2), reason: 'rack-retransmission' })
    .nothing();
});

test('RFC 8985 6.2: every hole below what was delivered is lost when recovery begins', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip().passes(100 * MS);
  sacks(c, 1, block(2)).nothing();
  sacks(c, 1, block(4), block(2)).nothing();
  sacks(c, 1, block(6), block(4), block(2)).sends({ seq: 1, len: MSS, reason: 'fast-retransmit' });
  t.deepEqual(counts(c), ['recovery', 3, 3, 1]);
  sacks(c, 1, block(6, 8), block(4), block(2));
  resends(c, 'rack-retransmission', 3);
});

test('RFC 8985 6.2: what was sent and lost as one burst is sent again as one, with PSH at its end', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip().passes(100 * MS);
  sacks(c, 1, block(10)).nothing(); // a hole of nine
  c.passes(27 * MS)
    .sends({ seq: 1, flags: '.', reason: 'fast-retransmit' })
    .nothing();
  c.passes(100 * MS);
  sacks(c, 3, block(10)); // the second was late; bursts were of two segments
  c.sends({ seq: at(3), flags: '.', reason: 'rack-retransmission' });
  c.sends({ seq: at(4), flags: 'P.', reason: 'rack-retransmission' }).skip();
});

test('RFC 8985 6.2: a repetition is lost too, if something sent after it has arrived', (t) => {
  const c = lossy(t);
  writes(c, 20);
  c.skip().passes(100 * MS);
  for (const last of [2, 3]) sacks(c, 1, block(2, last)).skip();
  c.passes(1 * MS);
  sacks(c, 1, block(2, 4)).skip();
  c.passes(1 * MS);
  sacks(c, 1, block(2, 6)).skip();
  sacks(c, 1, block(2, 8)).skip();
  c.passes(99 * MS);
  sacks(c, 1, block(2, 11)).skip(); // sent before the repetition
  t.is(info(c).totalRetrans, 1);
  c.passes(1 * MS);
  sacks(c, 1, block(2, 12)).sends({ seq: 1, reason: 'rack-retransmission' }).skip();
  t.is(info(c).totalRetrans, 2);
});

test('RFC 8985 6.2: reordering that was seen makes the sender wait, even for three reports', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip().passes(100 * MS);
  sacks(c, 1, block(2));
  sacks(c, 1, block(2, 3));
  sacks(c, 4).nothing(); // the first was only late
  t.is(info(c).reordSeen, 1);
  t.is(counts(c)[0], 'open');
  for (const last of [5, 6, 7, 8]) sacks(c, 4, block(5, last)).nothing();
  t.deepEqual(counts(c), ['disorder', 4, 0, 0]);
  sacks(c, 9).nothing();
  t.deepEqual([info(c).reordSeen, info(c).reordering, counts(c)[0]], [2, 5, 'open']);
});

test('RFC 8985 5.2: so soon after a repetition it is the first transmission that was reported', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip().passes(100 * MS);
  for (const last of [2, 3, 4]) sacks(c, 1, block(2, last));
  c.sends({ seq: 1, len: MSS, reason: 'fast-retransmit' });
  const { sentAt } = c.established.tcb.rack;
  c.passes(10 * MS);
  sacks(c, 5).nothing();
  t.is(c.established.tcb.rack.sentAt, sentAt);
});

test('RFC 8985 8: while text is in flight one timer runs, of three kinds', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip().passes(100 * MS);
  const { deadlines } = c.established.tcb;
  const running = (): string[] =>
    (['RETRANSMISSION', 'LOSS_PROBE', 'REORDERING'] as const).filter((kind) =>
      Number.isFinite(deadlines[Timer[kind]]),
    );
  t.deepEqual(running(), ['LOSS_PROBE']);
  sacks(c, 1, block(2));
  t.deepEqual(running(), ['REORDERING']);
  sacks(c, 1, block(2, 4)).skip();
  c.passes(30 * MS);
  t.deepEqual(running(), ['RETRANSMISSION']);
  sacks(c, 11);
  t.deepEqual(running(), []);
});

test('RFC 6937 3: cwnd falls to ssthresh with what is delivered, and something goes for every two', (t) => {
  const c = lossy(t);
  writes(c, 60);
  c.skip().passes(100 * MS);
  sacks(c, 11)
    .skip()
    .passes(100 * MS); // cwnd is 20: segments 11 to 30 are in flight
  for (const last of [12, 13, 14]) sacks(c, 11, block(12, last)).skip();
  t.deepEqual(counts(c).slice(0, 3), ['recovery', 3, 1]);
  t.is(windows(c)[1], 10);
  const sent: number[] = [];
  for (let last = 15; last <= 30; last++) {
    sacks(c, 11, block(12, last));
    sent.push(c.unexpected);
    c.skip();
  }
  // until so many are in flight as ssthresh says
  t.deepEqual(sent, [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 0]);
  sacks(c, 33).skip();
  t.is(counts(c)[0], 'open');
  t.deepEqual(windows(c), [10, 10]);
});

test('RFC 6937 3.1: below ssthresh, SND.UNA that advances without a loss lets one more go', (t) => {
  const c = lossy(t);
  writes(c, 40);
  c.skip().passes(100 * MS);
  // seven of ten are lost: what is in flight is below ssthresh at once
  sacks(c, 1, block(8)).skip();
  sacks(c, 1, block(8, 9)).skip();
  sacks(c, 1, block(8, 10)).skip();
  t.deepEqual(counts(c).slice(0, 3), ['recovery', 3, 7]);
  const before = info(c).retrans;
  c.passes(100 * MS);
  sacks(c, 2, block(8, 10));
  t.is(info(c).retrans - before, 1); // one arrived, two were sent
  c.skip();
});
