import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import { digestOf, pseudoRandom } from '../../src/apps/pseudoRandom.ts';
import { parseCidr, parseIpv4 } from '../../src/core/base/address.ts';
import type { ImpairmentOptions } from '../../src/core/sim/impairment.ts';
import type { StackCounters } from '../../src/core/stack/stack.ts';
import type { TcpConfig } from '../../src/core/tcp/config.ts';
import { createStack, defaultMac, openTap, type Socket } from '../../src/index.ts';
import { within } from '../cli/processes.ts';
import { countersOf, run, withNamespace } from '../harness/netns.ts';
import { impaired } from './impaired.ts';

const TAP = 'glass0';
const STACK = '10.107.0.2';
const KERNEL = '10.107.0.1';
const PORT = 5000;

/** What is carried, and between whom. */
export interface BulkOptions {
  readonly octets: number;
  /** Who sends. */
  readonly from: 'stack' | 'kernel';
  readonly impairment: ImpairmentOptions;
  /** Of the kernel: `net.ipv4.tcp_` and these. */
  readonly sysctls: Readonly<Record<string, number>>;
  /** The kernel's, when it sends. */
  readonly congestionControl: string;
  readonly config?: Partial<TcpConfig>;
}

/** What is seen when all has arrived. */
export interface BulkEvidence {
  /** `ss -tine`, in the middle. */
  readonly ss: string;
  /** What the kernel has counted. */
  readonly counters: ReadonlyMap<string, number>;
  /** What the stack has counted. */
  readonly stack: StackCounters;
  readonly seconds: number;
}

/** Carries octets from one end to the other, and finds them as they were. */
export async function bulkTransfer(
  t: ExecutionContext,
  options: BulkOptions,
  look: (evidence: BulkEvidence) => void,
): Promise<void> {
  await withNamespace(t, async (ns) => {
    for (const [name, value] of Object.entries(options.sysctls)) {
      run('ip', 'netns', 'exec', ns, 'sysctl', '-qw', `net.ipv4.tcp_${name}=${value}`);
    }
    const kernelAddress = parseCidr(`${KERNEL}/24`);
    const address = parseIpv4(STACK);
    if (kernelAddress === null || address === null) throw new Error('wrong addresses');
    const macAddress = defaultMac(address);
    const tap = await openTap({ name: TAP, netns: ns, macAddress, kernelAddress });
    // in a namespace only a route may choose another one than reno
    const route = ['route', 'replace', '10.107.0.0/24', 'dev', TAP, 'src', KERNEL];
    run('ip', '-n', ns, ...route, 'congctl', options.congestionControl);
    const device = impaired(tap, options.impairment, 1);
    const { config = {} } = options;
    const stack = createStack({ device, address: `${STACK}/24`, gateway: KERNEL, config });
    t.teardown(() => stack.close());
    const server = stack.net.createServer({ allowHalfOpen: true });
    server.listen(PORT);
    await once(server, 'listening');
    const began = performance.now();
    const carry = options.from === 'stack' ? fromStack : fromKernel;
    const ss = await carry(t, ns, options.octets, once(server, 'connection'));
    const seconds = (performance.now() - began) / 1000;
    look({ ss, counters: countersOf(ns), stack: stack.core.counters(), seconds });
  });
}

type Connected = Promise<readonly unknown[]>;

function sockets(ns: string): string {
  return run('ip', 'netns', 'exec', ns, 'ss', '-tine').trim();
}

async function fromStack(t: ExecutionContext, ns: string, octets: number, connected: Connected) {
  const nc = ['nc', '-N', STACK, String(PORT)];
  const receiver = within(t, ns, 'bash', '-c', `${nc.join(' ')} </dev/null | sha256sum`);
  const [socket] = (await connected) as [Socket];
  pseudoRandom(octets).pipe(socket);
  await written(socket, octets / 2);
  const ss = sockets(ns);
  const { stdout } = await receiver.ended;
  t.is(stdout.toString().split(' ')[0], (await digestOf(pseudoRandom(octets))).sha256);
  return ss;
}

/** Waits until the user has written so much. */
async function written(socket: Socket, octets: number): Promise<void> {
  while (socket.bytesWritten < octets) await once(socket, 'drain');
}

async function fromKernel(t: ExecutionContext, ns: string, octets: number, connected: Connected) {
  const sender = within(t, ns, 'nc', '-N', STACK, String(PORT));
  const input = sender.child.stdin;
  if (input === null) throw new Error('nc has no standard input');
  pseudoRandom(octets).pipe(input);
  const [socket] = (await connected) as [Socket];
  socket.end();
  let ss = '';
  const digest = await digestOf(
    socket.on('data', () => {
      if (ss === '' && socket.bytesRead >= octets / 2) ss = sockets(ns);
    }),
  );
  t.deepEqual(digest, await digestOf(pseudoRandom(octets)));
  return ss;
}
