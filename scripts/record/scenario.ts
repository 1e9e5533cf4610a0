import type { CapturedSegment } from '../../src/core/capture/capturedSegment.ts';
import type { EndName, ReplayExpectation } from '../../src/core/replay/sidecar.ts';
import type { LinkOptions } from '../../src/core/sim/link.ts';
import type { Rule } from './cable.ts';
import type { Host, KernelSocket } from './host.ts';
import type { World } from './world.ts';

/** How many segments with SEQ numbers of its own an end must have sent again: exactly, or from and to. */
export type Resent = number | readonly [number, number];

/** One conversation to record. */
export interface Scenario {
  /** Of its files, without suffix. */
  readonly name: string;
  /** What happens, and what it shows. */
  readonly description: string;
  /** What the link does, in a few words; not given: it only forwards. */
  readonly link?: string;
  /** Not given: two TAPs with this process between them; `veth`: nothing between, and offloads. */
  readonly kind?: 'tap' | 'veth';
  readonly cable?: Omit<LinkOptions, 'mtu'>;
  readonly toServer?: Rule;
  readonly toClient?: Rule;
  readonly mtu?: number;
  /** Without `net.ipv4.`, for both ends or one. */
  readonly sysctls?: Readonly<Record<string, string>>;
  readonly endSysctls?: Readonly<Partial<Record<EndName, Readonly<Record<string, string>>>>>;
  /** Of all sockets; not given: cubic. */
  readonly congestion?: 'cubic' | 'reno' | 'bbr';
  /** Commands of this machine that it takes, besides those that all take. */
  readonly needs?: readonly string[];
  /** An end that is this project's stack. */
  readonly glasstcp?: EndName;
  /** Captures of both ends are kept, since they differ; else that of `capturedAt` alone. */
  readonly both?: boolean;
  /** Not given: the client, or whichever end is a kernel. */
  readonly capturedAt?: EndName;
  readonly snapLength?: number;
  /** Ends whose part can be replayed; not given: both, as far as they are kernels. */
  readonly roles?: readonly EndName[];
  readonly resent?: Readonly<Partial<Record<EndName, Resent>>>;
  /** What a first recording says about its replay; not given: strict, floor 0. */
  readonly replay?: Partial<Record<EndName, ReplayExpectation>>;
  /** How much later than `cable.delay` a segment may arrive, milliseconds; not given: 5. */
  readonly latest?: number;
  /** Looks at what was captured at `capturedAt`. @returns what is wrong with it, null: nothing */
  check?(segments: readonly CapturedSegment[]): string | null;
  /** Settings of the kernels before anything is captured: routes and the like. */
  prepare?(world: World): void;
  /** What happens before anything is captured. */
  before?(world: World): Promise<void>;
  run(world: World): Promise<void>;
}

/** A connection between two kernels. */
export interface Pair {
  readonly client: KernelSocket;
  readonly server: KernelSocket;
  readonly listener: KernelSocket;
}

/** Sets options of a socket before it is opened. */
export type Prepare = (socket: KernelSocket) => void;

/** Opens a connection, and accepts it. */
export async function connected(
  world: World,
  options: { readonly client?: Prepare; readonly server?: Prepare } = {},
): Promise<Pair> {
  const listener = listening(world.server, options.server);
  const client = world.client.socket();
  options.client?.(client);
  const [server] = await Promise.all([listener.accept(), client.connect(world.server)]);
  return { client, server, listener };
}

export function listening(host: Host, prepare?: Prepare): KernelSocket {
  const listener = host.socket();
  prepare?.(listener);
  listener.listen();
  return listener;
}

/** The client closes, the server reads that and closes as well. */
export async function closeInTurn(first: KernelSocket, second: KernelSocket): Promise<void> {
  first.close();
  await second.readToEnd();
  second.close();
}
