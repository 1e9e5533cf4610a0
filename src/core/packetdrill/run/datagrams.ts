import type { Ipv4Address } from '../../base/address.ts';
import { PacketBuffer } from '../../base/packetBuffer.ts';
import { Protocol } from '../../base/ports.ts';
import { finish, pseudoHeaderSum, sum } from '../../wire/checksum.ts';
import { ipv4Template, writeIpv4 } from '../../wire/ipv4.ts';

/** Makes the datagrams that a script sends. */

/** Who sends to whom. */
export interface Ends {
  readonly source: Ipv4Address;
  readonly destination: Ipv4Address;
}

/** A segment with the numbers of the wire. */
export interface LiveSegment {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly seq: number;
  readonly ack: number;
  /** The eight bits, and AE (256) above them. */
  readonly flags: number;
  readonly window: number;
  readonly urgentPointer: number;
  /** Octets, a multiple of four of them. */
  readonly options: Uint8Array;
  /** Octets of text, all zero. */
  readonly length: number;
}

/** What the script says of the IP header. */
export interface LiveIp {
  readonly ttl: number;
  readonly trafficClass: number;
}

const MIN_HEADER = 20;
const IPV4_HEADER = 20;
const ICMP_HEADER = 8;
/** As much of the segment as every error quotes. */
const QUOTED = 8;
/** What a datagram can carry besides an IPv4 header. */
const MOST = 65_535 - IPV4_HEADER;
/** Where the data offset stands. */
const OFFSET_SHIFT = 10;

/** Octets of text that fit besides a header with these options. */
export function mostText(optionOctets: number): number {
  return MOST - MIN_HEADER - optionOctets;
}

/** @rfc 9293 3.1 */
export function segmentDatagram(segment: LiveSegment, ip: LiveIp, ends: Ends): Uint8Array {
  const headerLength = MIN_HEADER + segment.options.length;
  const length = headerLength + segment.length;
  const packet = new PacketBuffer(length);
  const { octets, view, transport: at } = packet;
  view.setUint16(at, segment.sourcePort);
  view.setUint16(at + 2, segment.destinationPort);
  view.setUint32(at + 4, segment.seq);
  view.setUint32(at + 8, segment.ack);
  view.setUint16(at + 12, (headerLength << OFFSET_SHIFT) | segment.flags);
  view.setUint16(at + 14, segment.window);
  view.setUint16(at + 18, segment.urgentPointer);
  octets.set(segment.options, at + MIN_HEADER);
  packet.end = at + length;
  const pseudo = pseudoHeaderSum(ends.source, ends.destination, Protocol.TCP, length);
  view.setUint16(at + 16, finish(sum(octets, view, at, packet.end, pseudo)));
  return wrapped(packet, Protocol.TCP, ip, ends);
}

/** An ICMP message with what follows its type and code: `rest` is its second word. */
export interface LiveIcmp {
  readonly type: number;
  readonly code: number;
  readonly rest: number;
  readonly quoted: Uint8Array;
}

/** @rfc 792 */
export function icmpDatagram(message: LiveIcmp, ip: LiveIp, ends: Ends): Uint8Array {
  const length = ICMP_HEADER + message.quoted.length;
  const packet = new PacketBuffer(length);
  const { octets, view, transport: at } = packet;
  view.setUint8(at, message.type);
  view.setUint8(at + 1, message.code);
  view.setUint32(at + 4, message.rest);
  octets.set(message.quoted, at + ICMP_HEADER);
  packet.end = at + length;
  view.setUint16(at + 2, finish(sum(octets, view, at, packet.end, 0)));
  return wrapped(packet, Protocol.ICMP, ip, ends);
}

/** The beginning of a segment of ours, as an error quotes it. @param length octets of the segment */
export function quotedSegment(
  ends: Ends,
  ports: { readonly source: number; readonly destination: number },
  number: number,
  length: number,
): Uint8Array {
  const octets = new Uint8Array(IPV4_HEADER + QUOTED);
  const view = new DataView(octets.buffer);
  octets.set(ipv4Template(ends.source, ends.destination, Protocol.TCP, 64, 0));
  view.setUint16(2, IPV4_HEADER + length);
  view.setUint16(IPV4_HEADER, ports.source);
  view.setUint16(IPV4_HEADER + 2, ports.destination);
  view.setUint32(IPV4_HEADER + 4, number);
  return octets;
}

function wrapped(packet: PacketBuffer, protocol: number, ip: LiveIp, ends: Ends): Uint8Array {
  const template = ipv4Template(ends.source, ends.destination, protocol, ip.ttl, ip.trafficClass);
  writeIpv4(packet, template, 0, 0);
  return packet.octets.slice(packet.network, packet.end);
}
