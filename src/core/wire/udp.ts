import type { Ipv4Address } from '../base/address.ts';
import type { PacketBuffer } from '../base/packetBuffer.ts';
import { Protocol } from '../base/ports.ts';
import type { DropReason } from '../base/reasons.ts';
import { finish, pseudoHeaderSum, sum } from './checksum.ts';

const UDP_HEADER = 8;

/** The header of a UDP datagram; one record is reused. */
export class UdpHeader {
  sourcePort = 0;
  destinationPort = 0;
  /** Octets of header and data. */
  length = 0;
  /** As on the wire; 0: the sender computed none. */
  checksum = 0;
}

/**
 * Reads the header at `packet.transport` and verifies the checksum, unless the sender computed
 * none.
 *
 * ```
 *   |          source port          |       destination port        |
 *   |            length             |           checksum            |
 * ```
 *
 * @returns null, or why the datagram cannot be taken
 * @rfc 768
 */
export function parseUdp(
  packet: PacketBuffer,
  source: Ipv4Address,
  destination: Ipv4Address,
  into: UdpHeader,
): DropReason | null {
  const { octets, view, transport: at } = packet;
  const available = packet.end - at;
  if (available < UDP_HEADER) return 'udp-truncated';
  const length = view.getUint16(at + 4);
  if (length < UDP_HEADER || length > available) return 'udp-truncated';
  const checksum = view.getUint16(at + 6);
  if (checksum !== 0) {
    const pseudo = pseudoHeaderSum(source, destination, Protocol.UDP, length);
    if (finish(sum(octets, view, at, at + length, pseudo)) !== 0) return 'udp-bad-checksum';
  }
  into.sourcePort = view.getUint16(at);
  into.destinationPort = view.getUint16(at + 2);
  into.length = length;
  into.checksum = checksum;
  return null;
}
