import { StackError } from '../../base/errors.ts';
import { type CallOutcome, type Destination, done, failed } from '../host/calls.ts';
import { Level, TcpOption } from '../host/numbers.ts';
import type { Attempt, SimulatedSocket } from './socket.ts';
import { IMPLICIT_BACKLOG } from './sysctls.ts';

/** The calls that open connections, as Linux's af_inet.c and inet_connection_sock.c have them. */

/** @rfc 9293 3.9.1.1 */
export function bind(socket: SimulatedSocket, port: number): CallOutcome {
  if (socket.port !== 0 || socket.state !== 'CLOSED') return failed('EINVAL');
  socket.port = port;
  return done();
}

export function listen(socket: SimulatedSocket, backlog: number): CallOutcome {
  const { stack, localAddress } = socket.world;
  if (socket.listener !== null) return done();
  if (socket.connection !== null) return failed('EINVAL');
  try {
    const most = Math.max(0, Math.min(backlog, 4096));
    // Linux lets in one more than the backlog says (sk_acceptq_is_full compares with >)
    socket.listener = stack.listen(localAddress, socket.port, most + 1, {
      ...socket.config,
      ...(socket.config.fastOpenBacklog === IMPLICIT_BACKLOG && { fastOpenBacklog: most }),
    });
  } catch (error) {
    return outcomeOf(error);
  }
  socket.port = socket.listener.port;
  return done();
}

/** @param take what becomes of the accepted socket; @returns its descriptor */
export function accept(socket: SimulatedSocket, take: (child: SimulatedSocket) => number): Attempt {
  return () => {
    if (socket.listener === null) return failed('EINVAL');
    const connection = socket.listener.accept();
    return connection === null ? null : done(take(socket.child(connection)));
  };
}

export function connect(socket: SimulatedSocket, to: Destination): Attempt {
  let first = true;
  return () => {
    if (first) {
      first = false;
      const fastOpen = socket.option(Level.TCP, TcpOption.FASTOPEN_CONNECT) !== 0;
      const failure = to === 'nobody' ? disconnect(socket) : open(socket, to.port, { fastOpen });
      if (failure !== null) return failure;
      if (socket.isDeferred) return done();
    }
    return opened(socket);
  };
}

/** @returns null: it is under way, unless the SYN waits for text: see `isDeferred` */
export function open(
  socket: SimulatedSocket,
  port: number,
  { fastOpen }: { readonly fastOpen: boolean },
): CallOutcome | null {
  const { stack, localAddress, remoteAddress } = socket.world;
  if (socket.listener !== null || socket.phase === 'connected') return failed('EISCONN');
  if (socket.isDeferred) return failed('EISCONN');
  if (socket.phase === 'connecting') {
    const isOpening = socket.state === 'SYN-SENT' || socket.state === 'SYN-RECEIVED';
    return isOpening && socket.isNonBlocking ? failed('EALREADY') : null;
  }
  try {
    socket.forget();
    socket.connection = stack.connect(
      {
        remoteAddress,
        remotePort: port,
        localAddress,
        config: socket.config,
        fastOpen,
        ...(socket.port === 0 ? {} : { localPort: socket.port }),
      },
      socket.world.now(),
    );
  } catch (error) {
    return outcomeOf(error);
  }
  socket.phase = 'connecting';
  return null;
}

/** The end of inet_stream_connect(). */
export function opened(socket: SimulatedSocket): CallOutcome | null {
  const { state } = socket;
  if (state === 'SYN-SENT' || state === 'SYN-RECEIVED') return null;
  if (state === 'CLOSED') {
    const errno = socket.takeError() ?? 'ECONNABORTED';
    socket.phase = 'unconnected';
    return failed(errno);
  }
  socket.phase = 'connected';
  return done();
}

/** connect() to AF_UNSPEC: the connection is aborted, and the socket can be used again. */
function disconnect(socket: SimulatedSocket): CallOutcome {
  const { stack, now } = { stack: socket.world.stack, now: socket.world.now() };
  if (socket.listener !== null) stack.tcp.closeListener(socket.listener, now);
  socket.listener = null;
  socket.connection?.abort(now);
  socket.forget();
  return done();
}

function outcomeOf(error: unknown): CallOutcome {
  if (error instanceof StackError) return failed(error.code);
  if (error instanceof RangeError) return failed('EINVAL');
  throw error;
}
