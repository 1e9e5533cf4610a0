import test from 'ava';
import { MS, SECOND } from '../../../src/core/base/time.ts';
import { established, pattern } from '../../harness/transcript.ts';
import { at, block, counts, info, lossy, MSS, sacks, windows, writes } from './lossy.ts';

test('RFC 8985 7.2: a flight without an answer is probed by its last segment after 2 SRTT and 2 ms', (t) => {
  const c = lossy(t);
  writes(c, 5);
  c.skip()
    .passes(202 * MS - 1)
    .nothing();
  c.passes(1)
    .sends({ seq: at(5), len: MSS, reason: 'tail-loss-probe', at: 202 * MS })
    .nothing();
  t.deepEqual(counts(c), ['open', 0, 0, 0]);
});

test('RFC 8985 7.2: one segment alone may wait for a delayed ACK: 200 ms more, but not beyond the RTO', (t) => {
  const c = lossy(t, { rtt: 10 * MS });
  writes(c, 1);
  c.skip();
  // SRTT is 10 ms: 2 SRTT and 200 ms would be 220 ms, the RTO is 210 ms
  c.passes(SECOND).sends({ seq: 1, reason: 'tail-loss-probe', at: 210 * MS });
  c.sends({ seq: 1, reason: 'rto', at: 420 * MS }).skip();
});

test('RFC 8985 7.3: the probe is new text if there is any, whatever cwnd says', (t) => {
  const c = lossy(t);
  writes(c, 12);
  c.skip().passes(202 * MS);
  c.sends({ seq: at(11), len: MSS, reason: 'tail-loss-probe', at: 202 * MS }).nothing();
});

test('RFC 8985 7.3: after the probe the timeout begins anew, and no second probe follows', (t) => {
  const c = lossy(t);
  writes(c, 5);
  c.skip()
    .passes(202 * MS)
    .sends({ seq: at(5), reason: 'tail-loss-probe' });
  const { rto } = info(c);
  c.passes(rto)
    .sends({ seq: 1, reason: 'rto', at: 202 * MS + rto })
    .nothing();
});

test('RFC 8985 7.4: the answer shows the holes: recovery begins without a timeout', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip().passes(100 * MS);
  sacks(c, 6).mark(); // 6 to 10 are lost
  c.passes(202 * MS).sends({ seq: at(10), reason: 'tail-loss-probe', at: 202 * MS });
  c.passes(100 * MS);
  sacks(c, 6, block(10))
    .sends({ seq: at(6), reason: 'fast-retransmit' })
    .nothing();
  t.deepEqual(counts(c), ['recovery', 1, 4, 1]);
});

test('RFC 8985 7.4: a probe that repaired a loss reduces cwnd', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip().passes(100 * MS);
  sacks(c, 10)
    .passes(300 * MS)
    .sends({ seq: at(10), reason: 'tail-loss-probe' });
  c.passes(100 * MS);
  sacks(c, 11).nothing();
  const [cwnd, ssthresh] = windows(c); // it may have been the first transmission, late
  t.is(ssthresh, Number.POSITIVE_INFINITY);
  c.user((user) => user.send(pattern(10 * MSS, 10))).sends({ len: 10 });
  c.receives({ seq: 1, ack: at(11) + 10 });
  t.is(windows(c)[0], cwnd / 2);
});

test('RFC 8985 7.4: a probe that D-SACK reports as needless leaves cwnd as it was', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip().passes(100 * MS);
  sacks(c, 10)
    .passes(300 * MS)
    .sends({ seq: at(10), reason: 'tail-loss-probe' });
  sacks(c, 11); // it was only the ACK that was late
  const before = windows(c);
  c.passes(100 * MS);
  sacks(c, 11, block(10)).nothing();
  c.user((user) => user.send(pattern(10 * MSS, 10))).sends({ len: 10 });
  c.receives({ seq: 1, ack: at(11) + 10 });
  t.deepEqual(windows(c), before);
  t.is(info(c).dsackDups, 1);
});

test('RFC 8985 7.1: without SACK there is no probe: the timeout comes', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 10))).sends({ len: 10 });
  c.passes(c.established.tcb.rtt.rto).sends({ seq: 1, reason: 'rto' }).nothing();
});

test('RFC 8985 7.2: while something is reported beyond a hole no probe is sent', (t) => {
  const c = lossy(t);
  writes(c, 5);
  c.skip().passes(100 * MS);
  sacks(c, 1, block(5)).skip();
  c.passes(SECOND);
  while (c.unexpected > 0) {
    t.not(c.takeSent().seq, at(5));
  }
});

test('Linux tcp_early_retrans: 0 leaves a lost end to the timeout', (t) => {
  const c = established(t, { config: { sack: true, earlyRetransmit: 0 } }, { sackPermitted: true });
  c.user((user) => user.send(pattern(0, 3000))).skip();
  const { rto } = c.established.tcb.rtt;
  c.mark().passes(rto).sends({ seq: 1, len: 1460, at: rto, reason: 'rto' }).nothing();
});
