import type { Micros } from '../base/time.ts';

/**
 * The capture format of libpcap, as octets; files are somebody else's matter.
 *
 * ```
 *   file header, 24 octets                      record header, 16 octets, then the frame
 *    0  magic: byte order and unit of time       0  seconds since 1970
 *    4  version 2.4 (two 16-bit numbers)         4  micro- or nanoseconds
 *    8  two words that are 0                     8  octets that follow
 *   16  snap length: most octets of a frame     12  octets that the frame had
 *   20  link type
 * ```
 */

/** What the frames begin with (LINKTYPE_* of the tcpdump group). */
export const LinkType = { ETHERNET: 1, RAW: 101 } as const;

/** Octets in front of the first record. */
export const PCAP_HEADER_LENGTH = 24;
/** Octets in front of each frame. */
export const PCAP_RECORD_HEADER_LENGTH = 16;
/** tcpdump's own snap length, which nothing on a wire exceeds. */
export const MAX_SNAP_LENGTH = 262_144;

const MAGIC_MICROS = 0xa1b2c3d4;
const MAGIC_NANOS = 0xa1b23c4d;

/** One frame of a capture. */
export interface CapturedPacket {
  /** Since 1970. */
  readonly time: Micros;
  /** As many octets as were kept. */
  readonly octets: Uint8Array;
  /** As many octets as the frame had. */
  readonly originalLength: number;
}

/** What a capture holds. */
export interface Capture {
  readonly linkType: number;
  readonly packets: readonly CapturedPacket[];
  /** The octets end within a record, as they do when the writer was interrupted. */
  readonly truncated: boolean;
}

/** The octets are no capture of this format. */
export class CaptureFormatError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'CaptureFormatError';
  }
}

/** The header of a little-endian file with microseconds. */
export function writePcapHeader(linkType: number, snapLength: number): Uint8Array {
  const octets = new Uint8Array(PCAP_HEADER_LENGTH);
  const view = new DataView(octets.buffer);
  view.setUint32(0, MAGIC_MICROS, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, snapLength, true);
  view.setUint32(20, linkType, true);
  return octets;
}

/** Records one behind the other in memory of fixed size, for whoever writes them out in batches. */
export class PcapRecords {
  readonly #octets: Uint8Array;
  readonly #view: DataView;
  readonly #snapLength: number;
  #length = 0;

  /**
   * @param capacity octets; at least one record of `snapLength` must fit
   * @param snapLength of each frame, so many octets are kept
   */
  constructor(capacity: number, snapLength: number) {
    if (capacity < PCAP_RECORD_HEADER_LENGTH + snapLength) {
      throw new RangeError(`${capacity} octets hold no record of ${snapLength}`);
    }
    this.#octets = new Uint8Array(capacity);
    this.#view = new DataView(this.#octets.buffer);
    this.#snapLength = snapLength;
  }

  /** @returns false if there is no room: nothing was kept, `clear` first */
  append(frame: Uint8Array, time: Micros): boolean {
    const kept = Math.min(frame.length, this.#snapLength);
    const at = this.#length;
    const end = at + PCAP_RECORD_HEADER_LENGTH + kept;
    if (end > this.#octets.length) return false;
    this.#view.setUint32(at, Math.floor(time / 1e6), true);
    this.#view.setUint32(at + 4, time % 1e6, true);
    this.#view.setUint32(at + 8, kept, true);
    this.#view.setUint32(at + 12, frame.length, true);
    this.#octets.set(
      kept === frame.length ? frame : frame.subarray(0, kept),
      at + PCAP_RECORD_HEADER_LENGTH,
    );
    this.#length = end;
    return true;
  }

  /** The records, as a view that is valid until `clear`. */
  octets(): Uint8Array {
    return this.#octets.subarray(0, this.#length);
  }

  clear(): void {
    this.#length = 0;
  }
}

/**
 * Reads a capture of either byte order and unit of time; nanoseconds are cut to microseconds. The
 * packets are views of `octets`.
 *
 * @throws CaptureFormatError if it does not begin like one
 */
export function readPcap(octets: Uint8Array): Capture {
  if (octets.length < PCAP_HEADER_LENGTH) {
    throw new CaptureFormatError(`no pcap capture: ${octets.length} octets are no header`);
  }
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const little = isMagic(view.getUint32(0, true));
  const magic = view.getUint32(0, little);
  if (!isMagic(magic)) {
    throw new CaptureFormatError(`no pcap capture: it begins with 0x${magic.toString(16)}`);
  }
  const unitsPerMicro = magic === MAGIC_NANOS ? 1000 : 1;
  // the upper half may tell the length of a frame check sequence
  const linkType = view.getUint32(20, little) & 0xffff;
  const packets: CapturedPacket[] = [];
  let at = PCAP_HEADER_LENGTH;
  while (at + PCAP_RECORD_HEADER_LENGTH <= octets.length) {
    const start = at + PCAP_RECORD_HEADER_LENGTH;
    const end = start + view.getUint32(at + 8, little);
    if (end > octets.length) break;
    packets.push({
      time:
        view.getUint32(at, little) * 1e6 +
        Math.floor(view.getUint32(at + 4, little) / unitsPerMicro),
      octets: octets.subarray(start, end),
      originalLength: view.getUint32(at + 12, little),
    });
    at = end;
  }
  return { linkType, packets, truncated: at !== octets.length };
}

function isMagic(word: number): boolean {
  return word === MAGIC_MICROS || word === MAGIC_NANOS;
}
