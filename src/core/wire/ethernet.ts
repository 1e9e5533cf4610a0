import { BROADCAST_MAC, type MacAddress, readMac, writeMac } from '../base/address.ts';
import type { PacketBuffer } from '../base/packetBuffer.ts';
import type { DropReason } from '../base/reasons.ts';

/** Octets of an Ethernet II header. */
export const ETHERNET_HEADER = 14;

/** What a frame carries. Values below 0x0600 are the length of an IEEE 802.3 frame instead. */
export const EtherType = { IPV4: 0x0800, ARP: 0x0806, IPV6: 0x86dd } as const;

/** The header of a frame; one record is reused. */
export class EthernetHeader {
  destination: MacAddress = BROADCAST_MAC;
  source: MacAddress = BROADCAST_MAC;
  /** One of {@link EtherType}, or any other number of 16 bits. */
  type = 0;
}

/**
 * Reads the header at `packet.link` and sets `packet.network` behind it.
 *
 * ```
 *   | destination (6) | source (6) | type (2) | datagram, padded to 46 octets at least
 * ```
 *
 * @returns null, or why the frame cannot be read
 * @rfc 894
 */
export function parseEthernet(packet: PacketBuffer, into: EthernetHeader): DropReason | null {
  const at = packet.link;
  if (packet.end - at < ETHERNET_HEADER) return 'ethernet-truncated';
  into.destination = readMac(packet.view, at);
  into.source = readMac(packet.view, at + 6);
  into.type = packet.view.getUint16(at + 12);
  packet.network = at + ETHERNET_HEADER;
  return null;
}

/** Writes a header in front of `packet.network` and sets `packet.link` to it. @rfc 894 */
export function writeEthernet(
  packet: PacketBuffer,
  destination: MacAddress,
  source: MacAddress,
  type: number,
): void {
  const at = packet.network - ETHERNET_HEADER;
  writeMac(packet.view, at, destination);
  writeMac(packet.view, at + 6, source);
  packet.view.setUint16(at + 12, type);
  packet.link = at;
}
