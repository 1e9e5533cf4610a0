import {
  type CaptureRecords,
  FileRecords,
  type PacketToWrite,
  RecordBuffer,
  type TimeResolution,
  type WriteRecord,
} from './captureRecords.ts';
import { BlockType, BYTE_ORDER_MAGIC, Option, padded } from './pcapngFormat.ts';
import { encodeUtf8 } from './utf8.ts';

/** Writing pcapng; `PcapngFormat` reads it. All numbers are little-endian. */

/** Type and length in front, length behind. */
const BLOCK_OVERHEAD = 12;
/** Fields of an enhanced packet block, and the end of its options. */
const PACKET_FIELDS = 20;
const OPTION_HEADER = 4;
/** Most octets of the value of an option. */
const MAX_OPTION = 0xffff;
/** `epb_flags`, bits 0 and 1. */
const DIRECTION = { in: 1, out: 2 } as const;

/** What the blocks in front of the first packet say. */
export interface PcapngHeader {
  /** LINKTYPE_*, one of {@link LinkType} or any other number of 16 bits. */
  readonly linkType: number;
  readonly snapLength: number;
  /** Of the interface. */
  readonly name?: string;
  /** Default: `micros`. */
  readonly resolution?: TimeResolution;
}

interface OptionToWrite {
  readonly code: number;
  readonly value: Uint8Array;
}

/** A section header block and the block of the one interface that all packets belong to. */
export function writePcapngHeader(header: PcapngHeader): Uint8Array {
  const { linkType, snapLength, name, resolution = 'micros' } = header;
  const buffer = new RecordBuffer(1024);
  const section = [{ code: Option.USER_APPLICATION, value: encodeUtf8('glasstcp') }];
  const at = writeBlock(buffer, BlockType.SECTION_HEADER, 16, section);
  buffer.view.setUint32(at, BYTE_ORDER_MAGIC, true);
  buffer.view.setUint16(at + 4, 1, true);
  // the length of the section: not known
  buffer.view.setUint32(at + 8, 0xffffffff, true);
  buffer.view.setUint32(at + 12, 0xffffffff, true);
  const options = [
    ...(name === undefined ? [] : [{ code: Option.NAME, value: text(name) }]),
    { code: Option.RESOLUTION, value: new Uint8Array([resolution === 'nanos' ? 9 : 6]) },
  ];
  const link = writeBlock(buffer, BlockType.INTERFACE, 8, options);
  buffer.view.setUint16(link, linkType, true);
  buffer.view.setUint32(link + 4, snapLength, true);
  return buffer.octets();
}

/**
 * The records of a pcapng file: enhanced packet blocks of interface 0.
 *
 * @param capacity octets
 * @param snapLength of each frame, so many octets are kept
 */
export function pcapngRecords(
  capacity: number,
  snapLength: number,
  resolution: TimeResolution = 'micros',
): CaptureRecords {
  return new FileRecords(writePacket, { capacity, snapLength, resolution });
}

const writePacket: WriteRecord = (buffer, packet, kept, resolution) => {
  const { octets, originalLength = octets.length } = packet;
  const fields = PACKET_FIELDS + padded(kept);
  const at = writeBlock(buffer, BlockType.ENHANCED_PACKET, fields, optionsOf(packet));
  if (at < 0) return false;
  const { view } = buffer;
  writeStamp(view, at + 4, packet, resolution);
  view.setUint32(at + 12, kept, true);
  view.setUint32(at + 16, originalLength, true);
  const frame = kept === octets.length ? octets : octets.subarray(0, kept);
  buffer.set(frame, at + PACKET_FIELDS);
  return true;
};

/** The upper half of 64 bits, then the lower one. A double holds the microseconds alone. */
function writeStamp(
  view: DataView,
  at: number,
  { time, nanos = 0 }: PacketToWrite,
  resolution: TimeResolution,
): void {
  const inNanos = resolution === 'nanos';
  const low = (time % 2 ** 32) * (inNanos ? 1000 : 1) + (inNanos ? nanos : 0);
  const high = Math.floor(time / 2 ** 32) * (inNanos ? 1000 : 1) + Math.floor(low / 2 ** 32);
  view.setUint32(at, high, true);
  view.setUint32(at + 4, low % 2 ** 32, true);
}

function optionsOf({ comments = [], direction }: PacketToWrite): OptionToWrite[] {
  const options: OptionToWrite[] = [];
  for (const comment of comments) options.push({ code: Option.COMMENT, value: text(comment) });
  if (direction !== undefined) {
    options.push({ code: Option.FLAGS, value: new Uint8Array([DIRECTION[direction], 0, 0, 0]) });
  }
  return options;
}

/** As much of a text as an option holds; it does not end within a character. */
function text(value: string): Uint8Array {
  const octets = encodeUtf8(value);
  if (octets.length <= MAX_OPTION) return octets;
  let end = MAX_OPTION;
  while (((octets[end] ?? 0) & 0xc0) === 0x80) end--;
  return octets.subarray(0, end);
}

/**
 * A block with its options and zeros for its fields.
 *
 * @param fields octets, a multiple of 4
 * @returns where the fields are, or -1 if there is no room
 */
function writeBlock(
  buffer: RecordBuffer,
  type: number,
  fields: number,
  options: readonly OptionToWrite[],
): number {
  let length = BLOCK_OVERHEAD + fields + (options.length === 0 ? 0 : OPTION_HEADER);
  for (const { value } of options) length += OPTION_HEADER + padded(value.length);
  const start = buffer.reserve(length);
  if (start < 0) return -1;
  const { view } = buffer;
  buffer.zero(start, start + length);
  view.setUint32(start, type, true);
  view.setUint32(start + 4, length, true);
  let at = start + 8 + fields;
  for (const { code, value } of options) {
    view.setUint16(at, code, true);
    view.setUint16(at + 2, value.length, true);
    buffer.set(value, at + OPTION_HEADER);
    at += OPTION_HEADER + padded(value.length);
  }
  view.setUint32(start + length - 4, length, true);
  return start + 8;
}
