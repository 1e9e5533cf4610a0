import { PerformanceObserver } from 'node:perf_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { RingPair } from './ringPair.ts';

const SEGMENTS = 1_000_000;
/** Scavenges of the young generation that a million segments may cause. They were 23. */
const MOST_SCAVENGES = 40;
const MOST_GROWTH = 2 << 20;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Carries so many frames, both ways counted. */
function carry(pair: RingPair, frames: number): void {
  const chunk = new Uint8Array(65_536);
  const until = pair.frames + frames;
  while (pair.frames < until) {
    pair.client.send(chunk);
    pair.turn();
    pair.server.receive(chunk);
  }
}

test.serial('a million segments grow no heap, and leave next to no garbage', async (t) => {
  // A sender that grows to the peer's window has tiny segments dropped for want of memory.
  const pair = new RingPair(296, { sendBuffer: 1 << 20 });
  carry(pair, SEGMENTS / 5);
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  let scavenges = 0;
  const observer = new PerformanceObserver((list) => {
    scavenges += list.getEntries().length;
  });
  observer.observe({ entryTypes: ['gc'] });
  carry(pair, SEGMENTS);
  // what the observer is told comes some rounds later
  for (let round = 0; round < 5; round++) await new Promise((resolve) => setImmediate(resolve));
  observer.disconnect();
  collectGarbage();
  const growth = process.memoryUsage().heapUsed - before;
  t.log(`${scavenges} scavenges, heap ${growth >= 0 ? '+' : ''}${growth} octets`);
  t.is(pair.retransmitted, 0);
  t.true(growth < MOST_GROWTH, `the heap grew by ${growth} octets`);
  t.true(scavenges <= MOST_SCAVENGES, `${scavenges} scavenges`);
});
