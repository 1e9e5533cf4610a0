import type { Ipv4Address } from '../../base/address.ts';
import type { IcmpPacket, IpInfo, TcpPacket } from '../ast.ts';
import { Unsupported } from '../host/calls.ts';
import { icmpNumbers } from '../icmpNames.ts';
import type { Conversation } from './conversation.ts';
import {
  icmpDatagram,
  type LiveIp,
  type LiveSegment,
  mostText,
  quotedSegment,
  segmentDatagram,
} from './datagrams.ts';
import { optionOctets } from './optionOctets.ts';

/** Turns what a script sends into datagrams. */

/** Where the two ends of a script live. */
export interface Addresses {
  readonly local: Ipv4Address;
  readonly remote: Ipv4Address;
}

/** Thrown when a packet cannot be made: the script fails there. */
export class CannotInject extends Error {}

const SYN = 2;
const ACK = 0x10;
const DEFAULT_TTL = 255;
const ECN = { noecn: 0, ect1: 1, ect0: 2, ce: 3 } as const;
const ACE_SHIFT = 6;
const ACE_BITS = 0x1c0;
const ECHO_ID_SHIFT = 16;
/** The length that a quoted segment is said to have had, besides its text. */
const QUOTED_HEADER = 20;

/** What the IP header of an injected packet says. */
export function liveIp(ip: IpInfo): LiveIp {
  const ecn = ip.ecn === null || ip.ecn === 'either' ? 0 : ECN[ip.ecn];
  const trafficClass = ip.trafficClass ?? ((ip.dscp ?? 0) << 2) | ecn;
  return { ttl: ip.ttl ?? DEFAULT_TTL, trafficClass };
}

/** The flags on the wire: the ACE counter stands in the place of AE, CWR and ECE. */
export function liveFlags({ flags, ace }: TcpPacket): number {
  return ace === null ? flags : (flags & ~ACE_BITS) | (ace << ACE_SHIFT);
}

/** What else there is to know of a segment. */
export interface InjectOptions {
  readonly addresses: Addresses;
  /** TSecr may be derived where the script's value was not seen. */
  readonly scalesEcho: boolean;
}

/**
 * The datagram of a segment, however long that is.
 * @throws CannotInject, Unsupported
 */
export function tcpDatagram(
  packet: TcpPacket,
  conversation: Conversation,
  options: InjectOptions,
): Uint8Array {
  const segment = liveSegment(packet, conversation, options);
  if (segment.length > mostText(segment.options.length)) {
    throw new CannotInject(`a segment of ${segment.length} octets`);
  }
  const { local, remote } = options.addresses;
  return segmentDatagram(segment, liveIp(packet.ip), { source: remote, destination: local });
}

function liveSegment(
  packet: TcpPacket,
  conversation: Conversation,
  { scalesEcho }: InjectOptions,
): LiveSegment {
  const { seq, ports } = packet;
  const isSyn = (packet.flags & SYN) !== 0;
  const start = seq.start ?? 0;
  const hasAck = (packet.flags & ACK) !== 0;
  if (packet.options === 'any') throw new CannotInject('<...> stands for no options of a packet');
  if (conversation.localPort === null && ports === null) {
    throw new CannotInject('no SYN was sent yet, so its port is not known');
  }
  return {
    sourcePort: ports?.source ?? conversation.remotePort,
    destinationPort: ports?.destination ?? conversation.localPort ?? 0,
    seq: seq.isAbsolute ? start : conversation.remoteToLive(start, isSyn),
    ack: hasAck ? conversation.localToLive(packet.ack ?? 0) : (packet.ack ?? 0),
    flags: liveFlags(packet),
    window: packet.window ?? 0,
    urgentPointer: packet.urgentPointer,
    options: optionOctets(packet.options, {
      edge: (number) => conversation.localToLive(number),
      echo: (number) => (hasAck ? echo(number, conversation, scalesEcho) : number),
    }),
    length: seq.length,
  };
}

function echo(number: number, conversation: Conversation, scalesEcho: boolean): number {
  const live = conversation.echoToLive(number, scalesEcho);
  if (live !== null) return live;
  if (number === 0) return 0;
  throw new CannotInject(`TS ecr ${number}: no segment with this TS val was sent`);
}

/** An ICMP message about a segment of the host. @throws CannotInject, Unsupported */
export function icmpMessage(
  packet: IcmpPacket,
  conversation: Conversation | null,
  addresses: Addresses,
): Uint8Array {
  const numbers = icmpNumbers(packet.type, packet.code, 4);
  if (numbers === null) throw new Unsupported(`ICMP ${packet.type} of IPv6`);
  const { echoed } = packet;
  let quoted = new Uint8Array(0);
  if (echoed !== null) {
    if (echoed.protocol !== 'tcp') throw new Unsupported(`ICMP about ${echoed.protocol}`);
    if (conversation === null) throw new CannotInject('there is no connection to complain about');
    const { seq } = echoed;
    quoted = quotedSegment(
      { source: addresses.local, destination: addresses.remote },
      { source: conversation.localPort ?? 0, destination: conversation.remotePort },
      seq.isAbsolute ? (seq.start ?? 0) : conversation.localToLive(seq.start ?? 0),
      QUOTED_HEADER + seq.length,
    ).slice();
  }
  const rest = packet.id === null ? (packet.mtu ?? 0) : (packet.id << ECHO_ID_SHIFT) >>> 0;
  const ends = { source: addresses.remote, destination: addresses.local };
  return icmpDatagram({ ...numbers, rest, quoted }, liveIp(packet.ip), ends);
}
