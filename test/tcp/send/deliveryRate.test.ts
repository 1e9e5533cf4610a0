import test, { type ExecutionContext } from 'ava';
import { add } from '../../../src/core/base/seq.ts';
import { MS, SECOND } from '../../../src/core/base/time.ts';
import {
  beginSample,
  deliveryRate,
  generateSample,
  noteDelivered,
  sendStamp,
} from '../../../src/core/tcp/send/deliveryRate.ts';
import { pattern, type Transcript } from '../../harness/transcript.ts';
import { bareTcb } from './bareTcb.ts';
import { at, block, info, lossy, MSS, sacks, writes } from './lossy.ts';

const RTT = 100 * MS;

/** The rate as segments in a round trip of 100 ms. */
function perRound(c: Transcript): number {
  return (info(c).deliveryRate * RTT) / SECOND / MSS;
}

/** A round: `count` segments are written, and all acknowledged together a round trip later. */
function round(c: Transcript, first: number, count: number): void {
  writes(c, count);
  c.skip();
  c.passes(RTT);
  sacks(c, first + count);
  c.skip();
}

function isNear(t: ExecutionContext, value: number, expected: number): void {
  t.true(Math.abs(value - expected) < 0.01 * expected, `${value} of ${expected}`);
}

test('delivery rate: nothing is known before the first text is acknowledged', (t) => {
  const c = lossy(t);
  t.is(info(c).deliveryRate, 0);
  t.true(info(c).deliveryRateAppLimited);
  t.is(info(c).delivered, 1);
});

test('delivery rate: an ACK shows as much as was delivered in its round trip', (t) => {
  const c = lossy(t);
  round(c, 1, 4);
  isNear(t, perRound(c), 4);
  t.true(info(c).deliveryRateAppLimited);
  t.is(info(c).delivered, 5);
});

test('delivery rate: what is less for want of text does not count, more of it does', (t) => {
  const c = lossy(t);
  round(c, 1, 6);
  isNear(t, perRound(c), 6);
  round(c, 7, 2);
  isNear(t, perRound(c), 6);
  round(c, 9, 8);
  isNear(t, perRound(c), 8);
  t.true(info(c).deliveryRateAppLimited);
});

test('delivery rate: with enough to send every rate counts, and the last one stands', (t) => {
  const c = lossy(t);
  writes(c, 200);
  c.skip();
  c.passes(RTT);
  sacks(c, 11);
  t.true(info(c).deliveryRateAppLimited, 'these were sent while there was no more');
  c.skip();
  c.passes(2 * RTT);
  sacks(c, 31);
  isNear(t, perRound(c), 10);
  t.false(info(c).deliveryRateAppLimited);
});

test('delivery rate: of sending and acknowledging the slower one counts', (t) => {
  const c = lossy(t);
  writes(c, 5);
  c.skip();
  c.passes(RTT);
  writes(c, 5);
  c.skip();
  // all at once: ten segments within no time, had sending them not taken a round trip
  c.passes(10 * MS);
  sacks(c, 11);
  isNear(t, perRound(c), 10 / 1.1);
});

test('delivery rate: an interval shorter than any round trip shows nothing', (t) => {
  const tcb = bareTcb();
  tcb.recovery.delivered = 1;
  tcb.rtt.sample(RTT, tcb.snd.una, tcb.snd.nxt);
  tcb.retransmitQueue.push(tcb.snd.nxt, add(tcb.snd.nxt, 1000), SECOND, sendStamp(tcb, SECOND));
  beginSample(tcb);
  noteDelivered(tcb, 0);
  tcb.recovery.delivered++;
  generateSample(tcb, 1, SECOND + RTT - 1);
  t.is(tcb.sample.delivered, 1);
  t.is(tcb.sample.interval, -1);
  t.is(deliveryRate(tcb), 0);
  generateSample(tcb, 1, SECOND + RTT);
  t.is(tcb.sample.interval, RTT);
});

test('delivery rate: what was reported is not measured again', (t) => {
  const c = lossy(t);
  writes(c, 10);
  c.skip();
  c.passes(RTT);
  sacks(c, 1, block(2, 6));
  isNear(t, perRound(c), 5);
  c.skip();
  c.passes(RTT);
  sacks(c, 11);
  t.is(info(c).delivered, 11);
  isNear(t, perRound(c), 5); // the repetition had five before it, and took a round trip
});

test('delivery rate: a write with enough unsent before it is no want of text', (t) => {
  const c = lossy(t);
  c.user((user) => user.send(pattern(0, 30 * MSS)));
  c.skip();
  const { tcb } = c.established;
  t.is(tcb.delivery.bubbleEnd, 1);
  c.user((user) => user.send(pattern(30 * MSS, MSS)));
  t.is(tcb.delivery.bubbleEnd, 1);
  c.passes(RTT);
  sacks(c, 11);
  t.is(tcb.delivery.bubbleEnd, 0);
  t.is(at(11), 10 * MSS + 1);
});
