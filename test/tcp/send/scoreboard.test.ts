import test from 'ava';
import fc from 'fast-check';
import { add, diff, seq } from '../../../src/core/base/seq.ts';
import { MS, SECOND } from '../../../src/core/base/time.ts';
import { RetransmitQueue } from '../../../src/core/tcp/send/retransmitQueue.ts';
import { at, block, counts, info, lossy, MSS, sacks, windows, writes } from './lossy.ts';

test('RFC 2018 5: a segment that is reported leaves the network, and lets a new one go', (t) => {
  const c = lossy(t);
  writes(c, 11);
  c.skip().passes(100 * MS);
  sacks(c, 1, block(2))
    .sends({ seq: at(11), len: MSS, reason: 'limited-transmit' })
    .nothing();
  t.deepEqual(counts(c), ['disorder', 1, 0, 0]);
});

test('RFC 2018 5: a block marks only the segments that it covers whole', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip().passes(100 * MS);
  c.receives({ seq: 1, ack: 1, sack: [[at(3) + 1, at(6) - 1]] }).nothing();
  t.is(info(c).sacked, 1); // the fourth
});

test('RFC 2018 5: blocks beyond SND.NXT, inverted, empty or below SND.UNA mark nothing', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip();
  sacks(c, 3).skip();
  for (const wrong of [
    [at(10), at(12)],
    [at(11), at(11)],
    [at(8), at(5)],
    [at(5), at(5)],
    [at(1), at(2)],
    [at(3), at(5)],
    [at(5) - 2 ** 31, at(6)],
  ] as const) {
    sacks(c, 3, wrong).skip();
    t.is(info(c).sacked, 0, `${wrong}`);
  }
});

test('RFC 2018 5: an ACK older than SND.UNA still reports', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip();
  sacks(c, 3).skip();
  sacks(c, 2, block(5)).skip();
  t.is(info(c).sacked, 1);
});

test('RFC 2018 5: what is reported is not sent again, not even after timeouts', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip().passes(100 * MS);
  sacks(c, 1, block(3), block(5, 7))
    .skip()
    .passes(10 * SECOND)
    .skip();
  t.is(counts(c)[0], 'loss');
  for (let next = 2; next <= 8; next++) {
    sacks(c, next, ...(next < 4 ? [block(3)] : []), ...(next < 6 ? [block(5, 7)] : []));
    while (c.unexpected > 0) {
      const number = (diff(c.takeSent().seq, add(c.iss, 1)) + MSS) / MSS;
      t.false([3, 5, 6, 7].includes(number), `${number}`);
    }
  }
});

test('RFC 2018 8: SND.UNA stands before what was reported: after a timeout that counts no more', (t) => {
  const c = lossy(t);
  writes(c, 5);
  c.skip().passes(100 * MS);
  sacks(c, 1, block(2, 3)).skip();
  sacks(c, 2, block(3)).skip().mark(); // the second is not acknowledged with the first
  t.is(info(c).sacked, 2);
  c.passes(49 * MS).nothing();
  c.passes(1 * SECOND).sends({ seq: at(2), reason: 'rto' });
  t.is(info(c).sacked, 0);
  c.skip();
});

test('RFC 2883 5: a first block below SEG.ACK, or within the second, is a duplicate', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip()
    .passes(202 * MS)
    .skip();
  t.is(info(c).totalRetrans, 1);
  sacks(c, 3, block(1)).skip();
  t.is(info(c).dsackDups, 1);
  t.is(info(c).sacked, 0);
});

test('RFC 2883 5: a duplicate within a block above SND.UNA is counted, and marks as well', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip()
    .passes(202 * MS)
    .skip();
  sacks(c, 1, block(4), block(3, 5)).skip();
  t.deepEqual([info(c).dsackDups, info(c).sacked], [1, 3]);
});

test('RFC 2883 5: more duplicates than were ever sent twice are not believed', (t) => {
  for (const [reported, ssthresh] of [
    [block(1), Number.POSITIVE_INFINITY],
    [block(1, 2), 5],
  ] as const) {
    const c = lossy(t);
    writes(c, 10);
    c.skip().passes(100 * MS);
    for (const last of [2, 3, 4]) sacks(c, 1, block(2, last)).skip();
    sacks(c, 5).skip();
    t.is(windows(c)[1], 5);
    sacks(c, 5, reported).skip();
    t.is(windows(c)[1], ssthresh);
  }
});

test('RFC 6675 3: runs of reported segments are leapt over, so that no block costs more than it marks', (t) => {
  fc.assert(
    fc.property(fc.array(fc.nat(255), { maxLength: 300 }), (order) => {
      const queue = new RetransmitQueue();
      for (let i = 0; i < 256; i++) queue.push(seq(i), seq(i + 1), 0);
      for (const i of order) {
        queue.markSacked(i);
        queue.nextUnsacked(0);
      }
      const known = new Set(order);
      let first = 0;
      while (known.has(first)) first++;
      t.is(queue.nextUnsacked(0), first);
      t.is(queue.sackedOut, known.size);
    }),
    { numRuns: 50 },
  );
});
