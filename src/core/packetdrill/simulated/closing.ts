import { type Micros, NEVER, SECOND } from '../../base/time.ts';
import { type CallOutcome, done, failed } from '../host/calls.ts';
import { SHUT_RD, SHUT_RDWR, SHUT_WR } from '../host/numbers.ts';
import type { Attempt, SimulatedSocket } from './socket.ts';

/** shutdown(), as Linux's inet_shutdown() has it. @rfc 9293 3.10.4 */
export function shutdown(socket: SimulatedSocket, how: number): CallOutcome {
  const { connection, world } = socket;
  if (how < SHUT_RD || how > SHUT_RDWR) return failed('EINVAL');
  const now = world.now();
  if (socket.listener !== null) {
    if (how === SHUT_WR) return done();
    world.stack.tcp.closeListener(socket.listener, now);
    socket.listener = null;
    return done();
  }
  if (connection === null || connection.state === 'CLOSED') return failed('ENOTCONN');
  if (connection.state === 'SYN-SENT') {
    connection.abort(now); // tcp_disconnect()
    socket.forget();
    return done();
  }
  if (how !== SHUT_WR) {
    socket.shutRead = true;
    connection.shutRead();
  }
  if (how === SHUT_RD) return done();
  socket.shutWrite = true;
  connection.close(now);
  return done();
}

/**
 * close(). With SO_LINGER it is an abort (0 s), or waits until everything has been acknowledged, as
 * Linux's tcp_close() does even for a socket that does not block. @rfc 9293 3.10.4, 3.10.5
 */
export function close(socket: SimulatedSocket): { attempt: Attempt; until: Micros } {
  const { linger, world } = socket;
  const until = linger.on === 0 ? NEVER : world.now() + linger.seconds * SECOND;
  let first = true;
  const attempt: Attempt = () => {
    const { connection, listener } = socket;
    const now = world.now();
    if (listener !== null) {
      world.stack.tcp.closeListener(listener, now);
      socket.listener = null;
    }
    if (connection === null) return done();
    if (first) {
      first = false;
      leave(socket, now);
    }
    const waits = ['FIN-WAIT-1', 'CLOSING', 'LAST-ACK'].includes(connection.state);
    return linger.on !== 0 && waits && now < until ? null : done();
  };
  return { attempt, until };
}

function leave({ connection, linger }: SimulatedSocket, now: Micros): void {
  if (linger.on !== 0 && linger.seconds === 0) connection?.abort(now);
  else connection?.release(now);
}
