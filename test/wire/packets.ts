import { HEADROOM, PacketBuffer } from '../../src/core/base/packetBuffer.ts';

/** Octets from hexadecimal digits; white space does not count. */
export function hex(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
}

/** A packet with all offsets at the first of these octets, and `poison` behind the last one. */
export function packetOf(octets: Uint8Array, poison = 0xff): PacketBuffer {
  const packet = new PacketBuffer(octets.length + 64);
  packet.octets.fill(poison);
  packet.setFrame(octets);
  return packet;
}

/** The same without a single octet behind the last one: reading on throws. */
export function exactPacketOf(octets: Uint8Array): PacketBuffer {
  const packet = new PacketBuffer(octets.length);
  packet.setFrame(octets);
  return packet;
}

/** An empty packet for `length` octets from the transport header on. */
export function emptyPacket(length: number): PacketBuffer {
  return new PacketBuffer(length);
}

/** The octets from `from` to the end of the packet. */
export function octetsFrom(packet: PacketBuffer, from: number): Uint8Array {
  return packet.octets.slice(from, packet.end);
}

/** Where {@link packetOf} puts the first octet. */
export const START = HEADROOM;
