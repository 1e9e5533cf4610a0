import type { Ipv4Address } from '../base/address.ts';
import { PacketBuffer } from '../base/packetBuffer.ts';
import { Protocol } from '../base/ports.ts';
import { parseQuoted } from '../capture/capturedDatagram.ts';
import type { CapturedSegment } from '../capture/capturedSegment.ts';
import type { CapturedIcmpError } from '../capture/parseIcmpError.ts';
import { finish, pseudoHeaderSum, sum } from '../wire/checksum.ts';
import { EtherType, writeEthernet } from '../wire/ethernet.ts';
import { IcmpType } from '../wire/icmpv4.ts';
import { ipv4Template, writeIpv4 } from '../wire/ipv4.ts';
import { OWN_ADDRESS, OWN_MAC, PEER_ADDRESS, PEER_MAC, ROUTER_ADDRESS } from './addresses.ts';

/**
 * Makes frames of what was recorded: the segment octet for octet, with flags and options as they
 * were, between the addresses of the replay.
 */

/** What is changed in a segment before it is played. */
export interface FeedChanges {
  /** SEG.ACK. */
  readonly ack: number;
  /** TSecr; null: as it is. */
  readonly echo: number | null;
}

const CAPACITY = 65_535;
const IPV4_HEADER = 20;
const MIN_HEADER = 20;
const MAX_HEADER = 60;
const ICMP_HEADER = 8;
/** As much of the segment as every error quotes, and the length that its datagram is said to have. */
const QUOTED_OCTETS = 8;
const QUOTED_LENGTH = 1500;
const TIMESTAMPS = 8;
const NO_OPERATION = 1;
const DONT_FRAGMENT = 0x4000;

/** Longest text that one datagram takes besides the longest headers. */
export const MAX_TEXT = CAPACITY - IPV4_HEADER - MAX_HEADER;

/** The frame of a segment of the peer; zeros stand for text that the capture cut off. */
export function segmentFrame(segment: CapturedSegment, changes: FeedChanges): Uint8Array {
  const header = tcpHeader(segment);
  const text = segment.text.subarray(0, MAX_TEXT);
  const length = header.length + Math.min(segment.length, MAX_TEXT);
  const packet = new PacketBuffer(length);
  const { octets, view, transport: at } = packet;
  octets.set(header, at);
  octets.set(text, at + header.length);
  packet.end = at + length;
  view.setUint32(at + 8, changes.ack);
  if (changes.echo !== null) writeEcho(view, at, header.length, changes.echo);
  view.setUint16(at + 16, 0);
  const pseudo = pseudoHeaderSum(PEER_ADDRESS, OWN_ADDRESS, Protocol.TCP, length);
  const checksum = finish(sum(octets, view, at, packet.end, pseudo));
  // one that was damaged on its way stays damaged
  view.setUint16(at + 16, segment.checksum === 'bad' ? checksum ^ 0x5555 : checksum);
  const { ttl, trafficClass, identification, dontFragment } = segment;
  const hops = Math.max(1, ttl);
  const template = ipv4Template(PEER_ADDRESS, OWN_ADDRESS, Protocol.TCP, hops, trafficClass);
  writeIpv4(packet, template, identification, dontFragment ? DONT_FRAGMENT : 0);
  writeEthernet(packet, OWN_MAC, PEER_MAC, EtherType.IPV4);
  return packet.frame().slice();
}

/** The header with its options, as recorded. */
function tcpHeader({ datagram }: CapturedSegment): Uint8Array {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
  const transport = parseQuoted(view, 0)?.transport ?? IPV4_HEADER;
  const length = (view.getUint8(transport + 12) >>> 4) * 4;
  const header = new Uint8Array(length);
  header.set(datagram.subarray(transport, transport + length));
  return header;
}

/** @param at of the TCP header, of `length` octets */
function writeEcho(view: DataView, at: number, length: number, echo: number): void {
  const end = at + length;
  for (let i = at + MIN_HEADER; i < end; ) {
    const kind = view.getUint8(i);
    if (kind === 0) return;
    if (kind === NO_OPERATION) {
      i++;
      continue;
    }
    const size = i + 1 < end ? view.getUint8(i + 1) : 0;
    if (size < 2 || i + size > end) return;
    if (kind === TIMESTAMPS && size === 10) view.setUint32(i + 6, echo);
    i += size;
  }
}

/** A SYN or SYN-ACK that was not recorded. @param options their octets, a multiple of 4 */
export interface MadeUpSyn {
  /** Of `Flag`. */
  readonly flags: number;
  readonly seq: number;
  readonly ack: number;
  readonly window: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly options: Uint8Array;
}

/** The frame of a SYN or SYN-ACK from the peer. */
export function synFrame(syn: MadeUpSyn): Uint8Array {
  const length = MIN_HEADER + syn.options.length;
  const packet = new PacketBuffer(length);
  const { octets, view, transport: at } = packet;
  view.setUint16(at, syn.sourcePort);
  view.setUint16(at + 2, syn.destinationPort);
  view.setUint32(at + 4, syn.seq);
  view.setUint32(at + 8, syn.ack);
  view.setUint16(at + 12, (length << 10) | syn.flags);
  view.setUint16(at + 14, syn.window);
  octets.set(syn.options, at + MIN_HEADER);
  packet.end = at + length;
  const pseudo = pseudoHeaderSum(PEER_ADDRESS, OWN_ADDRESS, Protocol.TCP, length);
  view.setUint16(at + 16, finish(sum(octets, view, at, packet.end, pseudo)));
  writeIpv4(packet, ipv4Template(PEER_ADDRESS, OWN_ADDRESS, Protocol.TCP, 64, 0), 0);
  writeEthernet(packet, OWN_MAC, PEER_MAC, EtherType.IPV4);
  return packet.frame().slice();
}

/** ICMPv6's errors in the words of ICMP. @rfc 4443 3 */
const OF_ICMPV6: ReadonlyMap<number, readonly [number, number]> = new Map([
  [1 * 256 + 0, [IcmpType.UNREACHABLE, 0]],
  [1 * 256 + 1, [IcmpType.UNREACHABLE, 13]],
  [1 * 256 + 3, [IcmpType.UNREACHABLE, 1]],
  [1 * 256 + 4, [IcmpType.UNREACHABLE, 3]],
  [2 * 256 + 0, [IcmpType.UNREACHABLE, 4]],
  [3 * 256 + 0, [IcmpType.TIME_EXCEEDED, 0]],
]);

/** IPv6 headers are longer by this much, so a path carries this much less of TCP. */
export const IPV6_EXTRA = 20;

/** The frame of an ICMP error about a segment of ours; null: no error that exists in IPv4. */
export function errorFrame(error: CapturedIcmpError, peerAddress: string): Uint8Array | null {
  const is6 = error.ipVersion === 6;
  const known = is6 ? OF_ICMPV6.get(error.type * 256 + error.code) : [error.type, error.code];
  if (known === undefined) return null;
  const [type = 0, code = 0] = known;
  const mtu = Math.max(0, (error.nextHopMtu ?? 0) - (is6 ? IPV6_EXTRA : 0)) & 0xffff;
  const packet = new PacketBuffer(ICMP_HEADER + IPV4_HEADER + QUOTED_OCTETS);
  const { octets, view, transport: at } = packet;
  view.setUint8(at, type);
  view.setUint8(at + 1, code);
  view.setUint16(at + 6, mtu);
  quote(packet, at + ICMP_HEADER, error);
  packet.end = at + ICMP_HEADER + IPV4_HEADER + QUOTED_OCTETS;
  view.setUint16(at + 2, finish(sum(octets, view, at, packet.end, 0)));
  const from: Ipv4Address = error.source === peerAddress ? PEER_ADDRESS : ROUTER_ADDRESS;
  writeIpv4(packet, ipv4Template(from, OWN_ADDRESS, Protocol.ICMP, 64, 0), 0);
  writeEthernet(packet, OWN_MAC, PEER_MAC, EtherType.IPV4);
  return packet.frame().slice();
}

/** The header and the first eight octets of the segment that the error is about. */
function quote({ octets, view }: PacketBuffer, at: number, { quoted }: CapturedIcmpError): void {
  const header = ipv4Template(OWN_ADDRESS, PEER_ADDRESS, Protocol.TCP, 64, 0);
  octets.set(header, at);
  view.setUint16(at + 2, QUOTED_LENGTH);
  view.setUint16(at + IPV4_HEADER, quoted.sourcePort);
  view.setUint16(at + IPV4_HEADER + 2, quoted.destinationPort);
  view.setUint32(at + IPV4_HEADER + 4, quoted.seq);
}
