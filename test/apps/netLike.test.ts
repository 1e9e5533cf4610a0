import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import { HOST_TIMERS, resetSocket } from '../../src/apps/netLike.ts';
import { fateOf, proxied } from './proxied.ts';
import { comesAbout, fourStacks, inAllWorlds, type World } from './worlds.ts';

/** Both ends of a connection without a proxy. */
async function direct(world: World, t: ExecutionContext) {
  const server = world.server.createServer({ allowHalfOpen: true });
  server.listen({ port: 0, host: world.serverHost });
  await once(server, 'listening');
  const accepting = once(server, 'connection');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const ours = world.back.connect({ port, host: world.serverHost, allowHalfOpen: true });
  const connecting = once(ours, 'connect');
  t.teardown(() => {
    ours.destroy();
    server.close();
  });
  return { ours, connecting, accepting, server };
}

inAllWorlds(
  'a reset in the instant of the end: the socket closes without an error',
  async (world, t) => {
    const { ours, connecting, accepting } = await direct(world, t);
    const [[accepted]] = await Promise.all([accepting, connecting]);
    const errors: Error[] = [];
    ours.on('error', (error) => errors.push(error));
    ours.resume();
    ours.end('last words');
    resetSocket(ours);
    await once(ours, 'close');
    t.deepEqual(errors, []);
    t.true(ours.destroyed);
    resetSocket(ours); // has no effect
    accepted.on('error', () => {});
    accepted.destroy();
  },
);

inAllWorlds('a reset while connecting gives up at once', async (world, t) => {
  const { ours, server } = await direct(world, t);
  server.on('connection', (socket) => socket.on('error', () => {}));
  resetSocket(ours);
  t.true(ours.destroyed);
  await once(ours, 'close');
});

inAllWorlds('a reset of a writer that waits for its reader', async (world, t) => {
  const { ours, connecting, accepting } = await direct(world, t);
  const [[accepted]] = await Promise.all([accepting, connecting]);
  accepted.pause();
  ours.on('error', (error) => t.fail(error.message));
  ours.end(new Uint8Array(64 << 20));
  await once(accepted, 'readable');
  t.true(ours.writableLength > 0);
  resetSocket(ours);
  await once(ours, 'close');
  accepted.on('error', () => {});
  accepted.destroy();
});

test('a stack that is closed under the proxy resets the other side', async (t) => {
  const world = fourStacks();
  const all = await proxied(world, t);
  const { client, accepted } = await all.open();
  const fates = Promise.all([client, accepted].map(fateOf));
  const [, , back] = world.stacks;
  await back?.close();
  t.deepEqual(await fates, ['ECONNRESET', 'ECONNRESET']);
  await comesAbout(() => all.proxy.counters.active === 0);
  t.deepEqual(all.proxy.counters.resets, { clientToServer: 0, serverToClient: 1 });
  await Promise.all(world.stacks.map((stack) => stack.close()));
});

test('the timers of the process do not keep it running', (t) => {
  const timer = HOST_TIMERS.setTimeout(() => t.fail(), 1000);
  t.true(timer instanceof Object && 'hasRef' in timer);
  t.is(Reflect.apply(Reflect.get(Object(timer), 'hasRef'), timer, []), false);
  HOST_TIMERS.clearTimeout(timer);
});
