import test, { type ExecutionContext } from 'ava';
import { MS, NEVER } from '../../src/core/base/time.ts';
import type { KeepAliveOptions, Socket } from '../../src/index.ts';
import { run } from '../harness/netns.ts';
import type { Seen } from './watch.ts';
import {
  connectionOf,
  connectTo,
  endOf,
  KERNEL,
  PORT,
  setLink,
  TAP,
  type World,
  withWorld,
} from './world.ts';

/**
 * What becomes of an idle connection whose keepalive runs here, by what has become of its peer, the
 * kernel: it is alive; it has crashed; it has crashed and started again; it cannot be reached.
 */

/** An address of the kernel behind its TAP, as if it were a router that leads there. */
const BEHIND = '10.108.0.1';

/** Never reached, however busy the machine is. */
const MANY = 100;

/** An open connection that is probed. */
interface Probed extends World {
  readonly socket: Socket;
  readonly port: number;
  /** The code of the error that ends it. */
  readonly end: Promise<string>;
}

function probed(
  title: string,
  keepAlive: KeepAliveOptions,
  body: (t: ExecutionContext, probed: Probed) => Promise<void>,
  host = KERNEL,
): void {
  test(title, async (t) => {
    await withWorld(t, {}, async (world) => {
      if (host === BEHIND) run('ip', '-n', world.ns, 'address', 'add', `${host}/32`, 'dev', 'lo');
      await world.peer.tell({ do: 'listen', port: PORT });
      const socket = await connectTo(world.stack, host);
      await world.peer.tell({ do: 'opened', count: 1 });
      world.watch.forget();
      const end = endOf(socket);
      socket.setKeepAlive({ initialDelay: 500, interval: 1000, ...keepAlive });
      await body(t, { ...world, socket, port: connectionOf(socket).tcb.localPort, end });
    });
  });
}

function probesOf({ watch, port }: Probed): Seen[] {
  return watch.select('sent', 'keepalive-probe', port);
}

/** `probe`, `answer`, or what else it was, of each segment of the connection. */
function conversation({ watch, port }: Probed): string[] {
  return watch.segments
    .filter(({ localPort }) => localPort === port)
    .map(({ way, reason, length }) => {
      if (way === 'sent') return reason === 'keepalive-probe' ? 'probe' : `sent ${reason}`;
      return reason === null && length === 0 ? 'answer' : `received ${reason}`;
    });
}

probed(
  'RFC 9293 3.8.4: an idle kernel answers each probe, and the idle time begins anew',
  // unanswered, the fifth would not be sent, and not 600 but 300 ms would lie between two of them
  { initialDelay: 600, interval: 300, count: 4 },
  async (t, probed) => {
    await probed.watch.until(() => conversation(probed).length >= 10);
    t.deepEqual(
      conversation(probed).slice(0, 10),
      Array.from({ length: 10 }, (_, n) => (n % 2 === 0 ? 'probe' : 'answer')),
    );
    const times = probed.watch.segments.map(({ at }) => at);
    for (const n of [2, 4, 6, 8]) t.true((times[n] ?? 0) - (times[n - 1] ?? NEVER) >= 600 * MS);
    t.is(connectionOf(probed.socket).state, 'ESTABLISHED');
    t.is(connectionOf(probed.socket).tcb.probesOut, 0);
  },
);

probed(
  'RFC 9293 3.8.4: a process that hangs is no dead peer: its kernel answers for it',
  { interval: 500, count: 2 },
  async (t, probed) => {
    probed.peer.kill('SIGSTOP');
    await probed.watch.until(() => conversation(probed).length >= 6);
    t.deepEqual(conversation(probed).slice(4, 6), ['probe', 'answer']);
    probed.peer.kill('SIGCONT');
    // it lives, and so does the connection
    await probed.peer.tell({ do: 'write', octets: 10 });
    await probed.watch.until(() => probed.socket.bytesRead + probed.socket.readableLength >= 10);
    t.is(connectionOf(probed.socket).state, 'ESTABLISHED');
  },
);

probed(
  'RFC 9293 3.8.4: a peer that is silent for the whole count: a RST, and ETIMEDOUT',
  { count: 3 },
  async (t, probed) => {
    setLink(probed.ns, 'down');
    t.is(await probed.end, 'ETIMEDOUT');
    t.deepEqual(conversation(probed), ['probe', 'probe', 'probe', 'sent reset-keepalive']);
    t.is(connectionOf(probed.socket).error, 'ETIMEDOUT');
    t.is(probed.stack.core.tcp.connectionCount, 0);
    // The RST was lost, of course. The peer, which knows of nothing, learns it when it speaks.
    setLink(probed.ns, 'up');
    await probed.peer.tell({ do: 'read' });
    await probed.peer.tell({ do: 'write', octets: 10 });
    t.deepEqual((await probed.peer.tell({ do: 'closed' })).errors, ['ECONNRESET']);
  },
);

probed(
  'RFC 1122 2.3.2.2: when ARP finds the silent peer gone, the error is EHOSTUNREACH',
  { count: MANY },
  async (t, probed) => {
    // The kernel tells all that its station has changed, and leaves: the entry is stale, so that it
    // is asked for with the next probe.
    run('ip', 'netns', 'exec', probed.ns, 'sysctl', '-qw', 'net.ipv4.conf.all.arp_notify=1');
    run('ip', '-n', probed.ns, 'link', 'set', 'dev', TAP, 'address', '02:00:00:00:00:77');
    await probed.watch.until(() => neighborState(probed) === 'stale');
    setLink(probed.ns, 'down');
    const given = (): boolean =>
      probed.watch.others.some(({ reason }) => reason === 'neighbor-unreachable');
    await probed.watch.until(given);
    t.is(connectionOf(probed.socket).state, 'ESTABLISHED');
    probed.socket.setKeepAlive({ initialDelay: 500, interval: 1, count: 1 });
    t.is(await probed.end, 'EHOSTUNREACH');
  },
);

function neighborState({ stack }: Probed): string | undefined {
  const [iface] = stack.core.ip.snapshot(stack.now()).interfaces;
  return iface?.neighbors.find(({ address }) => address === KERNEL)?.state;
}

probed(
  'RFC 9293 3.8.4: a peer that has crashed and started again answers by a RST: ECONNRESET',
  { count: MANY },
  async (t, probed) => {
    setLink(probed.ns, 'down');
    // what it says of its end is lost, and it does not repeat it
    await probed.peer.tell({ do: 'abort' });
    await probed.peer.tell({ do: 'closed' });
    await probed.watch.until(() => probesOf(probed).length > 0);
    setLink(probed.ns, 'up');
    t.is(await probed.end, 'ECONNRESET');
    const said = conversation(probed);
    t.deepEqual(said.slice(-2), ['probe', 'received reset-accepted']);
    t.deepEqual([...new Set(said.slice(0, -1))], ['probe']);
  },
);

/** From now on the kernel, as a router, knows no way to the peer. */
function loseWay(ns: string): void {
  run('ip', 'netns', 'exec', ns, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
  run('ip', '-n', ns, 'address', 'del', `${BEHIND}/32`, 'dev', 'lo');
  run('ip', '-n', ns, 'route', 'add', 'unreachable', BEHIND);
}

function findWay(ns: string): void {
  run('ip', '-n', ns, 'route', 'del', 'unreachable', BEHIND);
  run('ip', '-n', ns, 'address', 'add', `${BEHIND}/32`, 'dev', 'lo');
}

function icmpErrors({ watch }: Probed): number {
  const isIcmp = (frame: Uint8Array): boolean => frame[12] === 8 && frame[23] === 1;
  return watch.others.filter(({ way, frame }) => way === 'received' && isIcmp(frame)).length;
}

probed(
  'RFC 9293 3.9.2.2: a router that knows no way ends nothing before the count does: EHOSTUNREACH',
  { count: 3 },
  async (t, probed) => {
    loseWay(probed.ns);
    await probed.watch.until(() => icmpErrors(probed) > 0);
    t.is(connectionOf(probed.socket).state, 'ESTABLISHED');
    t.is(await probed.end, 'EHOSTUNREACH');
    t.deepEqual(conversation(probed), ['probe', 'probe', 'probe', 'sent reset-keepalive']);
  },
  BEHIND,
);

probed(
  'RFC 9293 3.9.2.2: a way that is lost and found again costs nothing, and is forgotten',
  { count: MANY },
  async (t, probed) => {
    const { tcb } = connectionOf(probed.socket);
    loseWay(probed.ns);
    await probed.watch.until(() => tcb.softError === 'EHOSTUNREACH');
    findWay(probed.ns);
    await probed.watch.until(() => conversation(probed).includes('answer'));
    t.is(tcb.state, 'ESTABLISHED');
    t.is(tcb.softError, null);
    t.is(tcb.probesOut, 0);
  },
  BEHIND,
);
