import test from 'ava';
import fc from 'fast-check';
import { ANY_ADDRESS, ipv4 } from '../../src/core/base/address.ts';
import { uniform, Xoshiro128 } from '../../src/core/base/random.ts';
import { DEFAULT_CONFIG } from '../../src/core/tcp/config.ts';
import { Connection } from '../../src/core/tcp/connection.ts';
import { Demux } from '../../src/core/tcp/demux.ts';
import { Listener } from '../../src/core/tcp/listen/listener.ts';
import { bareTcb } from './send/bareTcb.ts';

interface Pair {
  readonly local: number;
  readonly localPort: number;
  readonly remote: number;
  readonly remotePort: number;
}

const NOBODY = { touch(): void {} };

function connectionOf(pair: Pair): Connection {
  const tcb = bareTcb({
    localAddress: ipv4(pair.local),
    localPort: pair.localPort,
    remoteAddress: ipv4(pair.remote),
    remotePort: pair.remotePort,
    config: { sendBuffer: 1, receiveBuffer: 1 },
  });
  return new Connection(tcb, null, NOBODY);
}

function find(demux: Demux, pair: Pair): Connection | null {
  return demux.find(ipv4(pair.local), pair.localPort, ipv4(pair.remote), pair.remotePort);
}

function listenerOn(address: number, port: number): Listener<Connection> {
  return new Listener<Connection>(ipv4(address), port, 1, DEFAULT_CONFIG);
}

test('RFC 9293 3.3.1: a connection is found by its four-tuple, all of it', (t) => {
  const demux = new Demux(7);
  const pair = { local: 1, localPort: 80, remote: 2, remotePort: 5000 };
  const connection = connectionOf(pair);
  demux.add(connection);
  t.is(find(demux, pair), connection);
  for (const name of ['local', 'localPort', 'remote', 'remotePort'] as const) {
    t.is(find(demux, { ...pair, [name]: pair[name] + 1 }), null, name);
  }
  demux.remove(connection);
  demux.remove(connection);
  t.is(find(demux, pair), null);
  t.is(demux.size, 0);
});

test('table of connections: those in one place form a chain, of which each can be removed', (t) => {
  // The local address has no part in the place, so these always meet.
  const pairs = [1, 2, 3, 4].map((local) => ({
    local,
    localPort: 80,
    remote: 9,
    remotePort: 5000,
  }));
  for (const [gone] of pairs.entries()) {
    const demux = new Demux(7);
    const connections = pairs.map(connectionOf);
    for (const connection of connections) demux.add(connection);
    const removed = connections[gone];
    if (removed !== undefined) demux.remove(removed);
    pairs.forEach((pair, i) => {
      t.is(find(demux, pair), i === gone ? null : (connections[i] ?? null));
    });
    t.is(demux.size, 3);
    t.is([...demux.connections()].length, 3);
  }
});

test('table of connections: any sequence of calls agrees with a map by text', (t) => {
  const pair = fc.record({
    local: fc.constantFrom(1, 2, 3),
    localPort: fc.constantFrom(1, 80, 65_535),
    remote: fc.constantFrom(9, 0xffff_fffe),
    remotePort: fc.constantFrom(1, 5000, 65_535),
  });
  const step = fc.record({ isAdd: fc.boolean(), pair });
  fc.assert(
    fc.property(
      fc.nat(0xffff_ffff),
      fc.array(step, { maxLength: 60, size: 'max' }),
      (secret, steps) => {
        const demux = new Demux(secret);
        const map = new Map<string, Connection>();
        for (const { isAdd, pair } of steps) {
          const key = Object.values(pair).join();
          const known = map.get(key);
          t.is(find(demux, pair), known ?? null);
          if (isAdd && known === undefined) {
            const connection = connectionOf(pair);
            demux.add(connection);
            map.set(key, connection);
          } else if (!isAdd && known !== undefined) {
            demux.remove(known);
            map.delete(key);
          }
          t.is(demux.size, map.size);
          const all = [...demux.connections()];
          t.is(all.length, map.size);
          t.true([...map.values()].every((c) => all.includes(c)));
        }
      },
    ),
  );
});

test('table of connections: the secret decides who meets whom', (t) => {
  /** Which of many connections share their place with an earlier one. */
  const crowded = (secret: number): number[] => {
    const demux = new Demux(secret);
    const random = new Xoshiro128(1);
    const found: number[] = [];
    for (let i = 0; i < 100_000; i++) {
      const [remoteAddress, remotePort] = [random.u32(), uniform(random, 65_536)];
      const tcb = { localAddress: 1, localPort: 80, remoteAddress, remotePort };
      const fake = { tcb, nextInTable: null } as unknown as Connection;
      demux.add(fake);
      if (fake.nextInTable !== null) found.push(i);
    }
    return found;
  };
  const all = [1, 2, 0xdead_beef].map(crowded);
  t.true(
    all.every((found) => found.length < 20),
    'chains are short',
  );
  t.is(new Set(all.map(String)).size, 3);
});

test('RFC 9293 3.9.1.1: a listener on an address comes before one on any address', (t) => {
  const demux = new Demux(7);
  t.is(demux.listenerOn(ipv4(1), 80), null);
  const any = listenerOn(ANY_ADDRESS, 80);
  const one = listenerOn(1, 80);
  demux.addListener(any);
  demux.addListener(one);
  t.is(demux.listenerOn(ipv4(1), 80), one);
  t.is(demux.listenerOn(ipv4(2), 80), any);
  t.is(demux.listenerOn(ipv4(1), 81), null);
  demux.removeListener(one);
  t.is(demux.listenerOn(ipv4(1), 80), any);
  demux.removeListener(any);
  demux.removeListener(any);
  t.is(demux.listenerOn(ipv4(1), 80), null);
});

test('RFC 9293 3.9.1.1: two listeners get in each other’s way on one address, or if one has all', (t) => {
  const demux = new Demux(7);
  demux.addListener(listenerOn(1, 80));
  t.true(demux.isListened(ipv4(1), 80));
  t.true(demux.isListened(ANY_ADDRESS, 80));
  t.false(demux.isListened(ipv4(2), 80));
  t.false(demux.isListened(ipv4(1), 81));
  demux.addListener(listenerOn(ANY_ADDRESS, 90));
  t.true(demux.isListened(ipv4(2), 90));
});
