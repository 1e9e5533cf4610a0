import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http, { type IncomingMessage, type RequestOptions, type ServerResponse } from 'node:http';
import http2 from 'node:http2';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import tls from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import {
  closed,
  connected,
  differential,
  listening,
  octets,
  onBoth,
  type World,
} from './worlds.ts';

/** An HTTP server that is served by a server of the world; it counts the connections. */
interface Site {
  readonly http: http.Server;
  readonly port: number;
  connections(): number;
  close(): Promise<void>;
}

async function serve(
  world: World,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Site> {
  const site = http.createServer(onRequest);
  let count = 0;
  const server: Server = world.server.createServer((socket) => {
    count++;
    site.emit('connection', socket);
  });
  const port = await listening(server, world.host);
  return {
    http: site,
    port,
    connections: () => count,
    close: async () => {
      server.close();
      site.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** An agent whose connections are made by the client of the world. */
function agentOf(world: World, options: http.AgentOptions): http.Agent {
  const agent = new http.Agent(options);
  agent.createConnection = world.client.connect as typeof agent.createConnection;
  return agent;
}

async function request(options: RequestOptions, body?: Uint8Array): Promise<IncomingMessage> {
  const sent = http.request(options);
  const answered = once(sent, 'response');
  sent.end(body);
  const [response] = await answered;
  return response;
}

onBoth('http: 20 requests use one connection of a keep-alive agent', async (world, t) => {
  const site = await serve(world, (incoming, response) =>
    response.end(`you asked ${incoming.url}`),
  );
  const agent = agentOf(world, { keepAlive: true, maxSockets: 1 });
  for (let i = 0; i < 20; i++) {
    const path = `/${i}`;
    const response = await request({ host: world.host, port: site.port, path, agent });
    t.is(await text(response), `you asked ${path}`);
  }
  t.is(site.connections(), 1);
  agent.destroy();
  await site.close();
});

onBoth('http: 200 parallel requests', async (world, t) => {
  const site = await serve(world, (incoming, response) =>
    response.end(`answer to ${incoming.url}`),
  );
  const agent = agentOf(world, { keepAlive: true, maxSockets: 50 });
  const answers = await Promise.all(
    Array.from({ length: 200 }, async (_, i) =>
      text(await request({ host: world.host, port: site.port, path: `/${i}`, agent })),
    ),
  );
  t.deepEqual(
    answers,
    answers.map((_, i) => `answer to /${i}`),
  );
  t.true(site.connections() <= 50);
  agent.destroy();
  await site.close();
});

onBoth('http: 200 connections at once, each for one request', async (world, t) => {
  const site = await serve(world, (_, response) => response.end('ok'));
  const agent = agentOf(world, { keepAlive: false });
  const answers = await Promise.all(
    Array.from({ length: 200 }, async () =>
      text(await request({ host: world.host, port: site.port, agent })),
    ),
  );
  t.true(answers.every((answer) => answer === 'ok'));
  t.is(site.connections(), 200);
  await site.close();
});

onBoth('http: an upload of 1 MiB arrives unchanged', async (world, t) => {
  const site = await serve(world, (incoming, response) => {
    buffer(incoming).then(
      (body) => response.end(sha256(body)),
      () => response.destroy(),
    );
  });
  const body = octets(1 << 20);
  const createConnection = () => world.client.connect(site.port, world.host);
  const to = { host: world.host, port: site.port, method: 'PUT', createConnection };
  t.is(await text(await request(to, body)), sha256(body));
  await site.close();
});

onBoth('http: a chunked answer, pipelined requests, and Expect: 100-continue', async (world, t) => {
  const site = await serve(world, (incoming, response) => {
    response.write(`${incoming.method} `);
    response.end(incoming.url);
  });
  const socket = world.client.connect(site.port, world.host);
  socket.write('GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n');
  socket.write('GET /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  const answers = await text(socket);
  t.deepEqual(answers.match(/\/[abc]\b/g), ['/a', '/b', '/c']);
  const sent = http.request({
    host: world.host,
    port: site.port,
    method: 'POST',
    headers: { Expect: '100-continue' },
    createConnection: () => world.client.connect(site.port, world.host),
  });
  const answered = once(sent, 'response');
  sent.flushHeaders();
  await once(sent, 'continue');
  sent.end('body');
  const [response] = await answered;
  t.is(await text(response), 'POST /');
  await site.close();
});

differential('http: a server that is destroyed in the middle: socket hang up', async (world) => {
  const site = await serve(world, (incoming) => incoming.socket.destroy());
  const agent = agentOf(world, { keepAlive: true });
  const sent = http.request({ host: world.host, port: site.port, agent });
  sent.end();
  const [error] = await once(sent, 'error');
  agent.destroy();
  await site.close();
  return { code: error.code, message: error.message };
});

differential('http: the timeout of a request', async (world) => {
  const site = await serve(world, () => {});
  const sent = http.request({
    host: world.host,
    port: site.port,
    timeout: 20,
    agent: agentOf(world, {}),
  });
  const log: string[] = [];
  sent.on('timeout', () => {
    log.push('timeout');
    sent.destroy();
  });
  sent.on('error', (error) => log.push(error.message));
  const closing = new Promise((resolve) => sent.once('close', resolve));
  sent.end();
  await closing;
  await site.close();
  return { log };
});

onBoth('http: upgrade hands the socket over', async (world, t) => {
  const site = await serve(world, () => {});
  site.http.on('upgrade', (_request, socket, head) => {
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n',
    );
    socket.write(head);
    socket.pipe(socket);
  });
  const sent = http.request({
    host: world.host,
    port: site.port,
    headers: { Connection: 'Upgrade', Upgrade: 'echo' },
    agent: agentOf(world, {}),
  });
  sent.end();
  const [, socket] = await once(sent, 'upgrade');
  socket.end('echo this');
  t.is(await text(socket), 'echo this');
  await site.close();
});

onBoth('http2: 50 streams on one connection', async (world, t) => {
  const site = http2.createServer((incoming, response) => response.end(`h2 ${incoming.url}`));
  const server = world.server.createServer((socket) => site.emit('connection', socket));
  const port = await listening(server, world.host);
  const session = http2.connect(`http://${world.host}:${port}`, {
    createConnection: () => world.client.connect(port, world.host),
  });
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, i) => text(session.request({ ':path': `/${i}` }))),
  );
  t.deepEqual(
    answers,
    answers.map((_, i) => `h2 /${i}`),
  );
  session.close();
  await once(session, 'close');
  server.close();
  await once(server, 'close');
});

onBoth('stream: 8 MiB in both directions at once', async (world, t) => {
  const halfOpen = { clientHalfOpen: true, serverHalfOpen: true };
  const { client, accepted } = await connected(world, halfOpen);
  const [up, down] = [octets(8 << 20), octets(8 << 20).reverse()];
  Readable.from(slices(up)).pipe(client);
  Readable.from(slices(down)).pipe(accepted);
  const [received, sent] = await Promise.all([allOf(accepted), allOf(client)]);
  t.true(received.equals(up));
  t.true(sent.equals(down));
  await closed(client, accepted);
});

onBoth('stream: pipeline through an echoing server', async (world, t) => {
  const { client, accepted } = await connected(world, { serverHalfOpen: true });
  const body = octets(3_000_000);
  const echoing = pipeline(accepted, accepted);
  client.end(body);
  t.true((await buffer(client)).equals(body));
  await echoing;
  await closed(client, accepted);
});

/** All that arrives; unlike `buffer` it leaves the socket as it is, which may have more to send. */
async function allOf(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  await once(socket, 'end');
  return Buffer.concat(chunks);
}

function* slices(body: Buffer): Generator<Buffer> {
  for (let at = 0; at < body.length; at += 50_000) yield body.subarray(at, at + 50_000);
}

function sha256(body: Uint8Array): string {
  return createHash('sha256').update(body).digest('hex');
}

const certificate = selfSigned();

for (const title of ['tls: tls.connect({ socket }) and a TLS server']) {
  if (certificate === null) test.skip(`${title}: openssl is needed for a certificate`, () => {});
  else onBoth(title, (world, t) => tlsEcho(world, t, certificate));
}

async function tlsEcho(
  world: World,
  t: ExecutionContext,
  { key, cert }: { key: Buffer; cert: Buffer },
): Promise<void> {
  // TLS of Node ends its own side later than an underlying socket without a handle would by itself.
  const server = world.server.createServer({ allowHalfOpen: true }, (socket) => {
    const secure = new tls.TLSSocket(socket, { isServer: true, key, cert });
    secure.pipe(secure);
  });
  const port = await listening(server, world.host);
  const raw = world.client.connect({ port, host: world.host, allowHalfOpen: true });
  const secure = tls.connect({ socket: raw, ca: [cert], servername: 'glass.example' });
  await once(secure, 'secureConnect');
  t.true(secure.authorized);
  const body = octets(500_000);
  secure.end(body);
  t.true((await buffer(secure)).equals(body));
  server.close();
  await once(server, 'close');
}

/** A certificate for glass.example; null where there is no openssl. */
function selfSigned(): { key: Buffer; cert: Buffer } | null {
  const folder = mkdtempSync(join(tmpdir(), 'glasstcp-'));
  const [keyFile, certFile] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const wanted = '-x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2';
  const names = ['-subj', '/CN=glass.example', '-addext', 'subjectAltName=DNS:glass.example'];
  try {
    execFileSync(
      'openssl',
      ['req', ...wanted.split(' '), ...names, '-keyout', keyFile, '-out', certFile],
      { stdio: 'ignore' },
    );
    return { key: readFileSync(keyFile), cert: readFileSync(certFile) };
  } catch {
    return null;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
