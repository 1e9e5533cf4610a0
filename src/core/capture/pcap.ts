import { PcapMagic } from './captureFormat.ts';
import {
  type CaptureRecords,
  FileRecords,
  type TimeResolution,
  type WriteRecord,
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

/**
 * The records of a pcap file.
 *
 * @param capacity octets
 * @param snapLength of each frame, so many octets are kept
 */
export function pcapRecords(
  capacity: number,
  snapLength: number,
  resolution: TimeResolution = 'micros',
): CaptureRecords {
  return new FileRecords(writeRecord, { capacity, snapLength, resolution });
}

const writeRecord: WriteRecord = (buffer, packet, kept, resolution) => {
  const { octets, time, nanos = 0, originalLength = octets.length } = packet;
  const at = buffer.reserve(PCAP_RECORD_HEADER_LENGTH + kept);
  if (at < 0) return false;
  const { view } = buffer;
  const micros = time % 1e6;
  view.setUint32(at, Math.floor(time / 1e6), true);
  view.setUint32(at + 4, resolution === 'nanos' ? micros * 1000 + nanos : micros, true);
  view.setUint32(at + 8, kept, true);
  view.setUint32(at + 12, originalLength, true);
  const frame = kept === octets.length ? octets : octets.subarray(0, kept);
  buffer.set(frame, at + PCAP_RECORD_HEADER_LENGTH);
  return true;
};
