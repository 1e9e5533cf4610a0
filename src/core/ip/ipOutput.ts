import { formatIpv4, type Ipv4Address } from '../base/address.ts';
import type { PacketBuffer } from '../base/packetBuffer.ts';
import { type Flow, Protocol } from '../base/ports.ts';
import type { Random } from '../base/random.ts';
import type { SendReason } from '../base/reasons.ts';
import type { Micros } from '../base/time.ts';
import { ipv4Template, writeIpv4 } from '../wire/ipv4.ts';
import type { Addresses } from './addresses.ts';
import { DEFAULT_TTL, MAX_DATAGRAM } from './config.ts';
import type { Journal } from './journal.ts';
import type { Neighbor } from './neighborCache.ts';
import type { PathMtuTable } from './pathMtu.ts';
import type { Route, RouteTable } from './routes.ts';

/** Octets of an IPv4 header without options; we send none. @rfc 791 3.1 */
const IPV4_HEADER = 20;
/** Octets of the longest TCP header. @rfc 9293 3.1 */
const MAX_TCP_HEADER = 60;
/** The More Fragments flag in the word of flags and fragment offset. @rfc 791 3.1 */
const MORE_FRAGMENTS = 0x2000;

/** Between whom a flow leads, and for which protocol. */
interface FlowEnds {
  readonly source: Ipv4Address;
  readonly destination: Ipv4Address;
  readonly protocol: number;
}

/** What a flow is given by the IP layer. */
interface FlowServices {
  readonly pathMtu: PathMtuTable;
  readonly random: Random;
}

/**
 * The way from one of our addresses to a destination. It keeps its route for life, its neighbour
 * until that is given up, and its path MTU until the table of those changes.
 */
export class Ipv4Flow implements Flow {
  readonly source: Ipv4Address;
  readonly destination: Ipv4Address;
  readonly protocol: number;
  readonly route: Route;
  /** Who gets the frames: the destination itself or a router. @rfc 1122 3.3.1.1 */
  readonly nextHop: Ipv4Address;
  neighbor: Neighbor | null = null;
  readonly #pathMtu: PathMtuTable;
  /** One template for each ECN codepoint, since that may differ from segment to segment. */
  readonly #templates: (Uint8Array | null)[] = [null, null, null, null];
  #mtu: number;
  #mtuGeneration: number;
  #ttl = DEFAULT_TTL;
  #trafficClass = 0;
  #identification: number;

  constructor(ends: FlowEnds, route: Route, services: FlowServices) {
    const { destination } = ends;
    this.source = ends.source;
    this.destination = destination;
    this.protocol = ends.protocol;
    this.route = route;
    this.nextHop = route.gateway ?? destination;
    this.#pathMtu = services.pathMtu;
    this.#mtu = services.pathMtu.mtuTo(destination, route.iface.mtu);
    this.#mtuGeneration = services.pathMtu.generation;
    this.#identification = services.random.u32() & 0xffff;
  }

  get mtu(): number {
    if (this.#mtuGeneration !== this.#pathMtu.generation) {
      this.#mtuGeneration = this.#pathMtu.generation;
      this.#mtu = this.#pathMtu.mtuTo(this.destination, this.route.iface.mtu);
    }
    return this.#mtu;
  }

  get ttl(): number {
    return this.#ttl;
  }

  set ttl(ttl: number) {
    if (!(ttl >= 1 && ttl <= 255)) throw new RangeError(`a time to live of ${ttl}`);
    if (ttl === this.#ttl) return;
    this.#ttl = ttl;
    this.#templates.fill(null);
  }

  get trafficClass(): number {
    return this.#trafficClass;
  }

  set trafficClass(octet: number) {
    if (!(octet >= 0 && octet <= 255)) throw new RangeError(`a traffic class of ${octet}`);
    if (octet >>> 2 !== this.#trafficClass >>> 2) this.#templates.fill(null);
    this.#trafficClass = octet;
  }

  suspect(now: Micros): void {
    if (this.neighbor !== null) this.route.iface.neighbors.doubt(this.neighbor, now);
  }

  /** The header that the next datagram starts from. */
  get template(): Uint8Array {
    const made = this.#templates[this.#trafficClass & 3];
    if (made !== null && made !== undefined) return made;
    const { source, destination, protocol } = this;
    const template = ipv4Template(source, destination, protocol, this.#ttl, this.#trafficClass);
    this.#templates[this.#trafficClass & 3] = template;
    return template;
  }

  /**
   * The Identification of the next datagram: counted from a random start for each flow, as Linux
   * does. With DF set nobody looks at it.
   *
   * @rfc 6864 4.1
   */
  nextIdentification(): number {
    const identification = this.#identification;
    this.#identification = (identification + 1) & 0xffff;
    return identification;
  }

  /** May a datagram of this length go out: as one frame, or cut by the device? */
  mayCarry(length: number): boolean {
    if (length <= this.mtu) return true;
    if (this.protocol !== Protocol.TCP || length > MAX_DATAGRAM) return false;
    const { segmentation } = this.route.iface.device.offload;
    return length - IPV4_HEADER - MAX_TCP_HEADER <= segmentation && segmentation > 0;
  }
}

/** What the output side is made of. */
export interface IpOutputServices {
  readonly addresses: Addresses;
  readonly routes: RouteTable;
  readonly pathMtu: PathMtuTable;
  readonly journal: Journal;
  readonly random: Random;
}

/** The way down: from the octets of a transport to a frame for the next hop. @rfc 1122 3.3 */
export class IpOutput {
  readonly #services: IpOutputServices;
  readonly #journal: Journal;
  /** Identification of what may be fragmented, by us or by routers: one count for all. @rfc 6864 4.3 */
  #identification: number;

  constructor(services: IpOutputServices) {
    this.#services = services;
    this.#journal = services.journal;
    this.#identification = services.random.u32() & 0xffff;
  }

  /** Where the datagrams for `destination` go; null: nowhere, or it is not the address of another host. */
  routeTo(destination: Ipv4Address): Route | null {
    if (!this.#services.addresses.isOtherHost(destination)) return null;
    return this.#services.routes.lookup(destination);
  }

  /** @throws RangeError if `source` is not ours: RFC 1122 3.2.1.3 forbids to send from there */
  openFlow(source: Ipv4Address, destination: Ipv4Address, protocol: number): Ipv4Flow | null {
    if (!this.#services.addresses.isLocal(source)) {
      throw new RangeError(`${formatIpv4(source)} is not an address of this host`);
    }
    const route = this.routeTo(destination);
    if (route === null) return null;
    return new Ipv4Flow({ source, destination, protocol }, route, this.#services);
  }

  /**
   * Sends the octets from `packet.transport` to `packet.end` with DF set. Longer ones than the path
   * MTU are a mistake of the caller, who is told by the drop alone.
   */
  send(packet: PacketBuffer, flow: Ipv4Flow, reason: SendReason, now: Micros): void {
    if (!flow.mayCarry(IPV4_HEADER + packet.end - packet.transport)) {
      packet.network = packet.transport;
      packet.link = packet.transport;
      this.#journal.unsent(packet, 'frame-too-long', now);
      return;
    }
    writeIpv4(packet, flow.template, flow.nextIdentification());
    this.#toNextHop(packet, flow, reason, now);
  }

  /**
   * Sends the octets from `packet.transport` to `packet.end` with DF clear, in fragments where they
   * do not fit the path MTU. Each fragment's header overwrites the end of the one before, which has
   * gone by then; what the packet held is lost.
   *
   * @rfc 791 3.2
   */
  sendFragmentable(packet: PacketBuffer, flow: Ipv4Flow, reason: SendReason, now: Micros): void {
    const identification = this.#identification;
    this.#identification = (identification + 1) & 0xffff;
    const { transport: start, end } = packet;
    if (IPV4_HEADER + end - start <= flow.mtu) {
      writeIpv4(packet, flow.template, identification, 0);
      this.#toNextHop(packet, flow, reason, now);
      return;
    }
    const { template } = flow;
    const step = (flow.mtu - IPV4_HEADER) & ~7;
    for (let at = start; at < end; at += step) {
      const isLast = at + step >= end;
      packet.transport = at;
      packet.end = isLast ? end : at + step;
      const flagsAndOffset = ((at - start) >>> 3) | (isLast ? 0 : MORE_FRAGMENTS);
      writeIpv4(packet, template, identification, flagsAndOffset);
      this.#toNextHop(packet, flow, 'fragment', now);
    }
  }

  #toNextHop(packet: PacketBuffer, flow: Ipv4Flow, reason: SendReason, now: Micros): void {
    const { neighbors } = flow.route.iface;
    let neighbor = flow.neighbor;
    if (neighbor === null || neighbor.state === 'failed') {
      neighbor = neighbors.lookup(flow.nextHop, now);
      flow.neighbor = neighbor;
    }
    if (neighbor === null) {
      packet.link = packet.network;
      this.#journal.unsent(packet, 'neighbor-queue-full', now);
      return;
    }
    neighbors.send(neighbor, packet, reason, now);
  }
}
