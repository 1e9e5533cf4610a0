import type {
  CaptureRecords,
  PacketToWrite,
  TimeResolution,
} from '../../src/core/capture/captureRecords.ts';
import { LinkType } from '../../src/core/capture/networkLayer.ts';
import { pcapRecords, writePcapHeader } from '../../src/core/capture/pcap.ts';
import { pcapngRecords, writePcapngHeader } from '../../src/core/capture/pcapng.ts';

/** How a file of a test is written. */
export interface FileOptions {
  readonly linkType?: number;
  readonly snapLength?: number;
  readonly resolution?: TimeResolution;
}

/** A whole pcap file. */
export function pcapFile(
  packets: readonly PacketToWrite[],
  { linkType = LinkType.ETHERNET, snapLength = 65_535, resolution = 'micros' }: FileOptions = {},
): Uint8Array {
  const records = pcapRecords(1 << 16, snapLength, resolution);
  return whole(writePcapHeader(linkType, snapLength, resolution), records, packets);
}

/** A whole pcapng file. */
export function pcapngFile(
  packets: readonly PacketToWrite[],
  { linkType = LinkType.ETHERNET, snapLength = 65_535, resolution = 'micros' }: FileOptions = {},
): Uint8Array {
  const records = pcapngRecords(1 << 16, snapLength, resolution);
  const header = writePcapngHeader({ linkType, snapLength, resolution, name: 'glass0' });
  return whole(header, records, packets);
}

function whole(
  header: Uint8Array,
  records: CaptureRecords,
  packets: readonly PacketToWrite[],
): Uint8Array {
  const parts = [header];
  for (const packet of packets) {
    if (!records.append(packet)) throw new Error('the packets of a test are too many');
    parts.push(records.octets().slice());
    records.clear();
  }
  return concat(parts);
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** What a pcap file of ours would be from a big-endian machine. */
export function bigEndianPcap(little: Uint8Array): Uint8Array {
  const swapped = new Swapper(little);
  swapped.word(0);
  for (const at of [4, 6]) swapped.half(at);
  for (const at of [8, 12, 16, 20]) swapped.word(at);
  for (let at = 24; at < little.length; ) {
    const next = at + 16 + swapped.from.getUint32(at + 8, true);
    for (const field of [0, 4, 8, 12]) swapped.word(at + field);
    at = next;
  }
  return swapped.octets;
}

/** What a pcapng file of ours would be from a big-endian machine. */
export function bigEndianPcapng(little: Uint8Array): Uint8Array {
  const swapped = new Swapper(little);
  const { from } = swapped;
  for (let at = 0; at < little.length; ) {
    const type = from.getUint32(at, true);
    const end = at + from.getUint32(at + 4, true);
    for (const field of [at, at + 4, end - 4]) swapped.word(field);
    const body = at + 8;
    let options = body + 16;
    if (type === 1) {
      swapped.half(body);
      swapped.word(body + 4);
      options = body + 8;
    } else if (type === 6) {
      for (const field of [0, 4, 8, 12, 16]) swapped.word(body + field);
      options = body + 20 + padded(from.getUint32(body + 12, true));
    } else {
      swapped.word(body);
      for (const field of [4, 6]) swapped.half(body + field);
    }
    while (options < end - 4) {
      const isFlags = type === 6 && from.getUint16(options, true) === 2;
      const length = from.getUint16(options + 2, true);
      swapped.half(options);
      swapped.half(options + 2);
      if (isFlags) swapped.word(options + 4);
      options += 4 + padded(length);
    }
    at = end;
  }
  return swapped.octets;
}

function padded(length: number): number {
  return Math.ceil(length / 4) * 4;
}

class Swapper {
  readonly from: DataView;
  readonly octets: Uint8Array;
  readonly #to: DataView;

  constructor(little: Uint8Array) {
    this.from = new DataView(little.buffer, little.byteOffset, little.length);
    this.octets = little.slice();
    this.#to = new DataView(this.octets.buffer);
  }

  word(at: number): void {
    this.#to.setUint32(at, this.from.getUint32(at, true));
  }

  half(at: number): void {
    this.#to.setUint16(at, this.from.getUint16(at, true));
  }
}
