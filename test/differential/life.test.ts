import { once } from 'node:events';
import {
  closed,
  connected,
  describe,
  differential,
  listening,
  loopRound,
  octets,
  shape,
  watch,
} from './worlds.ts';

differential('both ends send and end: the order of events', async (world) => {
  const server = world.server.createServer();
  const port = await listening(server, world.host);
  let accepted: string[] = [];
  const done = once(server, 'connection').then(([socket]) => {
    accepted = watch(socket);
    socket.end('from the server');
    return closed(socket);
  });
  const client = world.client.connect(port, world.host);
  const log = watch(client);
  client.end('from the client');
  await Promise.all([done, closed(client)]);
  server.close();
  // When the FIN is on its way depends on how fast the network is.
  const others = (event: string): boolean => event !== 'finish';
  return { client: log.filter(others), accepted: accepted.filter(others) };
});

differential('allowHalfOpen false: the end of the peer is answered with end()', async (world) => {
  const { client, accepted } = await connected(world);
  const logs = { client: watch(client), accepted: watch(accepted) };
  client.end('request');
  await closed(client, accepted);
  return { ...logs, states: [client.readyState, accepted.readyState] };
});

differential('half-open: the client ends, the server answers later', async (world) => {
  const { client, accepted } = await connected(world, { serverHalfOpen: true });
  const logs = { client: watch(client), accepted: watch(accepted) };
  client.end('request');
  await once(accepted, 'end');
  const between = [client.readyState, accepted.readyState, accepted.writable];
  accepted.write('late ');
  accepted.end('answer');
  await closed(client, accepted);
  return { client: logs.client.filter(isNoData), accepted: logs.accepted, between };
});

differential('half-open: the server ends, the client goes on', async (world) => {
  const { client, accepted } = await connected(world, { clientHalfOpen: true });
  const logs = { client: watch(client), accepted: watch(accepted) };
  accepted.end();
  await once(client, 'end');
  const between = [client.readyState, accepted.readyState];
  client.end('still here');
  await closed(client, accepted);
  return { ...logs, between };
});

differential('write after end()', async (world) => {
  const { client, accepted } = await connected(world, { serverHalfOpen: true });
  const log = watch(client);
  accepted.resume();
  client.end();
  const result = client.write('too late', (error) => log.push(`callback ${describe(error)}`));
  await closed(client);
  accepted.destroy();
  return { log, result };
});

differential('write after the peer has ended, without half-open', async (world) => {
  const { client, accepted } = await connected(world);
  client.resume();
  client.on('error', () => {});
  accepted.end();
  await once(client, 'finish');
  const log = watch(client, true);
  const result = client.write('too late', (error) => log.push(`callback ${describe(error)}`));
  await closed(client, accepted);
  return { log, result };
});

differential('ECONNREFUSED', async (world) => {
  const server = world.server.createServer();
  const port = await listening(server, world.host);
  server.close();
  await once(server, 'close');
  const client = world.client.connect(port, world.host);
  const log = watch(client);
  const [error] = await once(client, 'error');
  await closed(client);
  return { log, error: shape(error, world, port), state: client.readyState };
});

differential('resetAndDestroy: ECONNRESET at the other end', async (world) => {
  const { client, accepted, port } = await connected(world);
  const logs = { client: watch(client), accepted: watch(accepted) };
  const failing = once(client, 'error');
  accepted.resetAndDestroy();
  const [error] = await failing;
  await closed(client, accepted);
  return { ...logs, error: shape(error, world, port) };
});

differential('resetAndDestroy while connecting, and of a closed socket', async (world) => {
  const server = world.server.createServer((socket) => socket.on('error', () => {}));
  const port = await listening(server, world.host);
  const client = world.client.connect(port, world.host);
  const log = watch(client);
  client.resetAndDestroy();
  const state = client.readyState;
  await closed(client);
  const fresh = new world.client.Socket();
  const other = watch(fresh);
  fresh.resetAndDestroy();
  await closed(fresh);
  server.close();
  return { log, state, other };
});

differential('destroy with an error: the other end sees an end', async (world) => {
  const { client, accepted } = await connected(world);
  const logs = { client: watch(client), accepted: watch(accepted) };
  client.destroy(new Error('enough'));
  await closed(client, accepted);
  return logs;
});

differential('destroy with unread octets: the other end is reset', async (world) => {
  const { client, accepted } = await connected(world);
  const log = watch(client);
  accepted.pause();
  client.write('unread');
  await once(accepted, 'readable');
  // One chunk is in the stream, another one in the connection.
  client.write(octets(100_000));
  await loopRound();
  await loopRound();
  accepted.destroy();
  await closed(client, accepted);
  return { log: log.filter((event) => event !== 'drain') };
});

differential('destroy while connecting', async (world) => {
  const server = world.server.createServer((socket) => socket.on('error', () => {}));
  const port = await listening(server, world.host);
  const client = world.client.connect(port, world.host);
  const log = watch(client);
  client.write('never sent', (error) => log.push(`callback ${describe(error)}`));
  client.destroy();
  const flags = [client.connecting, client.pending, client.destroyed, client.readyState];
  await closed(client);
  server.close();
  return { log: log.sort(), flags }; // the order of these two means nothing
});

differential('connect again after close', async (world) => {
  const server = world.server.createServer((socket) => socket.end('hello'));
  const port = await listening(server, world.host);
  const client = world.client.connect(port, world.host);
  const log = watch(client);
  await closed(client);
  client.connect(port, world.host);
  const flags = [client.destroyed, client.connecting, client.readyState];
  await once(client, 'close');
  server.close();
  return { log, flags, bytes: client.bytesRead };
});

differential('what is written before the connection is open', async (world) => {
  const server = world.server.createServer();
  const port = await listening(server, world.host);
  const accepting = once(server, 'connection');
  const client = world.client.connect(port, world.host);
  const before = [client.bytesWritten, client.pending];
  client.write('one ');
  client.write('two ');
  client.end('three');
  const written = [client.bytesWritten, client.writableLength];
  const [accepted] = await accepting;
  const chunks: Buffer[] = [];
  accepted.on('data', (chunk: Buffer) => chunks.push(chunk));
  await closed(client, accepted);
  server.close();
  return { before, written, text: Buffer.concat(chunks).toString(), total: client.bytesWritten };
});

differential('readyState and flags through a life', async (world) => {
  const server = world.server.createServer({ allowHalfOpen: true });
  const port = await listening(server, world.host);
  const states: unknown[] = [];
  const client = new world.client.Socket({ allowHalfOpen: true });
  const note = (): void => {
    const { readyState, connecting, pending, destroyed, readable, writable } = client;
    states.push([readyState, connecting, pending, destroyed, readable, writable]);
  };
  note();
  const accepting = once(server, 'connection');
  client.connect(port, world.host);
  note();
  const [[accepted]] = await Promise.all([accepting, once(client, 'connect')]);
  note();
  client.end();
  accepted.resume();
  await once(accepted, 'end');
  note();
  client.resume();
  accepted.end();
  await closed(client);
  note();
  server.close();
  return { states };
});

differential('read and written octets are counted, and remain', async (world) => {
  const { client, accepted } = await connected(world);
  accepted.resume();
  client.resume();
  client.write(octets(1000));
  client.write('ü');
  accepted.write('answer');
  client.end();
  await closed(client, accepted);
  const counts = [client, accepted].map((socket) => [socket.bytesRead, socket.bytesWritten]);
  return { counts };
});

differential('addresses of both ends, and after destroy', async (world) => {
  const { client, accepted, port } = await connected(world);
  const equal = (value: unknown): unknown =>
    value === world.host ? 'HOST' : value === port ? 'PORT' : value;
  const before = [
    equal(client.remoteAddress),
    equal(client.remotePort),
    client.remoteFamily,
    client.localFamily,
    equal(accepted.localAddress),
    equal(accepted.localPort),
    accepted.remotePort === client.localPort,
    accepted.remoteAddress === client.localAddress,
  ];
  client.destroy();
  accepted.resume();
  await closed(client, accepted);
  const after = [client.address(), client.localAddress, equal(client.remoteAddress)];
  const never = new world.client.Socket();
  const unconnected = [never.address(), never.remoteAddress, never.localPort, never.bytesRead];
  return { before, after, unconnected };
});

differential('a socket that was never connected', async (world) => {
  const socket = new world.client.Socket();
  const log = watch(socket);
  const result = socket.write('nowhere', (error) => log.push(`callback ${describe(error)}`));
  await closed(socket);
  const other = new world.client.Socket();
  const quiet = watch(other);
  other.destroy();
  await closed(other);
  return { log, result, quiet };
});

function isNoData(event: string): boolean {
  return !event.startsWith('data');
}
