import test from 'ava';
import fc from 'fast-check';
import { type Seq, seq } from '../../../src/core/base/seq.ts';
import { MS, SECOND } from '../../../src/core/base/time.ts';
import {
  configure,
  DEFAULT_CONFIG,
  FALLBACK_RTO,
  INITIAL_RTO,
  MAX_RTO,
  MIN_RTO,
} from '../../../src/core/tcp/config.ts';
import { RttEstimator } from '../../../src/core/tcp/send/rttEstimator.ts';

const SAME = seq(0);

/** A measurement; without numbers, one of the same window of text as the others. */
function sample(rtt: RttEstimator, measured: number, una: Seq = SAME, nxt: Seq = SAME): void {
  rtt.sample(measured, una, nxt);
}

test('RFC 6298 2.1: before the first measurement the timeout is one second', (t) => {
  t.is(new RttEstimator(DEFAULT_CONFIG).rto, 1 * SECOND);
});

test('RFC 6298 2.2: the first measurement R gives SRTT = R and RTTVAR = R / 2', (t) => {
  const rtt = new RttEstimator(DEFAULT_CONFIG);
  sample(rtt, 300 * MS);
  t.is(rtt.srtt, 300 * MS);
  t.is(rtt.rttvar, 150 * MS);
  t.is(rtt.rto, 900 * MS);
  t.is(rtt.minRtt, 300 * MS);
});

test('RFC 6298 2.3: later ones move SRTT by an eighth, RTTVAR by a quarter of the old difference', (t) => {
  const rtt = new RttEstimator(DEFAULT_CONFIG);
  sample(rtt, 300 * MS);
  sample(rtt, 500 * MS);
  t.is(rtt.rttvar, (3 / 4) * 150 * MS + (1 / 4) * 200 * MS);
  t.is(rtt.srtt, (7 / 8) * 300 * MS + (1 / 8) * 500 * MS);
  t.is(rtt.rto, rtt.srtt + 4 * rtt.rttvar);
  t.is(rtt.minRtt, 300 * MS);
});

test('RFC 6298 2.4: the variance counts 200 ms at least', (t) => {
  const rtt = new RttEstimator(DEFAULT_CONFIG);
  for (let i = 0; i < 100; i++) sample(rtt, 10 * MS);
  t.is(rtt.rto, 10 * MS + MIN_RTO);
});

test('RFC 6298 2.3: a shorter round trip moves RTTVAR by a 32nd of the difference', (t) => {
  const rtt = new RttEstimator(DEFAULT_CONFIG);
  sample(rtt, 400 * MS);
  sample(rtt, 100 * MS); // 300 ms less: the deviation of 200 ms grows by an eighth of 25 ms
  t.is(rtt.rttvar, 200 * MS + 3125);
  t.is(rtt.srtt, 400 * MS - 37_500);
});

test('RFC 6298 2.3: the variance falls by a quarter of the difference in each window of text', (t) => {
  const rtt = new RttEstimator(DEFAULT_CONFIG);
  const windows: number[] = [];
  sample(rtt, 400 * MS, seq(1), seq(1001));
  for (let una = 2001; una < 8000; una += 1000) {
    sample(rtt, 400 * MS, seq(una - 500), seq(una)); // the first one is beyond the window before
    const { rto } = rtt;
    windows.push(rto / MS);
    sample(rtt, 400 * MS, seq(una - 400), seq(una + 100));
    t.is(rtt.rto, rto);
  }
  t.deepEqual(windows, [1200, 1112.5, 997.657, 898.243, 823.683, 767.763]);
});

test('RFC 6298 2.5: the timeout is 120 s at most, measured or backed off', (t) => {
  const rtt = new RttEstimator(DEFAULT_CONFIG);
  sample(rtt, 1000 * SECOND);
  t.is(rtt.rto, MAX_RTO);
  const other = new RttEstimator(DEFAULT_CONFIG);
  other.backoff = 1000;
  t.is(other.rto, MAX_RTO);
});

test('RFC 6298 5.5: each expiry doubles the timeout, and a measurement ends that', (t) => {
  const rtt = new RttEstimator(DEFAULT_CONFIG);
  const timeouts = Array.from({ length: 9 }, (_, i) => {
    rtt.backoff = i;
    return rtt.rto / SECOND;
  });
  t.deepEqual(timeouts, [1, 2, 4, 8, 16, 32, 64, 120, 120]);
  sample(rtt, 100 * MS);
  t.is(rtt.backoff, 0);
  t.is(rtt.rto, 300 * MS);
});

test('RFC 6298 5.7: a handshake that measured nothing restarts with 3 s, one that did keeps its timeout', (t) => {
  const rtt = new RttEstimator(DEFAULT_CONFIG);
  rtt.backoff = 2;
  rtt.restart(FALLBACK_RTO);
  t.is(rtt.rto, 3 * SECOND);
  const measured = new RttEstimator(DEFAULT_CONFIG);
  sample(measured, 100 * MS);
  measured.backoff = 2;
  measured.restart(FALLBACK_RTO);
  t.is(measured.rto, 300 * MS);
});

test('RFC 6298 2: whatever is measured, the timeout is a whole number of µs within its bounds', (t) => {
  const measured = fc.oneof(
    fc.nat(1000),
    fc.nat(10 * SECOND),
    fc.double({ min: 0, max: 1e9, noNaN: true }),
  );
  const bounds = fc.record({
    minRto: fc.integer({ min: MS, max: 5 * SECOND }),
    maxRto: fc.integer({ min: 5 * SECOND, max: 200 * SECOND }),
  });
  fc.assert(
    fc.property(
      bounds,
      fc.array(measured, { minLength: 1 }),
      fc.nat(40),
      (bounds, all, backoff) => {
        const rtt = new RttEstimator(configure(DEFAULT_CONFIG, bounds));
        for (const one of all) {
          sample(rtt, one);
          t.true(Number.isInteger(rtt.rto), `${rtt.rto}`);
          t.true(rtt.rto >= bounds.minRto && rtt.rto <= bounds.maxRto);
          t.true(rtt.rto >= Math.min(Math.floor(rtt.srtt), bounds.maxRto));
          const before = rtt.rto;
          rtt.backoff = backoff;
          t.is(rtt.rto, Math.min(before * 2 ** Math.min(backoff, 30), bounds.maxRto));
        }
        const rounded = all.map((one) => Math.max(1, Math.round(one)));
        t.is(rtt.minRtt, Math.min(...rounded));
        t.true(rtt.srtt >= Math.min(...rounded) - 1 && rtt.srtt <= Math.max(...rounded) + 1);
      },
    ),
  );
  t.is(INITIAL_RTO, 1 * SECOND);
});
