import { roomOnSyn } from '../../tcp/send/fastOpenClient.ts';
import { type Buffers, type CallOutcome, done, failed, type HostCall } from '../host/calls.ts';
import { Level, Msg, TcpOption } from '../host/numbers.ts';
import { open, opened } from './opening.ts';
import type { Attempt, SimulatedSocket } from './socket.ts';
import { total, write } from './transfer.ts';

/** A write that may open the connection. */
type WriteCall = Extract<HostCall, { name: 'write' }>;

/** Does it: by its flag, or as the first one of a socket whose SYN waits for it, or as on FreeBSD? */
export function opensConnection(socket: SimulatedSocket, call: WriteCall): boolean {
  return (call.flags & Msg.FASTOPEN) !== 0 || socket.isDeferred || opensAsFreebsd(socket, call);
}

/** On FreeBSD sendto() with an address opens a socket, with Fast Open if that has the option. */
function opensAsFreebsd(socket: SimulatedSocket, { to }: WriteCall): boolean {
  if (socket.setting('errorCodes') !== 'freebsd' || to === null || to === 'nobody') return false;
  return socket.state === 'CLOSED' && socket.phase === 'unconnected' && wantsFastOpen(socket);
}

function wantsFastOpen(socket: SimulatedSocket): boolean {
  return socket.option(Level.TCP, TcpOption.FASTOPEN) !== 0;
}

/** As tcp_usr_send() has it: what there is room for is taken at once, and nobody waits for the handshake. */
function openAsFreebsd(socket: SimulatedSocket, { to, from }: WriteCall): CallOutcome {
  if (to === null || to === 'nobody') return failed('EDESTADDRREQ');
  const failure = open(socket, to.port, { fastOpen: socket.setting('fastOpenClient') });
  const { connection } = socket;
  if (failure !== null || connection === null) return failed(failure?.errno ?? 'EPIPE');
  const text = Math.min(connection.writable, total(from));
  if (text > 0) connection.send(new Uint8Array(text));
  connection.openNow();
  return done(text);
}

/**
 * sendto(MSG_FASTOPEN), as Linux's tcp_sendmsg_fastopen() has it: a connect and a write in one. Who does
 * not block gets EINPROGRESS unless text went with the SYN; who blocks waits for the handshake, and then
 * writes the rest.
 *
 * @rfc 7413 4.2.1
 */
export function writeOpening(socket: SimulatedSocket, call: WriteCall, mayWait: boolean): Attempt {
  if (opensAsFreebsd(socket, call)) return () => openAsFreebsd(socket, call);
  const { from, flags } = call;
  let before: number | null = null;
  let rest: Attempt | null = null;
  return () => {
    if (before === null) {
      const begun = begin(socket, call, mayWait);
      if (typeof begun === 'string') return failed(begun);
      before = begun;
      const isUnderWay = !mayWait && socket.isOpening;
      if (isUnderWay) return before > 0 ? done(before) : failed('EINPROGRESS');
    }
    if (rest === null) {
      const outcome = opened(socket);
      if (outcome === null || outcome.value < 0) return outcome;
      rest = write(socket, shortened(from, before), flags & ~Msg.FASTOPEN, { mayWait, before });
    }
    return rest();
  };
}

/**
 * Of a writer that waits the rest is taken too, so that it goes along with the ACK of the SYN-ACK (Linux:
 * sk_write_pending).
 * @returns octets that were taken, or why none
 */
function begin(
  socket: SimulatedSocket,
  { to, from }: WriteCall,
  mayWait: boolean,
): number | string {
  if (!socket.setting('fastOpenClient') || to === 'nobody') return 'EOPNOTSUPP';
  if (!socket.isDeferred) {
    if (socket.isOpening) return mayWait ? 0 : 'EALREADY';
    if (to === null) return 'EDESTADDRREQ';
    const failure = open(socket, to.port, { fastOpen: true });
    if (failure !== null) return failure.errno ?? 'EPIPE';
  }
  const { connection, world } = socket;
  if (connection === null || !socket.isOpening) return 0;
  const most = mayWait ? connection.writable : roomOnSyn(connection.tcb, world.now());
  const text = Math.min(most, total(from));
  if (text > 0) connection.send(new Uint8Array(text));
  connection.openNow();
  return text;
}

/** The buffers without their first octets. */
function shortened(from: Buffers, octets: number): Buffers {
  return { ...from, lengths: [total(from) - octets] };
}
