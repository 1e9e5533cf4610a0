import type { Ipv4Address, Ipv4Cidr, MacAddress } from '../base/address.ts';
import type { PacketBuffer } from '../base/packetBuffer.ts';
import type { Device } from '../base/ports.ts';
import type { DropReason, SendReason } from '../base/reasons.ts';
import type { Micros } from '../base/time.ts';
import { EtherType, writeEthernet } from '../wire/ethernet.ts';
import { type ArpLink, ArpResolver } from './arpResolver.ts';
import type { Journal } from './journal.ts';
import { NeighborCache, type NeighborLink, type NeighborServices } from './neighborCache.ts';
import type { Transports } from './transports.ts';

/** What an interface is given by the IP layer. */
export interface InterfaceServices extends NeighborServices {
  readonly journal: Journal;
  readonly transports: Transports;
}

/** A device with an address of ours: where datagrams become frames. @rfc 894 */
export class Interface implements ArpLink, NeighborLink {
  readonly device: Device;
  readonly cidr: Ipv4Cidr;
  readonly arp: ArpResolver;
  readonly neighbors: NeighborCache;
  readonly #journal: Journal;
  readonly #transports: Transports;

  constructor(device: Device, cidr: Ipv4Cidr, services: InterfaceServices) {
    this.device = device;
    this.cidr = cidr;
    this.#journal = services.journal;
    this.#transports = services.transports;
    this.neighbors = new NeighborCache(this, services);
    this.arp = new ArpResolver(this, this.neighbors, services.timers);
  }

  get address(): Ipv4Address {
    return this.cidr.address;
  }

  get macAddress(): MacAddress {
    return this.device.macAddress;
  }

  /** Octets of the largest datagram that one frame carries. */
  get mtu(): number {
    return this.device.mtu;
  }

  /** Hands a frame that is complete to the device. */
  transmit(packet: PacketBuffer, reason: SendReason, now: Micros): void {
    if (this.device.send(packet)) this.#journal.sent(packet, reason, now);
    else this.#journal.unsent(packet, 'device-full', now);
  }

  sendDatagram(packet: PacketBuffer, to: MacAddress, reason: SendReason, now: Micros): void {
    writeEthernet(packet, to, this.device.macAddress, EtherType.IPV4);
    this.transmit(packet, reason, now);
  }

  solicit(address: Ipv4Address, to: MacAddress, now: Micros): void {
    this.arp.solicit(address, to, now);
  }

  /** A datagram that waited is given up; that nobody answered is news for its transport. */
  giveUp(packet: PacketBuffer, drop: DropReason, now: Micros): void {
    packet.link = packet.network;
    this.#journal.unsent(packet, drop, now);
    if (drop === 'neighbor-unreachable') this.#transports.hostUnreachable(packet, now);
  }
}
