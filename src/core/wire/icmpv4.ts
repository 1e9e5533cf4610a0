import { ANY_ADDRESS, type Ipv4Address, ipv4 } from '../base/address.ts';
import type { PacketBuffer } from '../base/packetBuffer.ts';
import type { DropReason } from '../base/reasons.ts';
import { finish, sum } from './checksum.ts';

/** Message types. @rfc 792 */
export const IcmpType = {
  ECHO_REPLY: 0,
  UNREACHABLE: 3,
  SOURCE_QUENCH: 4,
  REDIRECT: 5,
  ECHO: 8,
  TIME_EXCEEDED: 11,
  PARAMETER_PROBLEM: 12,
} as const;

const ICMP_HEADER = 8;

/** The header of a message; one record is reused. */
export class IcmpHeader {
  /** One of {@link IcmpType}, or any other number of 8 bits. */
  type = 0;
  code = 0;
  /**
   * The second word, 0 to 2^32 - 1: identifier and sequence number of an echo; of "fragmentation
   * needed" the MTU of the next hop in the lower half (RFC 1191 4).
   */
  rest = 0;
}

/**
 * Reads the header at `packet.transport` and verifies the checksum over all octets up to
 * `packet.end`.
 *
 * ```
 *   |     type      |     code      |           checksum            |
 *   |                  depends on the type: `rest`                  |
 *   |  body: of an error the IP header and 8 or more octets behind  |
 * ```
 *
 * @returns null, or why the message cannot be taken
 * @rfc 792
 */
export function parseIcmp(packet: PacketBuffer, into: IcmpHeader): DropReason | null {
  const { octets, view, transport: at, end } = packet;
  if (end - at < ICMP_HEADER) return 'icmp-truncated';
  if (finish(sum(octets, view, at, end, 0)) !== 0) return 'icmp-bad-checksum';
  into.type = view.getUint8(at);
  into.code = view.getUint8(at + 1);
  into.rest = view.getUint32(at + 4);
  return null;
}

/**
 * Writes the header of 8 octets at `packet.transport`, in front of the body that lies behind it up
 * to `packet.end` already, and fills in the checksum. @rfc 792
 */
export function writeIcmp(packet: PacketBuffer, icmp: IcmpHeader): void {
  const { octets, view, transport: at, end } = packet;
  view.setUint8(at, icmp.type);
  view.setUint8(at + 1, icmp.code);
  view.setUint16(at + 2, 0);
  view.setUint32(at + 4, icmp.rest);
  view.setUint16(at + 2, finish(sum(octets, view, at, end, 0)));
}

/** What an ICMP error quotes of the datagram that it is about; one record is reused. */
export class QuotedDatagram {
  source: Ipv4Address = ANY_ADDRESS;
  destination: Ipv4Address = ANY_ADDRESS;
  protocol = 0;
  sourcePort = 0;
  destinationPort = 0;
  /** The second word of the quoted transport header: SEG.SEQ of a TCP segment. */
  sequence = 0;
}

/**
 * Reads the IP header and the eight octets behind it that an ICMP error quotes, as it was at the
 * router: its TTL and checksum are not what we sent, so they are not verified.
 *
 * @param packet an ICMP error at `packet.transport` which {@link parseIcmp} accepted
 * @returns false if too little is quoted, or a fragment other than the first
 * @rfc 1122 3.2.2
 */
export function parseQuoted(packet: PacketBuffer, into: QuotedDatagram): boolean {
  const { view, end } = packet;
  const at = packet.transport + ICMP_HEADER;
  if (end - at < 20) return false;
  const first = view.getUint8(at);
  const headerLength = (first & 15) * 4;
  const isFirstFragment = (view.getUint16(at + 6) & 0x1fff) === 0;
  if (first >>> 4 !== 4 || headerLength < 20 || !isFirstFragment) return false;
  const transport = at + headerLength;
  if (end - transport < 8) return false;
  into.protocol = view.getUint8(at + 9);
  into.source = ipv4(view.getUint32(at + 12));
  into.destination = ipv4(view.getUint32(at + 16));
  into.sourcePort = view.getUint16(transport);
  into.destinationPort = view.getUint16(transport + 2);
  into.sequence = view.getUint32(transport + 4);
  return true;
}
