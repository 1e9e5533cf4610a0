import test from 'ava';
import { MS } from '../../src/core/base/time.ts';
import { createPair } from '../../src/core/sim/network.ts';
import { pattern } from '../harness/transcript.ts';
import { open, randomRun, watch } from './randomRun.ts';

const SEEDS = 300;
const GROUP = 50;

const only = process.env['GLASS_SEED'];
const first = Number(only ?? 1);
const last = only === undefined ? SEEDS : first;
for (let from = first; from <= last; from += GROUP) {
  const to = Math.min(from + GROUP - 1, last);
  test(`RFC 9293 3.4: random runs ${from} to ${to} keep both streams intact, and end`, (t) => {
    for (let seed = from; seed <= to; seed++) randomRun(t, seed);
  });
}

test('RFC 5681 3.2: one lost segment is repaired within two round trips, without a timeout', (t) => {
  const pair = createPair({ delay: 20 * MS, seed: 1, a: { impairment: { drop: [8] } } });
  watch(pair);
  const { client, accepted } = open(pair);
  pair.network.runUntil(() => accepted() !== null);
  const from = pair.network.now;
  const octets = pattern(0, 14_000);
  client.send(octets);
  pair.network.runUntil(() => (accepted()?.readable ?? 0) === octets.length);
  t.true(pair.network.now - from <= 2 * 40 * MS, `${pair.network.now - from} µs`);
  t.is(client.tcb.recovery.retries, 0);
  t.is(pair.a.tcp.counters.tcpRetransSegs, 1);
});

test('RFC 9293 3.7: a clean link carries 10 MB with no retransmission', (t) => {
  const pair = createPair({ delay: 5 * MS, rate: 100e6 });
  watch(pair);
  const { client, accepted } = open(pair);
  const chunk = pattern(0, 65_536);
  const into = new Uint8Array(65_536);
  const total = 10 << 20;
  let sent = 0;
  let received = 0;
  pair.network.runUntil(() => {
    if (client.state === 'ESTABLISHED' && sent < total) sent += client.send(chunk);
    received += accepted()?.receive(into) ?? 0;
    return received >= total;
  });
  t.is(pair.a.tcp.counters.tcpRetransSegs, 0);
  t.is(pair.b.tcp.counters.tcpRetransSegs, 0);
});
