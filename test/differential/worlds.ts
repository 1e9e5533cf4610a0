import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import * as kernelNet from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { SERVER_ADDRESS, stackPair } from '../node/net/link.ts';

/** What the tests use of node:net. */
export type NetModule = Pick<typeof kernelNet, 'connect' | 'createServer' | 'Server' | 'Socket'>;

/** Two hosts that can talk to each other: the kernel with itself, or two stacks. */
export interface World {
  readonly client: NetModule;
  readonly server: NetModule;
  /** The address of the server. */
  readonly host: string;
  close(): Promise<void>;
}

function kernel(): World {
  return { client: kernelNet, server: kernelNet, host: '127.0.0.1', close: async () => {} };
}

function glass(): World {
  const { client, server } = stackPair();
  return {
    client: asNodeNet(client.net),
    server: asNodeNet(server.net),
    host: SERVER_ADDRESS,
    close: async () => {
      await Promise.all([client.close(), server.close()]);
    },
  };
}

/** The types of node:net name its own classes; ours only behave like them. */
function asNodeNet(net: unknown): NetModule {
  return net as NetModule;
}

/** What a body did and saw; what depends on chance is left out or made equal. */
export type Record = { readonly [what: string]: unknown };

/** Runs the body against node:net and against ours: both must see the same. */
export function differential(
  title: string,
  body: (world: World, t: ExecutionContext) => Promise<Record>,
): void {
  test(`node:net: ${title}`, async (t) => {
    const expected = await inWorld(kernel(), body, t);
    const actual = await inWorld(glass(), body, t);
    t.deepEqual(actual, expected);
  });
}

/** Runs the body against ours alone: for traffic whose checks are in the body. */
export function onBoth(title: string, body: (world: World, t: ExecutionContext) => Promise<void>) {
  for (const [name, make] of [
    ['node:net', kernel],
    ['glasstcp', glass],
  ] as const) {
    test(`${title} (${name})`, async (t) => {
      await inWorld(make(), body, t);
    });
  }
}

async function inWorld<T>(
  world: World,
  body: (world: World, t: ExecutionContext) => Promise<T>,
  t: ExecutionContext,
): Promise<T> {
  try {
    return await body(world, t);
  } finally {
    await world.close();
  }
}

/** Listens on a free port. */
export async function listening(server: Server, host: string): Promise<number> {
  server.listen(0, host);
  await once(server, 'listening');
  return portOf(server);
}

export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it does not listen');
  return address.port;
}

/** Both ends of one open connection. */
export interface Ends {
  readonly client: Socket;
  readonly accepted: Socket;
  readonly server: Server;
  readonly port: number;
}

interface EndsOptions {
  readonly clientHalfOpen?: boolean;
  readonly serverHalfOpen?: boolean;
}

/** Opens a connection; the server takes no other one. */
export async function connected(world: World, options: EndsOptions = {}): Promise<Ends> {
  const { clientHalfOpen = false, serverHalfOpen = false } = options;
  const server = world.server.createServer({ allowHalfOpen: serverHalfOpen });
  const port = await listening(server, world.host);
  const accepting = once(server, 'connection');
  const client = world.client.connect({ port, host: world.host, allowHalfOpen: clientHalfOpen });
  const [[accepted]] = await Promise.all([accepting, once(client, 'connect')]);
  server.close();
  return { client, accepted, server, port };
}

const EVENTS = ['lookup', 'connect', 'ready', 'end', 'finish', 'timeout', 'drain'];

/** The events of a socket, in order. */
export function watch(socket: Socket, hideData = false): string[] {
  const log: string[] = [];
  for (const event of EVENTS) socket.on(event, () => log.push(event));
  if (!hideData) socket.on('data', (data) => log.push(`data ${data.toString()}`));
  socket.on('error', (error) => log.push(`error ${describe(error)}`));
  socket.on('close', (hadError) => log.push(`close ${hadError}`));
  return log;
}

/** `ECONNREFUSED connect`, as far as it has them. */
export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const parts = ['code', 'syscall'].map((name) => Reflect.get(error, name));
  return parts.filter((part) => part !== undefined).join(' ');
}

/** Everything that people look at in an error, the names of this world made equal. */
export function shape(error: unknown, world: World, port: number): Record {
  if (!(error instanceof Error)) return { error };
  const equal = (text: unknown): unknown =>
    typeof text === 'string'
      ? text.replaceAll(world.host, 'HOST').replaceAll(`:${port}`, ':PORT')
      : text === port
        ? 'PORT'
        : text;
  const fields = Object.entries(error).map(([name, value]) => [name, equal(value)]);
  return { name: error.name, message: equal(error.message), ...Object.fromEntries(fields) };
}

/** All sockets have closed, and their 'close' events are over. */
export async function closed(...sockets: readonly Socket[]): Promise<void> {
  await Promise.all(
    sockets.map((socket) =>
      socket.closed ? null : new Promise((resolve) => socket.once('close', resolve)),
    ),
  );
  // The event follows `closed` in the closing phase of the same round, or in the next one.
  for (let rounds = 0; rounds < 3; rounds++) await loopRound();
}

/** The event loop goes round once. */
export function loopRound(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

export function isAddressInfo(value: unknown): value is AddressInfo {
  return typeof value === 'object' && value !== null && 'port' in value;
}

/** Octets that are not all the same. */
export function octets(count: number): Buffer {
  const buffer = Buffer.alloc(count);
  for (let i = 0; i < count; i++) buffer[i] = (i * 31 + (i >>> 8)) & 255;
  return buffer;
}
