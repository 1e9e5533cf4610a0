import { once } from 'node:events';
import http from 'node:http';
import { connect as kernelConnect, createServer as kernelServer } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import test from 'ava';
import { ANY_ADDRESS, formatIpv4 } from '../../../src/core/base/address.ts';
import { MS, SECOND } from '../../../src/core/base/time.ts';
import { CLIENT_ADDRESS, connected, listening, pair, SERVER_ADDRESS, stackPair } from './link.ts';

const round = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('Socket: a reader that stops closes the receive window, and the writer stops', async (t) => {
  const stacks = pair(t, { config: { receiveBuffer: 65_536, sendBuffer: 65_536 } });
  const { client, accepted } = await connected(stacks);
  client.pause();
  accepted.write(Buffer.alloc(4 << 20));
  for (let i = 0; i < 200; i++) await round();
  // One chunk went to the stream, and filled it.
  t.true(client.bytesRead <= 65_536);
  const { connection } = client;
  // What is left is less than a segment: the sender waits (RFC 9293 3.8.6.2.1).
  t.true((connection?.readable ?? 0) > 65_536 - 1460);
  t.true((connection?.tcb.rcv.wnd ?? 65_536) < 1460);
  t.true((accepted.connection?.writable ?? 1 << 20) < 1 << 19);
  t.true(accepted.writableLength > 2 << 20);
  accepted.end();
  t.is((await buffer(client)).length, 4 << 20);
});

test('Socket: a write under way when it is destroyed did not succeed', async (t) => {
  const { client, accepted } = await connected(pair(t));
  accepted.pause();
  const written = new Promise((resolve) => client.write(Buffer.alloc(64 << 20), resolve));
  await round();
  client.destroy();
  const error = await written;
  t.true(error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_DESTROYED');
});

test('Socket: setKeepAlive takes milliseconds, and probes end a dead connection', async (t) => {
  const stacks = pair(t);
  const { client, accepted } = await connected(stacks);
  client.setKeepAlive(true, 7000);
  t.like(client.connection?.tcb.config, { keepAlive: true, keepAliveIdle: 7 * SECOND });
  client.setKeepAlive(true, 0, 2000, 4);
  t.like(client.connection?.tcb.config, {
    keepAliveIdle: 7 * SECOND,
    keepAliveInterval: 2 * SECOND,
    keepAliveCount: 4,
  });
  client.setKeepAlive();
  t.false(client.connection?.tcb.config.keepAlive);
  accepted.unref();
  stacks.serverDevice.loses = () => true;
  const failing = once(client, 'error');
  client.setKeepAlive({ initialDelay: 2, interval: 1, count: 2, probeOctets: 1 });
  t.like(client.connection?.tcb.config, { keepAlive: true, keepAliveProbeOctets: 1 });
  const [error] = await failing;
  t.is(error.message, 'read ETIMEDOUT');
});

test('Socket: settings before connect hold for the connection', async (t) => {
  const stacks = pair(t);
  const port = await listening(stacks.server.net.createServer());
  const socket = new stacks.client.net.Socket();
  socket.setNoDelay();
  socket.connect({ port, host: SERVER_ADDRESS, keepAlive: true, keepAliveInitialDelay: 3000 });
  await once(socket, 'connect');
  t.like(socket.connection?.tcb.config, {
    noDelay: true,
    keepAlive: true,
    keepAliveIdle: 3 * SECOND,
  });
  socket.on('error', () => {});
});

test('Socket: localAddress and localPort are our end', async (t) => {
  const stacks = pair(t);
  const port = await listening(stacks.server.net.createServer());
  const end = { localAddress: CLIENT_ADDRESS, localPort: 4321 };
  const socket = stacks.client.net.connect({ port, host: SERVER_ADDRESS, ...end });
  socket.on('error', () => {});
  await once(socket, 'connect');
  t.deepEqual(socket.address(), { address: CLIENT_ADDRESS, family: 'IPv4', port: 4321 });
  const again = stacks.client.net.connect({ port, host: SERVER_ADDRESS, ...end });
  const [inUse] = await once(again, 'error');
  t.is(inUse.message, `bind EADDRINUSE ${CLIENT_ADDRESS}:4321`);
  const foreign = { port, host: SERVER_ADDRESS, localAddress: '10.107.0.77' };
  const [notOurs] = await once(stacks.client.net.connect(foreign), 'error');
  t.is(notOurs.message, 'bind EADDRNOTAVAIL 10.107.0.77');
});

test('Socket: where no route leads', async (t) => {
  const { client } = pair(t);
  for (const host of ['192.0.2.1', '2001:db8::1', '255.255.255.255']) {
    const [error] = await once(client.net.connect(80, host), 'error');
    t.like(error, { code: 'ENETUNREACH', syscall: 'connect', address: host, port: 80 });
    t.regex(error.message, /^connect ENETUNREACH \S+:80 - Local \(0\.0\.0\.0:0\)$/);
  }
});

test('Socket: a peer that does not answer: ETIMEDOUT', async (t) => {
  const retries = { synRetries: 1, initialRto: MS, minRto: MS, maxRto: MS };
  const stacks = pair(t, { config: retries });
  const port = await listening(stacks.server.net.createServer());
  stacks.serverDevice.loses = (frame) => frame[12] === 8 && frame[13] === 0; // IPv4, not ARP
  const [error] = await once(stacks.client.net.connect(port, SERVER_ADDRESS), 'error');
  t.is(error.message, `connect ETIMEDOUT ${SERVER_ADDRESS}:${port}`);
});

test('Socket: a name is looked up by the host, and does not mean the stack', async (t) => {
  const { client } = pair(t);
  const socket = client.net.connect(80, 'localhost');
  const looked = once(socket, 'lookup');
  const [error] = await once(socket, 'error');
  t.is(error.code, 'ENETUNREACH');
  const [, address] = await looked;
  t.is(address, '127.0.0.1');
});

test('Socket: takes over an open connection', async (t) => {
  const { client, server } = pair(t);
  const listener = server.core.listen(ANY_ADDRESS, 4242, 5);
  const arriving = new Promise((resolve) => {
    listener.onAcceptable = () => resolve(null);
  });
  const socket = client.net.connect(4242, SERVER_ADDRESS);
  await arriving;
  const connection = listener.accept();
  if (connection === null) return t.fail();
  const taken = new server.net.Socket({ connection, allowHalfOpen: true });
  t.is(taken.readyState, 'open');
  t.is(taken.connection, connection);
  taken.end('hello');
  t.is(await text(socket), 'hello');
  t.is(formatIpv4(connection.tcb.remoteAddress), CLIENT_ADDRESS);
});

test('Socket: data and end in one batch with the handshake', async (t) => {
  const stacks = pair(t);
  const listener = stacks.server.net.createServer((socket) => socket.end('all at once'));
  const port = await listening(listener);
  const socket = stacks.client.net.connect(port, SERVER_ADDRESS);
  const log: string[] = [];
  for (const event of ['connect', 'ready', 'end', 'close']) socket.on(event, () => log.push(event));
  t.is(await text(socket), 'all at once');
  if (!socket.closed) await once(socket, 'close');
  await round();
  t.deepEqual(log, ['connect', 'ready', 'end', 'close']);
});

test('Socket: connect while it is connected is an error', async (t) => {
  const { client } = await connected(pair(t));
  client.connect(80, SERVER_ADDRESS);
  const [error] = await once(client, 'error');
  t.is(error.message, `connect EISCONN ${SERVER_ADDRESS}:80`);
});

test('Net: local sockets do not exist', (t) => {
  const { client } = pair(t);
  const refused = { code: 'ERR_INVALID_ARG_VALUE' };
  t.throws(() => Reflect.apply(client.net.connect, null, ['/tmp/socket']), refused);
  t.throws(() => Reflect.apply(client.net.connect, null, [{ path: '/tmp/socket' }]), refused);
  const server = client.net.createServer();
  t.throws(() => Reflect.apply(server.listen, server, ['/tmp/socket']), refused);
});

test('Server: an address that is not ours', async (t) => {
  const { server } = pair(t);
  for (const host of ['10.107.0.99', '::1']) {
    const [error] = await once(server.net.createServer().listen(80, host), 'error');
    t.is(error.message, `listen EADDRNOTAVAIL: address not available ${host}:80`);
  }
  const any = server.net.createServer().listen(80, '::');
  await once(any, 'listening');
  t.deepEqual(any.address(), { address: '0.0.0.0', family: 'IPv4', port: 80 });
});

test('Server: more connections at once than a batch of frames', async (t) => {
  const { client, server } = pair(t);
  const listener = server.net.createServer((socket) => socket.end());
  listener.listen({ port: 0, backlog: 1000 });
  await once(listener, 'listening');
  const port = listener.address()?.port ?? 0;
  const sockets = Array.from({ length: 1000 }, () => client.net.connect(port, SERVER_ADDRESS));
  for (const socket of sockets) socket.resume();
  await Promise.all(sockets.map((socket) => once(socket, 'close')));
  listener.close();
  await once(listener, 'close');
  t.is(await new Promise((resolve) => listener.getConnections((_, n) => resolve(n))), 0);
});

test('Net: a proxy between a stack and the kernel is a pipe both ways', async (t) => {
  const { client, server } = pair(t);
  const echo = kernelServer((socket) => socket.pipe(socket));
  echo.listen(0, '127.0.0.1');
  await once(echo, 'listening');
  t.teardown(() => echo.close());
  const address = echo.address();
  const proxy = server.net.createServer({ allowHalfOpen: true }, (socket) => {
    if (address === null || typeof address === 'string') return;
    const to = { host: '127.0.0.1', port: address.port, allowHalfOpen: true };
    const way = kernelConnect(to);
    socket.pipe(way).pipe(socket);
  });
  const port = await listening(proxy);
  const socket = client.net.connect({ port, host: SERVER_ADDRESS, allowHalfOpen: true });
  const body = Buffer.alloc(3_000_000, 'there and back');
  socket.end(body);
  t.true((await buffer(socket)).equals(body));
});

test('Net: createConnection and connection events are what http wants, types included', async (t) => {
  const { client, server } = pair(t);
  const site = http.createServer((incoming, response) => response.end(incoming.url));
  const port = await listening(
    server.net.createServer((socket) => site.emit('connection', socket)),
  );
  const agent = new http.Agent({ keepAlive: true });
  agent.createConnection = client.net.createConnection;
  const to = { host: SERVER_ADDRESS, port };
  const { createConnection } = client.net;
  for (const way of [{ agent }, { createConnection }]) {
    const [response] = await once(http.get({ ...to, path: '/hello', ...way }), 'response');
    t.is(await text(response), '/hello');
  }
  agent.destroy();
  site.closeAllConnections();
});

test('Socket: with fastOpen what is written first goes along with the SYN, once there is a cookie', async (t) => {
  const stacks = stackPair({}, { config: { fastOpenServer: true, fastOpenBacklog: 8 } });
  t.teardown(() => stacks.client.close());
  t.teardown(() => stacks.server.close());
  const server = stacks.server.net.createServer((socket) => socket.pipe(socket));
  const port = await listening(server);
  for (const expected of [false, true]) {
    const socket = stacks.client.net.connect({ host: SERVER_ADDRESS, port, fastOpen: true });
    socket.end('hello');
    t.is(await text(socket), 'hello');
    t.is(socket.tcpInfo()?.synData, expected);
  }
});
