import test, { type ExecutionContext } from 'ava';
import { type HalfCloseProxyOptions, halfCloseProxy } from '../../src/apps/halfCloseProxy.ts';
import { digestOf, pseudoRandom } from '../../src/apps/pseudoRandom.ts';
import { MS, SECOND } from '../../src/core/base/time.ts';
import { Lab, type LabHost } from '../../src/lab/lab.ts';
import type { Server, Socket } from '../../src/node/nodeStack.ts';

const PORT = 80;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Three hosts of a lab, with a proxy on the one in the middle. */
/** Of a fixed size, so that what a connection holds does not depend on how it was read before. */
const BUFFERS = { sendBuffer: 1 << 20, receiveBuffer: 1 << 20 };

class ProxyLab {
  readonly lab = new Lab();
  readonly client: LabHost = this.lab.host('client', BUFFERS);
  readonly middle: LabHost = this.lab.host('proxy', BUFFERS);
  readonly server: LabHost = this.lab.host('server', BUFFERS);
  readonly events: string[] = [];
  readonly listener: Server;
  readonly accepted: Socket[] = [];
  readonly proxy;

  constructor(settings: Partial<HalfCloseProxyOptions> = {}) {
    this.listener = this.server.net.createServer({ allowHalfOpen: true }, (socket) => {
      this.accepted.push(socket);
    });
    this.listener.listen(PORT);
    this.proxy = halfCloseProxy({
      net: this.middle.net,
      upstream: { host: this.server.ip, port: PORT },
      timers: this.lab.timers,
      onEvent: ({ kind }) => this.events.push(kind),
      ...settings,
    });
  }

  /** Listens, and connects a client, at whose other end nothing must have happened yet. */
  async connect(): Promise<Watched> {
    const listening = this.proxy.listen({ port: PORT });
    await this.lab.until(() => this.middle.isListening(PORT));
    await listening;
    const to = { host: this.middle.ip, port: PORT, allowHalfOpen: true };
    return new Watched(this.client.net.connect(to), this.lab);
  }

  /** Opens a connection through the proxy. @returns its two far ends */
  async open(): Promise<[client: Watched, accepted: Watched]> {
    const client = await this.connect();
    await this.lab.until(() => this.events.includes('connected') && this.accepted.length > 0);
    const [accepted] = this.accepted;
    if (accepted === undefined) throw new Error('nobody was accepted');
    return [client, new Watched(accepted, this.lab)];
  }

  /** States of all connections but those in TIME-WAIT. */
  get states(): string[] {
    return [this.client, this.middle, this.server]
      .flatMap((host) => host.connections.map(({ state }) => state))
      .filter((state) => state !== 'TIME-WAIT');
  }
}

/** A socket, and what has become of it. */
class Watched {
  readonly socket: Socket;
  text = '';
  error = '';
  ended = false;
  /** When it closed, in µs; 0: it has not. */
  closedAt = 0;

  constructor(socket: Socket, lab: Lab) {
    this.socket = socket;
    socket.on('data', (chunk) => {
      this.text += String(chunk);
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? '';
    });
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('close', () => {
      this.closedAt = lab.now;
    });
  }
}

/** Is it this time, give or take a second? */
function isAbout(t: ExecutionContext, time: number, expected: number): void {
  t.true(Math.abs(time - expected) < SECOND, `${time / SECOND} s, not ${expected / SECOND} s`);
}

test('a half-closed connection goes on for hours, as long as something moves', async (t) => {
  const world = new ProxyLab();
  const { lab } = world;
  const [client, accepted] = await world.open();
  client.socket.end('request');
  await lab.until(() => accepted.ended);
  for (let i = 0; i < 75; i++) {
    await lab.passes(4 * MINUTE);
    accepted.socket.write('.');
  }
  accepted.socket.end('done');
  await lab.until(() => client.closedAt > 0 && accepted.closedAt > 0);
  t.is(client.text, `${'.'.repeat(75)}done`);
  t.deepEqual([client.error, accepted.error], ['', '']);
  t.true(lab.now - lab.start > 5 * HOUR);
  await lab.passes(SECOND);
  t.deepEqual(world.states, []);
  t.is(world.proxy.counters.active, 0);
  t.is(lab.resets(), 0);
});

test('without a limit a half-closed connection may be silent for a day', async (t) => {
  const world = new ProxyLab({ idleTimeoutMs: 0 });
  const { lab } = world;
  const [client, accepted] = await world.open();
  client.socket.end('request');
  await lab.passes(24 * HOUR);
  t.is(world.proxy.counters.active, 1);
  accepted.socket.end('answer');
  await lab.until(() => client.closedAt > 0);
  t.is(client.text, 'answer');
  t.is(lab.resets(), 0);
});

test('five minutes of silence in both directions reset both ends', async (t) => {
  const world = new ProxyLab();
  const { lab } = world;
  const [client, accepted] = await world.open();
  await lab.passes(3 * MINUTE);
  client.socket.write('one way is enough');
  await lab.passes(4 * MINUTE);
  accepted.socket.write('and so is the other one');
  await lab.until(() => client.text !== '');
  const last = lab.now;
  await lab.until(() => client.closedAt > 0 && accepted.closedAt > 0);
  isAbout(t, client.closedAt - last, 5 * MINUTE);
  t.deepEqual([client.error, accepted.error], ['ECONNRESET', 'ECONNRESET']);
  t.is(lab.resets(), 2);
  t.deepEqual(world.states, []);
  const { idleTimeouts, active, resets } = world.proxy.counters;
  t.deepEqual([idleTimeouts, active], [1, 0]);
  t.deepEqual(resets, { clientToServer: 0, serverToClient: 0 }); // none was passed on
  t.deepEqual(world.events, ['accepted', 'connected', 'idle', 'closed']);
});

test('the silence after a half-close counts too', async (t) => {
  const world = new ProxyLab();
  const { lab } = world;
  const [client, accepted] = await world.open();
  await lab.passes(4 * MINUTE);
  client.socket.end();
  await lab.until(() => accepted.ended);
  const last = lab.now;
  await lab.until(() => client.closedAt > 0);
  isAbout(t, client.closedAt - last, 5 * MINUTE);
  t.is(client.error, 'ECONNRESET');
  await lab.passes(SECOND);
  t.deepEqual(world.states, []); // neither FIN-WAIT-2 nor CLOSE-WAIT
});

for (const way of ['clientToServer', 'serverToClient'] as const) {
  test(`${way} alone may have a limit`, async (t) => {
    const world = new ProxyLab({ idleTimeoutMs: { [way]: 60_000 } });
    const { lab } = world;
    const ends = await world.open();
    const [silent, talking] = way === 'clientToServer' ? ends : [ends[1], ends[0]];
    const opened = lab.now;
    while (silent.closedAt === 0 && lab.now < opened + HOUR) {
      if (!talking.socket.destroyed) talking.socket.write('x');
      await lab.passes(5 * SECOND);
    }
    t.true(silent.closedAt - opened > 59 * SECOND && silent.closedAt - opened < 66 * SECOND);
    t.deepEqual([silent.error, talking.error], ['ECONNRESET', 'ECONNRESET']);
    t.is(world.proxy.counters.idleTimeouts, 1);
  });

  test(`${way}: a direction that has ended is not silent`, async (t) => {
    const world = new ProxyLab({ idleTimeoutMs: { [way]: 60_000 } });
    const { lab } = world;
    const ends = await world.open();
    const [ending, other] = way === 'clientToServer' ? ends : [ends[1], ends[0]];
    ending.socket.end();
    await lab.passes(HOUR);
    t.is(world.proxy.counters.idleTimeouts, 0);
    other.socket.end('late');
    await lab.until(() => ending.closedAt > 0);
    t.is(ending.text, 'late');
    t.is(ending.error, '');
  });
}

test('a slow reader is not silence', async (t) => {
  const world = new ProxyLab({ idleTimeoutMs: 60_000 });
  const { lab } = world;
  const [client, accepted] = await world.open();
  const size = 9_000_000;
  accepted.socket.pause();
  client.socket.end(Buffer.alloc(size));
  for (let i = 0; i < 5; i++) {
    await lab.passes(50 * SECOND);
    accepted.socket.resume();
    const goal = accepted.text.length + size / 10;
    await lab.until(() => accepted.text.length >= goal);
    accepted.socket.pause();
  }
  accepted.socket.resume();
  await lab.until(() => accepted.ended);
  t.is(accepted.text.length, size);
  t.is(world.proxy.counters.idleTimeouts, 0);
});

/** How many octets a proxy takes for a server that reads nothing, of so many that come. */
async function taken(octets: number): Promise<[ProxyLab, Watched, Watched]> {
  const world = new ProxyLab({ idleTimeoutMs: 60_000 });
  const [client, accepted] = await world.open();
  accepted.socket.pause();
  client.socket.write(Buffer.alloc(octets));
  await world.lab.passes(50 * SECOND);
  return [world, client, accepted];
}

test('octets that leave the proxy are no silence either', async (t) => {
  const [full] = await taken(6_000_000);
  const fits = full.proxy.counters.octets.clientToServer;
  // exactly what it takes: nothing more comes when the reader goes on
  const [world, client, accepted] = await taken(fits);
  t.is(world.proxy.counters.octets.clientToServer, fits);
  const { lab } = world;
  accepted.socket.resume();
  await lab.passes(SECOND);
  const resumed = lab.now;
  await lab.until(() => client.closedAt > 0);
  t.is(accepted.text.length, fits);
  isAbout(t, client.closedAt - resumed, 59 * SECOND);
});

test('what comes before the server is reached waits there, and its end too', async (t) => {
  const world = new ProxyLab();
  const { lab } = world;
  world.server.path = 'black-hole';
  const client = await world.connect();
  const size = 8 * 2 ** 20;
  pseudoRandom(size).pipe(client.socket);
  await lab.passes(20 * SECOND);
  const { octets, active } = world.proxy.counters;
  t.is(active, 1);
  t.true(octets.clientToServer < 256 * 1024, `${octets.clientToServer} octets wait in the proxy`);
  const sent = client.socket.bytesWritten - client.socket.writableLength;
  t.true(sent < 3 * 2 ** 20, `the client could send ${sent} octets`);
  world.server.path = 'forward';
  await lab.until(() => world.accepted.length > 0);
  const [accepted] = world.accepted;
  const digest = accepted === undefined ? null : digestOf(accepted);
  accepted?.end('thanks');
  await lab.until(() => client.closedAt > 0 && accepted?.closed === true);
  t.deepEqual(await digest, await digestOf(pseudoRandom(size)));
  t.is(client.text, 'thanks');
  t.is(client.error, '');
});

test('a client that resets before the server is reached ends the attempt', async (t) => {
  const world = new ProxyLab();
  const { lab } = world;
  world.server.path = 'black-hole';
  const client = await world.connect();
  client.socket.write('never mind');
  await lab.until(() => world.proxy.counters.octets.clientToServer > 0);
  t.deepEqual(world.middle.connections.map(({ state }) => state).sort(), [
    'ESTABLISHED',
    'SYN-SENT',
  ]);
  client.socket.resetAndDestroy();
  await lab.until(() => world.proxy.counters.active === 0);
  t.deepEqual(world.middle.connections, []);
  t.is(world.proxy.counters.resets.clientToServer, 1);
  t.is(world.proxy.counters.upstreamFailures, 0);
  world.server.path = 'forward';
  await lab.passes(5 * MINUTE);
  t.is(world.accepted.length, 0);
});

test('a server that does not answer: the client is reset when the attempt is given up', async (t) => {
  const world = new ProxyLab({ idleTimeoutMs: 1000 }); // does not count yet
  const { lab } = world;
  world.server.path = 'black-hole';
  const client = await world.connect();
  const begun = lab.now;
  client.socket.write('hello?');
  await lab.until(() => client.closedAt > 0);
  // tcp_syn_retries of 6 after tcp_syn_linear_timeouts of 4 (Linux: ip-sysctl)
  isAbout(t, client.closedAt - begun, 131 * SECOND);
  t.is(client.error, 'ECONNRESET');
  t.deepEqual(world.events, ['accepted', 'upstream-failed', 'closed']);
});

test('a host that dies in the middle of an answer: the client is reset, not ended', async (t) => {
  const world = new ProxyLab({ idleTimeoutMs: 0 });
  const { lab } = world;
  const [client, accepted] = await world.open();
  client.socket.write('request');
  accepted.socket.write('the first half');
  await lab.until(() => client.text !== '');
  world.server.crash();
  client.socket.write('another request'); // which is never acknowledged
  await lab.until(() => client.closedAt > 0);
  t.is(client.error, 'ECONNRESET');
  t.is(client.ended, false);
  t.is(world.proxy.counters.resets.serverToClient, 1);
});

test('a reset is passed on within a round trip', async (t) => {
  const world = new ProxyLab();
  const { lab } = world;
  const [client, accepted] = await world.open();
  const at = lab.now;
  accepted.socket.resetAndDestroy();
  await lab.until(() => client.closedAt > 0);
  t.is(client.error, 'ECONNRESET');
  t.true(client.closedAt - at <= 20 * MS);
});
