import { type Ipv4Address, type Ipv4Cidr, inNetwork, type MacAddress } from '../base/address.ts';
import { PacketBuffer } from '../base/packetBuffer.ts';
import { type Device, Protocol } from '../base/ports.ts';
import { ArpOperation, ArpPacket, parseArp, writeArp } from '../wire/arp.ts';
import { EthernetHeader, EtherType, parseEthernet, writeEthernet } from '../wire/ethernet.ts';
import { IcmpHeader, IcmpType, writeIcmp } from '../wire/icmpv4.ts';
import { Ipv4Header, ipv4Template, parseIpv4, writeIpv4 } from '../wire/ipv4.ts';

/** What a router does with datagrams to a network behind it. */
export type Fate =
  | 'forward'
  /** Nothing comes out, and nobody is told. */
  | 'black-hole'
  /** The sender is told: ICMP destination unreachable, code 1. */
  | 'host-unreachable'
  /** ... code 0. */
  | 'net-unreachable';

/** One network of a router. */
export interface RouterPort {
  readonly device: Device;
  /** The router's address there. */
  readonly cidr: Ipv4Cidr;
  /** What happens to datagrams that go there. */
  fate: Fate;
}

interface Port extends RouterPort {
  /** Stations that have asked or answered. */
  readonly stations: Map<Ipv4Address, MacAddress>;
}

const MAX_FRAME = 65_549;
/** Octets of the quoted datagram in an ICMP error: its header and eight more. @rfc 792 */
const QUOTED = 28;
/** Code of "fragmentation needed and DF set". This router never fragments. @rfc 1191 4 */
const FRAGMENTATION_NEEDED = 4;
const UNREACHABLE_CODES = { 'net-unreachable': 0, 'host-unreachable': 1 } as const;

/**
 * A router between simulated networks. It knows a station once that has sent ARP, which each host
 * does when it begins, and forwards at once: the links before and behind it have the delay.
 *
 * @rfc 1812 5.2
 */
export class Router {
  readonly #ports: Port[] = [];
  readonly #packet = new PacketBuffer(MAX_FRAME);
  readonly #out = new PacketBuffer(MAX_FRAME);
  readonly #ethernet = new EthernetHeader();
  readonly #arp = new ArpPacket();
  readonly #ip = new Ipv4Header();
  #identification = 0;
  /** ICMP errors sent. */
  errorsSent = 0;
  /** What is too long for a network vanishes, and its sender is not told. */
  isSilent = false;
  /** Datagrams that vanished so. */
  tooLong = 0;
  /** Shown each ICMP error that it sends, whole. */
  onError: ((packet: PacketBuffer) => void) | null = null;

  /** Joins a network to it. */
  attach(device: Device, cidr: Ipv4Cidr): RouterPort {
    const port: Port = { device, cidr, fate: 'forward', stations: new Map() };
    this.#ports.push(port);
    device.onReadable = () => this.#drain(port);
    return port;
  }

  #drain(port: Port): void {
    const packet = this.#packet;
    while (port.device.receive(packet)) {
      const frame = this.#ethernet;
      if (parseEthernet(packet, frame) !== null) continue;
      if (frame.type === EtherType.ARP) this.#onArp(port);
      else if (frame.type === EtherType.IPV4) this.#onDatagram(port);
    }
  }

  #onArp(port: Port): void {
    const { device, cidr, stations } = port;
    const arp = this.#arp;
    if (parseArp(this.#packet, arp) !== null) return;
    stations.set(arp.senderIp, arp.senderMac);
    if (arp.operation !== ArpOperation.REQUEST || arp.targetIp !== cidr.address) return;
    const out = this.#out;
    out.clear();
    const to = arp.senderMac;
    arp.targetMac = arp.senderMac;
    arp.targetIp = arp.senderIp;
    arp.senderMac = device.macAddress;
    arp.senderIp = cidr.address;
    arp.operation = ArpOperation.REPLY;
    writeArp(out, arp);
    writeEthernet(out, to, device.macAddress, EtherType.ARP);
    device.send(out);
  }

  #onDatagram(from: Port): void {
    const packet = this.#packet;
    const ip = this.#ip;
    if (parseIpv4(packet, ip) !== null) return;
    const to = this.#ports.find((port) => inNetwork(ip.destination, port.cidr));
    if (to === undefined || to === from || ip.ttl <= 1) return;
    if (to.fate === 'black-hole') return;
    if (to.fate !== 'forward') this.#tell(from, { code: UNREACHABLE_CODES[to.fate], rest: 0 });
    else if (packet.end - packet.network <= to.device.mtu) this.#forward(to);
    else if (this.isSilent) this.tooLong++;
    else this.#tell(from, { code: FRAGMENTATION_NEEDED, rest: to.device.mtu });
  }

  /** The datagram with its time to live one less. @rfc 1812 5.3.1 */
  #forward(to: Port): void {
    const ip = this.#ip;
    const station = to.stations.get(ip.destination);
    if (station === undefined) return;
    const packet = this.#packet;
    const { source, destination, protocol, ttl, trafficClass, identification } = ip;
    const flags = packet.view.getUint16(packet.network + 6);
    const template = ipv4Template(source, destination, protocol, ttl - 1, trafficClass);
    writeIpv4(packet, template, identification, flags);
    writeEthernet(packet, station, to.device.macAddress, EtherType.IPV4);
    to.device.send(packet);
  }

  /** Tells the sender that its datagram did not arrive. @rfc 792 */
  #tell(from: Port, { code, rest }: { code: number; rest: number }): void {
    const { network, octets, end } = this.#packet;
    const { device, cidr, stations } = from;
    const station = stations.get(this.#ip.source);
    if (station === undefined) return;
    this.errorsSent++;
    const out = this.#out;
    out.clear();
    const quoted = octets.subarray(network, Math.min(end, network + QUOTED));
    out.octets.set(quoted, out.transport + 8);
    out.end = out.transport + 8 + quoted.length;
    const icmp = new IcmpHeader();
    icmp.type = IcmpType.UNREACHABLE;
    icmp.code = code;
    icmp.rest = rest;
    writeIcmp(out, icmp);
    const template = ipv4Template(cidr.address, this.#ip.source, Protocol.ICMP, 64, 0);
    writeIpv4(out, template, this.#identification++ & 0xffff);
    writeEthernet(out, station, device.macAddress, EtherType.IPV4);
    this.onError?.(out);
    device.send(out);
  }
}
