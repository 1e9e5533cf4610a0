import { once } from 'node:events';
import test, { type ExecutionContext } from 'ava';
import type { Socket } from '../../src/index.ts';
import { countersOf, run, withNamespace } from '../harness/netns.ts';
import { KernelPeer } from './peer.ts';
import {
  connectionOf,
  endOf,
  knowStation,
  listening,
  openSite,
  PORT,
  type Site,
  STACK,
} from './world.ts';

/**
 * The same four ends as seen from the kernel, whose keepalive probes the stack: it is alive; it is
 * silent; it has started again; it cannot be reached.
 */

/** Of the host behind the kernel that is a router, and of the router's interface towards it. */
const HOST = '10.108.0.2';
const ROUTER = '10.108.0.1';

/** Never reached, however busy the machine is. */
const MANY = 100;

/** A connection that a process of the kernel has opened to the stack. */
interface Probed extends Site {
  readonly ns: string;
  readonly peer: KernelPeer;
  readonly accepted: Socket;
}

/** Probed after 1 s and each second, `count` times. */
function probed(
  title: string,
  count: number,
  body: (t: ExecutionContext, probed: Probed) => Promise<void>,
): void {
  test(title, async (t) => {
    await withNamespace(t, async (ns) => {
      const peer = new KernelPeer(t, ns);
      const site = await openSite(t, ns, {});
      knowStation(ns);
      await body(t, { ns, peer, ...site, accepted: await open(site, peer, count) });
    });
  });
}

async function open({ stack, watch }: Site, peer: KernelPeer, count: number): Promise<Socket> {
  const server = await listening(stack);
  const accepting = once(server, 'connection');
  await peer.tell({ do: 'connect', host: STACK, port: PORT });
  const [accepted] = await accepting;
  await peer.tell({ do: 'read' });
  watch.forget();
  await peer.tell({ do: 'keepAlive', idle: 1, interval: 1, count });
  return accepted;
}

/** `probe`, `answer`, or what else it was, of each segment. */
function conversation({ watch }: Probed): string[] {
  return watch.segments.map(({ way, reason, length }) => {
    if (way === 'received') {
      return reason === 'unacceptable' && length === 0 ? 'probe' : `received ${reason}`;
    }
    return reason === 'ack-unacceptable' ? 'answer' : `sent ${reason}`;
  });
}

function probes(ns: string): number | undefined {
  return countersOf(ns).get('TcpExtTCPKeepAlive');
}

probed(
  'RFC 9293 3.8.4: the probes of the kernel are answered, each one',
  MANY,
  async (t, probed) => {
    await probed.watch.until(() => conversation(probed).length >= 6);
    t.deepEqual(conversation(probed).slice(0, 6), [
      'probe',
      'answer',
      'probe',
      'answer',
      'probe',
      'answer',
    ]);
    t.is(connectionOf(probed.accepted).state, 'ESTABLISHED');
    t.is(countersOf(probed.ns).get('TcpCurrEstab'), 1);
  },
);

probed('RFC 9293 3.8.4: a silent stack is dead for the kernel: ETIMEDOUT', 2, async (t, probed) => {
  probed.valve.cut();
  t.deepEqual((await probed.peer.tell({ do: 'closed' })).errors, ['ETIMEDOUT']);
  t.is(probes(probed.ns), 2);
  // the stack, which knows of nothing, learns it when it speaks
  t.is(connectionOf(probed.accepted).state, 'ESTABLISHED');
  probed.valve.open();
  const end = endOf(probed.accepted);
  probed.accepted.resume();
  probed.accepted.write('anybody there?');
  t.is(await end, 'ECONNRESET');
});

probed(
  'RFC 9293 3.8.4: a stack that has forgotten the connection answers by a RST: ECONNRESET',
  MANY,
  async (t, probed) => {
    probed.valve.cut();
    connectionOf(probed.accepted).abort(probed.stack.now());
    await probed.watch.until(() => probed.stack.core.tcp.connectionCount === 0);
    probed.watch.forget();
    probed.valve.open();
    t.deepEqual((await probed.peer.tell({ do: 'closed' })).errors, ['ECONNRESET']);
    t.deepEqual(conversation(probed).sort(), ['received listen-ack', 'sent reset']);
  },
);

test('RFC 9293 3.8.4: a stack behind a router that knows no way ends the count as well', async (t) => {
  await withNamespace(t, async (router) => {
    await withNamespace(t, async (host) => {
      const veth = ['type', 'veth', 'peer', 'name', 'eth0', 'netns', host];
      run('ip', '-n', router, 'link', 'add', 'eth0', ...veth);
      run('ip', '-n', router, 'address', 'add', `${ROUTER}/24`, 'dev', 'eth0');
      run('ip', '-n', host, 'address', 'add', `${HOST}/24`, 'dev', 'eth0');
      for (const ns of [router, host]) run('ip', '-n', ns, 'link', 'set', 'dev', 'eth0', 'up');
      run('ip', '-n', host, 'route', 'add', 'default', 'via', ROUTER);
      run('ip', 'netns', 'exec', router, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
      const peer = new KernelPeer(t, host);
      const site = await openSite(t, router, {});
      const accepted = await open(site, peer, 3);
      t.is(accepted.remoteAddress, HOST);
      run('ip', '-n', router, 'route', 'add', 'unreachable', STACK);
      const { errors } = await peer.tell({ do: 'closed' });
      const counters = countersOf(host);
      t.true((counters.get('IcmpInDestUnreachs') ?? 0) > 0);
      t.is(probes(host), 3);
      // Linux takes no note of an ICMP error about a probe, whose number is below SND.UNA
      t.deepEqual(errors, ['ETIMEDOUT']);
    });
  });
});
