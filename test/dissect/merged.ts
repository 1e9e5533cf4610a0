import { closeSync, openSync, writeSync } from 'node:fs';
import type { CapturedPacket } from '../../src/core/capture/capturedPacket.ts';
import type { CapturedSegment } from '../../src/core/capture/capturedSegment.ts';
import { LinkType, networkLayer } from '../../src/core/capture/networkLayer.ts';
import { parseSegment } from '../../src/core/capture/parseSegment.ts';
import { MAX_SNAP_LENGTH, writePcapHeader } from '../../src/core/capture/pcap.ts';
import { readCapture } from '../../src/node/captureInput.ts';

/** The segments of one capture, and where they begin in the merged one. */
export interface MergedCapture {
  readonly path: string;
  readonly segments: readonly CapturedSegment[];
  /** The number of its first packet in the merged capture. */
  readonly first: number;
}

/**
 * Puts the segments of many captures one behind the other into one, without their links, because a
 * tool that reads it takes longer to start than to read. The addresses of each capture are changed
 * in a way of its own, so that no two of them share a conversation.
 */
export async function merge(paths: readonly string[], into: string): Promise<MergedCapture[]> {
  const fd = openSync(into, 'w');
  try {
    writeSync(fd, writePcapHeader(LinkType.RAW, MAX_SNAP_LENGTH));
    const merged: MergedCapture[] = [];
    let first = 1;
    for (const [i, path] of paths.entries()) {
      const segments: CapturedSegment[] = [];
      for await (const packet of readCapture(path)) {
        const segment = parseSegment(packet);
        if (segment === null) continue;
        writeSync(fd, recordOf(packet, segment.ipVersion, i));
        segments.push(segment);
      }
      merged.push({ path, segments, first });
      first += segments.length;
    }
    return merged;
  } finally {
    closeSync(fd);
  }
}

function recordOf(packet: CapturedPacket, ipVersion: 4 | 6, capture: number): Uint8Array {
  const { offset } = networkLayer(packet) ?? { offset: 0 };
  const datagram = packet.octets.subarray(offset);
  const record = Buffer.alloc(16 + datagram.length);
  record.writeUInt32LE(Math.floor(packet.time / 1e6), 0);
  record.writeUInt32LE(packet.time % 1e6, 4);
  record.writeUInt32LE(datagram.length, 8);
  record.writeUInt32LE(packet.originalLength - offset, 12);
  record.set(datagram, 16);
  for (const address of ipVersion === 4 ? [12, 16] : [8, 24]) {
    const at = 16 + address + 1;
    record.writeUInt16BE(record.readUInt16BE(at) ^ capture, at);
  }
  return record;
}
