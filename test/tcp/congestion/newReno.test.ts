import test from 'ava';
import { NewReno } from '../../../src/core/tcp/congestion/newReno.ts';
import { congestionSuite } from './suite.ts';

congestionSuite('reno', (mss) => new NewReno(mss), { kept: 0.5, growth: [1, 1] });

test('RFC 3465 2.1: in congestion avoidance octets count, not ACKs, and none is forgotten', (t) => {
  const reno = new NewReno(1000);
  reno.onLoss(20_000);
  const windows: number[] = [];
  for (let i = 0; i < 20; i++) {
    reno.onAck({ ackedOctets: 3000, inFlight: reno.cwnd, rtt: 0, now: 0 }, true);
    windows.push(reno.cwnd / 1000);
  }
  // 10 + 11 + 12 + 13 + 14 segments are 20 ACKs of three.
  t.deepEqual(
    windows,
    [10, 10, 10, 11, 11, 11, 12, 12, 12, 12, 13, 13, 13, 13, 13, 14, 14, 14, 14, 15],
  );
});
