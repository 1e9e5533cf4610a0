import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { hasUnsent, outstanding } from '../../src/core/tcp/tcb.ts';
import type { NodeStack, Socket } from '../../src/index.ts';
import { Running } from '../cli/processes.ts';
import { run, withNamespace } from '../harness/netns.ts';
import type { Seen, Watch } from './watch.ts';
import {
  connectionOf,
  connectTo,
  KERNEL,
  listening,
  openSite,
  PORT,
  type Site,
  STACK,
  withWorld,
} from './world.ts';

/** Probes must be answered in every state in which they can come (RFC 9293 3.8.4). */

/** Of the stack, so that a window is soon full. */
const RECEIVE_BUFFER = 8192;
const KEEP_ALIVE = { initialDelay: 1000, interval: 1000, count: 100 };
/** Probes that are waited for on each connection. */
const PROBES = 2;

/** The other end, on whatever stack it lives. It does not read. */
interface Far {
  end(): Promise<unknown>;
  write(octets: number): Promise<unknown>;
}

/** One end of a connection, and the other one. */
interface Pair {
  readonly near: Socket;
  readonly far: Far;
  readonly watch: Watch;
}

/** How to bring a new connection into a state, seen from the near end. */
const SITUATIONS: readonly (readonly [string, (pair: Pair) => Promise<void>])[] = [
  ['ESTABLISHED', async () => {}],
  [
    'FIN-WAIT-2',
    async ({ near, watch }) => {
      near.end();
      await watch.until(() => connectionOf(near).state === 'FIN-WAIT-2');
    },
  ],
  [
    'CLOSE-WAIT',
    async ({ near, far, watch }) => {
      await far.end();
      await watch.until(() => connectionOf(near).state === 'CLOSE-WAIT');
    },
  ],
  [
    'ESTABLISHED, our window zero',
    async ({ near, far, watch }) => {
      const { rcv, ack, receiveBuffer } = connectionOf(near).tcb;
      // The window grows at first, so it is filled more than once.
      for (let octets = 0; rcv.wnd > 0; ) {
        const more = rcv.wnd;
        octets += more;
        await far.write(more);
        await watch.until(() => receiveBuffer.length === octets && !ack.scheduled);
      }
    },
  ],
  [
    'ESTABLISHED, their window zero',
    async ({ near, watch }) => {
      const { tcb } = connectionOf(near);
      while (tcb.snd.wnd > 0) {
        near.write(Buffer.alloc(tcb.snd.wnd, 'y'));
        await watch.until(() => outstanding(tcb) === 0 && !hasUnsent(tcb));
      }
    },
  ],
];

/** A connection in its situation. */
interface Case {
  readonly name: string;
  readonly near: Socket;
  readonly localPort: number;
}

/** Opens a connection for each situation, and brings it there. */
async function openCases(
  { stack, watch }: Site,
  host: string,
  farOf: (near: Socket) => Far | Promise<Far>,
): Promise<Case[]> {
  const cases: Case[] = [];
  for (const [name, bring] of SITUATIONS) {
    const near = await connectTo(stack, host, { reads: false });
    near.on('error', () => {}); // the stack is closed before its sockets are
    await bring({ near, far: await farOf(near), watch });
    cases.push({ name, near, localPort: connectionOf(near).tcb.localPort });
  }
  return cases;
}

/** Waits until each connection has seen so many probes and answers. */
async function exchanged(watch: Watch, cases: readonly Case[]): Promise<void> {
  const segmentsOf = (port: number): number =>
    watch.segments.filter(({ localPort }) => localPort === port).length;
  await watch.until(() => cases.every(({ localPort }) => segmentsOf(localPort) >= 2 * PROBES));
}

/** Probes from here, each with its answer: nothing else was said. */
function areAnswered(t: ExecutionContext, watch: Watch, from: Case, octets: number): void {
  const { name, near, localPort } = from;
  const { snd, state } = connectionOf(near).tcb;
  t.true(name.startsWith(state), `${name}: ${state}`);
  const segments = watch.segments.filter((seen) => seen.localPort === localPort);
  for (const [n, { way, reason, length, seq, ack, flags }] of segments.entries()) {
    const seen = { way, reason, length, flags, at: way === 'sent' ? seq : ack };
    const probe = { way: 'sent', reason: 'keepalive-probe', length: octets, flags: 16 };
    const answer = { way: 'received', reason: null, length: 0, flags: 16 };
    const before = (snd.una - 1) >>> 0;
    const expected = n % 2 === 0 ? { ...probe, at: before } : { ...answer, at: snd.una };
    t.deepEqual(seen, expected, `${name}, ${octets} octets, segment ${n}`);
  }
}

/** Probes from there, each with its answer: nothing else was said. */
function answers(t: ExecutionContext, watch: Watch, from: Case, octets: number): void {
  const { name, near, localPort } = from;
  const { rcv, state } = connectionOf(near).tcb;
  t.true(name.startsWith(state), `${name}: ${state}`);
  const segments = watch.segments.filter((seen) => seen.localPort === localPort);
  for (const [n, { way, reason, length, seq, ack, flags }] of segments.entries()) {
    const seen = { way, reason, length, flags, at: way === 'sent' ? ack : seq };
    const [drop, send] =
      octets === 0
        ? (['unacceptable', 'ack-unacceptable'] as const)
        : (['text-duplicate', 'ack-duplicate'] as const);
    const probe = { way: 'received', reason: drop, length: octets, flags: 16 };
    const answer = { way: 'sent', reason: send, length: 0, flags: 16 };
    const before = (rcv.nxt - 1) >>> 0;
    const expected = n % 2 === 0 ? { ...probe, at: before } : { ...answer, at: rcv.nxt };
    t.deepEqual(seen, expected, `${name}, ${octets} octets, segment ${n}`);
  }
}

function temporaryFile(t: ExecutionContext, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'glass-test-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return join(folder, name);
}

/** What tshark says of the frames that the filter selects: the fields of each, joined. */
async function tshark(
  t: ExecutionContext,
  file: string,
  filter: string,
  ...fields: readonly string[]
): Promise<string[]> {
  const columns = fields.flatMap((field) => ['-e', field]);
  const line = [
    'tshark',
    '-r',
    file,
    '-Y',
    filter,
    '-T',
    'fields',
    '-E',
    'separator=,',
    ...columns,
  ];
  const { code, stdout, stderr } = await new Running(t, line).ended;
  t.is(code, 0, stderr);
  const text = stdout.toString().trimEnd();
  return text === '' ? [] : text.split('\n');
}

test('RFC 9293 3.8.4: stack and kernel answer probes of the other one in every state', async (t) => {
  const file = temporaryFile(t, 'keepalive.pcap');
  const settings = { config: { receiveBuffer: RECEIVE_BUFFER }, capture: file };
  await withWorld(t, settings, async (world) => {
    const { peer, stack, watch } = world;
    await peer.tell({ do: 'listen', port: PORT, receiveBuffer: 4096 });
    const keyOf = (near: Socket): string => `${PORT}-${connectionOf(near).tcb.localPort}`;
    let opened = 0;
    const farOf = async (near: Socket): Promise<Far> => {
      await peer.tell({ do: 'opened', count: ++opened });
      const keys = [keyOf(near)];
      return {
        end: () => peer.tell({ do: 'end', keys }),
        write: (octets) => peer.tell({ do: 'write', octets, keys }),
      };
    };
    const empty = await openCases(world, KERNEL, farOf);
    const filled = await openCases(world, KERNEL, farOf);
    const probedByKernel = await openCases(world, KERNEL, farOf);
    watch.forget();
    for (const { near } of empty) near.setKeepAlive(KEEP_ALIVE);
    for (const { near } of filled) near.setKeepAlive({ ...KEEP_ALIVE, probeOctets: 1 });
    const keys = probedByKernel.map(({ near }) => keyOf(near));
    await peer.tell({ do: 'keepAlive', idle: 1, interval: 1, count: 100, keys });
    await exchanged(watch, [...empty, ...filled, ...probedByKernel]);
    world.valve.cut(); // the capture is to hold what was seen, and no more
    for (const from of empty) areAnswered(t, watch, from, 0);
    for (const from of filled) areAnswered(t, watch, from, 1);
    for (const from of probedByKernel) answers(t, watch, from, 0);
    const seen = [...watch.segments];
    await stack.close();
    await isNamed(t, file, seen);
  });
});

/** Does tshark call probes and answers by their names, and see no difference between both sides? */
async function isNamed(t: ExecutionContext, file: string, seen: readonly Seen[]): Promise<void> {
  const probes = await tshark(t, file, 'tcp.analysis.keep_alive', 'ip.src', 'tcp.len');
  const count = (all: readonly string[], what: string): number =>
    all.filter((one) => one === what).length;
  const probesOf = (way: Seen['way'], reason: Seen['reason'], length: number): number =>
    seen.filter((s) => s.way === way && s.reason === reason && s.length === length).length;
  t.is(count(probes, `${STACK},0`), probesOf('sent', 'keepalive-probe', 0));
  t.is(count(probes, `${STACK},1`), probesOf('sent', 'keepalive-probe', 1));
  t.is(count(probes, `${KERNEL},0`), probesOf('received', 'unacceptable', 0));
  const acks = await tshark(t, file, 'tcp.analysis.keep_alive_ack', 'ip.src');
  // an answer with a window of zero has another name
  const open = seen.filter(({ window }) => window > 0);
  t.is(count(acks, STACK), open.filter(({ reason }) => reason === 'ack-unacceptable').length);
  t.is(count(acks, KERNEL), open.filter(({ reason }) => reason === null).length);
  const fields = ['tcp.seq', 'tcp.ack', 'tcp.flags', 'tcp.len', 'tcp.hdr_len', 'ip.len', 'ip.ttl'];
  const idle = 'tcp.analysis.keep_alive && tcp.seq == 0 && tcp.ack == 1 && tcp.len == 0';
  const ours = await tshark(t, file, `${idle} && ip.src == ${STACK}`, ...fields);
  const theirs = await tshark(t, file, `${idle} && ip.src == ${KERNEL}`, ...fields);
  t.true(ours.length >= PROBES);
  t.deepEqual([...new Set(ours)], [...new Set(theirs)]);
}

test('RFC 9293 3.8.4, MAY-6: a stack answers empty and filled probes in every state', async (t) => {
  await withNamespace(t, async (ns) => {
    const settings = { config: { receiveBuffer: RECEIVE_BUFFER } };
    const near = await openSite(t, ns, settings);
    const place = { tap: 'glass1', stack: '10.109.0.2', kernel: '10.109.0.1' };
    const far = await openSite(t, ns, settings, place);
    // the kernel is the router between both
    run('ip', 'netns', 'exec', ns, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
    const accept = await accepting(far.stack);
    for (const octets of [0, 1] as const) {
      const probers: Socket[] = [];
      const cases = await openCases(near, place.stack, async () => {
        const socket = await accept();
        probers.push(socket);
        return {
          end: async () => socket.end(),
          write: async (count) => socket.write(Buffer.alloc(count, 'x')),
        };
      });
      near.watch.forget();
      for (const prober of probers) prober.setKeepAlive({ ...KEEP_ALIVE, probeOctets: octets });
      await exchanged(near.watch, cases);
      for (const from of cases) answers(t, near.watch, from, octets);
      for (const prober of probers) prober.setKeepAlive(false);
    }
  });
});

/** @returns what gives the next socket that a stack accepts, one after another */
async function accepting(stack: NodeStack): Promise<() => Promise<Socket>> {
  const server = await listening(stack);
  const sockets: Socket[] = [];
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    sockets.push(socket);
  });
  return async () => {
    while (sockets.length === 0) await once(server, 'connection');
    const [socket] = sockets.splice(0, 1);
    if (socket === undefined) throw new Error('nothing was accepted');
    return socket;
  };
}
