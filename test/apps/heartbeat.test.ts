import { once } from 'node:events';
import { Duplex } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { containing, type HeartbeatOptions, heartbeat } from '../../src/apps/heartbeat.ts';
import { heartbeatCostPerHour, keepAliveCostPerHour } from '../../src/apps/livenessCost.ts';
import { type Micros, MS, SECOND } from '../../src/core/base/time.ts';
import type { TcpConfig } from '../../src/core/tcp/config.ts';
import { Lab, type LabHost } from '../../src/lab/lab.ts';
import type { Socket } from '../../src/node/nodeStack.ts';
import { ManualTimers } from './manualTimers.ts';
import { comesAbout, inAllWorlds } from './worlds.ts';

const HOUR = 3600 * SECOND;
const PING = Buffer.from('are you there?\n');
const PONG = Buffer.from('yes\n');
const USUAL = { intervalMs: 10_000, timeoutMs: 3000, missed: 3, payload: () => PING } as const;

/** A client and a server in a lab, and what goes over the link of the client. */
interface Connected {
  readonly lab: Lab;
  readonly client: LabHost;
  readonly server: LabHost;
  readonly socket: Socket;
  readonly accepted: Socket;
  /** Octets of IPv4 so far, both directions. */
  wire(): number;
}

/** @param config of the client; the server has no keepalive */
async function connected(config: Partial<TcpConfig> = {}): Promise<Connected> {
  let octets = 0;
  const frame = (frame: Uint8Array): void => {
    if (frame[12] === 8 && frame[13] === 0) octets += frame.length - 14;
  };
  const lab = new Lab({ capture: () => ({ frame }) });
  const client = lab.host('client', config);
  const server = lab.host('server', { ...config, keepAlive: false });
  const sockets: Socket[] = [];
  server.net
    .createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => {});
      sockets.push(socket);
    })
    .listen(80);
  const socket = client.net.connect({ port: 80, host: server.ip, allowHalfOpen: true });
  socket.on('error', () => {});
  await lab.until(() => sockets.length > 0 && !socket.connecting);
  const [accepted] = sockets;
  if (accepted === undefined) throw new Error('nobody was accepted');
  return { lab, client, server, socket, accepted, wire: () => octets };
}

/** A heartbeat that notes when the peer was found dead. */
function beating({ lab, socket }: Connected, options: Partial<HeartbeatOptions> = {}) {
  let deadAt: Micros = 0;
  const heart = heartbeat(socket, {
    ...USUAL,
    isReply: containing(PONG),
    timers: lab.timers,
    onDead: () => {
      deadAt = lab.now;
      socket.resetAndDestroy();
    },
    ...options,
  });
  return { heart, deadAt: () => deadAt };
}

test('a program that answers is alive, for hours', async (t) => {
  const all = await connected();
  all.accepted.on('data', () => all.accepted.write(PONG));
  const { heart, deadAt } = beating(all);
  await all.lab.passes(3 * HOUR);
  t.is(deadAt(), 0);
  t.is(heart.state, 'running');
  t.is(heart.missed, 0);
  t.true(heart.beats === 1079 || heart.beats === 1080);
});

test('its TCP acknowledges, and keepalive is content, but the program answers nothing: dead', async (t) => {
  const all = await connected({ keepAlive: true, keepAliveIdle: 5 * SECOND });
  const { lab, socket, accepted } = all;
  let hung = false;
  accepted.on('data', () => hung || accepted.write(PONG));
  const { heart, deadAt } = beating(all);
  await lab.passes(65 * SECOND);
  hung = true;
  const since = lab.now;
  const before = all.wire();
  await lab.until(() => deadAt() > 0);
  t.is(heart.state, 'dead');
  t.is(heart.beats, 9);
  // 5 s to the next beat, two intervals, one timeout
  t.true(Math.abs(deadAt() - since - 28 * SECOND) < SECOND / 10);
  t.true(deadAt() - since <= 33 * SECOND); // missed * intervalMs + timeoutMs
  t.true(all.wire() > before + 3 * PING.length);
  t.true(lab.segments('keepalive-probe').length > 0); // all answered
  t.is(socket.connection?.tcb.sendBuffer.length, 0); // all acknowledged
});

test('the same connection without a heartbeat stays open', async (t) => {
  const { lab, socket, accepted } = await connected({
    keepAlive: true,
    keepAliveIdle: 5 * SECOND,
  });
  accepted.resume(); // it takes everything, and answers nothing
  socket.write('work for you');
  await lab.passes(24 * HOUR);
  t.is(socket.readyState, 'open');
});

test('octets in flight silence keepalive for 15 minutes, and not a heartbeat', async (t) => {
  const config = { keepAlive: true, keepAliveIdle: 10 * SECOND, keepAliveInterval: SECOND };
  const times: Micros[] = [];
  for (const hasHeart of [false, true]) {
    const all = await connected(config);
    const { lab, socket, accepted, server } = all;
    accepted.on('data', () => accepted.write(PONG));
    if (hasHeart) beating(all);
    await lab.passes(15 * SECOND);
    server.crash();
    const since = lab.now;
    socket.write('lost');
    await lab.until(() => socket.destroyed);
    times.push((lab.now - since) / SECOND);
  }
  const [keepAlive = 0, heart = 0] = times;
  t.true(keepAlive > 900 && keepAlive < 1000, `${keepAlive} s`);
  t.true(heart > 20 && heart <= 33, `${heart} s`);
});

test('one late reply is forgiven: only misses in a row count', async (t) => {
  const all = await connected();
  const { lab, accepted } = all;
  let count = 0;
  accepted.on('data', () => {
    if (++count % 3 !== 0) return; // two of three are not answered
    accepted.write(PONG);
  });
  const { heart, deadAt } = beating(all);
  await lab.passes(HOUR);
  t.is(deadAt(), 0);
  t.is(heart.state, 'running');
});

test('a reply after its timeout tells that the program lives', async (t) => {
  const all = await connected();
  const { lab, accepted } = all;
  accepted.on('data', () => lab.timers.setTimeout(() => accepted.write(PONG), 5000));
  const { heart, deadAt } = beating(all);
  await lab.passes(HOUR);
  t.is(deadAt(), 0);
  t.is(heart.state, 'running');
  t.true(heart.missed <= 1);
});

test('a timeout as long as the interval', async (t) => {
  const all = await connected();
  const begun = all.lab.now;
  const { heart, deadAt } = beating(all, { timeoutMs: 10_000, missed: 2 });
  await all.lab.until(() => deadAt() > 0);
  t.is(heart.beats, 2);
  t.true(Math.abs(deadAt() - begun - 30 * SECOND) < SECOND / 10);
});

test('other messages are no reply, and a reply may come in pieces', async (t) => {
  const all = await connected();
  all.accepted.setNoDelay(true);
  all.accepted.on('data', () => {
    for (const octet of `work\n${PONG}more`) all.accepted.write(octet);
  });
  const answering = beating(all);
  await all.lab.passes(HOUR);
  t.is(answering.heart.state, 'running');
  const other = await connected();
  other.accepted.on('data', () => other.accepted.write('work, but no answer\n'));
  const { deadAt } = beating(other);
  await other.lab.until(() => deadAt() > 0);
  t.true(deadAt() > 0);
});

test('who reads the stream alone says when a reply has come', async (t) => {
  const all = await connected();
  all.accepted.on('data', () => all.accepted.write(PONG));
  let deadAt: Micros = 0;
  const heart = heartbeat(all.socket, {
    ...USUAL,
    timers: all.lab.timers,
    onDead: () => {
      deadAt = all.lab.now;
    },
  });
  t.is(all.socket.listenerCount('data'), 0);
  all.socket.on('data', (chunk) => PONG.equals(chunk) && heart.answered());
  await all.lab.passes(HOUR);
  t.is(deadAt, 0);
  t.is(heart.missed, 0);
});

for (const [what, act] of [
  ['the peer ends', ({ accepted }: Connected) => accepted.resume().end()],
  ['we end', ({ socket }: Connected) => socket.end()],
  ['the peer resets', ({ accepted }: Connected) => accepted.resetAndDestroy()],
  ['it is destroyed', ({ socket }: Connected) => socket.destroy()],
] as const) {
  test(`it stops when ${what}`, async (t) => {
    const all = await connected();
    const { heart, deadAt } = beating(all);
    await all.lab.passes(SECOND);
    act(all);
    await all.lab.passes(HOUR);
    t.is(heart.state, 'stopped');
    t.is(deadAt(), 0);
    t.is(heart.beats, 0);
  });
}

test('stop() sends nothing more, and takes its listeners off', async (t) => {
  const all = await connected();
  const names = ['data', 'end', 'finish', 'close'];
  const count = (): number[] => names.map((name) => all.socket.listenerCount(name));
  const before = count();
  const { heart, deadAt } = beating(all);
  await all.lab.passes(11 * SECOND);
  heart.stop();
  heart.stop();
  t.deepEqual(count(), before);
  await all.lab.passes(HOUR);
  t.is(heart.beats, 1);
  t.is(heart.state, 'stopped');
  t.is(deadAt(), 0);
});

// ---- on any Duplex, and on the kernel's sockets ------------------------------------------------

inAllWorlds('a heartbeat tells an answering program from one that hangs', async (world, t) => {
  const server = world.server.createServer();
  server.listen({ port: 0, host: world.serverHost });
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const accepting = once(server, 'connection');
  const socket = world.back.connect({ host: world.serverHost, port });
  const [[accepted]] = await Promise.all([accepting, once(socket, 'connect')]);
  t.teardown(() => {
    socket.destroy();
    accepted.destroy();
    server.close();
  });
  const timers = new ManualTimers();
  let answers = true;
  let received = 0;
  accepted.on('data', (chunk: Uint8Array) => {
    received += chunk.length;
    if (answers) accepted.write(PONG);
  });
  let dead = 0;
  const heart = heartbeat(socket, {
    ...USUAL,
    isReply: containing(PONG),
    timers,
    onDead: () => {
      dead++;
    },
  });
  for (let beat = 1; beat <= 5; beat++) {
    timers.passes(10_000);
    await once(socket, 'data');
    t.is(heart.missed, 0);
  }
  answers = false;
  timers.passes(32_999);
  t.deepEqual([heart.state, heart.missed, dead], ['running', 2, 0]);
  await comesAbout(() => received === 8 * PING.length); // the program has got them all
  timers.passes(1);
  t.deepEqual([heart.state, heart.missed, dead], ['dead', 3, 1]);
  t.is(timers.pending, 0);
  timers.passes(1_000_000);
  t.deepEqual([heart.beats, dead], [8, 1]);
});

for (const ties of ['first-first', 'last-first'] as const) {
  test(`a timeout as long as the interval, with timers ${ties}`, (t) => {
    const duplex = new Duplex({ read: () => {}, write: (_chunk, _encoding, done) => done() });
    const timers = new ManualTimers(ties);
    let dead = 0;
    const onDead = (): void => {
      dead++;
    };
    const heart = heartbeat(duplex, { ...USUAL, timeoutMs: 10_000, missed: 2, timers, onDead });
    timers.passes(20_000);
    t.deepEqual([heart.missed, heart.beats], [1, 2]);
    timers.passes(9999);
    t.is(dead, 0);
    timers.passes(1);
    t.deepEqual([dead, heart.beats, timers.pending], [1, 2, 0]);
  });
}

test('times and numbers that cannot be are refused', (t) => {
  const duplex = new Duplex({ read: () => {} });
  const rest = { ...USUAL, onDead: () => t.fail() };
  for (const wrong of [
    { intervalMs: 0 },
    { intervalMs: 2 ** 31 },
    { timeoutMs: 0 },
    { timeoutMs: 10_001 },
    { missed: 0 },
    { missed: 1.5 },
  ]) {
    t.throws(() => heartbeat(duplex, { ...rest, ...wrong }), { instanceOf: RangeError });
  }
  t.is(duplex.listenerCount('close'), 0);
});

test('a pattern is found wherever the chunks are cut', (t) => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 4, max: 1 }), { maxLength: 12 });
  fc.assert(
    fc.property(chunks, fc.uint8Array({ minLength: 1, maxLength: 5, max: 1 }), (cut, pattern) => {
      const find = containing(pattern);
      const found = cut.map((chunk) => find(chunk));
      cut.forEach((_chunk, i) => {
        const now = Buffer.concat(cut.slice(0, i + 1));
        const before = Buffer.concat(cut.slice(0, i)).length;
        // an occurrence that ends in this chunk
        let ends = false;
        for (let at = 0; at + pattern.length <= now.length; at++) {
          const isHere = now.subarray(at, at + pattern.length).equals(pattern);
          ends ||= isHere && at + pattern.length > before;
        }
        t.is(found[i], ends);
      });
    }),
  );
});

// ---- what it costs -----------------------------------------------------------------------------

test('the cost per hour: by hand', (t) => {
  // 60 beats of 55 + 56 + 40 octets
  const minute = { intervalMs: 60_000, payloadOctets: 15, replyOctets: 4 };
  t.is(heartbeatCostPerHour({ ...minute, timestamps: false }), 60 * (3 * 40 + 19));
  t.is(heartbeatCostPerHour(minute), 60 * (3 * 52 + 19));
  const every = { idleMs: 60_000, intervalMs: 1000 };
  t.is(keepAliveCostPerHour({ ...every, timestamps: false }), 60 * 80);
  t.is(keepAliveCostPerHour({ ...every, probeOctets: 1 }), 60 * 117);
  t.is(keepAliveCostPerHour({ idleMs: 60_000, timestamps: false }), 48 * 80); // every 75 s
  t.is(keepAliveCostPerHour({ idleMs: 7_200_000 }), 52); // Linux as it comes: 1 probe in 2 hours
});

/** The octets of the next hours that are on the wire, per hour. */
async function measured({ lab, wire }: Connected): Promise<number> {
  const before = wire();
  await lab.passes(10 * HOUR);
  return (wire() - before) / 10;
}

function isWithin(t: ExecutionContext, actual: number, expected: number, share: number): void {
  t.true(Math.abs(actual - expected) <= share * expected, `${actual} octets, not ${expected}`);
}

for (const timestamps of [false, true]) {
  const which = timestamps ? 'with timestamps' : 'without timestamps';

  test(`the cost of a heartbeat ${which} is what is on the wire`, async (t) => {
    const all = await connected({ timestamps });
    all.accepted.on('data', () => all.accepted.write(PONG));
    const { heart } = beating(all);
    await all.lab.passes(HOUR); // the first segments are acknowledged at once
    isWithin(t, await measured(all), heart.costPerHour({ timestamps }), 0.01);
  });

  for (const [idleMs, probeOctets] of [
    [10_000, 0], // less than the interval
    [300_000, 0],
    [300_000, 1],
  ] as const) {
    test(`the cost of keepalive ${which}, after ${idleMs} ms, ${probeOctets} octets`, async (t) => {
      const all = await connected({
        timestamps,
        keepAlive: true,
        keepAliveIdle: idleMs * MS,
        keepAliveProbeOctets: probeOctets,
      });
      const expected = keepAliveCostPerHour({ idleMs, probeOctets, timestamps });
      isWithin(t, await measured(all), expected, 0.01);
    });
  }
}
