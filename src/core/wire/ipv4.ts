import { encode, checksum as fillChecksum } from 'ip-packet';
import { ANY_ADDRESS, formatIpv4, type Ipv4Address, ipv4 } from '../base/address.ts';
import type { PacketBuffer } from '../base/packetBuffer.ts';
import type { DropReason } from '../base/reasons.ts';
import { finish, sum } from './checksum.ts';

/** Octets of a header without options. */
const MIN_HEADER = 20;
const DONT_FRAGMENT = 0x4000;
const MORE_FRAGMENTS = 0x2000;
const FRAGMENT_OFFSET = 0x1fff;

/** Option kinds. @rfc 791 3.1 */
const END_OF_LIST = 0;
const NO_OPERATION = 1;
const LOOSE_SOURCE_ROUTE = 131;
const STRICT_SOURCE_ROUTE = 137;

/** The header of a datagram; one record is reused. */
export class Ipv4Header {
  /** Octets, 20 to 60. */
  headerLength = 0;
  /** The octet of DSCP and ECN. */
  trafficClass = 0;
  /** Octets of header and data. */
  totalLength = 0;
  identification = 0;
  dontFragment = false;
  moreFragments = false;
  /** Where the data belong in the whole datagram, in octets: a multiple of 8. */
  fragmentOffset = 0;
  ttl = 0;
  protocol = 0;
  source: Ipv4Address = ANY_ADDRESS;
  destination: Ipv4Address = ANY_ADDRESS;
  /** There is a loose or strict source route option. */
  hasSourceRoute = false;
}

/**
 * Reads the header at `packet.network` and checks it. On success `packet.transport` is set behind
 * it and `packet.end` behind the datagram, which cuts the padding of the frame.
 *
 * ```
 *   |version|  IHL  | DSCP, ECN     |         total length          |
 *   |        identification         |0 DF MF|   fragment offset     |
 *   |  time to live |   protocol    |        header checksum        |
 *   |                        source address                         |
 *   |                      destination address                      |
 *   |                     options, up to 40 octets                  |
 * ```
 *
 * @returns null, or why the datagram cannot be taken
 * @rfc 791 3.1
 */
export function parseIpv4(packet: PacketBuffer, into: Ipv4Header): DropReason | null {
  const { octets, view, network: at } = packet;
  const available = packet.end - at;
  if (available < MIN_HEADER) return 'ip-truncated';
  const first = view.getUint8(at);
  if (first >>> 4 !== 4) return 'ip-bad-version';
  const headerLength = (first & 15) * 4;
  const totalLength = view.getUint16(at + 2);
  if (headerLength < MIN_HEADER || headerLength > totalLength) return 'ip-bad-header-length';
  if (totalLength > available) return 'ip-truncated';
  if (finish(sum(octets, view, at, at + headerLength, 0)) !== 0) return 'ip-bad-checksum';

  const fragment = view.getUint16(at + 6);
  into.headerLength = headerLength;
  into.trafficClass = view.getUint8(at + 1);
  into.totalLength = totalLength;
  into.identification = view.getUint16(at + 4);
  into.dontFragment = (fragment & DONT_FRAGMENT) !== 0;
  into.moreFragments = (fragment & MORE_FRAGMENTS) !== 0;
  into.fragmentOffset = (fragment & FRAGMENT_OFFSET) * 8;
  into.ttl = view.getUint8(at + 8);
  into.protocol = view.getUint8(at + 9);
  into.source = ipv4(view.getUint32(at + 12));
  into.destination = ipv4(view.getUint32(at + 16));
  into.hasSourceRoute = false;
  packet.transport = at + headerLength;
  packet.end = at + totalLength;
  packet.trafficClass = into.trafficClass;
  return headerLength === MIN_HEADER ? null : parseOptions(packet, into);
}

/**
 * Walks over the options, of which only a source route is looked for.
 * "The option-length octet counts the option-type octet and the option-length octet as well as the
 * option-data octets", so it is 2 at least.
 */
function parseOptions(packet: PacketBuffer, into: Ipv4Header): DropReason | null {
  const { view, transport: end } = packet;
  let at = packet.network + MIN_HEADER;
  while (at < end) {
    const kind = view.getUint8(at);
    if (kind === END_OF_LIST) return null;
    if (kind === NO_OPERATION) {
      at++;
      continue;
    }
    const length = at + 1 < end ? view.getUint8(at + 1) : 0;
    if (length < 2 || at + length > end) return 'ip-bad-option';
    if (kind === LOOSE_SOURCE_ROUTE || kind === STRICT_SOURCE_ROUTE) into.hasSourceRoute = true;
    at += length;
  }
  return null;
}

/**
 * The header of a flow, made once: 20 octets with DF set, the identification zero, and a checksum
 * that is right for a datagram without data. It is not to be edited (its checksum would be wrong):
 * a flow whose TTL or traffic class changes makes another.
 *
 * @param ttl 0 to 255
 * @param trafficClass the octet of DSCP and ECN
 */
export function ipv4Template(
  source: Ipv4Address,
  destination: Ipv4Address,
  protocol: number,
  ttl: number,
  trafficClass: number,
): Uint8Array {
  const template = new Uint8Array(MIN_HEADER);
  encode(
    { start: 0, end: MIN_HEADER, buffer: template },
    {
      version: 4,
      dscp: trafficClass >>> 2,
      ecn: trafficClass & 3,
      identification: 0,
      flags: DONT_FRAGMENT >>> 13,
      ttl,
      protocol,
      sourceIp: formatIpv4(source),
      destinationIp: formatIpv4(destination),
      data: NO_DATA,
    },
  );
  fillChecksum(template);
  return template;
}

const NO_DATA = { byteLength: 0, copy(): void {} };

/**
 * Writes the header in front of `packet.transport` and sets `packet.network` to it. The checksum is
 * that of the template, corrected for the three words that differ (RFC 1624).
 *
 * @param template from {@link ipv4Template}
 * @param flagsAndOffset the fourth 16-bit word: DF alone if it is not given
 * @rfc 791 3.1
 */
export function writeIpv4(
  packet: PacketBuffer,
  template: Uint8Array,
  identification: number,
  flagsAndOffset: number = DONT_FRAGMENT,
): void {
  const { octets, view } = packet;
  const at = packet.transport - MIN_HEADER;
  const totalLength = packet.end - at;
  for (let i = 0; i < MIN_HEADER; i++) octets[at + i] = template[i] ?? 0;
  view.setUint16(at + 2, totalLength);
  view.setUint16(at + 4, identification);
  view.setUint16(at + 6, flagsAndOffset);
  const unchanged = (~view.getUint16(at + 10) & 0xffff) + TEMPLATE_WORDS_REMOVED;
  view.setUint16(at + 10, finish(unchanged + totalLength + identification + flagsAndOffset));
  packet.network = at;
}

/** One's complement of the total length and of the flags of every template; its id is zero. */
const TEMPLATE_WORDS_REMOVED = (~MIN_HEADER & 0xffff) + (~DONT_FRAGMENT & 0xffff);
