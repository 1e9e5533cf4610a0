import { Protocol } from '../../../src/core/base/ports.ts';
import { EtherType } from '../../../src/core/wire/ethernet.ts';
import { PEER, type Transcript, US, type Written } from '../../harness/transcript.ts';

/** Octets of a TCP header without options. */
const HEADER = 20;

/** The IPv4 datagrams that the stack sends from now on, as octets. */
export function datagramsOf(c: Transcript): Uint8Array[] {
  const seen: Uint8Array[] = [];
  const sent = c.sent.bind(c);
  c.sent = (packet, reason, now) => {
    if (packet.view.getUint16(packet.link + 12) === EtherType.IPV4) {
      seen.push(packet.octets.slice(packet.network, packet.end));
    }
    sent(packet, reason, now);
  };
  return seen;
}

/** A TCP segment of the peer with these octets as its options, a whole number of words. */
export function withOptions(c: Transcript, written: Written, options: number[]): Uint8Array {
  const bare = c.frame(written).slice(14 + 20);
  const segment = Uint8Array.from([
    ...bare.subarray(0, HEADER),
    ...options,
    ...bare.subarray(HEADER),
  ]);
  const view = new DataView(segment.buffer);
  view.setUint8(12, ((HEADER + options.length) / 4) << 4);
  view.setUint16(16, 0);
  view.setUint16(16, ~sumOf(segment, PEER, US) & 0xffff);
  return c.datagram(Protocol.TCP, segment);
}

/** The one's complement sum of a segment and its pseudo-header, word by word; 0xffff: it is right. */
export function sumOf(segment: Uint8Array, source: number, destination: number): number {
  let sum = (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff);
  sum += Protocol.TCP + segment.length;
  for (let i = 0; i < segment.length; i += 2) {
    sum += ((segment[i] ?? 0) << 8) | (segment[i + 1] ?? 0);
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}
