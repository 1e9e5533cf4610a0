import type { Connection } from '../../core/tcp/connection.ts';

/** Told when a write is done, or why it is not. */
export type WriteCallback = (error?: Error | null) => void;

/** A write on its way into the send buffer of a connection, in as many steps as there is room. */
export class PendingWrite {
  readonly callback: WriteCallback;
  /** Of all its chunks. */
  readonly octets: number;
  /** It has begun to go to the connection. */
  begun = false;
  readonly #chunks: readonly Uint8Array[];
  #chunk = 0;
  /** Octets of the current chunk that are in the send buffer. */
  #offset = 0;

  constructor(chunks: readonly Uint8Array[], callback: WriteCallback) {
    this.#chunks = chunks;
    this.callback = callback;
    this.octets = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** @returns whether all of it is there now @throws StackError */
  moveTo(connection: Connection): boolean {
    for (let chunk = this.#current(); chunk !== undefined; chunk = this.#current()) {
      this.#offset += connection.send(chunk, this.#offset, chunk.length - this.#offset);
      if (this.#offset < chunk.length) return false;
      this.#offset = 0;
      this.#chunk++;
    }
    return true;
  }

  #current(): Uint8Array | undefined {
    return this.#chunks[this.#chunk];
  }
}
