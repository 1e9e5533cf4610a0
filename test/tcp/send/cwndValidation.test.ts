import test, { type ExecutionContext } from 'ava';
import { MS } from '../../../src/core/base/time.ts';
import { pattern, type Transcript } from '../../harness/transcript.ts';
import { at, lossy, MSS, sacks, writes } from './lossy.ts';

/** A window of 20 segments after a full one of 10; the round trip is 100 ms, the timeout 300 ms. */
function grown(t: ExecutionContext): Transcript {
  const c = lossy(t);
  writes(c, 10);
  c.skip().passes(100 * MS);
  for (let i = 3; i <= 11; i += 2) sacks(c, i);
  sacks(c, 11).skip();
  const { cwnd, ssthresh } = c.established.tcb.congestion;
  t.is(cwnd, 20 * MSS);
  t.is(ssthresh, Number.MAX_SAFE_INTEGER);
  return c;
}

/** The user writes a little, which is sent at once. */
function writesLittle(c: Transcript): void {
  const from = c.established.tcb.sendBuffer.length;
  c.user((user) => user.send(pattern(from, MSS))).skip();
}

test('RFC 7661 1: a window that was not used for a timeout falls half the way to what was used', (t) => {
  const c = grown(t);
  const { congestion, rtt } = c.established.tcb;
  t.is(rtt.rto, 300 * MS);
  c.passes(150 * MS);
  writesLittle(c);
  c.passes(149 * MS);
  writesLittle(c);
  t.is(congestion.cwnd, 20 * MSS);
  c.passes(MS);
  writesLittle(c);
  t.is(congestion.cwnd, 15 * MSS);
  writesLittle(c); // not again at once
  t.is(congestion.cwnd, 15 * MSS);
  t.is(congestion.ssthresh, Number.MAX_SAFE_INTEGER);
});

test('RFC 7661 1: ssthresh remembers three quarters of the window that was not used', (t) => {
  const c = grown(t);
  const { congestion } = c.established.tcb;
  congestion.ssthresh = 12 * MSS;
  c.passes(150 * MS);
  writesLittle(c);
  c.passes(150 * MS);
  writesLittle(c);
  t.is(congestion.cwnd, 15 * MSS);
  t.is(congestion.ssthresh, 15 * MSS);
});

test('RFC 7661 1: the window stays when it is used, or was used within a timeout', (t) => {
  const c = grown(t);
  const { congestion } = c.established.tcb;
  c.passes(150 * MS);
  writesLittle(c);
  c.passes(140 * MS);
  sacks(c, 12).skip();
  c.passes(150 * MS);
  writesLittle(c);
  t.is(congestion.cwnd, 20 * MSS);
  t.is(at(12), 1 + 11 * MSS);
});

test('RFC 5681 4.1: after an idle time longer than the timeout the window begins anew', (t) => {
  const c = grown(t);
  const { congestion } = c.established.tcb;
  c.passes(300 * MS);
  writesLittle(c);
  // 400 ms since text was sent: one timeout halves it
  t.is(congestion.cwnd, 10 * MSS);
});
