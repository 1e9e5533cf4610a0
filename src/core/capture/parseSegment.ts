import { Protocol } from '../base/ports.ts';
import { finish, sum } from '../wire/checksum.ts';
import { type CapturedDatagram, parseDatagram } from './capturedDatagram.ts';
import type { CapturedPacket } from './capturedPacket.ts';
import type { CapturedSegment, ChecksumState } from './capturedSegment.ts';
import { parseOptions } from './parseOptions.ts';

const MIN_HEADER = 20;
/** The eight bits of `Flag`, and AE above them. */
const FLAGS = 0x1ff;
/** Octets that the checksum code takes at once, an even number. */
const CHECKSUM_PIECE = 0x20000;

/**
 * The TCP segment of a packet. Of one that was cut off by the snap length, what was kept; a length
 * beyond what was on the wire is taken as what was on the wire.
 *
 * @returns null: no TCP over IP, a fragment behind the first, or less than a header of 20 octets
 */
export function parseSegment(packet: CapturedPacket): CapturedSegment | null {
  const datagram = parseDatagram(packet);
  if (datagram === null || datagram.protocol !== Protocol.TCP) return null;
  const { view, start, transport: at, end } = datagram;
  const kept = Math.min(end, view.byteLength);
  if (kept - at < MIN_HEADER) return null;
  const offsetAndFlags = view.getUint16(at + 12);
  const headerLength = (offsetAndFlags >>> 12) * 4;
  const text = at + headerLength;
  if (headerLength < MIN_HEADER || text > end) return null;
  return {
    number: packet.number,
    time: packet.time,
    nanos: packet.nanos,
    source: datagram.source,
    sourcePort: view.getUint16(at),
    destination: datagram.destination,
    destinationPort: view.getUint16(at + 2),
    ipVersion: datagram.ipVersion,
    ttl: datagram.ttl,
    trafficClass: datagram.trafficClass,
    identification: datagram.identification,
    dontFragment: datagram.dontFragment,
    seq: view.getUint32(at + 4),
    ack: view.getUint32(at + 8),
    flags: offsetAndFlags & FLAGS,
    window: view.getUint16(at + 14),
    urgentPointer: view.getUint16(at + 18),
    options: parseOptions(view, at + MIN_HEADER, Math.min(text, kept)),
    length: end - text,
    text: packet.octets.subarray(Math.min(text, kept), kept),
    checksum: checksumState(packet.octets, datagram),
    datagram: packet.octets.subarray(start, kept),
  };
}

/** @rfc 9293 3.1 */
function checksumState(octets: Uint8Array, datagram: CapturedDatagram): ChecksumState {
  const { view, transport, end, isWhole } = datagram;
  if (!isWhole || end > view.byteLength) return 'unknown';
  const addresses = addressSum(octets, datagram);
  const pseudo = addresses + end - transport;
  let total = pseudo;
  for (let at = transport; at < end; at += CHECKSUM_PIECE) {
    total = sum(octets, view, at, Math.min(at + CHECKSUM_PIECE, end), total);
  }
  if (finish(total) === 0) return 'good';
  // what Linux leaves for the card, of one segment, and of what is to be cut into several
  const field = ~view.getUint16(transport + 16) & 0xffff;
  return field === finish(pseudo) || field === finish(addresses) ? 'offloaded' : 'bad';
}

/** The pseudo-header without the length. */
function addressSum(octets: Uint8Array, { view, ipVersion, start }: CapturedDatagram): number {
  const [from, to] = ipVersion === 4 ? [start + 12, start + 20] : [start + 8, start + 40];
  return sum(octets, view, from, to, Protocol.TCP);
}
