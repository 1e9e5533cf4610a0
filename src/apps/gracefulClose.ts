import { checkDelayMs, HOST_TIMERS, resetSocket, type SocketLike, type Timers } from './netLike.ts';

/** How long a peer gets for its own end, if nothing else is said. */
const DEFAULT_GRACE_MS = 5000;

/** How {@link gracefulClose} treats a connection. */
export interface GracefulCloseOptions {
  /** How long the peer gets for its own end, in milliseconds. Default: 5000. */
  readonly graceMs?: number;
  readonly timers?: Timers;
}

/** `closed`: both sides have ended. `reset`: one of them has reset the connection, or it failed. */
export type CloseOutcome = 'closed' | 'reset';

/** Sockets that are being closed. It is keyed by the socket itself, and goes away with it. */
const closing = new WeakMap<SocketLike, Promise<CloseOutcome>>();

/**
 * Closes a connection for certain within a time: ends the send side, gives the peer a grace to end
 * its own, and resets the connection if it does not (`SO_LINGER` with 0 seconds, and close). Neither
 * CLOSE-WAIT nor FIN-WAIT-2 is left behind on this side.
 *
 * From the call on the socket is not its user's any more: what still arrives is read and thrown away,
 * because the end of the peer comes behind it. Its listeners for data are taken off.
 *
 * A second call, or `destroy()` at any time, does nothing more, and cannot hit another connection:
 * a socket is an object, and not a number that the system gives to the next one. The second call
 * returns the promise of the first one.
 *
 * @returns how it came out; a socket that is destroyed already has `closed`
 */
export function gracefulClose(
  socket: SocketLike,
  options: GracefulCloseOptions = {},
): Promise<CloseOutcome> {
  const known = closing.get(socket);
  if (known !== undefined) return known;
  const { graceMs = DEFAULT_GRACE_MS, timers = HOST_TIMERS } = options;
  checkDelayMs(graceMs, 'graceMs');
  const outcome = close(socket, graceMs, timers);
  closing.set(socket, outcome);
  return outcome;
}

async function close(socket: SocketLike, graceMs: number, timers: Timers): Promise<CloseOutcome> {
  if (socket.destroyed) return 'closed';
  let outcome: CloseOutcome = 'closed';
  socket.on('error', () => {
    outcome = 'reset';
  });
  const closed = new Promise<void>((resolve) => socket.on('close', resolve));
  const timer = timers.setTimeout(() => {
    outcome = 'reset';
    resetSocket(socket);
  }, graceMs);
  socket.end();
  discardInput(socket);
  await closed;
  timers.clearTimeout(timer);
  return outcome;
}

/** Reads on, for nobody. */
function discardInput(socket: SocketLike): void {
  socket.unpipe();
  socket.removeAllListeners('readable');
  socket.removeAllListeners('data');
  socket.on('data', () => {});
  socket.resume();
}
