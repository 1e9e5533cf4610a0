import {
  BROADCAST_MAC,
  formatCidr,
  formatIpv4,
  formatMac,
  type Ipv4Address,
  type Ipv4Cidr,
  inNetwork,
  ipv4,
  netmask,
} from '../base/address.ts';
import { PacketBuffer } from '../base/packetBuffer.ts';
import type { DatagramSink, Device, Flow, TransportHandler } from '../base/ports.ts';
import type { DropReason, SendReason } from '../base/reasons.ts';
import type { Micros } from '../base/time.ts';
import { EthernetHeader, EtherType, parseEthernet } from '../wire/ethernet.ts';
import { Addresses, isBroadcastOf } from './addresses.ts';
import { DEFAULT_LIMITS, type IpConfig, MAX_FRAME } from './config.ts';
import { IpCounters } from './counters.ts';
import { IcmpInput } from './icmpInput.ts';
import { IcmpOutput } from './icmpOutput.ts';
import { Interface, type InterfaceServices } from './interface.ts';
import { IpOutput, Ipv4Flow } from './ipOutput.ts';
import { Ipv4Input } from './ipv4Input.ts';
import { Journal, type ReasonCounters } from './journal.ts';
import type { NeighborState } from './neighborCache.ts';
import { PathMtuTable } from './pathMtu.ts';
import { RouteTable } from './routes.ts';
import { Transports } from './transports.ts';

/** What IP knows and holds at a moment, as plain data. */
export interface IpSnapshot {
  readonly interfaces: readonly InterfaceSnapshot[];
  readonly pathMtus: readonly { destination: string; mtu: number; expires: Micros }[];
  readonly reassembly: { readonly datagrams: number; readonly octets: number };
  readonly drops: Readonly<Record<string, number>>;
  readonly sends: Readonly<Record<string, number>>;
}

/** One interface and its neighbours. */
export interface InterfaceSnapshot {
  readonly name: string;
  readonly address: string;
  readonly mtu: number;
  readonly waitingOctets: number;
  readonly neighbors: readonly {
    readonly address: string;
    /** null while nobody has answered. */
    readonly mac: string | null;
    readonly state: NeighborState;
    readonly waiting: number;
  }[];
}

/**
 * A host's IPv4 over Ethernet, without forwarding and without loopback: no route leads to an
 * address of our own. It never keeps a packet that it is given, and calls transports only from
 * {@link receiveFrames} and from the timer queue.
 *
 * ```
 *   commands     addInterface, register
 *   events in    receiveFrames, deadlines of the timer queue
 *   effects out  TransportHandler.datagramArrives and errorArrives; Device.send
 *   way down     openFlow, send: the DatagramSink of the transports
 * ```
 *
 * @rfc 1122 3
 */
export class Ip implements DatagramSink {
  readonly #addresses = new Addresses();
  readonly #routes = new RouteTable();
  readonly #transports = new Transports();
  /** What has arrived so far; the record goes on counting. */
  readonly counters: Readonly<IpCounters>;
  readonly #journal: Journal;
  readonly #pathMtu: PathMtuTable;
  readonly #output: IpOutput;
  readonly #input: Ipv4Input;
  readonly #interfaceServices: InterfaceServices;
  readonly #received = new PacketBuffer(MAX_FRAME);
  readonly #ethernet = new EthernetHeader();

  constructor(config: IpConfig) {
    const { random, timers } = config;
    const limits = { ...DEFAULT_LIMITS, ...config.limits };
    const journal = new Journal(config.tracer);
    const addresses = this.#addresses;
    const transports = this.#transports;
    const pathMtu = new PathMtuTable(timers, limits.pathMtus);
    const output = new IpOutput({ addresses, routes: this.#routes, pathMtu, journal, random });
    const icmpOutput = new IcmpOutput(output, journal);
    const icmpInput = new IcmpInput({ addresses, transports, pathMtu, output, icmpOutput });
    const counters = new IpCounters();
    const upward = {
      addresses,
      transports,
      icmpInput,
      icmpOutput,
      journal,
      counters,
      timers,
      limits,
    };
    this.counters = counters;
    this.#journal = journal;
    this.#pathMtu = pathMtu;
    this.#output = output;
    this.#input = new Ipv4Input(upward);
    this.#interfaceServices = { random, timers, limits, journal, transports };
  }

  /**
   * Gives a device an address: a route leads to its network, and to the rest of the world if there
   * is a gateway. The stations of the link are told.
   *
   * @param gateway a router in the network of `cidr`; null: there is none
   * @throws RangeError if the address is not one of a host, or the gateway not another host's
   * @rfc 5227 2.3
   */
  addInterface(
    device: Device,
    cidr: Ipv4Cidr,
    gateway: Ipv4Address | null,
    now: Micros,
  ): Interface {
    if (!this.#addresses.isOtherHost(cidr.address) || isBroadcastOf(cidr, cidr.address)) {
      throw new RangeError(`${formatCidr(cidr)} cannot be the address of this host`);
    }
    if (gateway !== null && !isGatewayOf(cidr, gateway)) {
      throw new RangeError(`${formatIpv4(gateway)} is not a router in ${formatCidr(cidr)}`);
    }
    const iface = new Interface(device, cidr, this.#interfaceServices);
    this.#addresses.interfaces.push(iface);
    this.#routes.add({ network: cidr, gateway: null, iface });
    if (gateway !== null) {
      this.#routes.add({ network: { address: ipv4(0), prefixLength: 0 }, gateway, iface });
    }
    iface.arp.announce(now);
    return iface;
  }

  /** From now on `handler` gets the datagrams of `protocol`, and errors about its own. */
  register(protocol: number, handler: TransportHandler): void {
    this.#transports.register(protocol, handler);
  }

  /**
   * Takes frames from the interface's device and processes them.
   * @param budget how many at most
   * @returns how many there were
   */
  receiveFrames(iface: Interface, budget: number, now: Micros): number {
    const packet = this.#received;
    let taken = 0;
    while (taken < budget) {
      packet.clear();
      if (!iface.device.receive(packet)) break;
      taken++;
      this.#journal.received(packet, this.#frameArrives(packet, iface, now), now);
    }
    return taken;
  }

  get writable(): boolean {
    for (const iface of this.#addresses.interfaces) if (!iface.device.writable) return false;
    return true;
  }

  sourceFor(destination: Ipv4Address): Ipv4Address | null {
    return this.#output.routeTo(destination)?.iface.address ?? null;
  }

  isLocal(address: Ipv4Address): boolean {
    return this.#addresses.isLocal(address);
  }

  isBroadcastOrMulticast(address: Ipv4Address): boolean {
    return this.#addresses.isBroadcastOrMulticast(address);
  }

  /** @throws RangeError if the address is not ours */
  receiveMtu(local: Ipv4Address): number {
    const iface = this.#addresses.interfaceOf(local);
    if (iface === null) throw new RangeError(`${formatIpv4(local)} is not an address of this host`);
    return iface.mtu;
  }

  /** @throws RangeError if `source` is not ours */
  openFlow(source: Ipv4Address, destination: Ipv4Address, protocol: number): Flow | null {
    return this.#output.openFlow(source, destination, protocol);
  }

  /** @throws TypeError if the flow was not opened here */
  send(packet: PacketBuffer, flow: Flow, reason: SendReason, now: Micros): void {
    if (!(flow instanceof Ipv4Flow)) throw new TypeError('a flow that IP did not open');
    this.#output.send(packet, flow, reason, now);
  }

  /** Frames and datagrams discarded, by reason. */
  get drops(): ReasonCounters<DropReason> {
    return this.#journal.drops;
  }

  /** Frames handed to devices, by reason; those of the transports are among them. */
  get sends(): ReasonCounters<SendReason> {
    return this.#journal.sends;
  }

  snapshot(now: Micros): IpSnapshot {
    const { reassembly } = this.#input;
    return {
      interfaces: this.#addresses.interfaces.map((iface) => snapshotOf(iface, now)),
      pathMtus: Array.from(this.#pathMtu.entries(), ([destination, entry]) => ({
        destination: formatIpv4(destination),
        mtu: entry.mtu,
        expires: entry.expires,
      })),
      reassembly: { datagrams: reassembly.size, octets: reassembly.octets },
      drops: this.drops.snapshot(),
      sends: this.sends.snapshot(),
    };
  }

  /** One frame, from the link upward. @returns its verdict */
  #frameArrives(packet: PacketBuffer, iface: Interface, now: Micros): DropReason | null {
    const frame = this.#ethernet;
    const malformed = parseEthernet(packet, frame);
    if (malformed !== null) return malformed;
    const { destination } = frame;
    // Deviates from RFC 1112 7.2: the frames of 224.0.0.1 have a group address and are not taken,
    // since nothing that is sent there would be answered.
    if (destination !== iface.macAddress && destination !== BROADCAST_MAC) {
      return 'ethernet-not-for-us';
    }
    switch (frame.type) {
      case EtherType.IPV4:
        return this.#input.datagramArrives(packet, frame, now);
      case EtherType.ARP:
        return iface.arp.arpArrives(packet, now);
      default:
        return 'ethertype-unknown';
    }
  }
}

/** Can it be a router on the link? */
function isGatewayOf(cidr: Ipv4Cidr, gateway: Ipv4Address): boolean {
  if (!inNetwork(gateway, cidr) || gateway === cidr.address) return false;
  if (cidr.prefixLength > 30) return true;
  const isNetwork = gateway === ipv4(cidr.address & netmask(cidr.prefixLength));
  return !isNetwork && !isBroadcastOf(cidr, gateway);
}

function snapshotOf(iface: Interface, now: Micros): InterfaceSnapshot {
  const { neighbors } = iface;
  return {
    name: iface.device.name,
    address: formatCidr(iface.cidr),
    mtu: iface.mtu,
    waitingOctets: neighbors.waitingOctets,
    neighbors: Array.from(neighbors.neighbors(), (neighbor) => ({
      address: formatIpv4(neighbor.address),
      mac: neighbor.state === 'incomplete' ? null : formatMac(neighbor.mac),
      state: neighbors.stateOf(neighbor, now),
      waiting: neighbor.waiting.length,
    })),
  };
}
