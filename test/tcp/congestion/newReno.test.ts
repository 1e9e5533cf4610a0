import test from 'ava';
import { MS } from '../../../src/core/base/time.ts';
import { NewReno } from '../../../src/core/tcp/congestion/newReno.ts';
import { everyController, lossBased } from './suite.ts';
import { VirtualSender } from './virtualSender.ts';

everyController('reno', (mss) => new NewReno(mss));
lossBased('reno', (mss) => new NewReno(mss), {
  kept: (segments) => Math.floor(segments / 2),
  keptByAbe: (segments) => Math.floor(segments * 0.8),
  growth: [1, 1],
});

for (const slowStart of ['hystart', 'standard'] as const) {
  test(`RFC 5681 3.1: as in Linux slow start ends with a loss alone with ${slowStart}`, (t) => {
    const sender = new VirtualSender(new NewReno(1000, slowStart));
    sender.rounds(2);
    for (let i = 0; i < 40; i++) sender.ack(1, 500 * MS);
    t.is(sender.segments, 80);
  });
}

test('RFC 3465 2.1: in congestion avoidance segments count, not ACKs, and none is forgotten', (t) => {
  const sender = new VirtualSender(new NewReno(1000));
  sender.round();
  sender.lose();
  const windows: number[] = [];
  for (let i = 0; i < 20; i++) {
    sender.ack(3);
    windows.push(sender.segments);
  }
  // 10 + 11 + 12 + 13 + 14 segments are 20 ACKs of three.
  t.deepEqual(
    windows,
    [10, 10, 10, 11, 11, 11, 12, 12, 12, 12, 13, 13, 13, 13, 13, 14, 14, 14, 14, 15],
  );
});
