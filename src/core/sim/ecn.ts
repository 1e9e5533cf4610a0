import type { PacketBuffer } from '../base/packetBuffer.ts';
import { adjust } from '../wire/checksum.ts';
import { ETHERNET_HEADER, EtherType } from '../wire/ethernet.ts';

/** ECN codepoint of what experienced congestion; other ones but 0 are ECN-capable. @rfc 3168 5 */
const CE = 3;
/** Octet of the checksum in an IPv4 header. */
const CHECKSUM = 10;

export function isIpv4(packet: PacketBuffer): boolean {
  return packet.view.getUint16(packet.link + 12) === EtherType.IPV4;
}

/** An IPv4 datagram whose sender understands marks (ECT), or one that is marked already. @rfc 3168 5 */
export function isEcnCapable(packet: PacketBuffer): boolean {
  return isIpv4(packet) && (packet.view.getUint8(packet.link + ETHERNET_HEADER + 1) & CE) !== 0;
}

/** Marks the IPv4 datagram of a frame CE, and makes its checksum right again. @rfc 3168 5, 1624 3 */
export function markCe(frame: Uint8Array): void {
  const view = new DataView(frame.buffer, frame.byteOffset + ETHERNET_HEADER);
  const word = view.getUint16(0);
  view.setUint16(0, word | CE);
  view.setUint16(CHECKSUM, adjust(view.getUint16(CHECKSUM), word, word | CE));
}
