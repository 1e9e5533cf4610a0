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
  if (!isOpening) {
    if (connection !== null && connection.readable > 0) mask |= Poll.IN | Poll.RDNORM;
    if (endWrite || isWriteable(socket)) mask |= Poll.OUT | Poll.WRNORM;
  }
  if (socket.error !== null) mask |= Poll.ERR;
  return mask;
}

/** Linux's sk_stream_is_writeable(): a third of the buffer is free. */
function isWriteable({ connection }: SimulatedSocket): boolean {
  if (connection === null) return true;
  const { sendBuffer } = connection.tcb;
  return sendBuffer.free * 2 >= sendBuffer.length;
}
