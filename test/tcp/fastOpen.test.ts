import test, { type ExecutionContext } from 'ava';
import { ANY_ADDRESS } from '../../src/core/base/address.ts';
import type { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import { MS, SECOND } from '../../src/core/base/time.ts';
import type { FrameFate } from '../../src/core/sim/impairment.ts';
import { ADDRESS_A, ADDRESS_B, createPair, type Pair } from '../../src/core/sim/network.ts';
import type { TcpConfig } from '../../src/core/tcp/config.ts';
import type { Connection } from '../../src/core/tcp/connection.ts';
import { FastOpenCache } from '../../src/core/tcp/fastOpenCache.ts';
import { brokenInvariant } from '../../src/core/tcp/invariants.ts';
import type { Listener } from '../../src/core/tcp/listen/listener.ts';
import { pattern } from '../harness/transcript.ts';

const PORT = 80;
const DELAY = 10 * MS;
const SERVER: Partial<TcpConfig> = { fastOpenServer: true, fastOpenBacklog: 8 };

interface Ends {
  readonly pair: Pair;
  readonly listener: Listener<Connection>;
}

/** Two stacks, of which one listens. @param fate what becomes of the client's frames */
function ends(
  server = SERVER,
  client: Partial<TcpConfig> = {},
  fate: (packet: PacketBuffer) => FrameFate | null = () => null,
): Ends {
  const a = { config: client, impairment: { fate } };
  const pair = createPair({ delay: DELAY, a, b: { config: server } });
  pair.network.afterTurn = (stack) => {
    for (const { tcb } of stack.tcp.connections()) {
      const broken = brokenInvariant(tcb);
      if (broken !== null) throw new Error(`${broken} (${tcb.state})`);
    }
  };
  return { pair, listener: pair.b.listen(ANY_ADDRESS, PORT, 8) };
}

function connect({ pair }: Ends, fastOpen: boolean | Uint8Array): Connection {
  const to = { remoteAddress: ADDRESS_B, remotePort: PORT };
  return pair.a.connect({ ...to, fastOpen }, pair.network.now);
}

/** The other end of the connection, as soon as its user gets it, and when that was. */
function accepted({ pair, listener }: Ends): { server: Connection; at: number } {
  const from = pair.network.now;
  let server: Connection | null = null;
  pair.network.runUntil(() => {
    server ??= listener.accept();
    return server !== null;
  });
  if (server === null) throw new Error('nobody has connected');
  return { server, at: pair.network.now - from };
}

/** Reads so much, which must be what was written. */
function reads(t: ExecutionContext, { pair }: Ends, from: Connection, count: number): void {
  pair.network.runUntil(() => from.readable >= count);
  const octets = new Uint8Array(from.readable);
  from.receive(octets);
  t.deepEqual(octets, pattern(0, count));
}

function wait({ pair }: Ends): void {
  pair.network.runTo(pair.network.now + SECOND);
}

/** A connection that gets a cookie, and ends. */
function getCookie(world: Ends): void {
  const client = connect(world, true);
  const { server } = accepted(world);
  client.close(world.pair.network.now);
  server.close(world.pair.network.now);
  wait(world);
}

test('RFC 7413 4.2: the first connection gets a cookie, and text follows its handshake', (t) => {
  const world = ends();
  const client = connect(world, pattern(0, 100));
  const { server, at } = accepted(world);
  t.true(at >= 3 * DELAY, `${at} µs`);
  reads(t, world, server, 100);
  t.is(client.status(world.pair.network.now).fastopenClientFail, 1);
  t.false(client.status(world.pair.network.now).synData);
  t.is(world.pair.b.tcp.counters.TCPFastOpenCookieReqd, 1);
});

test('RFC 7413 4.2: with the cookie the server has the text one way after the SYN', (t) => {
  const world = ends();
  getCookie(world);
  const client = connect(world, pattern(0, 100));
  const { server, at } = accepted(world);
  t.true(at < 2 * DELAY, `${at} µs`);
  t.is(server.readable, 100);
  server.send(pattern(0, 200));
  reads(t, world, client, 200);
  const { now } = world.pair.network;
  t.true(client.status(now).synData);
  t.true(server.status(now).fastOpenChild);
  t.is(world.pair.a.tcp.counters.TCPFastOpenActive, 1);
  t.is(world.pair.b.tcp.counters.TCPFastOpenPassive, 1);
  t.is(world.pair.a.tcp.counters.tcpRetransSegs, 0);
});

test('RFC 7413 4.2.1: a SYN waits for text where a cookie is known, and for nothing else', (t) => {
  const world = ends();
  getCookie(world);
  const client = connect(world, true);
  wait(world);
  t.is(client.state, 'SYN-SENT');
  t.is(world.listener.accept(), null);
  client.send(pattern(0, 100));
  t.is(accepted(world).server.readable, 100);
});

test('RFC 7413 4.2.1: a user that closes, or does not wait, opens without text', (t) => {
  for (const act of ['close', 'openNow'] as const) {
    const world = ends();
    getCookie(world);
    const client = connect(world, true);
    client[act](world.pair.network.now);
    const { server } = accepted(world);
    t.is(server.readable, 0);
    wait(world);
    t.is(server.ended, act === 'close');
  }
});

test('RFC 7413 4.2.1: a stream that is longer than the SYN arrives whole, and its end', (t) => {
  const world = ends();
  getCookie(world);
  const client = connect(world, pattern(0, 50_000));
  client.close(world.pair.network.now);
  const { server } = accepted(world);
  t.is(server.readable, 1420);
  reads(t, world, server, 50_000);
  wait(world);
  t.true(server.ended);
});

test('RFC 7413 4.2.2: a server that has changed its key gets the text after the handshake', (t) => {
  const world = ends();
  getCookie(world);
  world.listener.config = { ...world.listener.config, fastOpenKey: '0'.repeat(32) };
  const client = connect(world, pattern(0, 3000));
  const { server } = accepted(world);
  reads(t, world, server, 3000);
  t.is(client.status(world.pair.network.now).fastopenClientFail, 2);
  t.is(world.pair.a.tcp.counters.TCPFastOpenActiveFail, 1);
  t.is(world.pair.b.tcp.counters.TCPFastOpenPassiveFail, 1);
  connect(world, pattern(0, 100));
  t.is(accepted(world).server.readable, 100, 'the SYN-ACK has brought the new cookie');
});

test('RFC 7413 4.2.2: a SYN with text that is lost is repeated without, and the stream is whole', (t) => {
  let lost = 0;
  const isLong = (packet: PacketBuffer): boolean => packet.end - packet.link > 1000;
  const world = ends(SERVER, {}, (packet) => (isLong(packet) && lost++ === 0 ? 'lose' : null));
  getCookie(world);
  const before = world.pair.a.tcp.counters.TCPSynRetrans;
  const client = connect(world, pattern(0, 3000));
  const { server } = accepted(world);
  reads(t, world, server, 3000);
  t.is(world.pair.a.tcp.counters.TCPSynRetrans, before + 1);
  t.is(client.status(world.pair.network.now).fastopenClientFail, 3);
});

test('Linux tcp_fastopen: a stack that may not is as if nobody had asked', (t) => {
  const world = ends(SERVER, { fastOpenClient: false });
  getCookie(world);
  connect(world, pattern(0, 100));
  const { server, at } = accepted(world);
  t.true(at >= 3 * DELAY);
  reads(t, world, server, 100);
  t.is(world.pair.b.tcp.counters.TCPFastOpenCookieReqd, 0);
});

test('RFC 7413 4.1.3: a cookie of an earlier life of the stack can be given back to it', (t) => {
  const world = ends({ ...SERVER, fastOpenKey: '0'.repeat(32) });
  getCookie(world);
  const { fastOpenCache } = connect(world, true).tcb.shared;
  const known = fastOpenCache.find(ADDRESS_A, ADDRESS_B);
  t.is(known.cookie.length, 8);
  t.is(known.mss, 1460);
  world.pair.a.tcp.forgetServers();
  t.is(fastOpenCache.size, 0);
  world.pair.a.tcp.rememberServer({ local: ADDRESS_A, remote: ADDRESS_B }, known);
  connect(world, pattern(0, 100));
  t.is(accepted(world).server.readable, 100);
});

const COOKIE = Uint8Array.from([1, 2, 3, 4]);
const NEWS = { mss: 1000, cookie: COOKIE, isExperiment: false, vain: 0 } as const;
const NONE = new Uint8Array(0);

test('RFC 7413 4.1.3: so many servers are remembered, and the one not heard of for longest goes', (t) => {
  const cache = new FastOpenCache();
  for (const remote of [2, 3, 2, 4]) {
    cache.remember({ local: ADDRESS_A, remote: remote as typeof ADDRESS_A }, NEWS, 2);
  }
  t.is(cache.size, 2);
  const cookies = [2, 3, 4].map(
    (remote) => cache.find(ADDRESS_A, remote as typeof ADDRESS_A).cookie.length,
  );
  t.deepEqual(cookies, [4, 0, 4]);
});

test('RFC 7413 4.1.3: an answer without cookie or segment size changes neither', (t) => {
  const cache = new FastOpenCache();
  const ends = { local: ADDRESS_A, remote: ADDRESS_B };
  cache.remember(ends, NEWS, 10);
  cache.remember(ends, { mss: 0, cookie: NONE, isExperiment: true, vain: 1 }, 10);
  t.deepEqual(cache.find(ADDRESS_A, ADDRESS_B), NEWS);
  t.is(cache.find(ADDRESS_B, ADDRESS_A).cookie.length, 0);
});

test('Linux tcp_fastopen_active_should_disable: each pause is twice as long, up to 64 times', (t) => {
  const cache = new FastOpenCache();
  t.false(cache.isPaused(SECOND, 0));
  for (let times = 1; times <= 9; times++) {
    cache.pause(0);
    const length = 2 ** Math.min(times - 1, 6) * SECOND;
    t.true(cache.isPaused(SECOND, length - 1));
    t.false(cache.isPaused(SECOND, length));
    t.false(cache.isPaused(0, 0), 'none is wanted');
  }
  cache.resume();
  t.false(cache.isPaused(SECOND, 0));
});
