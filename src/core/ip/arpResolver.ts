import {
  ANY_ADDRESS,
  BROADCAST_MAC,
  type Ipv4Address,
  type Ipv4Cidr,
  inNetwork,
  isGroupMac,
  isLoopback,
  isMulticast,
  LIMITED_BROADCAST,
  type MacAddress,
  subnetBroadcast,
} from '../base/address.ts';
import { PacketBuffer } from '../base/packetBuffer.ts';
import type { DropReason, SendReason } from '../base/reasons.ts';
import type { Micros } from '../base/time.ts';
import { TimerEntry, type TimerQueue, type TimerTarget } from '../base/timerQueue.ts';
import { ArpOperation, ArpPacket, parseArp, writeArp } from '../wire/arp.ts';
import { EtherType, writeEthernet } from '../wire/ethernet.ts';
import { ANNOUNCE_INTERVAL, ANNOUNCEMENTS } from './config.ts';
import type { NeighborCache } from './neighborCache.ts';

/** Octets of an ARP packet for Ethernet and IPv4 with its frame, padding included. @rfc 826 */
const ARP_FRAME = 64;

/** No station: what stands for the address that is asked for. */
const NO_MAC = 0;

/** The interface that the resolver speaks through. */
export interface ArpLink {
  readonly macAddress: MacAddress;
  readonly cidr: Ipv4Cidr;
  /** Sends a frame that is complete. */
  transmit(packet: PacketBuffer, reason: SendReason, now: Micros): void;
}

/**
 * Speaks ARP on one interface: answers for our address, asks for those of others, and tells the
 * neighbour cache what it hears.
 *
 * Deviates from RFC 5227 2.1.1: an address is used without probing for it first, as a host whose
 * address was configured by hand does on Linux; and 2.4: a conflict is counted, not defended.
 *
 * @rfc 826
 */
export class ArpResolver implements TimerTarget {
  readonly #link: ArpLink;
  readonly #neighbors: NeighborCache;
  readonly #timers: TimerQueue;
  readonly #timer: TimerEntry;
  readonly #arrived = new ArpPacket();
  readonly #own = new ArpPacket();
  /** A buffer apart from the other ones, since requests are sent while a datagram is. */
  readonly #packet = new PacketBuffer(ARP_FRAME);
  #announced = 0;

  constructor(link: ArpLink, neighbors: NeighborCache, timers: TimerQueue) {
    this.#link = link;
    this.#neighbors = neighbors;
    this.#timers = timers;
    this.#timer = new TimerEntry(this);
  }

  /** Tells all stations our address, now and once more. @rfc 5227 2.3 */
  announce(now: Micros): void {
    this.#announced = 0;
    this.onDeadline(now);
  }

  /** The next announcement is due. */
  onDeadline(now: Micros): void {
    const own = this.#own;
    own.operation = ArpOperation.REQUEST;
    own.targetMac = toMac(NO_MAC);
    own.targetIp = this.#link.cidr.address;
    this.#send(BROADCAST_MAC, 'arp-announcement', now);
    this.#announced++;
    if (this.#announced < ANNOUNCEMENTS)
      this.#timers.schedule(this.#timer, now + ANNOUNCE_INTERVAL);
  }

  /** Asks who has `address`: all stations, or the one that had it. */
  solicit(address: Ipv4Address, to: MacAddress, now: Micros): void {
    const own = this.#own;
    own.operation = ArpOperation.REQUEST;
    own.targetMac = to === BROADCAST_MAC ? toMac(NO_MAC) : to;
    own.targetIp = address;
    this.#send(to, 'arp-request', now);
  }

  /**
   * An ARP packet arrived, at `packet.network`. What it says of its sender is taken over where the
   * sender is known already, or speaks to us; a request for our address is answered.
   */
  arpArrives(packet: PacketBuffer, now: Micros): DropReason | null {
    const arp = this.#arrived;
    const malformed = parseArp(packet, arp);
    if (malformed !== null) return malformed;
    const { address } = this.#link.cidr;
    const isForUs = arp.targetIp === address;
    if (arp.operation !== ArpOperation.REQUEST && arp.operation !== ArpOperation.REPLY) {
      return 'arp-unsupported';
    }
    if (!this.#isStation(arp.senderMac)) return 'arp-bad-sender';
    if (arp.senderIp === address) return 'arp-conflict';
    // RFC 5227 2.1.1: a probe has no sender address. It is answered, and teaches nothing.
    const isProbe = arp.senderIp === ANY_ADDRESS && arp.operation === ArpOperation.REQUEST;
    if (!isProbe) {
      if (!this.#isNeighbor(arp.senderIp)) return 'arp-bad-sender';
      if (isForUs) this.#neighbors.learn(arp.senderIp, arp.senderMac, now);
      else if (this.#neighbors.update(arp.senderIp, arp.senderMac, now)) return null;
    }
    if (!isForUs) return 'arp-not-for-us';
    if (arp.operation === ArpOperation.REQUEST) this.#reply(arp, now);
    return null;
  }

  #reply(request: ArpPacket, now: Micros): void {
    const own = this.#own;
    own.operation = ArpOperation.REPLY;
    own.targetMac = request.senderMac;
    own.targetIp = request.senderIp;
    this.#send(request.senderMac, 'arp-reply', now);
  }

  #send(to: MacAddress, reason: SendReason, now: Micros): void {
    const own = this.#own;
    own.senderMac = this.#link.macAddress;
    own.senderIp = this.#link.cidr.address;
    const packet = this.#packet;
    packet.clear();
    writeArp(packet, own);
    writeEthernet(packet, to, this.#link.macAddress, EtherType.ARP);
    this.#link.transmit(packet, reason, now);
  }

  /** Is it the address of one other station? */
  #isStation(mac: MacAddress): boolean {
    return mac !== NO_MAC && !isGroupMac(mac) && mac !== this.#link.macAddress;
  }

  /** May a host of this link have the address? */
  #isNeighbor(address: Ipv4Address): boolean {
    const { cidr } = this.#link;
    if (!inNetwork(address, cidr) || isMulticast(address) || isLoopback(address)) return false;
    if (address === ANY_ADDRESS || address === LIMITED_BROADCAST) return false;
    return cidr.prefixLength > 30 || address !== subnetBroadcast(cidr);
  }
}

function toMac(n: number): MacAddress {
  return n as MacAddress;
}
