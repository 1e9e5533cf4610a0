import {
  ANY_ADDRESS,
  BROADCAST_MAC,
  type Ipv4Address,
  ipv4,
  type MacAddress,
  readMac,
  writeMac,
} from '../base/address.ts';
import type { PacketBuffer } from '../base/packetBuffer.ts';
import type { DropReason } from '../base/reasons.ts';

/** What an ARP packet asks or tells. */
export const ArpOperation = { REQUEST: 1, REPLY: 2 } as const;

const ARP_LENGTH = 28;
/** Hardware type Ethernet, protocol type IPv4. */
const TYPES = 0x0001_0800;
/** Six octets of hardware address, four of protocol address. */
const LENGTHS = 0x0604;

/** An ARP packet for IPv4 over Ethernet; one record is reused. */
export class ArpPacket {
  /** One of {@link ArpOperation}, or any other number of 16 bits. */
  operation = 0;
  senderMac: MacAddress = BROADCAST_MAC;
  senderIp: Ipv4Address = ANY_ADDRESS;
  /** Without meaning in a request. */
  targetMac: MacAddress = BROADCAST_MAC;
  targetIp: Ipv4Address = ANY_ADDRESS;
}

/**
 * Reads the packet at `packet.network`.
 *
 * ```
 *   |   hardware type = 1   |  protocol type = 0x0800  |
 *   | lengths: 6  |    4    |        operation         |
 *   |   sender hardware address (6)  |  sender protocol address (4)  |
 *   |   target hardware address (6)  |  target protocol address (4)  |
 * ```
 *
 * @returns null, or why it cannot be read
 * @rfc 826
 */
export function parseArp(packet: PacketBuffer, into: ArpPacket): DropReason | null {
  const { view, network: at } = packet;
  if (packet.end - at < ARP_LENGTH) return 'arp-truncated';
  if (view.getUint32(at) !== TYPES || view.getUint16(at + 4) !== LENGTHS) return 'arp-unsupported';
  into.operation = view.getUint16(at + 6);
  into.senderMac = readMac(view, at + 8);
  into.senderIp = ipv4(view.getUint32(at + 14));
  into.targetMac = readMac(view, at + 18);
  into.targetIp = ipv4(view.getUint32(at + 24));
  return null;
}

/** Writes the packet at `packet.network` and sets `transport` and `end` behind it. @rfc 826 */
export function writeArp(packet: PacketBuffer, arp: ArpPacket): void {
  const { view, network: at } = packet;
  view.setUint32(at, TYPES);
  view.setUint16(at + 4, LENGTHS);
  view.setUint16(at + 6, arp.operation);
  writeMac(view, at + 8, arp.senderMac);
  view.setUint32(at + 14, arp.senderIp);
  writeMac(view, at + 18, arp.targetMac);
  view.setUint32(at + 24, arp.targetIp);
  packet.transport = at + ARP_LENGTH;
  packet.end = packet.transport;
}
