import { ANY_ADDRESS, ipv4, type MacAddress } from '../../src/core/base/address.ts';
import { type Micros, MS } from '../../src/core/base/time.ts';
import { Link, type LinkOptions } from '../../src/core/sim/link.ts';
import { Network } from '../../src/core/sim/network.ts';
import { Router } from '../../src/core/sim/router.ts';
import type { Stack } from '../../src/core/stack/stack.ts';
import type { TcpConfig } from '../../src/core/tcp/config.ts';
import type { Connection } from '../../src/core/tcp/connection.ts';
import type { Listener } from '../../src/core/tcp/listen/listener.ts';

const PORT = 80;
/** The last link, which all share, has this delay. */
const SHARED_DELAY: Micros = MS;

const UNBOUNDED = 1 << 16;

/** One stream through the bottleneck. */
export interface FlowOptions {
  readonly config: Partial<TcpConfig>;
  /** Round-trip time without queues; 2 ms and more. */
  readonly rtt: Micros;
}

/**
 * Hosts that send to one other host, all by one link:
 *
 * ```
 *   10.0.1.2 ----.
 *   10.0.2.2 ---- router ---- bottleneck ---- 10.0.0.2
 *   ...      ----'
 * ```
 */
export class Dumbbell {
  readonly network = new Network();
  readonly server: Stack;
  readonly flows: readonly Flow[];

  /** @param bottleneck rate and queue of the link to the one that receives */
  constructor(flows: readonly FlowOptions[], bottleneck: LinkOptions) {
    const { network } = this;
    const router = new Router();
    const host = (n: number, link: LinkOptions, config: Partial<TcpConfig>): Stack => {
      const macs = [
        (0x020000000000 + n) as MacAddress,
        (0x0200000000f0 + n) as MacAddress,
      ] as const;
      const gateway = ipv4(0x0a000001 + (n << 8));
      const { a, b } = new Link(macs, link, network.clock, network.timers);
      router.attach(b, { address: gateway, prefixLength: 24 });
      const cidr = { address: ipv4(gateway + 1), prefixLength: 24 };
      return network.addHost(a, cidr, { config, gateway }, n + 1);
    };
    this.server = host(0, { ...bottleneck, delay: SHARED_DELAY }, {});
    const to = ipv4(0x0a000002);
    this.flows = flows.map(({ config, rtt }, i) => {
      const link = { delay: rtt / 2 - SHARED_DELAY, queue: UNBOUNDED };
      const listener = this.server.listen(ANY_ADDRESS, PORT + i, 1);
      const client = host(i + 1, link, config);
      const open = () => client.connect({ remoteAddress: to, remotePort: PORT + i }, network.now);
      return new Flow(open, listener);
    });
  }

  /** Lets the time go on, while the flows send as much as they can. @returns octets of each that came */
  pass(time: Micros): number[] {
    const { network, flows } = this;
    const before = flows.map(({ received }) => received);
    network.runUntil(() => {
      for (const flow of flows) flow.act();
      return false;
    }, network.now + time);
    return flows.map(({ received }, i) => received - (before[i] ?? 0));
  }
}

/** A stream from a client to the server, as fast as it goes. */
export class Flow {
  /** The sender's end; null: it has not begun. */
  client: Connection | null = null;
  /** Octets that have come to the server's user. */
  received = 0;
  readonly #open: () => Connection;
  readonly #listener: Listener<Connection>;
  readonly #chunk = new Uint8Array(65_536);
  #server: Connection | null = null;

  constructor(open: () => Connection, listener: Listener<Connection>) {
    this.#open = open;
    this.#listener = listener;
  }

  /** Begins. */
  start(): void {
    this.client = this.#open();
  }

  /** Writes and reads what it can. */
  act(): void {
    if (this.client === null) return;
    while (this.client.send(this.#chunk) > 0);
    this.#server ??= this.#listener.accept();
    for (let n = -1; n !== 0; this.received += n) n = this.#server?.receive(this.#chunk) ?? 0;
  }
}
