import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import { formatMac, type MacAddress, parseMac } from '../../../src/core/base/address.ts';
import type { PacketBuffer } from '../../../src/core/base/packetBuffer.ts';
import { type Device, NO_OFFLOAD } from '../../../src/core/base/ports.ts';
import {
  createStack,
  type NodeStack,
  type NodeStackOptions,
  type Server,
  type Socket,
} from '../../../src/node/nodeStack.ts';

/** Frames that a direction of the link holds before it takes no more, if nothing else is said. */
const CAPACITY = 256;

export const CLIENT_ADDRESS = '10.107.0.1';
export const SERVER_ADDRESS = '10.107.0.2';

/** One end of a cable in memory, which keeps copies of the frames sent to it. */
export class LinkEnd implements Device {
  readonly name: string;
  readonly mtu = 1500;
  readonly macAddress: MacAddress;
  readonly offload = NO_OFFLOAD;
  onReadable: (() => void) | null = null;
  onWritable: (() => void) | null = null;
  closed = false;
  /** Frames that may wait at this end. */
  capacity = CAPACITY;
  peer: LinkEnd | null = null;
  /** Frames sent from here that are lost, if it says so. */
  loses: (frame: Uint8Array) => boolean = () => false;
  readonly #inbox: Uint8Array[] = [];

  constructor(name: string, mac: MacAddress) {
    this.name = name;
    this.macAddress = mac;
  }

  get writable(): boolean {
    return !this.closed && this.peer !== null && this.peer.#inbox.length < this.peer.capacity;
  }

  receive(packet: PacketBuffer): boolean {
    const wasFull = this.#inbox.length >= this.capacity;
    const frame = this.#inbox.shift();
    if (frame === undefined) return false;
    if (wasFull) queueMicrotask(() => this.peer?.onWritable?.());
    packet.setFrame(frame);
    return true;
  }

  send(packet: PacketBuffer): boolean {
    if (!this.writable) return false;
    const frame = packet.frame();
    if (this.peer !== null && !this.loses(frame)) this.peer.#arrives(frame.slice());
    return true;
  }

  close(): void {
    this.closed = true;
    this.#inbox.length = 0;
  }

  #arrives(frame: Uint8Array): void {
    if (this.closed) return;
    this.#inbox.push(frame);
    if (this.#inbox.length === 1) queueMicrotask(() => this.onReadable?.());
  }
}

export function mac(text: string): MacAddress {
  const parsed = parseMac(text);
  if (parsed === null) throw new Error(`not a MAC address: ${text}`);
  return parsed;
}

/** Two devices joined by a cable. */
export function link(): [LinkEnd, LinkEnd] {
  const a = new LinkEnd('a', mac('02:00:0a:6b:00:01'));
  const b = new LinkEnd('b', mac('02:00:0a:6b:00:02'));
  a.peer = b;
  b.peer = a;
  if (formatMac(a.macAddress) === formatMac(b.macAddress)) throw new Error('one address twice');
  return [a, b];
}

/** Two stacks in this process, joined by a cable. */
export interface Pair {
  readonly client: NodeStack;
  readonly server: NodeStack;
  readonly clientDevice: LinkEnd;
  readonly serverDevice: LinkEnd;
}

type StackSettings = Omit<NodeStackOptions, 'device' | 'address'>;

export function stackPair(clientOptions?: StackSettings, serverOptions?: StackSettings): Pair {
  const [clientDevice, serverDevice] = link();
  const client = { device: clientDevice, address: `${CLIENT_ADDRESS}/24`, ...clientOptions };
  const server = { device: serverDevice, address: `${SERVER_ADDRESS}/24`, ...serverOptions };
  return {
    client: createStack(client),
    server: createStack(server),
    clientDevice,
    serverDevice,
  };
}

/** Two stacks that are closed when the test is over. */
export function pair(t: ExecutionContext, clientOptions?: StackSettings): Pair {
  const stacks = stackPair(clientOptions);
  t.teardown(async () => {
    await Promise.all([stacks.server.close(), stacks.client.close()]);
  });
  return stacks;
}

/** Listens on a free port of all addresses. */
export async function listening(server: Server): Promise<number> {
  server.listen(0);
  await once(server, 'listening');
  return server.address()?.port ?? 0;
}

/** Both ends of one open connection. */
export interface Ends {
  readonly client: Socket;
  readonly accepted: Socket;
  readonly listener: Server;
}

/** Opens a connection from the client to a new server. */
export async function connected({ client, server }: Pair): Promise<Ends> {
  const listener = server.net.createServer();
  const port = await listening(listener);
  const accepting = once(listener, 'connection');
  const socket = client.net.connect(port, SERVER_ADDRESS);
  const [[accepted]] = await Promise.all([accepting, once(socket, 'connect')]);
  // Stacks are closed when the test is over: what is open then is reset.
  for (const end of [socket, accepted]) end.on('error', () => {});
  return { client: socket, accepted, listener };
}
