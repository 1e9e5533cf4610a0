import test, { type ExecutionContext } from 'ava';
import type { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import { MS, SECOND } from '../../src/core/base/time.ts';
import type { FrameFate } from '../../src/core/sim/impairment.ts';
import { createPair, type Pair } from '../../src/core/sim/network.ts';
import type { MtuProbing } from '../../src/core/tcp/config.ts';
import type { Connection } from '../../src/core/tcp/connection.ts';
import { pattern } from '../harness/transcript.ts';
import { open, watch } from './randomRun.ts';

/** A way that loses each datagram of more than so many octets, without a word to anybody. */
const WIDTH = 1200;
const OCTETS = 500_000;

function blackHole(packet: PacketBuffer): FrameFate {
  return packet.end - packet.network > WIDTH ? 'lose' : 'pass';
}

interface World {
  readonly pair: Pair;
  readonly client: Connection;
  readonly server: Connection;
}

function opened(t: ExecutionContext, mtuProbing: MtuProbing, width: () => number): World {
  const fate = (packet: PacketBuffer): FrameFate =>
    width() === WIDTH ? blackHole(packet) : 'pass';
  const pair = createPair({
    seed: 1,
    delay: 10 * MS,
    a: { config: { mtuProbing }, impairment: { fate } },
  });
  watch(pair);
  const { client, accepted } = open(pair);
  pair.network.runTo(pair.network.now + SECOND);
  const server = accepted();
  if (server === null) throw t.fail('the connection did not open');
  return { pair, client, server };
}

/** Sends so much, and reads it at the other end. @returns octets that arrived as they were, and when */
function transfer({ pair, client, server }: World, octets: number): { got: number; at: number } {
  const { network } = pair;
  const buffer = new Uint8Array(65_536);
  const limit = network.now + 100 * SECOND;
  let written = 0;
  let got = 0;
  while (got < octets && network.now < limit) {
    written += client.send(pattern(written, Math.min(octets - written, buffer.length)));
    network.settle();
    for (let count = -1; count !== 0; got += count) {
      count = server.receive(buffer, 0, buffer.length);
      if (Buffer.compare(buffer.subarray(0, count), pattern(got, count)) !== 0)
        return { got, at: 0 };
    }
    network.runTo(Math.min(network.next(), limit));
  }
  return { got, at: network.now };
}

test('RFC 4821 7.7: a way that swallows large datagrams is passed with small ones', (t) => {
  const world = opened(t, 'black-hole', () => WIDTH);
  t.is(transfer(world, OCTETS).got, OCTETS);
  const { tcb } = world.client;
  t.true(tcb.snd.mss <= WIDTH - 52);
  t.true(tcb.shared.counters.TCPMTUPFail > 0, 'larger ones are tried, and lost');
});

test('RFC 4821 7.7: without the search no text gets through such a way', (t) => {
  t.is(
    transfer(
      opened(t, 'off', () => WIDTH),
      OCTETS,
    ).got,
    0,
  );
});

test('RFC 4821 7.3: the search comes within 8 octets of what gets through', (t) => {
  const world = opened(t, 'always', () => WIDTH);
  const begun = world.pair.network.now;
  const { got, at } = transfer(world, OCTETS);
  t.is(got, OCTETS);
  const { tcb } = world.client;
  t.true(tcb.mtuSearch.low <= WIDTH && tcb.mtuSearch.low > WIDTH - 16);
  t.is(tcb.shared.counters.TCPTimeouts, 0, 'a lost probe costs no timeout');
  t.true(at - begun < 5 * SECOND);
});

test('RFC 4821 7.1: when the time of the search is over a wider way is found', (t) => {
  let width = WIDTH;
  const world = opened(t, 'always', () => width);
  transfer(world, OCTETS);
  width = 1500;
  const { network } = world.pair;
  network.runTo(network.now + 600 * SECOND);
  const before = world.client.tcb.snd.mss;
  t.true(before <= WIDTH - 52);
  world.client.send(pattern(0, 1)); // the streams begin anew
  network.runTo(network.now + SECOND);
  world.server.receive(new Uint8Array(1), 0, 1);
  transfer(world, OCTETS);
  t.true(world.client.tcb.snd.mss > WIDTH);
});
