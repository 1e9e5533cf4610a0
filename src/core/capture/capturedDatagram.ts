import { formatIpv4, ipv4 } from '../base/address.ts';
import { formatIpv6 } from '../base/ipv6Text.ts';
import { EtherType } from '../wire/ethernet.ts';
import type { CapturedPacket } from './capturedPacket.ts';
import { networkLayer } from './networkLayer.ts';

/** An IP datagram of a capture, or its first fragment: where things lie in `view`. */
export interface CapturedDatagram {
  readonly view: DataView;
  readonly ipVersion: 4 | 6;
  readonly source: string;
  readonly destination: string;
  /** Behind all extension headers. */
  readonly protocol: number;
  readonly ttl: number;
  readonly trafficClass: number;
  readonly identification: number;
  readonly dontFragment: boolean;
  /** Index of the IP header. */
  readonly start: number;
  /** Index of the header of the protocol. */
  readonly transport: number;
  /** Index behind the datagram as it was on the wire: it may lie behind what was kept. */
  readonly end: number;
  /** Neither a fragment nor on its way to another address first: the checksum can be verified. */
  readonly isWhole: boolean;
}

/** Where a datagram lies. */
interface Place {
  readonly view: DataView;
  readonly start: number;
  /** Index behind the packet on the wire. */
  readonly wireEnd: number;
}

const IPV4_HEADER = 20;
const IPV6_HEADER = 40;

/** The extension headers that may stand in front of a transport header. @rfc 8200 4.1 */
const HOP_BY_HOP = 0;
const ROUTING = 43;
const FRAGMENT = 44;
const AUTHENTICATION = 51;
const DESTINATION_OPTIONS = 60;
const MOBILITY = 135;

/** @returns null: no IP, cut off within its headers, or a fragment behind the first */
export function parseDatagram(packet: CapturedPacket): CapturedDatagram | null {
  const layer = networkLayer(packet);
  if (layer === null) return null;
  const { octets, originalLength } = packet;
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const place = { view, start: layer.offset, wireEnd: Math.max(originalLength, octets.length) };
  if (layer.etherType === EtherType.IPV4) return parseIpv4(place);
  return layer.etherType === EtherType.IPV6 ? parseIpv6(place) : null;
}

/** A datagram that an ICMP error quotes: cut off, so `end` is what its own length says. */
export function parseQuoted(view: DataView, start: number): CapturedDatagram | null {
  if (start >= view.byteLength) return null;
  const place = { view, start, wireEnd: Number.POSITIVE_INFINITY };
  return view.getUint8(start) >>> 4 === 4 ? parseIpv4(place) : parseIpv6(place);
}

function parseIpv4({ view, start, wireEnd }: Place): CapturedDatagram | null {
  if (start + IPV4_HEADER > view.byteLength) return null;
  const first = view.getUint8(start);
  const headerLength = (first & 15) * 4;
  const fragment = view.getUint16(start + 6);
  const isFirst = (fragment & 0x1fff) === 0;
  if (first >>> 4 !== 4 || headerLength < IPV4_HEADER || !isFirst) return null;
  const totalLength = view.getUint16(start + 2);
  if (totalLength !== 0 && totalLength < headerLength) return null;
  return {
    view,
    ipVersion: 4,
    source: formatIpv4(ipv4(view.getUint32(start + 12))),
    destination: formatIpv4(ipv4(view.getUint32(start + 16))),
    protocol: view.getUint8(start + 9),
    ttl: view.getUint8(start + 8),
    trafficClass: view.getUint8(start + 1),
    identification: view.getUint16(start + 4),
    dontFragment: (fragment & 0x4000) !== 0,
    start,
    transport: start + headerLength,
    // captured before the network card has cut it to segments, it may be too long for the field
    end: totalLength === 0 ? wireEnd : Math.min(start + totalLength, wireEnd),
    isWhole: (fragment & 0x2000) === 0,
  };
}

function parseIpv6({ view, start, wireEnd }: Place): CapturedDatagram | null {
  if (start + IPV6_HEADER > view.byteLength || view.getUint8(start) >>> 4 !== 6) return null;
  const payload = view.getUint16(start + 4);
  const chain = skipExtensions(view, view.getUint8(start + 6), start + IPV6_HEADER);
  if (chain === null) return null;
  return {
    view,
    ipVersion: 6,
    source: formatIpv6(view, start + 8),
    destination: formatIpv6(view, start + 24),
    protocol: chain.protocol,
    ttl: view.getUint8(start + 7),
    trafficClass: (view.getUint16(start) >>> 4) & 0xff,
    identification: 0,
    dontFragment: true,
    start,
    transport: chain.at,
    end: payload === 0 ? wireEnd : Math.min(start + IPV6_HEADER + payload, wireEnd),
    isWhole: chain.isWhole,
  };
}

/** @returns null: cut off, or a fragment behind the first */
function skipExtensions(
  view: DataView,
  first: number,
  from: number,
): (Pick<CapturedDatagram, 'protocol' | 'isWhole'> & { readonly at: number }) | null {
  let protocol = first;
  let at = from;
  let isWhole = true;
  while (isExtension(protocol)) {
    if (at + 8 > view.byteLength) return null;
    const length = view.getUint8(at + 1);
    if (protocol === FRAGMENT) {
      const fragment = view.getUint16(at + 2);
      if (fragment >>> 3 !== 0) return null;
      if ((fragment & 1) !== 0) isWhole = false;
    }
    // the checksum is made with the last of the addresses that are still to be visited
    if (protocol === ROUTING && view.getUint8(at + 3) !== 0) isWhole = false;
    const next = view.getUint8(at);
    at += extensionLength(protocol, length);
    protocol = next;
  }
  return { protocol, at, isWhole };
}

function isExtension(protocol: number): boolean {
  return (
    protocol === HOP_BY_HOP ||
    protocol === ROUTING ||
    protocol === FRAGMENT ||
    protocol === AUTHENTICATION ||
    protocol === DESTINATION_OPTIONS ||
    protocol === MOBILITY
  );
}

/** @param length the second octet of the header */
function extensionLength(protocol: number, length: number): number {
  if (protocol === FRAGMENT) return 8;
  return protocol === AUTHENTICATION ? (length + 2) * 4 : (length + 1) * 8;
}
