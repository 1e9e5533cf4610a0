import { closeSync, openSync, writeSync } from 'node:fs';
import type { Clock, Micros } from '../core/base/time.ts';
import type { Tracer } from '../core/base/tracer.ts';
import type { Direction, FrameSink } from '../core/capture/captureDevice.ts';
import type { CaptureRecords, PacketToWrite } from '../core/capture/captureRecords.ts';
import { FrameReasons } from '../core/capture/frameReasons.ts';
import { LinkType } from '../core/capture/networkLayer.ts';
import { MAX_SNAP_LENGTH, pcapRecords, writePcapHeader } from '../core/capture/pcap.ts';
import { pcapngRecords, writePcapngHeader } from '../core/capture/pcapng.ts';

/** What a {@link CaptureFile} may be told. */
export interface CaptureFileOptions {
  /** Octets kept of each frame, 1 to 262144, which is the default. */
  readonly snapLength?: number;
  /** Where the frames pass, for formats that say it. */
  readonly interfaceName?: string;
}

/** Octets that are written at once. */
const BATCH = 256 * 1024;
/** How long a frame may wait in memory, so that a reader of the growing file sees it. */
const FLUSH_AFTER_MS = 250;

/**
 * A capture file that grows by the frames it is given: pcapng with the stack's reasons as comments
 * if its name ends in `.pcapng`, pcap otherwise. It is written in batches, after a quarter of a
 * second at the latest, on `close` and when the process exits.
 *
 * Frames must not fail because a disk is full: the first error ends the recording, and `close`
 * throws it.
 */
export class CaptureFile implements FrameSink {
  readonly path: string;
  /** Frames in the file or on their way to it. */
  frames = 0;
  /** To be told what becomes of the frames; null: the format has no place for it. */
  readonly tracer: Tracer | null;
  readonly #reasons: FrameReasons | null;
  readonly #records: CaptureRecords;
  readonly #fd: number;
  /** What must be added to the monotonic clock to get the time since 1970. */
  readonly #epoch: Micros;
  readonly #onExit = (): void => this.flush();
  #timer: NodeJS.Timeout | null = null;
  #error: Error | null = null;
  #closed = false;

  /**
   * Makes or empties the file and writes its header.
   * @param clock the one that the times given to `frame` come from
   * @throws Error if the file cannot be made
   */
  constructor(path: string, clock: Clock, options: CaptureFileOptions = {}) {
    const { snapLength = MAX_SNAP_LENGTH, interfaceName } = options;
    if (!Number.isInteger(snapLength) || snapLength < 1 || snapLength > MAX_SNAP_LENGTH) {
      throw new RangeError(`a snap length of ${snapLength} is not from 1 to ${MAX_SNAP_LENGTH}`);
    }
    this.path = path;
    const linkType = LinkType.ETHERNET;
    const isPcapng = path.endsWith('.pcapng');
    const recordsOf = isPcapng ? pcapngRecords : pcapRecords;
    this.#records = recordsOf(BATCH, snapLength);
    this.#reasons = isPcapng
      ? new FrameReasons({
          commented: (octets, now, direction, comment) =>
            this.#append(octets, now, direction, comment === null ? [] : [comment]),
        })
      : null;
    this.tracer = this.#reasons;
    const name = interfaceName === undefined ? {} : { name: interfaceName };
    const header = isPcapng
      ? writePcapngHeader({ linkType, snapLength, ...name })
      : writePcapHeader(linkType, snapLength);
    this.#epoch = Date.now() * 1000 - clock.now();
    this.#fd = openWith(path, header);
    process.on('exit', this.#onExit);
  }

  frame(octets: Uint8Array, now: Micros, direction: Direction): void {
    if (this.#closed || this.#error !== null) return;
    this.frames++;
    if (this.#reasons === null) this.#append(octets, now, direction, []);
    else this.#reasons.frame(octets, now, direction);
    this.#timer ??= setTimeout(() => this.flush(), FLUSH_AFTER_MS).unref();
  }

  /** Writes what is in memory. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#closed || this.#error !== null) return;
    this.#reasons?.flush();
    this.#write();
  }

  /** Writes the rest. Safe to call twice. @throws Error if the recording is not complete */
  close(): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    process.off('exit', this.#onExit);
    closeSync(this.#fd);
    if (this.#error !== null) throw this.#error;
  }

  #append(
    octets: Uint8Array,
    now: Micros,
    direction: Direction,
    comments: readonly string[],
  ): void {
    const packet: PacketToWrite = { octets, time: now + this.#epoch, direction, comments };
    if (this.#records.append(packet)) return;
    this.#write();
    this.#records.append(packet);
  }

  #write(): void {
    const octets = this.#records.octets();
    if (octets.length === 0 || this.#error !== null) return;
    try {
      writeAll(this.#fd, octets);
    } catch (error) {
      this.#error = cannotWrite(this.path, error);
    }
    this.#records.clear();
  }
}

/** Makes or empties a file that begins with the header. */
function openWith(path: string, header: Uint8Array): number {
  let fd = -1;
  try {
    fd = openSync(path, 'w');
    writeAll(fd, header);
    return fd;
  } catch (error) {
    if (fd >= 0) closeSync(fd);
    throw cannotWrite(path, error);
  }
}

function writeAll(fd: number, octets: Uint8Array): void {
  for (let at = 0; at < octets.length; ) at += writeSync(fd, octets, at);
}

function cannotWrite(path: string, error: unknown): Error {
  const why = error instanceof Error ? error.message : String(error);
  return new Error(`capture file ${path} cannot be written: ${why}`, { cause: error });
}
