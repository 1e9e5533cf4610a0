import test from 'ava';
import { type Micros, MS, SECOND } from '../../../src/core/base/time.ts';
import { Cubic } from '../../../src/core/tcp/congestion/cubic.ts';
import { everyController, lossBased } from './suite.ts';
import { VirtualSender } from './virtualSender.ts';

/** 0.4, as Linux has it: 410 / 1024. */
const C = 410 / 1024;
/** 0.7, as Linux has it. */
const BETA = 717 / 1024;

everyController('cubic', (mss) => new Cubic(mss));
lossBased('cubic', (mss) => new Cubic(mss), {
  kept: (segments) => Math.max(2, Math.floor(segments * BETA)),
  keptByAbe: (segments) => Math.floor((segments * 870) / 1024),
  growth: [0.5, 1.5],
});

/** W_cubic of `t` seconds. @rfc 9438 4.2 figure 1 */
function curve(t: number, wMax: number, cwndEpoch: number): number {
  const k = Math.cbrt((wMax - cwndEpoch) / C);
  return C * (t - k) ** 3 + wMax;
}

/** A loss at a window of so many segments, far from the friendly region unless the RTT is short. */
function lossAt(segments: number, rtt: Micros): VirtualSender {
  const sender = new VirtualSender(new Cubic(1000), rtt);
  sender.ack(segments - 10);
  sender.lose();
  return sender;
}

test('RFC 9438 4.6: a loss leaves 717 of 1024 segments', (t) => {
  for (const [before, after] of [
    [10, 7],
    [11, 7],
    [100, 70],
    [1000, 700],
    [10_240, 7170],
  ] as const) {
    t.is(lossAt(before, 100 * MS).segments, after);
  }
});

for (const wMax of [500, 2000, 10_000]) {
  test(`RFC 9438 4.2: cwnd follows the curve below and above a W_max of ${wMax}`, (t) => {
    const sender = lossAt(wMax, 100 * MS);
    const epoch = sender.now;
    const cwndEpoch = sender.segments;
    const k = Math.cbrt((wMax - cwndEpoch) / C);
    while ((sender.now - epoch) / SECOND < 2 * k) {
      sender.round();
      const target = curve((sender.now - epoch) / SECOND, wMax, cwndEpoch);
      const error = Math.abs(sender.segments - target) / target;
      t.true(error < 0.02, `${(sender.now - epoch) / SECOND} s: ${sender.segments}, ${target}`);
    }
  });
}

test('RFC 9438 4.2: K seconds after the loss cwnd is W_max again', (t) => {
  const sender = lossAt(1000, 100 * MS);
  const epoch = sender.now;
  const k = Math.cbrt((1000 - 700) / C); // 9.08 s
  while (sender.now - epoch < (k - 2) * SECOND) sender.round();
  t.true(sender.segments < 1000, `${sender.segments}`);
  while (sender.now - epoch < (k + 1.5) * SECOND) sender.round();
  t.true(sender.segments >= 1000 && sender.segments <= 1005, `${sender.segments}`);
});

test('RFC 9438 4.2: the growth is one of time, not of round trips', (t) => {
  const windows = [50, 100, 200].map((rtt) => {
    const sender = lossAt(2000, rtt * MS);
    const end = sender.now + 6 * SECOND;
    while (sender.now < end) sender.round();
    return sender.segments;
  });
  for (const segments of windows) {
    const target = curve(6, 2000, 1400);
    t.true(Math.abs(segments - target) < 0.01 * target, `${windows} of ${target}`);
  }
});

test('RFC 9438 4.3: on a short path it is as fast as Reno with the same beta', (t) => {
  const sender = lossAt(20, 10 * MS);
  const before = sender.segments;
  sender.rounds(40);
  const alpha = (3 * (1 - BETA)) / (1 + BETA); // 0.53 segments a round
  const grown = sender.segments - before;
  t.true(Math.abs(grown - 40 * alpha) <= 3, `${grown} segments, ${40 * alpha}`);
  const seconds = (40 * 10) / 1000;
  t.true(curve(seconds, 20, before) < sender.segments - 5, 'the curve alone is slower');
});

test('RFC 9438 4.4: cwnd grows by half in a round at most', (t) => {
  const sender = lossAt(100, 2 * SECOND);
  sender.rounds(4);
  for (let i = 0; i < 10; i++) {
    const before = sender.segments;
    sender.round();
    t.true(sender.segments <= 1.5 * before + 1, `${before}: ${sender.segments}`);
  }
});

test('RFC 9438 4.7: a second loss below W_max aims at less, a second one above it does not', (t) => {
  const back = (sender: VirtualSender, seconds: number): number => {
    const end = sender.now + seconds * SECOND;
    while (sender.now < end) sender.round();
    return sender.segments;
  };
  const yielding = lossAt(1000, 100 * MS);
  yielding.lose(); // at 700: W_max is 595, not 700
  t.is(yielding.segments, 490);
  // K is 6.4 s: there it is flat, about 595
  const flat = back(yielding, 6.4);
  t.true(Math.abs(flat - 595) < 5, `${flat}`);
  const rising = lossAt(1000, 100 * MS);
  const peak = back(rising, 12);
  t.true(peak > 1000, `${peak}`);
  rising.lose();
  const k = Math.cbrt((peak * (1 - BETA)) / C);
  t.true(Math.abs(back(rising, k) - peak) < 10, `${rising.segments} of ${peak}`);
});

test('RFC 9438 5.8: an idle time is no time of the curve', (t) => {
  const sender = lossAt(1000, 100 * MS);
  const busy = lossAt(1000, 100 * MS);
  for (const one of [sender, busy]) one.rounds(30);
  t.is(sender.segments, busy.segments);
  sender.now += 60 * SECOND;
  sender.control.onSendStart(60 * SECOND, sender.situation());
  for (const one of [sender, busy]) one.rounds(30);
  t.true(Math.abs(sender.segments - busy.segments) <= 2, `${sender.segments} ${busy.segments}`);
});

test('RFC 9438 4.8: after a timeout W_max is forgotten', (t) => {
  const sender = lossAt(1000, 100 * MS);
  sender.expire(true);
  t.is(sender.threshold, 490);
  while (sender.segments < 490) sender.round();
  const start = sender.now;
  while (sender.now - start < SECOND) sender.round();
  // From the flat part on at least 5% a round as long as no loss has told W_max.
  t.true(sender.segments > 490 * 1.3, `${sender.segments}`);
});

test('RFC 9438 4.10: slow start ends when round trips become longer by an eighth', (t) => {
  const sender = new VirtualSender(new Cubic(1000));
  sender.round();
  t.is(sender.segments, 20);
  sender.send(20);
  sender.now += 100 * MS;
  for (let i = 0; i < 9; i++) {
    t.is(sender.threshold > 1e6, true);
    sender.now += 5 * MS;
    sender.ack(1, 113 * MS);
  }
  t.is(sender.threshold, 28); // at the ninth ACK, before it counts
  t.is(sender.segments, 28);
});

test("settings: slowStart 'standard': slow start ends with a loss alone", (t) => {
  const sender = new VirtualSender(new Cubic(1000, 'standard'));
  sender.rounds(2);
  for (let i = 0; i < 40; i++) sender.ack(1, 500 * MS);
  t.is(sender.segments, 80);
});

test('RFC 9438 4.10: one short round trip tells that there is no queue', (t) => {
  const sender = new VirtualSender(new Cubic(1000));
  sender.round();
  sender.send(20);
  sender.now += 100 * MS;
  for (let i = 0; i < 20; i++) {
    sender.now += 5 * MS;
    sender.ack(1, i === 3 ? 112 * MS : 150 * MS);
  }
  t.is(sender.segments, 40);
});

test('RFC 9438 4.10: slow start ends when a train of ACKs lasts half of a round trip', (t) => {
  const sender = new VirtualSender(new Cubic(1000));
  sender.round();
  sender.send(20);
  sender.now += 100 * MS;
  // the round begins with the first ACK; bursts of at most 1 ms are allowed for: 50.5 ms
  const begin = sender.now;
  sender.ack(1, 100 * MS);
  while (sender.threshold > 1e6 && sender.now < begin + SECOND) {
    sender.now += 2 * MS;
    sender.ack(0, 100 * MS);
  }
  t.is(sender.now - begin, 52 * MS);
  t.is(sender.threshold, 21);
});

test('RFC 9438 4.10: a pause of more than 2 ms ends the train', (t) => {
  const sender = new VirtualSender(new Cubic(1000));
  sender.round();
  sender.send(20);
  sender.now += 100 * MS;
  sender.ack(1, 100 * MS);
  for (let i = 0; i < 90; i++) {
    sender.ack(0, 100 * MS);
    sender.now += i === 10 ? 2 * MS + 1 : MS;
  }
  t.true(sender.threshold > 1e6);
});

test('RFC 9438 4.10: windows below 16 segments are no concern of it', (t) => {
  const sender = new VirtualSender(new Cubic(1000));
  sender.ack(5, 100 * MS);
  for (let i = 0; i < 90; i++) {
    sender.now += MS;
    sender.ack(0, 500 * MS);
  }
  t.is(sender.segments, 15);
  t.true(sender.threshold > 1e6);
});
