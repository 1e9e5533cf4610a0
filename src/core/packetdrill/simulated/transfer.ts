import { StackError } from '../../base/errors.ts';
import { chunkGoal } from '../../tcp/send/burst.ts';
import {
  type Buffers,
  type CallOutcome,
  done,
  failed,
  type Readback,
  Unsupported,
} from '../host/calls.ts';
import { Level, Msg, TcpOption } from '../host/numbers.ts';
import type { Attempt, SimulatedSocket } from './socket.ts';

/** TCP_CM_INQ: a control message with what is left to be read. */
const TCP_CM_INQ = 36;
/** Octets that are moved at once. */
const PIECE = 65_536;
const ZEROS = new Uint8Array(PIECE);

/** Flags that make no difference here. */
const HARMLESS = Msg.DONTWAIT | Msg.NOSIGNAL | Msg.DONTROUTE;
const READ_FLAGS = HARMLESS | Msg.PEEK | Msg.TRUNC | Msg.WAITALL | Msg.ERRQUEUE;
const WRITE_FLAGS = HARMLESS | Msg.MORE | Msg.OOB | Msg.EOR | Msg.FASTOPEN | Msg.ZEROCOPY;

/** @throws Unsupported */
export function checkReadFlags(flags: number): void {
  if ((flags & ~READ_FLAGS) !== 0) throw new Unsupported(flagsText(flags & ~READ_FLAGS));
}

/** @throws Unsupported */
export function checkWriteFlags(flags: number): void {
  if ((flags & ~WRITE_FLAGS) !== 0) throw new Unsupported(flagsText(flags & ~WRITE_FLAGS));
}

export function total({ lengths }: Buffers): number {
  return lengths.reduce((sum, length) => sum + length, 0);
}

/**
 * read(), recv() and the like, as Linux's tcp_recvmsg_locked() has them: what is there first, then
 * an error, then the end. @rfc 9293 3.10.3
 */
export function read(socket: SimulatedSocket, into: Buffers, flags: number): Attempt {
  const wanted = total(into);
  const scratch = new Uint8Array(Math.min(PIECE, wanted));
  let got = 0;
  const least = (flags & Msg.WAITALL) !== 0 ? wanted : 1;
  checkReadFlags(flags);
  if ((flags & Msg.ERRQUEUE) !== 0) return () => socket.errors.take(wanted);
  return () => {
    const { connection } = socket;
    if (connection === null || socket.state === 'LISTEN') return failed('ENOTCONN');
    if (wanted === 0) return done(0, messageOf(socket));
    if (into.isBad && connection.readable > 0) return failed('EFAULT');
    if ((flags & Msg.PEEK) !== 0) {
      got = Math.min(wanted, connection.readable);
    } else {
      while (got < wanted && connection.readable > 0) {
        got += connection.receive(scratch, 0, Math.min(PIECE, wanted - got));
      }
    }
    if (got >= least) return done(got, messageOf(socket));
    const end = endOf(socket, got);
    return end !== null && got > 0 ? done(got, messageOf(socket)) : end;
  };
}

/** What recvmsg() tells besides. A FIN that waits to be read counts as one octet (Linux: tcp_inq_hint). */
function messageOf(socket: SimulatedSocket): Readback {
  const { connection } = socket;
  if (socket.option(Level.TCP, TcpOption.INQ) === 0 || connection === null) {
    return { kind: 'message', flags: 0, control: [] };
  }
  const { readable } = connection;
  const value = readable === 0 && connection.ended ? 1 : readable;
  const data = { kind: 'number', value } as const;
  return { kind: 'message', flags: 0, control: [{ level: Level.TCP, type: TCP_CM_INQ, data }] };
}

/** What a read returns when nothing is there; null: it waits. */
function endOf(socket: SimulatedSocket, got: number): CallOutcome | null {
  const { connection } = socket;
  if (connection === null) return failed('ENOTCONN');
  if (got === 0) {
    const errno = socket.takeError();
    if (errno !== null) return failed(errno);
  }
  const isOver = socket.shutRead || connection.ended;
  if (isOver) return done(0, messageOf(socket));
  return connection.state === 'CLOSED' ? failed('ENOTCONN') : null;
}

/**
 * write(), send() and the like, as Linux's tcp_sendmsg_locked() has them. A socket that blocks takes
 * everything, one that does not as much as there is room for. @rfc 9293 3.10.2
 *
 * @param how.before octets of the same call that were taken before these
 */
export function write(
  socket: SimulatedSocket,
  from: Buffers,
  flags: number,
  { mayWait, before = 0 }: { readonly mayWait: boolean; readonly before?: number },
): Attempt {
  checkWriteFlags(flags);
  const wanted = before + total(from);
  const records = recordsOf(socket, from, flags).map((end) => before + end);
  let taken = before;
  const written = (): CallOutcome => {
    socket.errors.onWrite(taken, flags);
    return done(taken);
  };
  return () => {
    const failure = whyNotWritable(socket);
    if (failure === 'wait') return null;
    if (failure !== null) return taken > 0 ? written() : failed(failure);
    if (from.isBad && wanted > 0) return failed('EFAULT');
    const sent = sendRecords(socket, { taken, wanted, records }, flags);
    if (typeof sent === 'string') return taken > 0 ? written() : failed(sent);
    taken += sent;
    if (taken === wanted) return written();
    return mayWait || taken === 0 ? null : written();
  };
}

/** A write that is under way. */
interface Progress {
  readonly taken: number;
  readonly wanted: number;
  /** Where records end within it. */
  readonly records: readonly number[];
}

/** @returns octets taken, or why there are none */
function sendRecords(
  socket: SimulatedSocket,
  { taken, wanted, records }: Progress,
  flags: number,
): number | string {
  let at = taken;
  for (const end of [...records.filter((record) => record > taken), wanted]) {
    const sent = send(socket, end - at, end < wanted ? flags | Msg.EOR : flags);
    if (typeof sent === 'string') return at > taken ? at - taken : sent;
    at += sent;
    if (at < end) break;
  }
  return at - taken;
}

/** Fragments that a buffer of Linux's has room for (MAX_SKB_FRAGS). */
const MOST_FRAGMENTS = 17;

/**
 * Where, in a write of several buffers that are not copied, Linux begins another one of its own: as if
 * a record ended there, since each of them is a fragment.
 */
function recordsOf(socket: SimulatedSocket, { lengths }: Buffers, flags: number): number[] {
  if ((flags & Msg.ZEROCOPY) === 0 || !socket.errors.isZerocopy) return [];
  const ends: number[] = [];
  let end = 0;
  let fragments = 0;
  for (const length of lengths) {
    if (length === 0) continue;
    if (fragments === MOST_FRAGMENTS) {
      ends.push(end);
      fragments = 0;
    }
    end += length;
    fragments++;
  }
  return ends;
}

/** @returns octets taken, or why there are none */
function send(socket: SimulatedSocket, wanted: number, flags: number): number | string {
  const { connection, world } = socket;
  if (connection === null) return 'EPIPE';
  const { tcb } = connection;
  const urgent = (flags & Msg.OOB) !== 0;
  let taken = 0;
  try {
    while (taken < wanted) {
      // with a mark, as in Linux, what can go goes before more is taken
      const isMarked = tcb.config.notSentLowWater > 0;
      const piece = Math.min(isMarked ? chunkGoal(tcb) : PIECE, wanted - taken);
      const isLast = taken + piece === wanted;
      const more = (flags & Msg.MORE) !== 0 || (isMarked && !isLast);
      const record = isLast && (flags & Msg.EOR) !== 0;
      const octets = connection.send(ZEROS, 0, piece, { more, urgent, record });
      taken += octets;
      if (isMarked) world.stack.turn(world.now());
      if (octets < piece && (!isMarked || octets === 0)) break;
    }
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    return taken > 0 ? taken : error.code;
  }
  return taken;
}

/** The checks at the head of tcp_sendmsg_locked(); null: it may go on. */
function whyNotWritable(socket: SimulatedSocket): string | 'wait' | null {
  const { connection, state, isOpening } = socket;
  if (connection === null || state === 'CLOSED') return socket.takeError() ?? 'EPIPE';
  if (isOpening) return socket.shutWrite ? 'EPIPE' : 'wait';
  if (socket.shutWrite || connection.tcb.sendClosed) return socket.takeError() ?? 'EPIPE';
  return null;
}

function flagsText(flags: number): string {
  const names = Object.entries(Msg).filter(([, bit]) => (flags & bit) !== 0);
  return names.length === 0 ? `flags 0x${flags.toString(16)}` : `MSG_${names[0]?.[0]}`;
}
