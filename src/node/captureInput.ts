import { createReadStream, fstatSync, openSync } from 'node:fs';
import { createGunzip } from 'node:zlib';
import type { CapturedPacket } from '../core/capture/capturedPacket.ts';
import { CaptureReader } from '../core/capture/captureReader.ts';

/** What was asked for cannot be read as a capture: one line says why. */
export class CaptureInputError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CaptureInputError';
  }
}

type Chunks = AsyncIterable<Uint8Array>;

/** What a gzip file begins with. @rfc 1952 2.3.1 */
const GZIP_MAGIC = [0x1f, 0x8b] as const;
/** Compressed octets taken at once: they become a thousand times as many at most. */
const GZIP_PIECE = 8192;
/** Octets unpacked at once. */
const UNPACKED_PIECE = 4096;

/**
 * The packets of a capture file, read and unpacked while they are asked for. What is wrong with its
 * end is in `problem` when there are no more:
 *
 * ```ts
 * const input = readCapture('some.pcapng.gz');
 * for await (const packet of input) use(packet);
 * if (input.problem !== null) tell(input.problem);
 * ```
 *
 * @param path `-` is standard input
 */
export function readCapture(path: string): CaptureInput {
  return new CaptureInput(path);
}

/** A capture file that is being read, once. */
export class CaptureInput implements AsyncIterable<CapturedPacket> {
  /** As messages call it. */
  readonly name: string;
  readonly #path: string;
  readonly #reader = new CaptureReader();
  /** The packing is damaged: what is behind that was not seen. */
  #packing: string | null = null;

  constructor(path: string) {
    this.#path = path;
    this.name = path === '-' ? 'standard input' : path;
  }

  /** One line on how the file ends, if it does not end well. */
  get problem(): string | null {
    const { problem } = this.#reader;
    if (this.#packing === null) return problem === null ? null : `${this.name}: ${problem}`;
    const where = problem === null ? `behind packet ${this.#reader.packets}` : problem;
    return `${this.name}: the gzip packing is damaged (${this.#packing}); ${where}`;
  }

  /** null: no packet was read yet. */
  get format(): 'pcap' | 'pcapng' | null {
    return this.#reader.format;
  }

  /** LINKTYPE_* of the packets read. */
  get linkTypes(): readonly number[] {
    return this.#reader.linkTypes;
  }

  /** @throws CaptureInputError if there is no such file, or it is no capture at all */
  async *[Symbol.asyncIterator](): AsyncGenerator<CapturedPacket, void, undefined> {
    const reader = this.#reader;
    for await (const chunk of this.#unpack(this.#open())) {
      reader.push(chunk);
      for (let packet = reader.next(); packet !== null; packet = reader.next()) yield packet;
      if (reader.problem !== null) break;
    }
    reader.finish();
    if (reader.format === null) {
      throw new CaptureInputError(this.problem ?? `${this.name}: no capture`);
    }
  }

  async *#open(): Chunks {
    try {
      const stream = this.#path === '-' ? process.stdin : openFile(this.#path);
      for await (const chunk of stream) yield chunk;
    } catch (error) {
      throw new CaptureInputError(`${this.name} cannot be read: ${reasonOf(error)}`, {
        cause: error,
      });
    }
  }

  /** As it is, unless it begins as gzip does. */
  async *#unpack(chunks: Chunks): Chunks {
    const iterator = chunks[Symbol.asyncIterator]();
    const start: Uint8Array[] = [];
    let length = 0;
    while (length < GZIP_MAGIC.length) {
      const { value, done } = await iterator.next();
      if (done === true) break;
      start.push(value);
      length += value.length;
    }
    const all = { [Symbol.asyncIterator]: () => chain(start, iterator) };
    const [first, second] = Buffer.concat(start);
    if (first === GZIP_MAGIC[0] && second === GZIP_MAGIC[1]) yield* this.#gunzip(all);
    else yield* all;
  }

  /**
   * Piece by piece, so that what was unpacked before damage is given, and that no more is unpacked
   * than is asked for.
   */
  async *#gunzip(chunks: Chunks): Chunks {
    const unzip = new Unzip();
    let given = 0;
    let fed = 0;
    try {
      for await (const chunk of chunks) {
        for (let at = 0; at < chunk.length && unzip.problem === null; at += GZIP_PIECE) {
          const piece = chunk.subarray(at, at + GZIP_PIECE);
          for (const octets of await unzip.write(piece)) {
            given += octets.length;
            yield octets;
          }
          if (unzip.problem === null) fed += piece.length;
        }
        if (unzip.problem !== null) break;
      }
      if (unzip.problem === null) yield* await unzip.end();
    } finally {
      unzip.close();
    }
    this.#packing = unzip.problem;
    if (this.#packing !== null && this.#path !== '-') yield* this.#lastOf(fed, given);
  }

  /**
   * What a damaged piece still gives: a write that fails keeps to itself what it had unpacked, so
   * the file is read once more, and that piece is taken octet by octet.
   *
   * @param fed packed octets in front of the damaged piece
   * @param given unpacked octets that were given already
   */
  async *#lastOf(fed: number, given: number): Chunks {
    const unzip = new Unzip();
    let packed = 0;
    let unpacked = 0;
    try {
      for await (const chunk of this.#open()) {
        for (let at = 0; at < chunk.length; ) {
          const most = packed < fed ? Math.min(GZIP_PIECE, fed - packed) : 1;
          const piece = chunk.subarray(at, at + most);
          for (const octets of await unzip.write(piece)) {
            const known = Math.max(0, given - unpacked);
            unpacked += octets.length;
            if (known < octets.length) yield octets.subarray(known);
          }
          if (unzip.problem !== null || packed > fed + GZIP_PIECE) return;
          at += piece.length;
          packed += piece.length;
        }
      }
    } finally {
      unzip.close();
    }
  }
}

/** Unpacks what it is given, piece by piece. */
class Unzip {
  /** What is wrong with what it was given; null: nothing yet. */
  problem: string | null = null;
  readonly #gunzip = createGunzip({ chunkSize: UNPACKED_PIECE });
  readonly #ended: Promise<void>;
  #unpacked: Uint8Array[] = [];

  constructor() {
    this.#gunzip.on('data', (octets: Uint8Array) => this.#unpacked.push(octets));
    this.#ended = new Promise<void>((resolve) => {
      this.#gunzip.on('end', resolve);
      this.#gunzip.on('error', (error) => {
        this.problem ??= error.message;
        resolve();
      });
    });
  }

  /** @returns what this and what was kept of the pieces before unpack to */
  async write(piece: Uint8Array): Promise<readonly Uint8Array[]> {
    // of a write that fails, only the error is told
    const written = new Promise<void>((resolve) => this.#gunzip.write(piece, () => resolve()));
    await Promise.race([written, this.#ended]);
    return this.#take();
  }

  async end(): Promise<readonly Uint8Array[]> {
    this.#gunzip.end();
    await this.#ended;
    return this.#take();
  }

  close(): void {
    this.#gunzip.destroy();
  }

  #take(): readonly Uint8Array[] {
    const taken = this.#unpacked;
    this.#unpacked = [];
    return taken;
  }
}

async function* chain(
  start: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* start;
    for (;;) {
      const { value, done } = await rest.next();
      if (done === true) return;
      yield value;
    }
  } finally {
    await rest.return?.();
  }
}

function openFile(path: string): AsyncIterable<Uint8Array> {
  const fd = openSync(path, 'r');
  if (fstatSync(fd).isDirectory()) throw new Error('it is a directory');
  return createReadStream(path, { fd, highWaterMark: 256 * 1024 });
}

/** Node's messages begin with a code and end with what was called: `ENOENT: no such file, open 'x'`. */
function reasonOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return /^[A-Z]+: (.*), \w+( .*)?$/.exec(message)?.[1] ?? message;
}
