import test from 'ava';
import { diff } from '../../../src/core/base/seq.ts';
import { type Micros, MS, SECOND } from '../../../src/core/base/time.ts';
import { pattern, type Transcript } from '../../harness/transcript.ts';
import { at, block, info, lossy, MSS, sacks } from './lossy.ts';

const RTT = 100 * MS;
/** Octets a second for ten segments in 100 ms. */
const RATE = 100 * MSS;

/** A connection that has sent and had acknowledged its first ten segments, at `rate`. */
function paced(t: Parameters<typeof lossy>[0], rate: number, segments = 200): Transcript {
  const c = lossy(t, { config: { maxPacingRate: rate } });
  c.user((user) => user.send(pattern(0, segments * MSS)));
  for (let i = 1; i <= 10; i++) c.sends({ seq: at(i), len: MSS, reason: 'data' });
  c.passes(RTT);
  sacks(c, 11);
  return c;
}

test('SO_MAX_PACING_RATE: the first ten segments leave at once, what follows waits', (t) => {
  const c = paced(t, RATE);
  c.mark();
  // bursts of two segments take 20 ms each; the first began late, so half of its time is made up for
  for (const [i, wait] of [10 * MS, 20 * MS, 20 * MS, 20 * MS].entries()) {
    c.sends({ seq: at(11 + 2 * i), len: MSS, reason: 'data' });
    c.sends({ seq: at(12 + 2 * i), len: MSS, reason: 'data' });
    c.nothing();
    c.passes(wait - 1).nothing();
    c.passes(1);
  }
  c.skip();
});

test('SO_MAX_PACING_RATE: the rate on the wire is what was asked for', (t) => {
  for (const rate of [50_000, 200_000, 1_000_000]) {
    const c = paced(t, rate, 350);
    const { tcb } = c.established;
    c.skip();
    const from = tcb.snd.nxt;
    const start = c.now;
    for (let i = 0; i < 16; i++) {
      const sent = Math.floor(diff(tcb.snd.nxt, tcb.snd.iss) / MSS) + 1;
      c.passes(RTT / 4).skip();
      sacks(c, sent).skip();
    }
    const took: Micros = c.now - start;
    const measured = ((tcb.snd.nxt - from) * SECOND) / took;
    if (tcb.sendBuffer.length > 0) t.true(Math.abs(measured - rate) < 0.1 * rate, `${measured}`);
    t.is(info(c).pacingRate <= rate, true);
    t.is(info(c).maxPacingRate, rate);
  }
});

test('pacing: without it text leaves as soon as cwnd lets it', (t) => {
  const c = lossy(t);
  c.user((user) => user.send(pattern(0, 100 * MSS)));
  c.skip().passes(RTT);
  sacks(c, 11);
  t.is(c.unexpected, 20);
  c.skip();
  t.is(info(c).maxPacingRate, Number.POSITIVE_INFINITY);
});

test('Linux tcp_update_pacing_rate: 200 % of cwnd in a round trip in slow start, else 120 %', (t) => {
  const c = lossy(t);
  c.user((user) => user.send(pattern(0, 100 * MSS)));
  c.skip().passes(RTT);
  sacks(c, 11).skip();
  t.is(info(c).pacingRate, 2 * 20 * 10 * MSS);
  c.established.tcb.congestion.ssthresh = 30 * MSS;
  c.passes(RTT);
  sacks(c, 12).skip();
  t.is(info(c).pacingRate, Math.floor((1.2 * 21 * MSS * SECOND) / info(c).rtt));
});

test('settings: pacing spreads a window over the round trip', (t) => {
  const c = lossy(t, { config: { pacing: true } });
  c.user((user) => user.send(pattern(0, 100 * MSS)));
  c.skip().passes(RTT);
  sacks(c, 11);
  // 40 segments in a round trip: two each 5 ms
  t.is(c.unexpected, 2);
  c.skip().passes(5 * MS);
  t.is(c.unexpected, 2);
  c.skip().passes(20 * MS);
  t.is(c.unexpected, 8);
  c.skip();
});

test('pacing: what is lost is paced as well, and goes ahead of what is new', (t) => {
  const c = paced(t, RATE);
  c.skip();
  c.passes(60 * MS).skip(); // eight segments of the second window are out
  const { tcb } = c.established;
  t.is(tcb.retransmitQueue.count, 8);
  sacks(c, 11, block(15, 18));
  t.is(info(c).caState, 'recovery');
  t.is(info(c).lost, 4);
  t.is(c.unexpected, 0);
  c.passes(20 * MS);
  c.sends({ seq: at(11), len: MSS, reason: 'fast-retransmit' });
  c.skip();
  c.passes(100 * MS).skip();
  t.is(info(c).retrans, 4);
});

test('pacing: a timeout repeats without waiting for the pace', (t) => {
  const c = lossy(t, { config: { maxPacingRate: 1000 } });
  c.user((user) => user.send(pattern(0, 12 * MSS)));
  c.skip();
  t.is(c.established.tcb.retransmitQueue.count, 10);
  c.passes(2 * SECOND);
  t.true(c.unexpected >= 1);
  c.skip();
});

test('Linux SK_PACING_NEEDED: a bound that is taken away leaves a pace, that of cwnd', (t) => {
  const c = paced(t, RATE);
  c.skip();
  c.user((user, now) => user.configure({ maxPacingRate: 0 }, now));
  t.is(c.unexpected, 0);
  const sent = Math.floor(diff(c.established.tcb.snd.nxt, c.established.tcb.snd.iss) / MSS) + 1;
  c.passes(10 * MS).skip();
  sacks(c, sent);
  const { pacingRate, rtt, sndCwnd } = info(c);
  t.is(pacingRate, Math.floor((2 * sndCwnd * MSS * SECOND) / rtt));
  c.skip().passes(RTT / 4);
  const count = c.unexpected;
  t.true(count >= 2 && count < sndCwnd, `${count}`);
  c.skip();
});
