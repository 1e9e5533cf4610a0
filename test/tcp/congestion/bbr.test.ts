import test from 'ava';
import { Xoshiro128 } from '../../../src/core/base/random.ts';
import { MS, SECOND } from '../../../src/core/base/time.ts';
import { NO_THRESHOLD } from '../../../src/core/tcp/config.ts';
import { Bbr } from '../../../src/core/tcp/congestion/bbr.ts';
import { BbrPath, RTT } from './bbrPath.ts';
import { everyController } from './suite.ts';

const MSS = 1000;
/** Segments a second, and the product with {@link RTT}. */
const RATE = 1000;
const BDP = 40;
/** Far more in flight than the path holds. */
const QUEUE = { flight: 1000 };
/** Linux: bbr_high_gain, bbr_drain_gain in 256ths; a hundredth is left unused. */
const HIGH_GAIN = 739 / 256;
const DRAIN_GAIN = 88 / 256;
const USED = 0.99;

everyController('bbr', (mss) => new Bbr(mss));

function path(seed?: number): BbrPath {
  return new BbrPath(new Bbr(MSS, seed === undefined ? null : new Xoshiro128(seed)));
}

/** Octets a second, as far as rounding goes. */
function isNear(measured: number, expected: number): boolean {
  return Math.abs(measured - expected) <= 0.001 * expected;
}

// ---- startup and drain ----------------------------------------------------------------------

test('Linux bbr_init: the first pace is the initial window in a round trip, times the high gain', (t) => {
  const { control } = path();
  t.true(isNear(control.pacingRate, (10 * MSS * SECOND * HIGH_GAIN * USED) / RTT));
  t.is(control.ssthresh, NO_THRESHOLD);
  t.deepEqual(control.model(), {
    mode: 'startup',
    bw: 0,
    minRtt: RTT,
    pacingGain: HIGH_GAIN,
    cwndGain: HIGH_GAIN,
  });
});

test('draft-cardwell-iccrg-bbr-congestion-control-00 4.3.2.2: startup ends after three rounds without growth of 25 %', (t) => {
  const one = path();
  for (const rate of [1000, 1300, 1650, 2100]) {
    one.round(rate);
    t.is(one.mode, 'startup');
  }
  one.rounds(2, 2500);
  t.is(one.mode, 'startup', '20 % in two rounds');
  one.round(2600, QUEUE);
  t.is(one.mode, 'drain');
  t.true(isNear(one.control.pacingRate, 2600 * MSS * DRAIN_GAIN * USED));
});

test('Linux bbr_check_full_bw_reached: ACKs within a round, and rounds of a user with little to send, do not end startup', (t) => {
  const one = path();
  one.round(RATE);
  for (let i = 0; i < 20; i++) one.ack(RATE, { isLate: true });
  one.rounds(20, RATE, { isAppLimited: true });
  t.is(one.mode, 'startup');
  one.rounds(3, RATE, QUEUE);
  t.is(one.mode, 'drain');
});

test('Linux bbr_set_pacing_rate: in startup the pace does not fall', (t) => {
  const one = path();
  one.round(RATE);
  const { pacingRate } = one.control;
  t.true(isNear(pacingRate, RATE * MSS * HIGH_GAIN * USED));
  one.rounds(3, 10, { isAppLimited: true });
  t.is(one.control.pacingRate, pacingRate);
});

test('Linux bbr_check_drain: it drains until no more is in flight than the path holds', (t) => {
  const one = path();
  one.rounds(4, RATE, QUEUE);
  t.is(one.mode, 'drain');
  // three bursts of two segments are in the hosts
  t.is(one.control.ssthresh / MSS, BDP + 6);
  one.round(RATE, { flight: BDP + 6 + 2 });
  t.is(one.mode, 'drain');
  one.round(RATE, { flight: BDP + 6 + 1 });
  t.is(one.mode, 'probe-bw');
});

// ---- the model ------------------------------------------------------------------------------

test('Linux bbr_update_bw: the fastest delivery of ten rounds counts', (t) => {
  const one = path();
  one.fill(RATE);
  one.round(2 * RATE);
  t.is(one.rate, 2 * RATE);
  one.rounds(10, RATE);
  t.is(one.rate, 2 * RATE);
  one.round(RATE);
  t.is(one.rate, RATE);
});

test('Linux bbr_update_bw: what a user with little to send shows does not lower the rate, but may raise it', (t) => {
  const one = path();
  one.fill(RATE);
  one.rounds(50, RATE / 2, { isAppLimited: true });
  t.is(one.rate, RATE);
  one.round(RATE * 1.5, { isAppLimited: true });
  t.is(one.rate, 1.5 * RATE);
});

test('Linux bbr_set_cwnd: cwnd is twice what the path holds, and three bursts', (t) => {
  const one = path();
  one.fill(RATE);
  one.rounds(100, RATE);
  t.is(one.mode, 'probe-bw');
  // each ACK comes alone, so one segment more; even, and two more in the phase that probes
  t.true(one.cwnd >= 2 * BDP + 8 && one.cwnd <= 2 * BDP + 10, `${one.cwnd}`);
});

test('Linux bbr_update_ack_aggregation: ACKs in bunches let as many more be in flight, for 5 to 10 rounds', (t) => {
  const one = path();
  one.fill(RATE);
  one.rounds(100, RATE);
  const usual = one.cwnd;
  // a hundred segments at once, though the path takes 100 ms for them
  for (let i = 0; i < 5; i++) one.ack(RATE, { acked: 20, isLate: true });
  t.true(one.cwnd > usual + 50, `${one.cwnd}`);
  one.rounds(12, RATE);
  t.true(one.cwnd <= usual + 2, `${one.cwnd}`);
});

// ---- probe-bw -------------------------------------------------------------------------------

test('draft-cardwell-iccrg-bbr-congestion-control-00 4.3.4: gains of 5/4 and 3/4, then six of 1, each for a round trip', (t) => {
  const one = path();
  one.fill(RATE);
  const gains: number[] = [];
  for (let i = 0; i < 16; i++) {
    gains.push(one.control.model().pacingGain);
    one.now += MS; // longer than the shortest round trip
    one.round(RATE, { flight: 2 * BDP });
  }
  const cycle = [1.25, 0.75, 1, 1, 1, 1, 1, 1];
  t.deepEqual(gains, [...cycle, ...cycle]);
});

test('Linux bbr_reset_probe_bw_mode: the cycle begins with any phase but the one that drains', (t) => {
  const waits = new Map<number, number>();
  for (let seed = 0; seed < 100; seed++) {
    const one = path(seed);
    one.fill(RATE);
    let rounds = 0;
    while (one.control.model().pacingGain !== 1.25) {
      t.not(one.control.model().pacingGain, 0.75);
      one.now += MS;
      one.round(RATE, { flight: 2 * BDP });
      rounds++;
    }
    waits.set(rounds, (waits.get(rounds) ?? 0) + 1);
  }
  t.deepEqual([...waits.keys()].sort(), [0, 1, 2, 3, 4, 5, 6]);
});

test('Linux bbr_is_next_cycle_phase: it probes until 5/4 of what the path holds is in flight, or is lost', (t) => {
  const one = path();
  one.fill(RATE);
  one.now += MS;
  one.rounds(5, RATE, { flight: BDP });
  t.is(one.control.model().pacingGain, 1.25);
  one.round(RATE, { flight: BDP, lost: 1 });
  t.is(one.control.model().pacingGain, 0.75);
  one.now -= RTT / 2;
  one.round(RATE, { flight: 2 * BDP });
  t.is(one.control.model().pacingGain, 0.75);
  one.ack(RATE, { flight: BDP });
  t.is(one.control.model().pacingGain, 1, 'the queue is gone before the round trip is over');
});

// ---- probe-rtt ------------------------------------------------------------------------------

/** Rounds of longer round trips, until the shortest one is ten seconds old. */
function untilProbeRtt(one: BbrPath): void {
  const from = one.now;
  while (one.mode !== 'probe-rtt' && one.now < from + 20 * SECOND) {
    one.round(RATE, { rtt: RTT + MS, acked: BDP });
  }
}

test('draft-cardwell-iccrg-bbr-congestion-control-00 4.3.5: after 10 s without a shorter round trip four segments are in flight, for 200 ms', (t) => {
  const one = path();
  one.fill(RATE);
  const from = one.now;
  untilProbeRtt(one);
  t.true(one.now - from > 10 * SECOND && one.now - from <= 10 * SECOND + 2 * RTT);
  t.is(one.cwnd, 4);
  t.true(one.control.holdsBack);
  t.is(one.control.model().minRtt, RTT + MS);
  const flight = { flight: 4, acked: 2, rtt: RTT - MS };
  one.round(RATE / 10, { ...flight, isAppLimited: true });
  const begun = one.now;
  while (one.mode === 'probe-rtt') one.round(RATE / 10, { ...flight, isAppLimited: true });
  t.true(one.now - begun > 200 * MS && one.now - begun <= 200 * MS + 2 * RTT, `${one.now - begun}`);
  t.is(one.mode, 'probe-bw');
  t.is(one.rate, RATE);
  t.true(one.cwnd >= 2 * BDP, `${one.cwnd}`);
  t.is(one.control.model().minRtt, RTT - MS);
  one.round(RATE);
  t.false(one.control.holdsBack);
});

test('Linux bbr_update_min_rtt: as long as more is in flight the time does not begin', (t) => {
  const one = path();
  one.fill(RATE);
  untilProbeRtt(one);
  for (let i = 0; i < 20; i++) one.round(RATE, { flight: 20 });
  t.is(one.mode, 'probe-rtt');
});

test('Linux bbr_update_min_rtt: a pause of the user takes the place of probe-rtt', (t) => {
  const one = path();
  one.fill(RATE);
  one.now += 11 * SECOND;
  one.sample.isStarved = true;
  one.sample.now = one.now;
  one.control.onSendStart(11 * SECOND, one.sample);
  one.round(RATE, { rtt: RTT + MS, flight: 1 });
  t.is(one.mode, 'probe-bw');
  t.is(one.control.model().minRtt, RTT + MS);
});

test('Linux FLAG_ACK_MAYBE_DELAYED: a round trip that the peer may have made longer does not replace the old one', (t) => {
  const one = path();
  one.fill(RATE);
  one.now += 11 * SECOND;
  one.sample.isDelayed = true;
  one.round(RATE, { rtt: 2 * RTT });
  t.is(one.control.model().minRtt, RTT);
  one.sample.isDelayed = false;
  one.round(RATE, { rtt: 2 * RTT });
  t.is(one.control.model().minRtt, 2 * RTT);
});

// ---- losses ---------------------------------------------------------------------------------

test('Linux bbr_set_cwnd_to_recover_or_restore: a round of what is delivered, then growth, then what was before', (t) => {
  const one = path();
  one.fill(RATE);
  one.rounds(10, RATE, { acked: BDP });
  const { cwnd } = one;
  one.control.onLoss();
  t.is(one.cwnd, cwnd);
  one.ack(RATE, { flight: 30, acked: 2, lost: 1, repair: 'loss', isLate: true });
  t.is(one.cwnd, 30, '28 are in flight, and two were delivered');
  one.ack(RATE, { flight: 30, acked: 2, repair: 'loss', isLate: true });
  t.is(one.cwnd, 30);
  one.round(RATE, { flight: 30, acked: 5, repair: 'loss' });
  t.is(one.cwnd, 35, 'the round is over');
  one.ack(RATE, { flight: 30, acked: 1, isLate: true });
  t.true(Math.abs(one.cwnd - cwnd) <= 2, `${one.cwnd} of ${cwnd}`);
});

test('Linux bbr_set_state: after a timeout the window grows anew, and is restored in the end', (t) => {
  const one = path();
  one.fill(RATE);
  one.rounds(10, RATE, { acked: BDP });
  const { cwnd } = one;
  one.control.onRto(true, one.sample);
  t.is(one.cwnd, 1);
  one.round(RATE, { flight: 1, repair: 'timeout' });
  t.is(one.cwnd, 4);
  one.round(RATE, { flight: 4, acked: 4, repair: 'timeout' });
  t.is(one.cwnd, 8);
  one.round(RATE, { flight: 8, acked: 1 });
  t.true(Math.abs(one.cwnd - cwnd) <= 2, `${one.cwnd} of ${cwnd}`);
});

test('Linux bbr_undo_cwnd: a loss that was none leaves cwnd, and startup looks for growth anew', (t) => {
  const one = path();
  one.rounds(3, RATE);
  one.control.onLoss();
  const { cwnd } = one;
  one.control.onUndo(77, one.sample);
  t.is(one.cwnd, cwnd);
  one.rounds(3, RATE);
  t.is(one.mode, 'startup');
  one.round(RATE, QUEUE);
  t.is(one.mode, 'drain');
});

test('Linux bbr_lt_bw_sampling: two intervals with the same rate and a fifth of losses are a policer, for 48 rounds', (t) => {
  const one = path();
  one.fill(2 * RATE);
  const policed = { acked: BDP, lost: BDP / 4 };
  // the first loss begins an interval, four rounds later the next one ends it
  for (let i = 0; i < 8; i++) {
    t.is(one.rate, 2 * RATE);
    one.round(2 * RATE, policed);
  }
  t.true(Math.abs(one.rate - RATE) <= 0.01 * RATE, `${one.rate}`);
  t.is(one.control.model().pacingGain, 1);
  for (let i = 0; i < 47; i++) one.round(2 * RATE, { flight: BDP });
  t.true(one.rate < 1.1 * RATE, `${one.rate}`);
  one.round(2 * RATE, { flight: BDP });
  t.is(one.rate, 2 * RATE);
  t.is(one.control.model().pacingGain, 1.25);
});

test('Linux bbr_lt_bw_sampling: fewer losses are no policer, nor are those of a user with little to send', (t) => {
  for (const options of [
    { acked: BDP, lost: 1 },
    { acked: BDP, lost: BDP / 4, isAppLimited: true },
  ]) {
    const one = path();
    one.fill(2 * RATE);
    one.rounds(60, 2 * RATE, options);
    t.is(one.rate, 2 * RATE);
  }
});

// ---- pace -----------------------------------------------------------------------------------

test('Linux bbr_cwnd_event: after a pause of the user it sends at the rate, with no gain', (t) => {
  const one = path();
  one.fill(RATE);
  t.true(isNear(one.control.pacingRate, 1.25 * RATE * MSS * USED));
  one.control.onSendStart(SECOND, one.sample);
  t.true(isNear(one.control.pacingRate, 1.25 * RATE * MSS * USED), 'it was no pause of the user');
  one.sample.isStarved = true;
  one.control.onSendStart(SECOND, one.sample);
  t.true(isNear(one.control.pacingRate, RATE * MSS * USED));
});

test('SO_MAX_PACING_RATE: the pace stays below the bound', (t) => {
  const one = path();
  one.sample.maxPacingRate = 500_000;
  one.rounds(2, RATE);
  one.fill(RATE);
  t.is(one.control.pacingRate, 500_000);
});

test('Linux bbr_min_tso_segs: segments leave one by one below 1.2 Mbit/s', (t) => {
  const one = path();
  t.is(one.control.minBurst, 2);
  one.fill(100);
  t.is(one.control.model().pacingGain, 1.25);
  t.true(one.control.pacingRate < 150_000);
  t.is(one.control.minBurst, 1);
});

test('Linux bbr_bdp: without a round-trip time the window is the initial one', (t) => {
  const control = new Bbr(MSS);
  const one = new BbrPath(control);
  one.sample.minRtt = 0;
  one.sample.srtt = 0;
  control.onEstablished(one.sample);
  t.true(isNear(control.pacingRate, 10 * MSS * 1000 * HIGH_GAIN * USED));
  t.is(control.model().minRtt, 0);
  for (let i = 0; i < 40; i++) one.round(RATE, { rtt: 0, acked: 10 });
  // the initial window, three bursts of two, even, and two to probe
  t.true(one.cwnd >= 16 && one.cwnd <= 70, `${one.cwnd}`);
});
