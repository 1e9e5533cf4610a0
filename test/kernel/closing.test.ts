import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test, { type ExecutionContext } from 'ava';
import type { Connection } from '../../src/core/tcp/connection.ts';
import type { State } from '../../src/core/tcp/states.ts';
import { hasUnsent, outstanding } from '../../src/core/tcp/tcb.ts';
import type { Socket } from '../../src/index.ts';
import { runWithin } from '../cli/processes.ts';
import { countersOf } from '../harness/netns.ts';
import { connectionOf, KERNEL, listening, PORT, STACK, type World, withWorld } from './world.ts';

/** A thousand connections that end in all ways there are, of which nothing must remain. */

/** Connections of a batch, of which there is one for each order. */
const BATCH = 40;
/** The batches that come first, so that code and buffers are there. */
const SMALL_BATCH = 4;
/** Most octets that the thousand may leave in memory. One that is held takes 8 KiB at least. */
const HEAP_GROWTH = 3 * 2 ** 20;
/** Questions to the kernel, which tells nobody when a socket is gone. */
const ATTEMPTS = 300;

/** What the orders work with. */
interface Scene extends World {
  readonly t: ExecutionContext;
  /** Connections of a batch. */
  readonly size: number;
  /** Sockets that the stack has accepted and nobody has taken yet. */
  readonly accepted: Socket[];
}

/** Sockets of the stack, paused, whose other ends are all sockets of the peer. */
type Open = (scene: Scene) => Promise<Socket[]>;

async function openedByKernel({ peer, watch, accepted, size }: Scene): Promise<Socket[]> {
  await peer.tell({ do: 'connect', host: STACK, port: PORT, count: size });
  await watch.until(() => accepted.length === size);
  return accepted.splice(0);
}

async function openedByStack({ peer, stack, size }: Scene): Promise<Socket[]> {
  const sockets = Array.from({ length: size }, () => connecting(stack));
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  await peer.tell({ do: 'opened', count: size });
  return sockets;
}

function connecting({ net }: World['stack']): Socket {
  const socket = net.connect({ host: KERNEL, port: PORT, allowHalfOpen: true });
  socket.pause();
  socket.on('error', () => {});
  return socket;
}

/** All of them have closed; some by an error perhaps. */
async function closed(sockets: readonly Socket[]): Promise<void> {
  const open = sockets.filter((socket) => !socket.closed);
  await Promise.all(open.map((socket) => new Promise((resolve) => socket.once('close', resolve))));
}

function connectionsOf(sockets: readonly Socket[]): Connection[] {
  return sockets.map(connectionOf);
}

function all(connections: readonly Connection[], ...states: readonly State[]): boolean {
  return connections.every(({ state }) => states.includes(state));
}

async function reach(scene: Scene, sockets: readonly Socket[], ...to: State[]): Promise<void> {
  const connections = connectionsOf(sockets);
  await scene.watch.until(() => all(connections, ...to));
}

/** Both have read the other's end; whoever has not ended yet does so. */
async function finish({ peer }: Scene, sockets: readonly Socket[]): Promise<void> {
  for (const socket of sockets) {
    socket.resume();
    if (!socket.writableEnded) socket.end();
  }
  await peer.tell({ do: 'read' });
  await peer.tell({ do: 'end' });
  await closed(sockets);
  await ends(peer, []);
}

/** The peer's sockets close, each with an error or none. */
async function ends(peer: World['peer'], errors: readonly string[]): Promise<void> {
  const seen = (await peer.tell({ do: 'closed' })).errors;
  const unexpected = seen.filter((error) => !errors.includes(error));
  if (unexpected.length > 0) throw new Error(`the kernel's ends: ${unexpected}`);
}

/** A reset that the stack received: its sockets end with that error, which Linux's tcp_reset chooses. */
async function areReset(
  scene: Scene,
  sockets: readonly Socket[],
  expected: 'ECONNRESET' | 'EPIPE' = 'ECONNRESET',
): Promise<void> {
  await reach(scene, sockets, 'CLOSED');
  for (const { error } of connectionsOf(sockets)) scene.t.is(error, expected);
  for (const socket of sockets) socket.destroy();
  await closed(sockets);
  await ends(scene.peer, []);
}

/** Resets them all from here, in a state that they are all in. */
async function abortIn(scene: Scene, sockets: readonly Socket[], state: State): Promise<void> {
  scene.t.true(all(connectionsOf(sockets), state), state);
  for (const socket of sockets) socket.resetAndDestroy();
  await closed(sockets);
}

/** Has the peer read until the RST, or the end if a FIN came before, and leave. */
async function peerIsReset({ peer }: Scene): Promise<void> {
  await peer.tell({ do: 'read' });
  await peer.tell({ do: 'ended' });
  await peer.tell({ do: 'close' });
  await ends(peer, ['ECONNRESET', 'EPIPE']);
}

async function halfCloseFromKernel(scene: Scene, sockets: readonly Socket[]): Promise<void> {
  await scene.peer.tell({ do: 'end' });
  await reach(scene, sockets, 'CLOSE-WAIT');
}

async function halfCloseFromStack(scene: Scene, sockets: readonly Socket[]): Promise<void> {
  for (const socket of sockets) socket.end();
  await reach(scene, sockets, 'FIN-WAIT-2');
}

/** Ends them, and keeps their FINs from the kernel. */
async function holdFins(scene: Scene, sockets: readonly Socket[]): Promise<void> {
  const { valve, watch, size } = scene;
  valve.hold();
  for (const socket of sockets) socket.end();
  await watch.until(() => watch.select('sent', 'fin').length >= size);
}

/** Both FINs are on their way at once. */
async function crossFins(scene: Scene, sockets: readonly Socket[]): Promise<void> {
  await holdFins(scene, sockets);
  await scene.peer.tell({ do: 'end' });
  await reach(scene, sockets, 'CLOSING');
}

/** Begins to open connections from the kernel, and lets them come no further than SYN-RECEIVED. */
async function halfOpen(scene: Scene): Promise<{ opening: Promise<unknown>; half: Connection[] }> {
  const { peer, stack, valve, watch, size } = scene;
  valve.hold();
  const opening = peer.tell({ do: 'connect', host: STACK, port: PORT, count: size });
  const inHalf = (): Connection[] =>
    [...stack.core.tcp.connections()].filter(({ state }) => state === 'SYN-RECEIVED');
  await watch.until(() => inHalf().length === size);
  return { opening, half: inHalf() };
}

/** Ways to open and end a batch. */
const ORDERS: readonly (readonly [string, (scene: Scene) => Promise<void>])[] = [
  ...[openedByKernel, openedByStack].flatMap((open: Open) => closings(open)),
  ['the stack aborts in ESTABLISHED', aborting('ESTABLISHED', async () => {})],
  ['the stack aborts in FIN-WAIT-1', aborting('FIN-WAIT-1', holdFins)],
  ['the stack half-closes, then aborts', aborting('FIN-WAIT-2', halfCloseFromStack)],
  ['the kernel half-closes, then the stack aborts', aborting('CLOSE-WAIT', halfCloseFromKernel)],
  ['the stack aborts in CLOSING', aborting('CLOSING', crossFins)],
  [
    'the stack aborts in LAST-ACK',
    aborting('LAST-ACK', async (scene, sockets) => {
      await halfCloseFromKernel(scene, sockets);
      await holdFins(scene, sockets);
    }),
  ],
  [
    'the stack closes with text that it has not read',
    async (scene) => {
      const sockets = await openedByKernel(scene);
      await scene.peer.tell({ do: 'write', octets: 100 });
      await scene.watch.until(() => connectionsOf(sockets).every(({ readable }) => readable > 0));
      for (const socket of sockets) socket.destroy();
      await closed(sockets);
      await scene.watch.until(
        () => scene.watch.select('sent', 'reset-unread-data').length === scene.size,
      );
      await peerIsReset(scene);
    },
  ],
  [
    'the stack aborts in TIME-WAIT',
    async (scene) => {
      const sockets = await openedByStack(scene);
      await halfCloseFromStack(scene, sockets);
      await finish(scene, sockets);
      await reach(scene, sockets, 'TIME-WAIT');
      for (const connection of connectionsOf(sockets)) connection.abort(scene.stack.now());
      await reach(scene, sockets, 'CLOSED');
    },
  ],
  [
    'the stack aborts in SYN-SENT',
    async ({ stack, valve, watch, size, t }) => {
      valve.hold();
      const sockets = Array.from({ length: size }, () => connecting(stack));
      await watch.until(() => watch.select('sent', 'handshake').length === size);
      const connections = connectionsOf(sockets);
      t.true(all(connections, 'SYN-SENT'));
      for (const socket of sockets) socket.destroy();
      await closed(sockets);
      valve.open();
      // the kernel answers, and learns that there is nobody
      await watch.until(() => watch.select('sent', 'reset').length >= size);
    },
  ],
  [
    'the stack aborts in SYN-RECEIVED',
    async (scene) => {
      const { opening, half } = await halfOpen(scene);
      for (const connection of half) connection.abort(scene.stack.now());
      await scene.watch.until(() => all(half, 'CLOSED'));
      scene.valve.open();
      await opening;
      await peerIsReset(scene);
    },
  ],
  [
    'the kernel closes while it connects',
    async (scene) => {
      const { opening, half } = await halfOpen(scene);
      await scene.peer.tell({ do: 'abort' });
      await opening;
      scene.valve.open();
      await scene.watch.until(() => all(half, 'CLOSED'));
    },
  ],
];

/** The stack brings connections into a state, and aborts them there. */
function aborting(
  state: State,
  bring: (scene: Scene, sockets: readonly Socket[]) => Promise<void>,
): (scene: Scene) => Promise<void> {
  return async (scene) => {
    const sockets = await openedByStack(scene);
    await bring(scene, sockets);
    await abortIn(scene, sockets, state);
    scene.valve.open();
    await peerIsReset(scene);
  };
}

/** Ends that both sides take part in, of connections that one of them has opened. */
function closings(open: Open): [string, (scene: Scene) => Promise<void>][] {
  const who = open === openedByKernel ? 'opened by the kernel' : 'opened by the stack';
  const ways: [string, (scene: Scene, sockets: readonly Socket[]) => Promise<void>][] = [
    [
      'the kernel closes first',
      async (scene, sockets) => {
        await halfCloseFromKernel(scene, sockets);
        await finish(scene, sockets);
        await reach(scene, sockets, 'CLOSED');
      },
    ],
    [
      'the stack closes first',
      async (scene, sockets) => {
        await halfCloseFromStack(scene, sockets);
        await finish(scene, sockets);
        await reach(scene, sockets, 'TIME-WAIT');
      },
    ],
    [
      'both close at once',
      async (scene, sockets) => {
        await crossFins(scene, sockets);
        scene.valve.open();
        await finish(scene, sockets);
        await reach(scene, sockets, 'TIME-WAIT');
      },
    ],
    [
      'SO_LINGER of 0 in the kernel',
      async (scene, sockets) => {
        await scene.peer.tell({ do: 'abort' });
        await areReset(scene, sockets);
      },
    ],
    [
      'the kernel closes with text that it has not read',
      async (scene, sockets) => {
        for (const socket of sockets) socket.write('text');
        const isSent = ({ tcb }: Connection): boolean => outstanding(tcb) === 0 && !hasUnsent(tcb);
        await scene.watch.until(() => connectionsOf(sockets).every(isSent));
        await scene.peer.tell({ do: 'close' });
        await areReset(scene, sockets);
      },
    ],
    [
      'the kernel half-closes, then aborts',
      async (scene, sockets) => {
        await halfCloseFromKernel(scene, sockets);
        await scene.peer.tell({ do: 'abort' });
        await areReset(scene, sockets, 'EPIPE');
      },
    ],
    [
      'the stack half-closes, then the kernel aborts',
      async (scene, sockets) => {
        await halfCloseFromStack(scene, sockets);
        await scene.peer.tell({ do: 'abort' });
        await areReset(scene, sockets);
      },
    ],
  ];
  return ways.map(([what, close]) => [
    `${who}, ${what}`,
    async (scene) => close(scene, await open(scene)),
  ]);
}

/** What the process holds when nothing is left to be collected. */
async function heldOctets(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('the collector cannot be called');
  for (let round = 0; round < 3; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

/** Goes through all orders, and ends what is left in TIME-WAIT. */
async function runOrders(scene: Scene): Promise<void> {
  const { t, stack, watch } = scene;
  const connections = (): Connection[] => [...stack.core.tcp.connections()];
  for (const [name, order] of ORDERS) {
    watch.forget();
    await order(scene);
    await watch.until(() => all(connections(), 'TIME-WAIT'));
    t.is(scene.accepted.length, 0, name);
  }
  for (const connection of connections()) connection.abort(stack.now());
  await watch.until(() => stack.core.tcp.connectionCount === 0);
  watch.forget();
}

test('of 1000 connections, ended in every order, neither side keeps anything', async (t) => {
  t.is(ORDERS.length * BATCH, 1000);
  await withWorld(t, {}, async (world) => {
    const { ns, peer, stack } = world;
    await peer.tell({ do: 'listen', port: PORT });
    const server = await listening(stack);
    const accepted: Socket[] = [];
    server.on('connection', (socket) => {
      socket.on('error', () => {});
      accepted.push(socket);
    });
    await runOrders({ ...world, t, accepted, size: SMALL_BATCH });
    const { count: descriptors } = await peer.tell({ do: 'descriptors' });
    const before = await heldOctets();
    await runOrders({ ...world, t, accepted, size: BATCH });
    const grown = (await heldOctets()) - before;
    t.log(`the heap has grown by ${Math.round(grown / 1024)} KiB`);
    t.true(grown < HEAP_GROWTH, `${grown} octets`);
    t.is((await peer.tell({ do: 'descriptors' })).count, descriptors);
    t.deepEqual(await statesInKernel(t, ns), ['LISTEN', 'TIME-WAIT']);
    t.is(countersOf(ns).get('TcpInErrs'), 0);
  });
});

/** Of all sockets of the namespace, each once; asks again while there are some that may be ending. */
async function statesInKernel(t: ExecutionContext, ns: string): Promise<string[]> {
  for (let attempt = 1; ; attempt++) {
    const lines = (await runWithin(t, ns, 'ss', '-tanH')).trim().split('\n');
    const states = [...new Set(lines.map((line) => line.split(' ', 1).join()))].sort();
    const isDone = states.every((state) => state === 'LISTEN' || state === 'TIME-WAIT');
    if (isDone || attempt === ATTEMPTS) return states;
  }
}
