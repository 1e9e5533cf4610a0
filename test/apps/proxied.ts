import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import type { ExecutionContext } from 'ava';
import {
  type HalfCloseProxy,
  type HalfCloseProxyOptions,
  halfCloseProxy,
  type ProxyEvent,
} from '../../src/apps/halfCloseProxy.ts';
import { comesAbout, openStates, type World } from './worlds.ts';

type Settings = Partial<Omit<HalfCloseProxyOptions, 'net' | 'upstream' | 'onEvent'>>;

/** A proxy in front of a server. */
export interface Proxied {
  readonly proxy: HalfCloseProxy;
  /** `accepted 1`, `half-close clientToServer`, ... */
  readonly events: string[];
  readonly server: Server;
  /** Where the proxy listens. */
  readonly port: number;
  /** Opens a connection through the proxy. @returns its two far ends */
  open(): Promise<Ends>;
  /** Opens a connection to the proxy. */
  connect(): Socket;
}

/** The ends of a connection through a proxy. */
export interface Ends {
  readonly client: Socket;
  readonly accepted: Socket;
}

/** Starts a server that does nothing, and a proxy in front of it, which are closed with the test. */
export async function proxied(
  world: World,
  t: ExecutionContext,
  settings: Settings = {},
): Promise<Proxied> {
  const server = world.server.createServer({ allowHalfOpen: true });
  server.listen({ port: 0, host: world.serverHost });
  await once(server, 'listening');
  const events: string[] = [];
  const proxy = halfCloseProxy({
    net: world.front,
    upstream: { net: world.back, host: world.serverHost, port: portOf(server) },
    onEvent: (event) => events.push(textOf(event)),
    ...settings,
  });
  const { port } = await proxy.listen({ port: 0, host: world.frontHost });
  const sockets: Socket[] = [];
  const connect = (): Socket => {
    const client = world.client.connect({ port, host: world.frontHost, allowHalfOpen: true });
    sockets.push(client);
    return client;
  };
  t.teardown(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await proxy.close();
  });
  const open = async (): Promise<Ends> => {
    const accepting = once(server, 'connection');
    const client = connect();
    const [[accepted]] = await Promise.all([accepting, once(client, 'connect')]);
    sockets.push(accepted);
    return { client, accepted };
  };
  return { proxy, events, server, port, open, connect };
}

export function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it does not listen');
  return address.port;
}

function textOf(event: ProxyEvent): string {
  switch (event.kind) {
    case 'half-close':
    case 'reset':
      return `${event.kind} ${event.way}`;
    case 'idle':
      return `idle ${event.limit}`;
    default:
      return event.kind;
  }
}

/** No socket of anybody is left, in the proxy or in the stacks. */
export async function nothingIsLeft({ proxy, server }: Proxied, { stacks }: World): Promise<void> {
  await comesAbout(() => proxy.counters.active === 0);
  let open = 1;
  server.getConnections((_error, count) => {
    open = count;
  });
  await comesAbout(() => open === 0 && states().length === 0);
  function states(): string[] {
    return openStates(stacks);
  }
}

/** The code of the error that a socket fails with, or `end` if it ends. */
export function fateOf(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.once('end', () => resolve('end'));
    socket.resume();
  });
}
