import { Protocol } from '../base/ports.ts';
import type { Micros } from '../base/time.ts';
import { IcmpType } from '../wire/icmpv4.ts';
import { parseDatagram, parseQuoted } from './capturedDatagram.ts';
import type { CapturedPacket } from './capturedPacket.ts';

/** An ICMP error of a capture about a TCP segment. */
export interface CapturedIcmpError {
  /** Of the packet within its file, from 1. */
  readonly number: number;
  /** Since 1970. */
  readonly time: Micros;
  readonly nanos: number;
  /** Who says it: the router, or the host that was addressed. */
  readonly source: string;
  readonly destination: string;
  readonly ipVersion: 4 | 6;
  /** Of ICMP or ICMPv6, as `ipVersion` says: their numbers differ. */
  readonly type: number;
  readonly code: number;
  /** Of "fragmentation needed" and "packet too big"; 0: a router older than RFC 1191; null: others. */
  readonly nextHopMtu: number | null;
  /** The segment that it is about. */
  readonly quoted: QuotedSegment;
  /** The datagram from its IP header on, as kept. */
  readonly datagram: Uint8Array;
}

/** As much of a segment as every ICMP error quotes. */
export interface QuotedSegment {
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  /** SEG.SEQ, 0 to 2^32 - 1. */
  readonly seq: number;
}

const ICMP_HEADER = 8;
const ICMPV6 = 58;
const FRAGMENTATION_NEEDED = 4;
/** Of ICMPv6; below 128 are the errors. @rfc 4443 2.1 */
const PACKET_TOO_BIG = 2;
const FIRST_INFORMATIONAL = 128;

/** The types of ICMPv4 that quote a datagram. @rfc 1122 3.2.2 */
const ERRORS: readonly number[] = [
  IcmpType.UNREACHABLE,
  IcmpType.SOURCE_QUENCH,
  IcmpType.REDIRECT,
  IcmpType.TIME_EXCEEDED,
  IcmpType.PARAMETER_PROBLEM,
];

/** @returns null: no ICMP error, or none that quotes ports and SEG.SEQ of a TCP segment */
export function parseIcmpError(packet: CapturedPacket): CapturedIcmpError | null {
  const datagram = parseDatagram(packet);
  if (datagram === null) return null;
  const { view, ipVersion, transport: at } = datagram;
  const kept = Math.min(datagram.end, view.byteLength);
  if (datagram.protocol !== (ipVersion === 4 ? Protocol.ICMP : ICMPV6)) return null;
  if (kept - at < ICMP_HEADER) return null;
  const type = view.getUint8(at);
  const isError = ipVersion === 4 ? ERRORS.includes(type) : type < FIRST_INFORMATIONAL;
  const quoted = isError ? quotedSegment(view, at + ICMP_HEADER, kept) : null;
  if (quoted === null) return null;
  return {
    number: packet.number,
    time: packet.time,
    nanos: packet.nanos,
    source: datagram.source,
    destination: datagram.destination,
    ipVersion,
    type,
    code: view.getUint8(at + 1),
    nextHopMtu: nextHopMtu(view, at, ipVersion),
    quoted,
    datagram: packet.octets.subarray(datagram.start, kept),
  };
}

/** @param at of the ICMP header @rfc 1191 4 */
function nextHopMtu(view: DataView, at: number, ipVersion: 4 | 6): number | null {
  const type = view.getUint8(at);
  if (ipVersion === 6) return type === PACKET_TOO_BIG ? view.getUint32(at + 4) : null;
  const isNeeded = type === IcmpType.UNREACHABLE && view.getUint8(at + 1) === FRAGMENTATION_NEEDED;
  return isNeeded ? view.getUint16(at + 6) : null;
}

function quotedSegment(view: DataView, at: number, end: number): QuotedSegment | null {
  const quoted = parseQuoted(view, at);
  if (quoted === null || quoted.protocol !== Protocol.TCP || quoted.transport + 8 > end)
    return null;
  const { source, destination, transport } = quoted;
  return {
    source,
    sourcePort: view.getUint16(transport),
    destination,
    destinationPort: view.getUint16(transport + 2),
    seq: view.getUint32(transport + 4),
  };
}
