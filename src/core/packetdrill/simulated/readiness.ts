import { hasRoomToWrite } from '../../tcp/send/writable.ts';
import { Poll } from '../host/numbers.ts';
import type { SimulatedSocket } from './socket.ts';

/** What poll() sees of a socket, as Linux's tcp_poll() has it. */
export function readiness(socket: SimulatedSocket): number {
  const { connection, listener, state, isOpening } = socket;
  if (listener !== null) return listener.isAcceptable ? Poll.IN | Poll.RDNORM : 0;
  const isClosed = state === 'CLOSED';
  const endRead = socket.shutRead || (connection !== null && !isOpening && connection.ended);
  const endWrite = socket.shutWrite || (connection !== null && isClosed);
  let mask = 0;
  if ((endRead && endWrite) || isClosed) mask |= Poll.HUP;
  if (endRead) mask |= Poll.IN | Poll.RDNORM | Poll.RDHUP;
  if (socket.isDeferred) mask |= Poll.OUT | Poll.WRNORM; // a write sends the SYN
  if (!isOpening) {
    if (connection !== null && connection.readable > 0) mask |= Poll.IN | Poll.RDNORM;
    if (endWrite || isWritable(socket)) mask |= Poll.OUT | Poll.WRNORM;
  }
  return socket.hasError ? mask | Poll.ERR : mask;
}

/** Who has asked, and there is no room, is told when there is (Linux: SOCK_NOSPACE). */
function isWritable({ connection }: SimulatedSocket): boolean {
  if (connection === null || hasRoomToWrite(connection.tcb)) return true;
  connection.tcb.writeBlocked = true;
  return false;
}
