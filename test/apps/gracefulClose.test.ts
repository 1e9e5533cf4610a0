import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { gracefulClose } from '../../src/apps/gracefulClose.ts';
import { type Micros, SECOND } from '../../src/core/base/time.ts';
import { Lab, type LabHost } from '../../src/lab/lab.ts';
import type { Socket } from '../../src/node/nodeStack.ts';
import { ManualTimers } from './manualTimers.ts';
import { fateOf } from './proxied.ts';
import { inAllWorlds, type World } from './worlds.ts';

/** One connection in a lab, seen from the side that closes. */
interface Closing {
  readonly lab: Lab;
  readonly ours: Socket;
  readonly theirs: Socket;
  readonly us: LabHost;
  readonly them: LabHost;
}

async function connected(): Promise<Closing> {
  const lab = new Lab();
  const us = lab.host('client');
  const them = lab.host('server');
  const accepted: Socket[] = [];
  them.net
    .createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      accepted.push(socket);
    })
    .listen(80);
  const ours = us.net.connect({ host: them.ip, port: 80, allowHalfOpen: true });
  await lab.until(() => accepted.length > 0 && !ours.connecting);
  const [theirs] = accepted;
  if (theirs === undefined) throw new Error('nobody was accepted');
  return { lab, ours, theirs, us, them };
}

/** Closes, and waits for the outcome. @returns it, and the time that it took */
async function close({ lab, ours }: Closing, graceMs?: number): Promise<[string, Micros]> {
  const begun = lab.now;
  let outcome = '';
  let at: Micros = 0;
  const options = { timers: lab.timers, ...(graceMs !== undefined && { graceMs }) };
  gracefulClose(ours, options).then((how) => {
    outcome = how;
    at = lab.now;
  });
  await lab.until(() => outcome !== '');
  return [outcome, at - begun];
}

function statesOf(host: LabHost): string[] {
  return host.connections.map(({ state }) => state);
}

test('a peer that ends in time: closed, as soon as it has', async (t) => {
  const all = await connected();
  all.theirs.on('end', () => all.theirs.end('bye'));
  all.theirs.resume();
  const [outcome, took] = await close(all);
  t.is(outcome, 'closed');
  t.true(took < SECOND);
  t.is(all.lab.resets(), 0);
  t.deepEqual(statesOf(all.us), ['TIME-WAIT']);
  await all.lab.passes(10 * SECOND);
  t.is(all.lab.resets(), 0); // the grace is over, and means nothing any more
});

test('a peer that never ends: reset after 5 s, and neither side keeps anything', async (t) => {
  const all = await connected();
  all.theirs.resume();
  const [outcome, took] = await close(all);
  t.is(outcome, 'reset');
  t.true(took >= 5 * SECOND && took < 5.1 * SECOND);
  t.deepEqual(statesOf(all.us), []); // else it would be FIN-WAIT-2
  await all.lab.passes(SECOND);
  t.deepEqual(statesOf(all.them), []); // else it would be CLOSE-WAIT
  t.is(all.lab.resets(), 1);
});

test('a peer that sends on and on: it is read, thrown away, and reset', async (t) => {
  const all = await connected();
  const seen: unknown[] = [];
  all.ours.on('data', (chunk) => seen.push(chunk));
  let sent = 0;
  const sending = (): void => {
    if (all.theirs.destroyed) return;
    all.theirs.write(Buffer.alloc(100_000));
    sent += 100_000;
    all.lab.timers.setTimeout(sending, 100);
  };
  sending();
  const [outcome, took] = await close(all, 3000);
  t.is(outcome, 'reset');
  t.true(took >= 3 * SECOND && took < 3.1 * SECOND);
  t.deepEqual(seen, []);
  t.true(sent >= 2_900_000); // more than all buffers hold: so it was read
  await all.lab.passes(SECOND);
  t.deepEqual([statesOf(all.us), statesOf(all.them)], [[], []]);
});

test('data before the end of the peer: it is read to the end', async (t) => {
  const all = await connected();
  all.ours.pause();
  all.theirs.resume().end(Buffer.alloc(3_000_000));
  await all.lab.passes(SECOND);
  const [outcome] = await close(all);
  t.is(outcome, 'closed');
  t.is(all.ours.bytesRead, 3_000_000);
  await all.lab.passes(SECOND);
  t.is(all.lab.resets(), 0);
});

test('CLOSE-WAIT: a peer that has ended before', async (t) => {
  const all = await connected();
  all.theirs.resume().end();
  await all.lab.passes(SECOND);
  t.deepEqual(statesOf(all.us), ['CLOSE-WAIT']);
  const [outcome] = await close(all);
  t.is(outcome, 'closed');
  await all.lab.passes(SECOND);
  t.deepEqual(statesOf(all.us), []);
  t.is(all.lab.resets(), 0);
});

test('a peer that resets, and one that dies, in the grace', async (t) => {
  const resetting = await connected();
  resetting.theirs.on('end', () => resetting.theirs.resetAndDestroy());
  resetting.theirs.resume();
  const [outcome, took] = await close(resetting);
  t.is(outcome, 'reset');
  t.true(took < SECOND);
  const dying = await connected();
  dying.them.crash();
  t.is((await close(dying))[0], 'reset');
  t.deepEqual(statesOf(dying.us), []);
});

test('a connection that is not open yet is given up after the grace', async (t) => {
  const lab = new Lab();
  const us = lab.host('client');
  const them = lab.host('server');
  them.path = 'black-hole';
  const ours = us.net.connect({ host: them.ip, port: 80 });
  await lab.passes(SECOND);
  t.deepEqual(statesOf(us), ['SYN-SENT']);
  const [outcome, took] = await close({ lab, ours, theirs: ours, us, them });
  t.is(outcome, 'reset');
  t.true(took >= 5 * SECOND && took < 5.1 * SECOND);
  t.deepEqual(statesOf(us), []);
});

test('octets that the peer does not read do not hold the close up', async (t) => {
  const all = await connected();
  all.ours.write(Buffer.alloc(5_000_000));
  all.theirs.pause();
  const [outcome] = await close(all);
  t.is(outcome, 'reset');
  t.deepEqual(statesOf(all.us), []);
});

test('a grace that cannot be is refused, and leaves the socket as it is', async (t) => {
  const { ours } = await connected();
  for (const graceMs of [0, -1, Number.NaN, 2 ** 31]) {
    t.throws(() => gracefulClose(ours, { graceMs }), { instanceOf: RangeError });
  }
  t.true(ours.writable);
});

inAllWorlds('twice is once: the same promise, and a destroy changes nothing', async (world, t) => {
  const { ours, theirs } = await openPair(world, t);
  theirs.resume();
  const first = gracefulClose(ours, { graceMs: 50 });
  t.is(gracefulClose(ours), first);
  t.is(await first, 'reset');
  t.is(gracefulClose(ours), first);
  ours.destroy();
  ours.resetAndDestroy();
  t.is(await gracefulClose(ours), 'reset');
});

inAllWorlds('a peer that ends too: closed', async (world, t) => {
  const { ours, theirs } = await openPair(world, t);
  const timers = new ManualTimers();
  theirs.on('end', () => theirs.end());
  theirs.resume();
  const closing = gracefulClose(ours, { timers });
  t.is(timers.pending, 1);
  t.is(await closing, 'closed');
  t.is(timers.pending, 0);
  t.true(ours.destroyed);
  t.is(await gracefulClose(ours), 'closed');
  const late = await openPair(world, t);
  late.ours.destroy();
  t.is(await gracefulClose(late.ours), 'closed');
});

inAllWorlds('a second close cannot hit the connection that comes after', async (world, t) => {
  const first = await openPair(world, t);
  const fate = fateOf(first.theirs);
  await gracefulClose(first.ours, { graceMs: 20 });
  t.is(await fate, 'end'); // the reset came after it
  const next = await openPair(world, t);
  await gracefulClose(first.ours);
  first.ours.destroy();
  first.ours.resetAndDestroy();
  const heard = once(next.theirs, 'data');
  next.ours.write('still ours');
  t.is(String((await heard)[0]), 'still ours');
});

/** Both ends of a connection. */
async function openPair(world: World, t: ExecutionContext) {
  const server = world.server.createServer({ allowHalfOpen: true });
  server.listen({ port: 0, host: world.serverHost });
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const accepting = once(server, 'connection');
  const ours = world.back.connect({ host: world.serverHost, port, allowHalfOpen: true });
  const [[theirs]] = await Promise.all([accepting, once(ours, 'connect')]);
  server.close();
  theirs.on('error', () => {});
  t.teardown(() => {
    ours.destroy();
    theirs.destroy();
  });
  return { ours, theirs };
}

/** A table of descriptors as a system has it: a new one gets the smallest number that is free. */
class Descriptors {
  readonly #table: (Socket | undefined)[] = [];

  open(socket: Socket): number {
    const free = this.#table.indexOf(undefined);
    const fd = free === -1 ? this.#table.length : free;
    this.#table[fd] = socket;
    return fd;
  }

  /** @returns false: EBADF */
  close(fd: number): boolean {
    const socket = this.#table[fd];
    this.#table[fd] = undefined;
    socket?.destroy();
    return socket !== undefined;
  }
}

test('a second close of a number closes a stranger; of a handle it closes nothing', async (t) => {
  const lab = new Lab();
  const us = lab.host('client');
  const them = lab.host('server');
  them.net.createServer((socket) => socket.resume()).listen(80);
  const open = async (): Promise<Socket> => {
    const socket = us.net.connect({ host: them.ip, port: 80 });
    await lab.until(() => !socket.connecting);
    return socket;
  };
  const table = new Descriptors();
  const fd = table.open(await open());
  table.close(fd); // in one place of the program ...
  const stranger = await open();
  t.is(table.open(stranger), fd); // the number is given to somebody else
  t.true(table.close(fd)); // ... and in another one: no error tells of it
  t.true(stranger.destroyed);

  const ours = await open();
  const closing = gracefulClose(ours, { timers: lab.timers });
  await lab.until(() => ours.destroyed);
  const other = await open();
  t.is(gracefulClose(ours, { timers: lab.timers }), closing);
  ours.destroy();
  await lab.passes(60 * SECOND);
  t.false(other.destroyed);
  t.is(other.readyState, 'open');
});
