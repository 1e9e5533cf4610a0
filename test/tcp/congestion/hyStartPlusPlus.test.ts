import test, { type ExecutionContext } from 'ava';
import { MS } from '../../../src/core/base/time.ts';
import type { CongestionControl } from '../../../src/core/tcp/congestion/congestionControl.ts';
import { Cubic } from '../../../src/core/tcp/congestion/cubic.ts';
import { NewReno } from '../../../src/core/tcp/congestion/newReno.ts';
import { VirtualSender } from './virtualSender.ts';

const RTT = 100 * MS;
const MAKERS: readonly (readonly [string, () => CongestionControl])[] = [
  ['reno', () => new NewReno(1000, 'hystart++')],
  ['cubic', () => new Cubic(1000, 'hystart++')],
];

type Run = (t: ExecutionContext, sender: VirtualSender) => void;

/** A round of eight ACKs at least, in which every round trip takes `rtt`. */
function round(sender: VirtualSender, rtt: number): void {
  const { segments } = sender;
  sender.send(segments);
  for (let left = segments; left > 0; ) {
    const acked = Math.min(left, Math.max(1, Math.floor(segments / 10)));
    sender.now += Math.floor(rtt / 10);
    sender.ack(acked, rtt);
    left -= acked;
  }
}

for (const [name, make] of MAKERS) {
  const check = (rule: string, run: Run): void => {
    test(`RFC 9406 4.2: ${rule} (${name})`, (t) => run(t, new VirtualSender(make(), RTT)));
  };

  check('as long as round trips stay what they are slow start doubles the window', (t, sender) => {
    for (const segments of [20, 40, 80]) {
      round(sender, RTT);
      t.is(sender.segments, segments);
    }
    t.true(sender.threshold > 1e6);
  });

  check('one that is longer by an eighth makes it grow by a quarter', (t, sender) => {
    round(sender, RTT);
    round(sender, RTT);
    t.is(sender.segments, 40);
    round(sender, RTT + RTT / 8);
    // seven samples are not enough to see it: of 40 segments 28 count whole, the others a quarter
    t.is(sender.segments, 40 + 28 + 3);
    t.true(sender.threshold > 1e6);
  });

  check('one that is longer by less does not', (t, sender) => {
    round(sender, RTT);
    round(sender, RTT + RTT / 8 - 1);
    t.is(sender.segments, 40);
  });

  check('on a short path it takes 4 ms, on a long one 16 ms', (t) => {
    for (const [rtt, delay] of [
      [10 * MS, 4 * MS],
      [400 * MS, 16 * MS],
    ] as const) {
      const calm = new VirtualSender(make(), rtt);
      const late = new VirtualSender(make(), rtt);
      round(calm, rtt);
      round(calm, rtt + delay - 1);
      t.is(calm.segments, 40);
      round(late, rtt);
      round(late, rtt + delay);
      t.true(late.segments < 40);
    }
  });

  check('after five rounds of it slow start is over', (t, sender) => {
    round(sender, RTT);
    const windows: number[] = [];
    for (let i = 0; i < 5; i++) {
      round(sender, 120 * MS);
      windows.push(sender.segments);
      t.true(sender.threshold > 1e6, `round ${i + 1}`);
    }
    for (let i = 1; i < 5; i++) {
      const grown = (windows[i] ?? 0) / (windows[i - 1] ?? 1);
      t.true(grown > 1.2 && grown < 1.26, `${windows}`);
    }
    round(sender, 120 * MS);
    t.is(sender.threshold, windows[4] ?? 0);
  });

  check('when round trips are shorter again it goes on as before', (t, sender) => {
    round(sender, RTT);
    round(sender, 120 * MS);
    round(sender, 119 * MS);
    const { segments } = sender;
    round(sender, 119 * MS);
    t.is(sender.segments, 2 * segments);
    t.true(sender.threshold > 1e6);
  });

  check('one ACK counts eight segments at most', (t, sender) => {
    sender.ack(10);
    t.is(sender.segments, 18);
    sender.ack(100);
    t.is(sender.segments, 26);
  });

  check('... unless sending is paced', (t, sender) => {
    sender.isPaced = true;
    sender.ack(10);
    t.is(sender.segments, 20);
  });

  test(`RFC 9406 4.3: it is for the first slow start alone (${name})`, (t) => {
    const sender = new VirtualSender(make(), RTT);
    round(sender, RTT);
    round(sender, RTT);
    sender.expire(true);
    sender.ack(1);
    sender.ack(10);
    t.is(sender.segments, 12);
  });

  test(`RFC 9406 4.2: a loss in the conservative phase ends slow start (${name})`, (t) => {
    const sender = new VirtualSender(make(), RTT);
    round(sender, RTT);
    round(sender, 120 * MS);
    sender.lose();
    t.is(sender.segments, sender.threshold);
    const { segments } = sender;
    round(sender, 120 * MS);
    t.true(sender.segments <= segments + 2);
  });
}
