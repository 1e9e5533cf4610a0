/**
 * What programs need of node:net. The module itself and the `net` of a stack both have this shape,
 * so that a program which asks for no more runs on either of them.
 */

/** The part of node:net that opens and accepts connections. */
export interface NetLike {
  connect(options: {
    readonly host: string;
    readonly port: number;
    readonly allowHalfOpen: boolean;
  }): SocketLike;
  createServer(
    options: { readonly allowHalfOpen: boolean },
    onConnection: (socket: SocketLike) => void,
  ): ServerLike;
}

/** A server of a {@link NetLike}. */
export interface ServerLike {
  listen(
    options: { readonly port: number; readonly host?: string },
    onListening: () => void,
  ): unknown;
  close(onClosed: () => void): unknown;
  address(): { readonly address: string; readonly port: number } | string | null;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** A connection of a {@link NetLike}. */
export interface SocketLike {
  readonly connecting: boolean;
  readonly destroyed: boolean;
  readonly readableEnded: boolean;
  readonly writableEnded: boolean;
  readonly writableFinished: boolean;
  /** Octets that wait in the stream. */
  readonly writableLength: number;
  on(event: 'data', listener: (chunk: Uint8Array) => void): unknown;
  on(event: 'connect' | 'drain' | 'end' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  once(event: 'finish', listener: () => void): unknown;
  removeAllListeners(event: 'data' | 'readable'): unknown;
  setNoDelay(noDelay: boolean): unknown;
  pause(): unknown;
  resume(): unknown;
  unpipe(): unknown;
  /** @returns false if no more should be written before 'drain' */
  write(chunk: Uint8Array): boolean;
  end(): unknown;
  destroy(): unknown;
  resetAndDestroy(): unknown;
}

/** Timers, so that programs run in virtual time too. */
export interface Timers {
  /** @param delayMs 1 to 2^31 - 1 @returns what `clearTimeout` takes */
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
}

/** Longest delay that the timers of Node know. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The timers of the process, which do not keep it running. */
export const HOST_TIMERS: Timers = {
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
  clearTimeout,
};

/** The delay as it is. @throws RangeError naming it, if timers cannot wait for so long */
export function checkDelayMs(delayMs: number, name: string, least: 0 | 1 = 1): number {
  if (delayMs >= least && delayMs <= MAX_DELAY_MS) return delayMs;
  throw new RangeError(`${name} is ${delayMs}: it must be from ${least} to ${MAX_DELAY_MS} ms`);
}

/**
 * Ends a connection by a RST, whatever state it is in: while it is being opened, by giving up; after
 * it has ended, not at all.
 *
 * A socket of node:net whose FIN is just on its way to the kernel must be waited for: reset in that
 * instant, it fails with EINVAL and never gives its descriptor back. The wait is one round of the
 * event loop, since the FIN leaves the stream only behind all that was written.
 */
export function resetSocket(socket: SocketLike): void {
  if (socket.destroyed) return;
  if (socket.connecting) {
    socket.destroy(); // resetAndDestroy would wait until it is open
  } else if (socket.writableEnded && !socket.writableFinished && socket.writableLength === 0) {
    socket.once('finish', () => resetSocket(socket));
  } else {
    socket.resetAndDestroy();
  }
}
