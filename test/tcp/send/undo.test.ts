import test, { type ExecutionContext } from 'ava';
import { MS } from '../../../src/core/base/time.ts';
import type { Segment } from '../../../src/core/wire/tcp.ts';
import { pattern, type Transcript } from '../../harness/transcript.ts';
import { at, block, counts, info, lossy, MSS, sacks, windows, writes } from './lossy.ts';

/** Text of a full segment with timestamps. */
const SIZE = MSS - 12;
const INFINITE = Number.POSITIVE_INFINITY;

test('RFC 3708 3: when D-SACK has reported every repetition, cwnd and ssthresh are restored', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip().passes(100 * MS);
  sacks(c, 1, block(3));
  sacks(c, 1, block(3, 4));
  sacks(c, 1, block(3, 5)).sends({ seq: 1, reason: 'fast-retransmit' });
  sacks(c, 1, block(3, 6)).nothing();
  sacks(c, 1, block(3, 7)).sends({ seq: at(2), reason: 'rack-retransmission' });
  t.is(windows(c)[1], 5);
  // the first two were late: they arrive, and then what was sent again
  sacks(c, 8).skip();
  t.is(counts(c)[0], 'recovery');
  sacks(c, 8, block(1)).skip();
  t.is(windows(c)[1], 5);
  sacks(c, 8, block(2)).skip();
  t.deepEqual(windows(c), [10, INFINITE]);
  t.is(info(c).dsackDups, 2);
});

/** Ten segments with timestamps, of which the first is sent again. @returns their TSvals, and size */
function repeated(t: ExecutionContext): { c: Transcript; first: Segment; again: Segment } {
  const c = lossy(t, { syn: { tsVal: 1000 }, config: { timestamps: true } });
  c.user((user) => user.send(pattern(0, 10 * SIZE)));
  const first = c.takeSent();
  c.skip().passes(100 * MS);
  for (const n of [2, 3, 4]) {
    const sack = [[1 + SIZE, 1 + n * SIZE]] as const;
    c.receives({ seq: 1, ack: 1, sack, tsVal: 1100, tsEcr: first.tsVal });
  }
  t.is(windows(c)[1], 5);
  return { c, first, again: c.takeSent() };
}

test('RFC 3522 3.2: an echo from before the first repetition shows that it was needless', (t) => {
  const { c, first } = repeated(t);
  c.passes(10 * MS);
  c.receives({ seq: 1, ack: 1 + 10 * SIZE, tsVal: 1110, tsEcr: first.tsVal }).nothing();
  t.is(counts(c)[0], 'open');
  t.deepEqual(windows(c), [17, INFINITE]); // ten, and slow start with the seven of this ACK
});

test('RFC 3522 3.2: an echo of the repetition leaves the reduction as it is', (t) => {
  const { c, again } = repeated(t);
  c.passes(100 * MS);
  c.receives({ seq: 1, ack: 1 + 10 * SIZE, tsVal: 1200, tsEcr: again.tsVal }).nothing();
  t.is(counts(c)[0], 'open');
  t.deepEqual(windows(c), [6, 5]); // five, and a window of them acknowledged
});

test('RFC 5682 3.1: step 3b: something of the flight arrives that was sent once: the timeout was spurious', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip();
  c.passes(202 * MS).sends({ seq: at(10), reason: 'tail-loss-probe' });
  c.passes(info(c).rto).sends({ seq: 1, reason: 'rto' }).nothing();
  t.deepEqual(counts(c), ['loss', 0, 10, 1]);
  c.user((user) => user.send(pattern(10 * MSS, 4 * MSS))).nothing();
  sacks(c, 2); // step 2b
  c.sends({ seq: at(11), len: MSS })
    .sends({ seq: at(12), len: MSS })
    .nothing();
  sacks(c, 3).skip();
  t.is(counts(c)[0], 'open');
  t.is(info(c).lost, 0);
  t.is(windows(c)[1], INFINITE);
  t.true(windows(c)[0] >= 10);
});

test('RFC 5682 3.1: step 3a: the new text is reported beyond the hole: the loss was real', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip();
  c.passes(202 * MS).sends({ seq: at(10), reason: 'tail-loss-probe' });
  c.passes(info(c).rto).sends({ seq: 1, reason: 'rto' });
  c.user((user) => user.send(pattern(10 * MSS, 4 * MSS))).nothing();
  sacks(c, 2)
    .sends({ seq: at(11), len: MSS })
    .sends({ seq: at(12), len: MSS })
    .nothing();
  sacks(c, 2, block(11))
    .sends({ seq: at(2), reason: 'loss-retransmission' })
    .skip();
  t.is(counts(c)[0], 'loss');
  t.is(windows(c)[1], 5);
});

test('RFC 5682 3.1: step 2a: an ACK of the whole flight after a timeout ends the recovery', (t) => {
  const c = lossy(t);
  writes(c, 3);
  c.skip();
  c.passes(202 * MS).sends({ seq: at(3), reason: 'tail-loss-probe' });
  c.passes(info(c).rto).sends({ seq: 1, reason: 'rto' });
  sacks(c, 4).nothing();
  t.is(counts(c)[0], 'open');
});

test('RFC 4015 3.2: a restored window is no smaller than the one before', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip();
  c.passes(202 * MS).skip();
  c.passes(info(c).rto).sends({ seq: 1, reason: 'rto' });
  t.deepEqual(windows(c), [1, 5]);
  c.user((user) => user.send(pattern(10 * MSS, 4 * MSS)));
  sacks(c, 2).skip();
  sacks(c, 9).skip();
  t.true(windows(c)[0] >= 10);
  t.is(windows(c)[1], INFINITE);
});
