import { once } from 'node:events';
import type { Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import { halfCloseProxy } from '../../src/apps/halfCloseProxy.ts';
import { digestOf, pseudoRandom } from '../../src/apps/pseudoRandom.ts';
import { type Ends, fateOf, nothingIsLeft, portOf, proxied } from './proxied.ts';
import { comesAbout, inAllWorlds, type World } from './worlds.ts';

const MEBIBYTE = 2 ** 20;
const OCTETS = 8 * MEBIBYTE;

inAllWorlds('the client ends, and 8 MiB come after that', async (world, t) => {
  const all = await proxied(world, t);
  const { client, accepted } = await all.open();
  client.end('request');
  t.is(await text(accepted.iterator({ destroyOnReturn: false })), 'request');
  const [got] = await Promise.all([digestOf(client), pipeline(pseudoRandom(OCTETS), accepted)]);
  t.deepEqual(got, await digestOf(pseudoRandom(OCTETS)));
  await nothingIsLeft(all, world);
  t.deepEqual(all.proxy.counters, {
    accepted: 1,
    active: 0,
    refused: 0,
    upstreamFailures: 0,
    idleTimeouts: 0,
    octets: { clientToServer: 7, serverToClient: OCTETS },
    halfCloses: { clientToServer: 1, serverToClient: 1 },
    resets: { clientToServer: 0, serverToClient: 0 },
  });
  t.deepEqual(all.events, [
    'accepted',
    'connected',
    'half-close clientToServer',
    'half-close serverToClient',
    'closed',
  ]);
});

inAllWorlds('the server ends, and 8 MiB come after that', async (world, t) => {
  const all = await proxied(world, t);
  const { client, accepted } = await all.open();
  accepted.end('greeting');
  t.is(await text(client.iterator({ destroyOnReturn: false })), 'greeting');
  const [got] = await Promise.all([digestOf(accepted), pipeline(pseudoRandom(OCTETS), client)]);
  t.deepEqual(got, await digestOf(pseudoRandom(OCTETS)));
  await nothingIsLeft(all, world);
  const { octets, halfCloses, resets } = all.proxy.counters;
  t.deepEqual(octets, { clientToServer: OCTETS, serverToClient: 8 });
  t.deepEqual(halfCloses, { clientToServer: 1, serverToClient: 1 });
  t.deepEqual(resets, { clientToServer: 0, serverToClient: 0 });
});

/** Closes as soon as a read gives 0, as a proxy must not. */
function naiveProxy(world: World, port: number): Server {
  const server = world.front.createServer({ allowHalfOpen: true }, (client) => {
    const upstream = world.back.connect({ host: world.serverHost, port, allowHalfOpen: true });
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      from.on('data', (chunk) => to.write(chunk));
      from.on('error', () => to.destroy());
      from.on('end', () => {
        from.destroySoon();
        to.destroySoon();
      });
    }
  });
  return server;
}

inAllWorlds(
  'a proxy that closes when a read gives 0 loses the answer; this one does not',
  async (world, t) => {
    const all = await proxied(world, t);
    all.server.on('connection', async (socket) => {
      socket.on('error', () => {});
      const request = await text(socket.iterator({ destroyOnReturn: false }));
      socket.end(`answer to ${request}`);
    });
    const naive = naiveProxy(world, portOf(all.server));
    naive.listen({ port: 0, host: world.frontHost });
    await once(naive, 'listening');
    const answers: string[] = [];
    for (const port of [portOf(naive), all.port]) {
      const client = world.client.connect({ port, host: world.frontHost, allowHalfOpen: true });
      client.end('request');
      answers.push(await text(client).catch(() => 'reset'));
    }
    t.deepEqual(answers, ['', 'answer to request']);
    naive.close();
  },
);

for (const side of ['client', 'accepted'] as const) {
  const other = side === 'client' ? 'accepted' : 'client';
  const [way, back] =
    side === 'client'
      ? (['clientToServer', 'serverToClient'] as const)
      : (['serverToClient', 'clientToServer'] as const);

  inAllWorlds(`${side}: a reset becomes a reset, not an end`, async (world, t) => {
    const all = await proxied(world, t);
    const ends = await all.open();
    ends[side].write('half a mess');
    await once(ends[other], 'data');
    const fate = fateOf(ends[other]);
    ends[side].resetAndDestroy();
    t.is(await fate, 'ECONNRESET');
    await nothingIsLeft(all, world);
    const { resets, halfCloses } = all.proxy.counters;
    t.is(resets[way], 1);
    t.is(resets[back], 0);
    t.deepEqual(halfCloses, { clientToServer: 0, serverToClient: 0 });
    t.deepEqual(all.events, ['accepted', 'connected', `reset ${way}`, 'closed']);
  });

  inAllWorlds(
    `${side}: a reset after the other side has ended becomes a reset`,
    async (world, t) => {
      const all = await proxied(world, t);
      const ends = await all.open();
      ends[other].end();
      await fateOf(ends[side]);
      const fate = fateOf(ends[other]);
      ends[side].resetAndDestroy();
      t.is(await fate, 'ECONNRESET');
      await nothingIsLeft(all, world);
      t.is(all.proxy.counters.resets[way], 1);
    },
  );

  inAllWorlds(
    `${side}: a reader that stops, stops the writer behind the proxy`,
    async (world, t) => {
      const all = await proxied(world, t);
      const ends = await all.open();
      const size = 64 * MEBIBYTE;
      ends[side].pause();
      const sending = pipeline(pseudoRandom(size), ends[other], { end: true });
      const passed = await stalls(() => all.proxy.counters.octets[back]);
      // what the buffers of three connections hold, and no more
      t.true(passed > 0 && passed < 16 * MEBIBYTE, `${passed} octets were passed on`);
      const [got] = await Promise.all([digestOf(ends[side].resume()), sending]);
      t.deepEqual(got, await digestOf(pseudoRandom(size)));
      ends[side].end();
      ends[other].resume();
      await nothingIsLeft(all, world);
    },
  );
}

/** Waits until a count does not change any more. */
async function stalls(count: () => number): Promise<number> {
  let last = -1;
  for (let same = 0; same < 2000; same++) {
    if (count() !== last || last === 0) same = 0;
    last = count();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return last;
}

inAllWorlds('both ways at once, and both ends end', async (world, t) => {
  const all = await proxied(world, t);
  const exchange = async ({ client, accepted }: Ends): Promise<void> => {
    const [here, there] = await Promise.all([
      // without this a stream that has been read to its end is destroyed, though it still writes
      digestOf(client.iterator({ destroyOnReturn: false })),
      digestOf(accepted.iterator({ destroyOnReturn: false })),
      pipeline(pseudoRandom(1_000_003, 'up'), client),
      pipeline(pseudoRandom(1_500_007, 'down'), accepted),
    ]);
    t.deepEqual(there, await digestOf(pseudoRandom(1_000_003, 'up')));
    t.deepEqual(here, await digestOf(pseudoRandom(1_500_007, 'down')));
  };
  for (let i = 0; i < 5; i++) {
    const [a, b] = [await all.open(), await all.open()];
    await Promise.all([exchange(a), exchange(b)]);
  }
  await nothingIsLeft(all, world);
  t.deepEqual(all.proxy.counters.halfCloses, { clientToServer: 10, serverToClient: 10 });
  t.is(all.proxy.counters.accepted, 10);
});

inAllWorlds('an upstream that refuses: the client is reset', async (world, t) => {
  const all = await proxied(world, t);
  all.server.close();
  const client = all.connect();
  client.on('connect', () => client.write('hello?'));
  t.is(await fateOf(client), 'ECONNRESET');
  await comesAbout(() => all.proxy.counters.active === 0);
  t.is(all.proxy.counters.upstreamFailures, 1);
  t.deepEqual(all.proxy.counters.resets, { clientToServer: 0, serverToClient: 0 });
  t.deepEqual(all.events, ['accepted', 'upstream-failed', 'closed']);
});

inAllWorlds(
  'one client too many is reset at once, and the next one has a place again',
  async (world, t) => {
    const all = await proxied(world, t, { maxConnections: 2 });
    const first = await all.open();
    const second = await all.open();
    t.is(await fateOf(all.connect()), 'ECONNRESET');
    t.is(all.proxy.counters.refused, 1);
    t.is(all.proxy.counters.active, 2);
    first.client.end();
    first.accepted.resume().end();
    first.client.resume();
    await comesAbout(() => all.proxy.counters.active === 1);
    const third = await all.open();
    third.client.write('here');
    t.is(String((await once(third.accepted, 'data'))[0]), 'here');
    second.client.write('still here');
    t.is(String((await once(second.accepted, 'data'))[0]), 'still here');
    t.is(all.proxy.counters.accepted, 3);
  },
);

inAllWorlds(
  'what a client sends at once, and its end, arrive when the server is reached',
  async (world, t) => {
    const all = await proxied(world, t);
    const accepting = once(all.server, 'connection');
    const client = all.connect();
    client.end('all I have to say');
    const [accepted] = await accepting;
    t.is(await text(accepted.iterator({ destroyOnReturn: false })), 'all I have to say');
    accepted.end('heard');
    t.is(await text(client), 'heard');
    await nothingIsLeft(all, world);
  },
);

inAllWorlds('close() resets what is open, once', async (world, t) => {
  const all = await proxied(world, t);
  const { client, accepted } = await all.open();
  const ended = await all.open();
  ended.client.end();
  await fateOf(ended.accepted);
  const fates = [client, accepted, ended.client].map(fateOf);
  const closing = all.proxy.close();
  t.is(all.proxy.close(), closing);
  await closing;
  t.deepEqual(await Promise.all(fates), ['ECONNRESET', 'ECONNRESET', 'ECONNRESET']);
  t.is(all.proxy.counters.active, 0);
  const late = fateOf(all.connect());
  t.is(await late, 'ECONNREFUSED');
  ended.accepted.destroy();
  await nothingIsLeft(all, world);
});

inAllWorlds('a port that is taken is told to who listens', async (world, t) => {
  const all = await proxied(world, t);
  const upstream = { host: world.serverHost, port: portOf(all.server) };
  const second = halfCloseProxy({ net: world.front, upstream });
  const listening = second.listen({ port: all.port, host: world.frontHost });
  await t.throwsAsync(listening, { code: 'EADDRINUSE' });
});

test('ports, limits and times that cannot be are refused', (t) => {
  const net = {
    connect: () => t.fail(),
    createServer: () => t.fail(),
  } as never;
  const upstream = { host: '127.0.0.1', port: 80 };
  for (const port of [0, -1, 65_536, 1.5, Number.NaN]) {
    t.throws(() => halfCloseProxy({ net, upstream: { ...upstream, port } }), {
      message: `upstream.port is ${port}: it must be from 1 to 65535`,
    });
  }
  for (const idleTimeoutMs of [-1, Number.NaN, 2 ** 31, { clientToServer: -5 }]) {
    t.throws(() => halfCloseProxy({ net, upstream, idleTimeoutMs }), {
      instanceOf: RangeError,
      message: /^idleTimeoutMs\.\w+ is /,
    });
  }
  for (const maxConnections of [0, -1, Number.NaN]) {
    t.throws(() => halfCloseProxy({ net, upstream, maxConnections }), {
      message: `maxConnections is ${maxConnections}: it must be 1 or more`,
    });
  }
});
