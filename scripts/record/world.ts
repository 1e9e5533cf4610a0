import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { formatMac, type MacAddress, parseCidr, parseIpv4 } from '../../src/core/base/address.ts';
import type { EndName } from '../../src/core/replay/sidecar.ts';
import type { TcpConfig } from '../../src/core/tcp/config.ts';
import { defaultMac, openTap } from '../../src/node/devices/tapDevice.ts';
import type { NodeStack } from '../../src/node/nodeStack.ts';
import { Cable } from './cable.ts';
import { Host } from './host.ts';
import { INTERFACE, Namespace, run } from './namespace.ts';
import type { Scenario } from './scenario.ts';
import { Tcpdump } from './tcpdump.ts';

export const ADDRESSES = { client: '10.107.0.1', server: '10.107.0.2' } as const;
const PORTS = { client: 40_000, server: 5000 } as const;
const PREFIX = '/24';
export const ENDS: readonly EndName[] = ['client', 'server'];
const DEFAULT_MTU = 1500;
const ALL_OCTETS = 262_144;
/** After the last call: what the kernels still say. */
const SETTLE_MS = 250;
const MOST_MS = 25_000;

/** Two ends and what is between them, of one scenario. */
export class World {
  readonly client: Host;
  readonly server: Host;
  readonly scenario: Scenario;
  /** Of the ends that are kernels. */
  readonly namespaces = new Map<EndName, Namespace>();
  #cable: Cable | null = null;
  #dumps = new Map<EndName, Tcpdump>();
  readonly #closers: (() => unknown)[] = [];

  private constructor(scenario: Scenario) {
    this.scenario = scenario;
    for (const end of ENDS) {
      if (scenario.glasstcp === end) continue;
      this.namespaces.set(end, new Namespace(`glass-c-${process.pid}-${end}`));
    }
    this.client = this.#host('client');
    this.server = this.#host('server');
  }

  /** Makes the ends and the link. */
  static async make(scenario: Scenario): Promise<World> {
    const world = new World(scenario);
    try {
      world.#setSysctls();
      if (scenario.kind === 'veth') world.#joinByVeth();
      else await world.#joinByTaps();
      world.#knowStations();
      scenario.prepare?.(world);
    } catch (error) {
      await world.close();
      throw error;
    }
    return world;
  }

  get cable(): Cable {
    if (this.#cable === null) throw new Error('there is no cable');
    return this.#cable;
  }

  namespace(end: EndName): Namespace {
    const namespace = this.namespaces.get(end);
    if (namespace === undefined) throw new Error(`the ${end} is no kernel`);
    return namespace;
  }

  /** Plays the scenario. @returns the files with what was captured, by end */
  async record(folder: string): Promise<ReadonlyMap<EndName, string>> {
    const { scenario } = this;
    await scenario.before?.(this);
    this.client.calls.length = 0;
    this.server.calls.length = 0;
    for (const [end, namespace] of this.namespaces) {
      const file = join(folder, `${end}.pcap`);
      const snapLength = scenario.snapLength ?? ALL_OCTETS;
      this.#dumps.set(end, await Tcpdump.start(namespace, file, snapLength));
    }
    await Promise.race([scenario.run(this), tooLong()]);
    await this.settle();
    const dumps = [...this.#dumps];
    this.#dumps = new Map();
    await Promise.all(dumps.map(([, dump]) => dump.stop()));
    return new Map(dumps.map(([end, dump]) => [end, dump.file]));
  }

  /** Lets everything arrive that is on its way. */
  async settle(): Promise<void> {
    await pause(SETTLE_MS);
  }

  /** This project's stack, at the end that is no kernel. */
  async stack(config: Partial<TcpConfig>): Promise<NodeStack> {
    const end = this.scenario.glasstcp;
    if (end === undefined) throw new Error('both ends are kernels');
    // kernels can be recorded without it
    const { createStack } = await import('../../src/node/nodeStack.ts');
    const device = end === 'client' ? this.cable.clientDevice() : this.cable.serverDevice();
    const stack = createStack({ device, address: ADDRESSES[end] + PREFIX, config });
    this.#closers.unshift(() => stack.close({ lingerMs: 0 }));
    return stack;
  }

  /** Removes all of it; nothing of this is recorded. */
  async close(): Promise<void> {
    for (const [, dump] of this.#dumps) dump.kill();
    this.#cable?.cut();
    for (const end of ENDS) {
      const link = ['link', 'set', 'dev', INTERFACE, 'down'];
      try {
        this.namespaces.get(end)?.ip(...link);
      } catch {
        // it was never made
      }
    }
    this.client.closeAll();
    this.server.closeAll();
    for (const close of this.#closers) await close();
    this.#cable?.close();
    for (const [, namespace] of this.namespaces) namespace.remove();
  }

  #host(end: EndName): Host {
    const namespace = this.namespaces.get(end) ?? null;
    return new Host(namespace, ADDRESSES[end], PORTS[end], this.scenario.congestion ?? 'cubic');
  }

  #setSysctls(): void {
    const { sysctls = {}, endSysctls = {} } = this.scenario;
    for (const [end, namespace] of this.namespaces) {
      for (const [name, value] of Object.entries({ ...sysctls, ...endSysctls[end] })) {
        namespace.setSysctl(name, value);
      }
    }
  }

  #joinByVeth(): void {
    const client = this.namespace('client');
    const server = this.namespace('server');
    const peer = ['peer', 'name', INTERFACE, 'netns', server.name];
    run('ip', 'link', 'add', INTERFACE, 'netns', client.name, 'type', 'veth', ...peer);
    for (const [end, namespace] of this.namespaces) {
      const dev = ['dev', INTERFACE];
      namespace.ip('link', 'set', ...dev, 'addrgenmode', 'none');
      namespace.ip('link', 'set', ...dev, 'address', formatMac(macOf(end)));
      namespace.ip('address', 'add', ADDRESSES[end] + PREFIX, ...dev);
      namespace.ip('link', 'set', ...dev, 'mtu', String(this.#mtu()), 'up');
    }
  }

  async #joinByTaps(): Promise<void> {
    const { scenario } = this;
    const { toServer, toClient } = scenario;
    const rules = { ...(toServer && { toServer }), ...(toClient && { toClient }) };
    const options = { ...scenario.cable, mtu: this.#mtu() };
    const cable = new Cable([macOf('client'), macOf('server')], options, rules);
    this.#cable = cable;
    for (const [end, namespace] of this.namespaces) {
      const kernelAddress = parseCidr(ADDRESSES[end] + PREFIX);
      if (kernelAddress === null) throw new Error(`${ADDRESSES[end]} is no address`);
      const own = { name: INTERFACE, netns: namespace.name, mtu: this.#mtu() };
      const macAddress = macOf(end === 'client' ? 'server' : 'client');
      const tap = await openTap({ ...own, macAddress, kernelAddress });
      this.#closers.push(() => tap.close());
      namespace.ip('link', 'set', 'dev', INTERFACE, 'address', formatMac(macOf(end)));
      if (end === 'client') cable.joinClient(tap);
      else cable.joinServer(tap);
    }
  }

  #knowStations(): void {
    this.namespaces.get('client')?.know(ADDRESSES.server, macOf('server'));
    this.namespaces.get('server')?.know(ADDRESSES.client, macOf('client'));
  }

  #mtu(): number {
    return this.scenario.mtu ?? DEFAULT_MTU;
  }
}

/** Fails when a conversation should long be over. */
async function tooLong(): Promise<never> {
  await delay(MOST_MS, undefined, { ref: false });
  throw new Error(`it is not over after ${MOST_MS} ms`);
}

/** The station address of an end. */
export function macOf(end: EndName): MacAddress {
  const address = parseIpv4(ADDRESSES[end]);
  if (address === null) throw new Error(`${ADDRESSES[end]} is no address`);
  return defaultMac(address);
}

/** Lets time go by, as an application does. */
export async function pause(ms: number): Promise<void> {
  await delay(ms);
}
