import * as kernelNet from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { createStack, type NodeStack } from '../../src/node/nodeStack.ts';
import { CLIENT_ADDRESS, link, SERVER_ADDRESS, stackPair } from '../node/net/link.ts';

/** What the tests use of node:net. */
export type NetModule = Pick<typeof kernelNet, 'connect' | 'createServer'>;

/** A client, a proxy and a server that can talk to each other. */
export interface World {
  readonly client: NetModule;
  /** Where the proxy accepts clients. */
  readonly front: NetModule;
  /** Where the proxy connects to the server. */
  readonly back: NetModule;
  readonly server: NetModule;
  /** The addresses, for those who connect to them. */
  readonly frontHost: string;
  readonly serverHost: string;
  readonly stacks: readonly NodeStack[];
}

function kernel(): World {
  return {
    client: kernelNet,
    front: kernelNet,
    back: kernelNet,
    server: kernelNet,
    frontHost: '127.0.0.1',
    serverHost: '127.0.0.1',
    stacks: [],
  };
}

/** The proxy has one stack, and the client and the server are on the host at its other end. */
function twoStacks(): World {
  const { client, server } = stackPair();
  return {
    client: asNodeNet(client.net),
    front: asNodeNet(server.net),
    back: asNodeNet(server.net),
    server: asNodeNet(client.net),
    frontHost: SERVER_ADDRESS,
    serverHost: CLIENT_ADDRESS,
    stacks: [client, server],
  };
}

/** The proxy has two stacks, and the client and the server are on different networks. */
export function fourStacks(): World {
  const { client, server: front } = stackPair();
  const [backDevice, serverDevice] = link();
  const back = createStack({ device: backDevice, address: '10.108.0.1/24' });
  const server = createStack({ device: serverDevice, address: '10.108.0.2/24' });
  return {
    client: asNodeNet(client.net),
    front: asNodeNet(front.net),
    back: asNodeNet(back.net),
    server: asNodeNet(server.net),
    frontHost: SERVER_ADDRESS,
    serverHost: '10.108.0.2',
    stacks: [client, front, back, server],
  };
}

/** The types of node:net name its own classes; ours only behave like them. */
function asNodeNet(net: unknown): NetModule {
  return net as NetModule;
}

const WORLDS = [
  ['node:net', kernel],
  ['two stacks', twoStacks],
  ['four stacks', fourStacks],
] as const;

/** Runs the same body in each world. */
export function inAllWorlds(
  title: string,
  body: (world: World, t: ExecutionContext) => Promise<void>,
): void {
  for (const [name, make] of WORLDS) {
    test(`${title} (${name})`, async (t) => {
      const world = make();
      try {
        await body(world, t);
      } finally {
        await Promise.all(world.stacks.map((stack) => stack.close()));
      }
    });
  }
}

/** Lets the event loop go round until it is so. @throws Error if it does not come about */
export async function comesAbout(isSo: () => boolean): Promise<void> {
  const limit = performance.now() + 30_000;
  while (!isSo()) {
    if (performance.now() > limit) throw new Error('it does not come about');
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** States of all connections of the stacks; those in TIME-WAIT are none of anybody's. */
export function openStates(stacks: readonly NodeStack[]): string[] {
  return stacks
    .flatMap((stack) => [...stack.core.tcp.connections()])
    .map(({ state }) => state)
    .filter((state) => state !== 'TIME-WAIT');
}
