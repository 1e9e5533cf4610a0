import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import { formatMac, parseCidr, parseIpv4 } from '../../src/core/base/address.ts';
import type { Connection } from '../../src/core/tcp/connection.ts';
import {
  createStack,
  defaultMac,
  type NodeStack,
  type NodeStackOptions,
  openTap,
  type Server,
  type Socket,
} from '../../src/index.ts';
import { run, withNamespace } from '../harness/netns.ts';
import { KernelPeer } from './peer.ts';
import { Valve } from './valve.ts';
import { Watch } from './watch.ts';

export const TAP = 'glass0';
export const STACK = '10.107.0.2';
/** Of the kernel, on the TAP. */
export const KERNEL = '10.107.0.1';
/** The port of whoever listens. */
export const PORT = 5000;

/** A stack in this process, and what is around it. */
export interface Site {
  readonly stack: NodeStack;
  readonly valve: Valve;
  readonly watch: Watch;
}

/** A stack and the kernel, with a TAP between them and a program on each side. */
export interface World extends Site {
  readonly ns: string;
  readonly peer: KernelPeer;
}

/** Where a stack has its TAP. */
export interface Place {
  readonly tap: string;
  readonly stack: string;
  readonly kernel: string;
}

type Settings = Pick<NodeStackOptions, 'config' | 'capture'>;

/** Runs the test with a stack whose peer is the kernel of a namespace, or skips it. */
export async function withWorld(
  t: ExecutionContext,
  settings: Settings,
  body: (world: World) => Promise<void>,
): Promise<void> {
  await withNamespace(t, async (ns) => {
    const peer = new KernelPeer(t, ns);
    const site = await openSite(t, ns, settings);
    await body({ ns, peer, ...site });
  });
}

/** Opens a TAP and a stack on it, which is closed when the test ends. */
export async function openSite(
  t: ExecutionContext,
  ns: string,
  settings: Settings,
  place: Place = { tap: TAP, stack: STACK, kernel: KERNEL },
): Promise<Site> {
  const kernelAddress = parseCidr(`${place.kernel}/24`);
  if (kernelAddress === null) throw new Error(`${place.kernel} is no address`);
  const macAddress = macOf(place.stack);
  const tap = await openTap({ name: place.tap, netns: ns, macAddress, kernelAddress });
  const valve = new Valve(tap);
  const watch = new Watch();
  const address = `${place.stack}/24`;
  const options = { device: valve, address, gateway: place.kernel, tracer: watch };
  const stack = createStack({ ...options, ...settings });
  t.teardown(() => stack.close());
  return { stack, valve, watch };
}

function macOf(address: string) {
  const parsed = parseIpv4(address);
  if (parsed === null) throw new Error(`${address} is no address`);
  return defaultMac(parsed);
}

/** The kernel never asks for the stack's station: a stack that is silent is all that it sees. */
export function knowStation(ns: string): void {
  const station = ['lladdr', formatMac(macOf(STACK)), 'dev', TAP, 'nud', 'permanent'];
  run('ip', '-n', ns, 'neighbour', 'replace', STACK, ...station);
}

/** Takes the kernel's interface down, so that frames of either way are lost, or up. */
export function setLink(ns: string, state: 'up' | 'down', tap = TAP): void {
  run('ip', '-n', ns, 'link', 'set', 'dev', tap, state);
}

/** Listens on {@link PORT}; the sockets do not read before they are resumed. */
export async function listening(stack: NodeStack): Promise<Server> {
  const server = stack.net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(PORT);
  await once(server, 'listening');
  return server;
}

/** Opens a connection from a stack to {@link PORT}; without `reads` it is to be resumed. */
export async function connectTo(
  stack: NodeStack,
  host: string,
  { reads = true } = {},
): Promise<Socket> {
  const socket = stack.net.connect({ host, port: PORT, allowHalfOpen: true });
  if (!reads) socket.pause();
  await once(socket, 'connect');
  return socket;
}

/** The connection of a socket that has, or had, one. */
export function connectionOf(socket: Socket): Connection {
  if (socket.connection === null) throw new Error('the socket has no connection');
  return socket.connection;
}

/** The code of the error that ends the socket, '' if it ends without one. */
export function endOf(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let code = '';
    socket.on('error', (error) => {
      code = String(Reflect.get(error, 'code'));
    });
    socket.once('close', () => resolve(code));
  });
}
