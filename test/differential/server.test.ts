import { once } from 'node:events';
import type { Socket } from 'node:net';
import {
  closed,
  connected,
  describe,
  differential,
  isAddressInfo,
  listening,
  loopRound,
  portOf,
  shape,
  watch,
} from './worlds.ts';

differential('EADDRINUSE comes as an event, and the server may try again', async (world) => {
  const first = world.server.createServer();
  const port = await listening(first, world.host);
  const second = world.server.createServer();
  second.listen(port, world.host);
  const [error] = await once(second, 'error');
  const between = second.listening;
  first.close();
  await once(first, 'close');
  second.listen(port, world.host);
  await once(second, 'listening');
  const after = second.listening;
  second.close();
  await once(second, 'close');
  return { error: shape(error, world, port), between, after };
});

differential('listen, address, close: events and callbacks', async (world) => {
  const log: string[] = [];
  const server = world.server.createServer();
  for (const event of ['listening', 'close']) server.on(event, () => log.push(event));
  const before = [server.listening, server.address()];
  const same = server.listen({ port: 0, host: world.host, backlog: 5 }, () => log.push('callback'));
  await once(server, 'listening');
  const address = server.address();
  const known = isAddressInfo(address) && [address.address === world.host, address.family];
  let twice = 'no error';
  try {
    server.listen(0, world.host);
  } catch (error) {
    twice = describe(error);
  }
  server.close((error) => log.push(`closed ${describe(error)}`));
  await once(server, 'close');
  await loopRound();
  const after = [server.listening, server.address()];
  server.close((error) => log.push(`again ${describe(error)}`));
  await once(server, 'close');
  await loopRound();
  return { before, same: same === server, known, twice, after, log };
});

differential('close() waits for the connections', async (world) => {
  const { client, accepted, server, port } = await connected(world);
  const log: string[] = [];
  server.on('close', () => log.push('server'));
  accepted.on('close', () => log.push('socket'));
  await loopRound();
  await loopRound();
  const refused = world.client.connect(port, world.host);
  const [error] = await once(refused, 'error');
  const before = [...log];
  const count = await connections(server);
  client.end();
  await Promise.all([once(server, 'close'), closed(client, accepted)]);
  return { before, log, count, error: describe(error), after: await connections(server) };
});

differential('getConnections counts what is open', async (world) => {
  const server = world.server.createServer();
  const port = await listening(server, world.host);
  const counts = [await connections(server)];
  const sockets: Socket[] = [];
  for (let i = 0; i < 3; i++) {
    const accepting = once(server, 'connection');
    sockets.push(world.client.connect(port, world.host));
    const [accepted] = await accepting;
    accepted.resume();
    counts.push(await connections(server));
  }
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, 'close');
  counts.push(await connections(server));
  return { counts };
});

differential('maxConnections: one more is dropped', async (world) => {
  const server = world.server.createServer();
  server.maxConnections = 1;
  const port = await listening(server, world.host);
  const accepting = once(server, 'connection');
  const first = world.client.connect(port, world.host);
  const [accepted] = await accepting;
  accepted.resume();
  const dropping = once(server, 'drop');
  const second = world.client.connect(port, world.host);
  const log = watch(second);
  const [ends] = await dropping;
  await closed(second);
  first.destroy();
  server.close();
  await once(server, 'close');
  return { log, ends: Object.keys(ends).sort(), port: ends.localPort === port };
});

differential('pauseOnConnect: nothing is read before resume', async (world) => {
  const server = world.server.createServer({ pauseOnConnect: true });
  const port = await listening(server, world.host);
  const accepting = once(server, 'connection');
  const client = world.client.connect(port, world.host);
  const [accepted] = await accepting;
  client.end('hello');
  await once(client, 'finish');
  const log = watch(accepted);
  for (let i = 0; i < 5; i++) await loopRound();
  const before = [accepted.isPaused(), accepted.bytesRead, log.length];
  accepted.resume();
  await closed(accepted, client);
  server.close();
  return { before, log };
});

differential('a connection is announced once, with its socket', async (world) => {
  const calls: string[] = [];
  const server = world.server.createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
    calls.push(`listener ${socket.allowHalfOpen} ${socket.readyState} ${socket.connecting}`),
  );
  server.on('connection', () => calls.push('event'));
  const port = await listening(server, world.host);
  const accepting = once(server, 'connection');
  const client = world.client.connect(port, world.host);
  const [accepted] = await accepting;
  client.destroy();
  accepted.destroy();
  await closed(client, accepted);
  server.close();
  return { calls, isSocket: accepted instanceof world.server.Socket };
});

differential('a signal closes the server', async (world) => {
  const controller = new AbortController();
  const server = world.server.createServer();
  server.listen({ port: 0, host: world.host, signal: controller.signal });
  await once(server, 'listening');
  controller.abort();
  await once(server, 'close');
  return { listening: server.listening };
});

differential('a signal destroys the socket', async (world) => {
  const server = world.server.createServer((socket) => socket.on('error', () => {}));
  const port = await listening(server, world.host);
  const controller = new AbortController();
  const socket = new world.client.Socket({ signal: controller.signal });
  const log = watch(socket);
  socket.connect(port, world.host);
  await once(socket, 'connect');
  controller.abort();
  await closed(socket);
  server.close();
  return { log };
});

differential('asyncDispose closes the server', async (world) => {
  const server = world.server.createServer();
  await listening(server, world.host);
  await server[Symbol.asyncDispose]();
  const first = server.listening;
  await server[Symbol.asyncDispose]();
  return { first };
});

differential('wrong arguments are refused at once', async (world) => {
  const refused = (call: () => unknown): unknown => {
    try {
      call();
    } catch (error) {
      return error instanceof Error ? [error.constructor.name, describe(error)] : error;
    }
    return 'accepted';
  };
  const server = world.server.createServer();
  return {
    port: refused(() => server.listen(65_536)),
    negative: refused(() => server.listen(-1)),
    connectPort: refused(() => world.client.connect(70_000, world.host)),
    noPort: refused(() => Reflect.apply(world.client.connect, null, [{}])),
    local: refused(() =>
      world.client.connect({ port: 1, host: world.host, localAddress: 'nowhere' }),
    ),
    timeout: refused(() => new world.client.Socket().setTimeout(-1)),
    timeoutType: refused(() =>
      Reflect.apply(new world.client.Socket().setTimeout, new world.client.Socket(), ['1']),
    ),
  };
});

differential('a name that nobody knows: ENOTFOUND', async (world) => {
  const log: string[] = [];
  const socket = world.client.connect({
    port: 1,
    host: 'nowhere.invalid',
    lookup: (name, _options, callback) => {
      log.push(`asked for ${name}`);
      const error = Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), {
        code: 'ENOTFOUND',
        syscall: 'getaddrinfo',
      });
      process.nextTick(callback, error, '');
    },
  });
  log.push(...watch(socket));
  const seen = watch(socket);
  await closed(socket);
  return { log, seen };
});

differential('a name that lookup knows', async (world) => {
  const server = world.server.createServer((socket) => socket.end());
  const port = await listening(server, world.host);
  const seen: unknown[] = [];
  const socket = world.client.connect({
    port,
    host: 'server.example',
    family: 4,
    lookup: (_name, _options, callback) => process.nextTick(callback, null, world.host, 4),
  });
  socket.on('lookup', (error, address, family, host) =>
    seen.push(error, address === world.host, family, host),
  );
  const log = watch(socket);
  await closed(socket);
  server.close();
  return { log, seen };
});

differential('port 0 gives each server its own', async (world) => {
  const one = world.server.createServer();
  const other = world.server.createServer();
  await listening(one, world.host);
  await listening(other, world.host);
  const differ = portOf(one) !== portOf(other);
  one.close();
  other.close();
  return { differ };
});

function connections(server: { getConnections: (cb: CountCallback) => unknown }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)));
  });
}

type CountCallback = (error: Error | null, count: number) => void;
