import type { Micros } from '../base/time.ts';
import type { Direction } from './captureDevice.ts';

/** The finest unit of the times in a file. */
export type TimeResolution = 'micros' | 'nanos';

/** A packet to be written into a capture file. */
export interface PacketToWrite {
  readonly octets: Uint8Array;
  /** Since 1970. */
  readonly time: Micros;
  /** What lies beyond `time`, 0 to 999; only files with that resolution keep it. Default: 0. */
  readonly nanos?: number;
  /** As many octets as there were on the wire, where `octets` are fewer. */
  readonly originalLength?: number;
  /** Only pcapng keeps it. */
  readonly direction?: Direction;
  /** Only pcapng keeps them. */
  readonly comments?: readonly string[];
}

/** Packets in the format of a file, one behind the other, for whoever writes them out in batches. */
export interface CaptureRecords {
  /** @returns false if there is no room: nothing was kept, `clear` first */
  append(packet: PacketToWrite): boolean;
  /** The records, as a view that is valid until the next `append` or `clear`. */
  octets(): Uint8Array;
  clear(): void;
}

/**
 * Puts a packet behind what is in the buffer, with so many of its octets.
 *
 * @returns false if there is no room
 */
export type WriteRecord = (
  buffer: RecordBuffer,
  packet: PacketToWrite,
  kept: number,
  resolution: TimeResolution,
) => boolean;

/** What all formats of files ask for. */
export interface RecordsOptions {
  /** Octets. */
  readonly capacity: number;
  /** Of each frame, so many octets are kept. */
  readonly snapLength: number;
  readonly resolution: TimeResolution;
}

/** The records of a file whose format is in `write`. */
export class FileRecords implements CaptureRecords {
  readonly #write: WriteRecord;
  readonly #buffer: RecordBuffer;
  readonly #snapLength: number;
  readonly #resolution: TimeResolution;

  constructor(write: WriteRecord, options: RecordsOptions) {
    const { capacity, snapLength, resolution } = options;
    this.#write = write;
    this.#buffer = new RecordBuffer(capacity);
    this.#snapLength = snapLength;
    this.#resolution = resolution;
  }

  append(packet: PacketToWrite): boolean {
    const kept = Math.min(packet.octets.length, this.#snapLength);
    return this.#write(this.#buffer, packet, kept, this.#resolution);
  }

  octets(): Uint8Array {
    return this.#buffer.octets();
  }

  clear(): void {
    this.#buffer.clear();
  }
}

/** Memory that records are put into one behind the other. */
export class RecordBuffer {
  /** Octets that are taken. */
  length = 0;
  view: DataView;
  #octets: Uint8Array;

  /** @param capacity octets; it grows by no more than what one record alone needs */
  constructor(capacity: number) {
    this.#octets = new Uint8Array(capacity);
    this.view = new DataView(this.#octets.buffer);
  }

  /** @returns where `count` octets have room now, or -1 if they have none behind what is there */
  reserve(count: number): number {
    const at = this.length;
    if (at + count > this.#octets.length) {
      if (at > 0) return -1;
      this.#octets = new Uint8Array(count);
      this.view = new DataView(this.#octets.buffer);
    }
    this.length = at + count;
    return at;
  }

  set(octets: Uint8Array, at: number): void {
    this.#octets.set(octets, at);
  }

  /** Zeros from one index up to another: padding. */
  zero(from: number, to: number): void {
    this.#octets.fill(0, from, to);
  }

  octets(): Uint8Array {
    return this.#octets.subarray(0, this.length);
  }

  clear(): void {
    this.length = 0;
  }
}
