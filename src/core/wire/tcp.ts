import type { Ipv4Address } from '../base/address.ts';
import type { PacketBuffer } from '../base/packetBuffer.ts';
import { Protocol } from '../base/ports.ts';
import type { DropReason } from '../base/reasons.ts';
import { type Seq, seq } from '../base/seq.ts';
import { finish, pseudoHeaderSum, sum } from './checksum.ts';
import { optionsLength, parseOptions, writeOptions } from './tcpOptions.ts';

/** Octets of a header without options. */
const MIN_HEADER = 20;

/** The control bits. @rfc 9293 3.1 */
export const Flag = {
  FIN: 1,
  SYN: 2,
  RST: 4,
  PSH: 8,
  ACK: 16,
  URG: 32,
  ECE: 64,
  CWR: 128,
  /** @rfc 9768 3.1 */
  AE: 256,
} as const;

/** The lowest two bits of the traffic class: how routers may mark, or have marked, a datagram. @rfc 3168 5 */
export const Ecn = { NOT_ECT: 0, ECT_1: 1, ECT_0: 2, CE: 3 } as const;

/**
 * One TCP segment, received or to be sent: the header in numbers, and where the text lies in the
 * packet that it came in. One record is reused for all, so whoever wants to keep a value copies it.
 *
 * @rfc 9293 3.1
 */
export class Segment {
  sourcePort = 0;
  destinationPort = 0;
  /** SEG.SEQ */
  seq: Seq = seq(0);
  /** SEG.ACK; without meaning unless the ACK bit is on. */
  ack: Seq = seq(0);
  /** The bits of {@link Flag}. */
  flags = 0;
  /** SEG.WND as on the wire: 16 bits, not scaled. */
  wnd = 0;
  /** SEG.UP; without meaning unless the URG bit is on. */
  up = 0;

  /** Maximum Segment Size option, octets; 0: absent. @rfc 9293 3.7.1 */
  mss = 0;
  /** Window Scale option, 0 to 14; -1: absent. @rfc 7323 2.2 */
  windowShift = -1;
  /** SACK-Permitted option. @rfc 2018 2 */
  sackPermitted = false;
  /** Timestamps option. @rfc 7323 3.2 */
  hasTimestamps = false;
  /** 0 to 2^32 - 1 */
  tsVal = 0;
  /** 0 to 2^32 - 1 */
  tsEcr = 0;
  /** Blocks of the SACK option, 0 to 4. @rfc 2018 3 */
  sackCount = 0;
  /** Left edges of the SACK blocks. */
  readonly sackLeft = new Uint32Array(4);
  /** Right edges of the SACK blocks, excluded. */
  readonly sackRight = new Uint32Array(4);

  /** Octets of the Fast Open option's cookie, 0 in a request, else 4 to 16; -1: absent. @rfc 7413 4.1.1 */
  fastOpenLength = -1;
  readonly fastOpenCookie = new Uint8Array(16);
  /** ... whose option has the format of before RFC 7413, as an experiment. @rfc 6994 3 */
  isFastOpenExperiment = false;

  /** To be written: the options of a SYN stand in FreeBSD's order, not in Linux's. */
  hasFreebsdOrder = false;

  /** Octets of the header that was read, options included; 0 before. */
  headerLength = 0;
  /** Index of the first octet of text in the packet. */
  textStart = 0;
  /** Octets of text. */
  textLength = 0;
  /** ... of each but the last of the segments that a device has joined to this one; 0: it is one. */
  segmentSize = 0;
  /** Codepoint of the datagram that it came in: a value of {@link Ecn}. */
  ecn = 0;

  /** SEG.LEN: the sequence numbers that it occupies, those of SYN and FIN included. */
  get len(): number {
    return this.textLength + ((this.flags >>> 1) & 1) + (this.flags & 1);
  }

  /** Is this bit of {@link Flag} on? */
  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /** Makes everything zero or absent. */
  clear(): void {
    this.sourcePort = 0;
    this.destinationPort = 0;
    this.seq = seq(0);
    this.ack = seq(0);
    this.flags = 0;
    this.wnd = 0;
    this.up = 0;
    this.clearOptions();
    this.hasFreebsdOrder = false;
    this.headerLength = 0;
    this.textStart = 0;
    this.textLength = 0;
    this.segmentSize = 0;
    this.ecn = 0;
  }

  /** Makes all options absent. */
  clearOptions(): void {
    this.mss = 0;
    this.windowShift = -1;
    this.sackPermitted = false;
    this.hasTimestamps = false;
    this.tsVal = 0;
    this.tsEcr = 0;
    this.sackCount = 0;
    this.fastOpenLength = -1;
    this.isFastOpenExperiment = false;
  }
}

/**
 * Reads the segment that lies from `packet.transport` to `packet.end`, and checks its length, its
 * data offset and its checksum, in this order.
 *
 * ```
 *   |          source port          |       destination port        |
 *   |                        sequence number                        |
 *   |                     acknowledgment number                     |
 *   | offset|  reserved, flags      |            window             |
 *   |           checksum            |        urgent pointer         |
 *   |                options, up to 40 octets, then text            |
 * ```
 *
 * @param verifyChecksum false if the device has verified it
 * @returns null, or why the segment cannot be taken; `into` is then of no use
 * @rfc 9293 3.1
 */
export function parseTcp(
  packet: PacketBuffer,
  source: Ipv4Address,
  destination: Ipv4Address,
  into: Segment,
  verifyChecksum: boolean,
): DropReason | null {
  const { octets, view, transport: at, end } = packet;
  const length = end - at;
  if (length < MIN_HEADER) return 'tcp-truncated';
  const offsetAndFlags = view.getUint16(at + 12);
  const headerLength = (offsetAndFlags >>> 12) * 4;
  if (headerLength < MIN_HEADER) return 'tcp-bad-data-offset';
  if (headerLength > length) return 'tcp-truncated';
  if (verifyChecksum) {
    const pseudo = pseudoHeaderSum(source, destination, Protocol.TCP, length);
    if (finish(sum(octets, view, at, end, pseudo)) !== 0) return 'tcp-bad-checksum';
  }
  into.ecn = packet.trafficClass & 3;
  into.segmentSize = packet.segmentSize;
  into.sourcePort = view.getUint16(at);
  into.destinationPort = view.getUint16(at + 2);
  into.seq = seq(view.getUint32(at + 4));
  into.ack = seq(view.getUint32(at + 8));
  into.flags = offsetAndFlags & 0x1ff;
  into.wnd = view.getUint16(at + 14);
  into.up = view.getUint16(at + 18);
  into.headerLength = headerLength;
  into.textStart = at + headerLength;
  into.textLength = length - headerLength;
  parseOptions(view, octets, at + MIN_HEADER, at + headerLength, into);
  return null;
}

/** Octets of the header that {@link writeTcp} will write, 20 to 60. @rfc 9293 3.1 */
export function tcpHeaderLength(segment: Segment): number {
  return MIN_HEADER + optionsLength(segment);
}

/**
 * Writes the header at `packet.transport`, in front of the text, `segment.textLength` octets, which
 * lies {@link tcpHeaderLength} octets behind already. Sets `packet.end` behind the text, and fills
 * in the checksum.
 *
 * @rfc 9293 3.1
 */
export function writeTcp(
  packet: PacketBuffer,
  segment: Segment,
  source: Ipv4Address,
  destination: Ipv4Address,
): void {
  writeTcpHeader(packet, segment);
  fillTcpChecksum(packet, source, destination);
}

/** {@link writeTcp} without the checksum, which is left zero. @rfc 9293 3.1 */
export function writeTcpHeader(packet: PacketBuffer, segment: Segment): void {
  const { view, transport: at } = packet;
  const headerLength = MIN_HEADER + writeOptions(view, at + MIN_HEADER, segment);
  view.setUint16(at, segment.sourcePort);
  view.setUint16(at + 2, segment.destinationPort);
  view.setUint32(at + 4, segment.seq);
  view.setUint32(at + 8, segment.ack);
  view.setUint16(at + 12, (headerLength << 10) | segment.flags);
  view.setUint16(at + 14, segment.wnd);
  view.setUint16(at + 16, 0);
  view.setUint16(at + 18, segment.up);
  packet.end = at + headerLength + segment.textLength;
}

/** Fills in the checksum of the segment from `packet.transport` to `packet.end`. @rfc 9293 3.1 */
export function fillTcpChecksum(
  packet: PacketBuffer,
  source: Ipv4Address,
  destination: Ipv4Address,
): void {
  const { octets, view, transport: at, end } = packet;
  view.setUint16(at + 16, 0);
  const pseudo = pseudoHeaderSum(source, destination, Protocol.TCP, end - at);
  view.setUint16(at + 16, finish(sum(octets, view, at, end, pseudo)));
}
