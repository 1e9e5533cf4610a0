import test from 'ava';
import { type Micros, MS, SECOND } from '../../src/core/base/time.ts';
import { createPair } from '../../src/core/sim/network.ts';
import { pattern } from '../harness/transcript.ts';
import { open, watch } from './randomRun.ts';

const RATE = 100e6;
/** Octets of a full frame, and of text in it. */
const FRAME = 1514;
const TEXT = 1448;

interface Way {
  readonly rtt: Micros;
  readonly loss?: number;
  /** When it is measured. */
  readonly from: Micros;
  readonly to: Micros;
}

/** How much of the link BBR fills, and the longest round trip meanwhile, over a queue of one BDP. */
function measured({ rtt, loss = 0, from, to }: Way): { share: number; longest: Micros } {
  const bdp = Math.max(20, Math.ceil((RATE * rtt) / SECOND / 8 / FRAME));
  const config = { congestionControl: 'bbr', sendBuffer: 4 << 20 } as const;
  const pair = createPair({
    delay: rtt / 2,
    rate: RATE,
    queue: bdp,
    seed: 1,
    a: { config, impairment: { loss } },
  });
  watch(pair);
  const { client, accepted } = open(pair);
  const chunk = pattern(0, 65_536);
  const into = new Uint8Array(1 << 20);
  const start = pair.network.now;
  let octets = 0;
  let longest = 0;
  pair.network.runUntil(() => {
    const at = pair.network.now - start;
    client.send(chunk);
    let count = accepted()?.receive(into) ?? 0;
    for (let more = count; more > 0; count += more) more = accepted()?.receive(into) ?? 0;
    if (at > from) {
      octets += count;
      longest = Math.max(longest, client.tcb.rtt.srtt);
    }
    return at > to;
  });
  return { share: (octets * FRAME * 8 * SECOND) / (TEXT * RATE * (to - from)), longest };
}

for (const [rtt, from, to] of [
  [1 * MS, 0.3 * SECOND, 1 * SECOND],
  [20 * MS, 0.5 * SECOND, 1.2 * SECOND],
  [100 * MS, 4 * SECOND, 5 * SECOND],
] as const) {
  test(`draft-cardwell-iccrg-bbr-congestion-control-00 4: at ${rtt / MS} ms BBR fills the link, with a queue of one BDP at most`, (t) => {
    const { share, longest } = measured({ rtt, from, to });
    t.log(`${(100 * share).toFixed(1)} %, ${longest / MS} ms`);
    t.true(share >= 0.95, `${share}`);
    // a path of a ms holds no more than a few bursts
    t.true(longest <= 2 * rtt + 2 * MS, `${longest}`);
  });
}

test('draft-cardwell-iccrg-bbr-congestion-control-00 4: at 20 ms a loss of 1 % leaves four fifths of the link', (t) => {
  const { share } = measured({ rtt: 20 * MS, loss: 0.01, from: 0, to: 2 * SECOND });
  t.log(`${(100 * share).toFixed(1)} %`);
  t.true(share >= 0.8, `${share}`);
});
