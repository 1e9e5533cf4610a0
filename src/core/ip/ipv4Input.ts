import { BROADCAST_MAC, type Ipv4Address, ipv4, isLoopback } from '../base/address.ts';
import type { PacketBuffer } from '../base/packetBuffer.ts';
import { Protocol } from '../base/ports.ts';
import type { DropReason } from '../base/reasons.ts';
import type { Micros } from '../base/time.ts';
import type { EthernetHeader } from '../wire/ethernet.ts';
import { Ipv4Header, parseIpv4 } from '../wire/ipv4.ts';
import { parseUdp, UdpHeader } from '../wire/udp.ts';
import type { Addresses } from './addresses.ts';
import type { IpConfig, IpLimits } from './config.ts';
import { countCodepoint, type IpCounters } from './counters.ts';
import type { IcmpInput } from './icmpInput.ts';
import type { IcmpOutput } from './icmpOutput.ts';
import type { Journal } from './journal.ts';
import { Reassembly, type ReassemblyWatcher } from './reassembly.ts';
import type { Transports } from './transports.ts';

/** 224.0.0.1: every host of the link, the only group that we belong to. @rfc 1112 4 */
const ALL_HOSTS = ipv4(0xe0000001);

/** What IPv4 input is made of. */
export interface Ipv4InputServices {
  readonly addresses: Addresses;
  readonly transports: Transports;
  readonly icmpInput: IcmpInput;
  readonly icmpOutput: IcmpOutput;
  readonly journal: Journal;
  readonly counters: IpCounters;
  readonly timers: IpConfig['timers'];
  readonly limits: IpLimits;
}

/**
 * From a frame to a transport, in the order of RFC 1122 3.2.1: version, checksum, destination,
 * source, then options, reassembly and the protocol.
 *
 * @rfc 1122 3.2.1
 */
export class Ipv4Input implements ReassemblyWatcher {
  readonly reassembly: Reassembly;
  readonly #services: Ipv4InputServices;
  readonly #header = new Ipv4Header();
  readonly #udp = new UdpHeader();

  constructor(services: Ipv4InputServices) {
    this.#services = services;
    this.reassembly = new Reassembly(this, services.timers, services.limits);
  }

  /**
   * A datagram arrived, at `packet.network`.
   * @returns null if it was processed, else why it was dropped or is held
   */
  datagramArrives(packet: PacketBuffer, frame: EthernetHeader, now: Micros): DropReason | null {
    const header = this.#header;
    const malformed = parseIpv4(packet, header);
    if (malformed !== null) return malformed;
    countCodepoint(this.#services.counters, header.trafficClass);
    const drop =
      this.#checkDestination(header.destination, frame) ?? this.#checkSource(header.source);
    if (drop !== null) return drop;
    if (header.hasSourceRoute) return 'ip-source-route';
    if (header.moreFragments || header.fragmentOffset !== 0) {
      return this.#fragmentArrives(packet, now);
    }
    return this.#deliver(packet, now);
  }

  /** Not all fragments arrived in time, which the source is told if the first did. @rfc 1122 3.3.2 */
  reassemblyTimedOut(first: PacketBuffer | null, now: Micros): void {
    this.#services.journal.drops.count('fragment-timeout');
    if (first === null || parseIpv4(first, this.#header) !== null) return;
    if (!this.#services.addresses.isLocal(this.#header.destination)) return;
    this.#services.icmpOutput.error('reassembly-time-exceeded', first, this.#header, now);
  }

  /** "A host MUST silently discard an incoming datagram that is not destined for the host." */
  #checkDestination(destination: Ipv4Address, frame: EthernetHeader): DropReason | null {
    const { addresses } = this.#services;
    if (addresses.isLocal(destination)) {
      // RFC 1122 3.3.6: to all stations of the link go datagrams for all hosts, and no other ones.
      return frame.destination === BROADCAST_MAC ? 'ip-link-broadcast' : null;
    }
    if (isLoopback(destination)) return 'ip-not-for-us';
    const isForAll = destination === ALL_HOSTS || addresses.isBroadcast(destination);
    return isForAll ? null : 'ip-not-for-us';
  }

  /** "A host MUST silently discard an incoming datagram containing an IP source address that is invalid." */
  #checkSource(source: Ipv4Address): DropReason | null {
    return this.#services.addresses.isOtherHost(source) ? null : 'ip-martian-source';
  }

  #fragmentArrives(packet: PacketBuffer, now: Micros): DropReason | null {
    const drop = this.reassembly.fragmentArrives(packet, this.#header, now);
    if (drop !== null) return drop;
    const whole = this.reassembly.packet;
    return parseIpv4(whole, this.#header) ?? this.#deliver(whole, now);
  }

  /** Hands a whole datagram to what its protocol names. @rfc 1122 3.2.2.1 */
  #deliver(packet: PacketBuffer, now: Micros): DropReason | null {
    const { addresses, transports, icmpInput, icmpOutput } = this.#services;
    const header = this.#header;
    const { source, destination, protocol } = header;
    if (protocol === Protocol.ICMP) return icmpInput.icmpArrives(packet, header, now);
    const isUnicast = addresses.isLocal(destination);
    if (protocol === Protocol.TCP && !isUnicast) return 'tcp-not-unicast';
    const handler = transports.handlerFor(protocol);
    if (handler !== null) return handler.datagramArrives(packet, source, destination, now);
    if (protocol === Protocol.UDP) return this.#udpArrives(packet, isUnicast, now);
    if (isUnicast) icmpOutput.error('protocol-unreachable', packet, header, now);
    return 'ip-protocol-unknown';
  }

  /** There is no UDP here, so no port is open: who asks one host is told. @rfc 1122 4.1.3.1 */
  #udpArrives(packet: PacketBuffer, isUnicast: boolean, now: Micros): DropReason {
    const { source, destination } = this.#header;
    const malformed = parseUdp(packet, source, destination, this.#udp);
    if (malformed !== null) return malformed;
    if (isUnicast) {
      this.#services.icmpOutput.error('port-unreachable', packet, this.#header, now);
    }
    return 'udp-no-port';
  }
}
