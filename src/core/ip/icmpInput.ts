import type { PacketBuffer } from '../base/packetBuffer.ts';
import type { TransportError, UnreachableKind } from '../base/ports.ts';
import type { DropReason } from '../base/reasons.ts';
import type { Micros } from '../base/time.ts';
import { IcmpHeader, IcmpType, parseIcmp, parseQuoted, QuotedDatagram } from '../wire/icmpv4.ts';
import type { Ipv4Header } from '../wire/ipv4.ts';
import type { Addresses } from './addresses.ts';
import type { IcmpOutput } from './icmpOutput.ts';
import type { IpOutput } from './ipOutput.ts';
import { type PathMtuTable, plateauBelow } from './pathMtu.ts';
import type { Transports } from './transports.ts';

/** Where the quoted datagram begins, from the ICMP header on, and the total length in it. */
const QUOTED = 8;
const TOTAL_LENGTH = 2;
/** The code of Time Exceeded for fragments; 0 is a datagram on its way. @rfc 792 */
const REASSEMBLY = 1;

/** The codes of Destination Unreachable. @rfc 1122 3.2.2.1 */
const UNREACHABLE_CODES: readonly UnreachableKind[] = [
  'net-unreachable', // 0
  'host-unreachable', // 1
  'protocol-unreachable', // 2
  'port-unreachable', // 3
  'fragmentation-needed', // 4, DF set
  'source-route-failed', // 5
  'net-unreachable', // 6, destination network unknown
  'host-unreachable', // 7, destination host unknown
  'host-unreachable', // 8, source host isolated
  'admin-prohibited', // 9, network
  'admin-prohibited', // 10, host
  'net-unreachable', // 11, for the type of service
  'host-unreachable', // 12, for the type of service
  'admin-prohibited', // 13, RFC 1812 5.2.7.1
  'host-unreachable', // 14, host precedence violation
  'host-unreachable', // 15, precedence cutoff
];

/** What ICMP input is made of. */
export interface IcmpInputServices {
  readonly addresses: Addresses;
  readonly transports: Transports;
  readonly pathMtu: PathMtuTable;
  readonly output: IpOutput;
  readonly icmpOutput: IcmpOutput;
}

/**
 * ICMP messages for this host: echo requests are answered, errors handed to the transport whose
 * datagram they quote. Anybody can send an error, so nothing here is changed by one before the
 * transport has said that the quoted segment is one of a live connection (RFC 5927 4.1).
 *
 * @rfc 1122 3.2.2
 */
export class IcmpInput {
  readonly #services: IcmpInputServices;
  readonly #icmp = new IcmpHeader();
  readonly #quoted = new QuotedDatagram();

  constructor(services: IcmpInputServices) {
    this.#services = services;
  }

  /** A whole datagram of ICMP arrived. */
  icmpArrives(packet: PacketBuffer, ip: Ipv4Header, now: Micros): DropReason | null {
    const icmp = this.#icmp;
    const malformed = parseIcmp(packet, icmp);
    if (malformed !== null) return malformed;
    if (!this.#services.addresses.isLocal(ip.destination)) {
      return icmp.type === IcmpType.ECHO ? 'icmp-broadcast-echo' : 'icmp-unknown';
    }
    switch (icmp.type) {
      case IcmpType.ECHO:
        this.#services.icmpOutput.echoReply(packet, ip, icmp, now);
        return null;
      case IcmpType.UNREACHABLE:
        return this.#unreachable(packet, icmp, now);
      case IcmpType.TIME_EXCEEDED:
        return this.#report(
          icmp.code === REASSEMBLY ? 'reassembly-timeout' : 'time-exceeded',
          packet,
          0,
          now,
        );
      case IcmpType.PARAMETER_PROBLEM:
        return this.#report('parameter-problem', packet, 0, now);
      case IcmpType.SOURCE_QUENCH:
        return 'icmp-source-quench';
      case IcmpType.REDIRECT:
        return 'icmp-redirect';
      default: // an echo reply too: this host sends no echo requests
        return 'icmp-unknown';
    }
  }

  #unreachable(packet: PacketBuffer, icmp: IcmpHeader, now: Micros): DropReason | null {
    const kind = UNREACHABLE_CODES[icmp.code];
    if (kind === undefined) return 'icmp-unknown';
    if (kind !== 'fragmentation-needed') return this.#report(kind, packet, 0, now);
    const told = icmp.rest & 0xffff;
    const drop = this.#report(kind, packet, told, now);
    if (drop === null) this.#reducePathMtu(packet, told, now);
    return drop;
  }

  /** Hands the error to the transport whose datagram it quotes. @rfc 1122 3.2.2.1 */
  #report(
    kind: UnreachableKind,
    packet: PacketBuffer,
    mtu: number,
    now: Micros,
  ): DropReason | null {
    const { addresses, transports } = this.#services;
    const quoted = this.#quoted;
    if (!parseQuoted(packet, quoted)) return 'icmp-truncated';
    const handler = transports.handlerFor(quoted.protocol);
    if (handler === null || !addresses.isLocal(quoted.source)) return 'icmp-no-connection';
    const error: TransportError = transports.error;
    error.kind = kind;
    error.local = quoted.source;
    error.remote = quoted.destination;
    error.localPort = quoted.sourcePort;
    error.remotePort = quoted.destinationPort;
    error.sequence = quoted.sequence;
    error.mtu = mtu;
    return handler.errorArrives(error, now);
  }

  /** The transport believed that its datagram did not fit. @rfc 1191 4 */
  #reducePathMtu(packet: PacketBuffer, told: number, now: Micros): void {
    const { output, pathMtu } = this.#services;
    const { destination } = this.#quoted;
    const route = output.routeTo(destination);
    if (route === null) return;
    const length = packet.view.getUint16(packet.transport + QUOTED + TOTAL_LENGTH);
    const mtu = told === 0 ? plateauBelow(length) : told;
    pathMtu.update(destination, mtu, pathMtu.mtuTo(destination, route.iface.mtu), now);
  }
}
