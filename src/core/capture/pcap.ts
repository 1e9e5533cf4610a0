import { PcapMagic } from './captureFormat.ts';
import {
  type CaptureRecords,
  type PacketToWrite,
  RecordBuffer,
  type TimeResolution,
} from './captureRecords.ts';

/** Writing the capture format of libpcap; `PcapFormat` reads it, and shows its layout. */

/** Octets in front of the first record. */
export const PCAP_HEADER_LENGTH = 24;
/** Octets in front of each frame. */
export const PCAP_RECORD_HEADER_LENGTH = 16;
/** tcpdump's own snap length, which nothing on a wire exceeds. */
export const MAX_SNAP_LENGTH = 262_144;

/**
 * The header of a little-endian file.
 *
 * @param linkType LINKTYPE_*, one of {@link LinkType} or any other number of 16 bits
 */
export function writePcapHeader(
  linkType: number,
  snapLength: number,
  resolution: TimeResolution = 'micros',
): Uint8Array {
  const octets = new Uint8Array(PCAP_HEADER_LENGTH);
  const view = new DataView(octets.buffer);
  view.setUint32(0, resolution === 'nanos' ? PcapMagic.NANOS : PcapMagic.MICROS, true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, snapLength, true);
  view.setUint32(20, linkType, true);
  return octets;
}

/** The records of a pcap file. */
export class PcapRecords implements CaptureRecords {
  readonly #buffer: RecordBuffer;
  readonly #snapLength: number;
  readonly #resolution: TimeResolution;

  /**
   * @param capacity octets
   * @param snapLength of each frame, so many octets are kept
   */
  constructor(capacity: number, snapLength: number, resolution: TimeResolution = 'micros') {
    this.#buffer = new RecordBuffer(capacity);
    this.#snapLength = snapLength;
    this.#resolution = resolution;
  }

  append({ octets, time, nanos = 0, originalLength = octets.length }: PacketToWrite): boolean {
    const kept = Math.min(octets.length, this.#snapLength);
    const at = this.#buffer.reserve(PCAP_RECORD_HEADER_LENGTH + kept);
    if (at < 0) return false;
    const { view } = this.#buffer;
    const micros = time % 1e6;
    view.setUint32(at, Math.floor(time / 1e6), true);
    view.setUint32(at + 4, this.#resolution === 'nanos' ? micros * 1000 + nanos : micros, true);
    view.setUint32(at + 8, kept, true);
    view.setUint32(at + 12, originalLength, true);
    const frame = kept === octets.length ? octets : octets.subarray(0, kept);
    this.#buffer.set(frame, at + PCAP_RECORD_HEADER_LENGTH);
    return true;
  }

  octets(): Uint8Array {
    return this.#buffer.octets();
  }

  clear(): void {
    this.#buffer.clear();
  }
}
