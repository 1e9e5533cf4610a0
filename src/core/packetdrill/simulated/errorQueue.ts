import { diff, le, lt, type Seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import {
  type CallOutcome,
  type ControlMessage,
  done,
  type ExtendedError,
  failed,
} from '../host/calls.ts';
import {
  ErrorOrigin,
  IpOption,
  Level,
  Msg,
  So,
  Stamp,
  Stamping,
  ZEROCOPY_COPIED,
} from '../host/numbers.ts';
import { errnoNumber } from '../symbols.ts';
import type { SimulatedSocket } from './socket.ts';

/** Octets that notifications of writes that are not copied may stand for together. */
const MOST_JOINED = (1 << 19) - 1;
/** SCM_TIMESTAMPING */
const SCM_TIMESTAMPING = So.TIMESTAMPING;
/** All bits of SO_TIMESTAMPING that Linux 6.18 knows. */
const KNOWN_STAMPING = 0x7_ffff;
const WANTS_RECORD = Stamping.TX_SOFTWARE | Stamping.TX_SCHED | Stamping.TX_ACK;

/** Writes with MSG_ZEROCOPY that are told of at once. */
interface Uncopied {
  readonly first: number;
  last: number;
  end: Seq;
  octets: number;
}

/** A write of whose last octet the times are told. */
interface Stamped {
  readonly end: Seq;
  readonly key: number;
  readonly wanted: number;
  isSent: boolean;
}

interface Queued {
  error: ExtendedError;
  /** null: it tells no time. */
  readonly at: Micros | null;
  /** It has octets that do not fit into the buffer of 0 octets that scripts give. */
  readonly isLong: boolean;
}

/**
 * The error queue of a socket, as Linux's skbuff.c fills it: writes that were not copied
 * (MSG_ZEROCOPY) are told of when all of their octets are acknowledged; with SO_TIMESTAMPING the
 * times are told at which the last octet of a write was sent and acknowledged.
 */
export class ErrorQueue {
  readonly #socket: SimulatedSocket;
  #queue: Queued[] = [];
  #uncopied: Uncopied[] = [];
  #stamped: Stamped[] = [];
  /** Number of the next write that is not copied (sk_zckey). */
  #nextWrite = 0;
  /** Where keys count from: SND.UNA when SO_TIMESTAMPING asked for them. */
  #keysFrom: Seq | null = null;

  constructor(socket: SimulatedSocket) {
    this.#socket = socket;
  }

  get isFilled(): boolean {
    return this.#queue.length > 0;
  }

  /** SO_ZEROCOPY is on. */
  get isZerocopy(): boolean {
    return this.#socket.option(Level.SOCKET, So.ZEROCOPY) === 1;
  }

  get #stamping(): number {
    return this.#socket.option(Level.SOCKET, So.TIMESTAMPING);
  }

  /** SO_TIMESTAMPING is about to be set. @returns false: EINVAL */
  mayStamp(flags: number): boolean {
    if ((flags & ~KNOWN_STAMPING) !== 0) return false;
    if ((flags & Stamping.OPT_ID) !== 0 && (this.#stamping & Stamping.OPT_ID) === 0) {
      const { connection, state } = this.#socket;
      if (connection === null || state === 'CLOSED' || state === 'LISTEN') return false;
      const { snd, sendBuffer } = connection.tcb;
      this.#keysFrom = (flags & Stamping.OPT_ID_TCP) !== 0 ? sendBuffer.end : snd.una;
    }
    return true;
  }

  /** A write has taken octets. */
  onWrite(octets: number, flags: number): void {
    const { connection } = this.#socket;
    if (connection === null || octets === 0) return;
    const { end } = connection.tcb.sendBuffer;
    if ((flags & Msg.ZEROCOPY) !== 0 && this.isZerocopy) this.#onUncopied(octets, end);
    if ((this.#stamping & WANTS_RECORD) === 0) return;
    const key = this.#keysFrom === null ? 0 : (diff(end, this.#keysFrom) - 1) >>> 0;
    this.#stamped.push({ end, key, wanted: this.#stamping, isSent: false });
  }

  /** As long as the last write waits to be sent, the next one joins it (msg_zerocopy_realloc). */
  #onUncopied(octets: number, end: Seq): void {
    const number = this.#nextWrite++;
    const last = this.#uncopied.at(-1);
    const sentTo = this.#socket.connection?.tcb.snd.nxt ?? end;
    const joins = last !== undefined && lt(sentTo, last.end) && last.octets + octets <= MOST_JOINED;
    if (!joins) {
      this.#uncopied.push({ first: number, last: number, end, octets });
      return;
    }
    last.last = number;
    last.end = end;
    last.octets += octets;
  }

  /** Looks at what was sent and acknowledged since. @returns whether something came into the queue */
  observe(): boolean {
    if (this.#uncopied.length === 0 && this.#stamped.length === 0) return false;
    const { connection } = this.#socket;
    if (connection === null) return false;
    const { snd } = connection.tcb;
    const isOver = connection.state === 'CLOSED';
    const before = this.#queue.length;
    this.#lookAtStamped(snd.una, snd.nxt);
    const isNews = this.#queue.length > before;
    return this.#lookAtUncopied(snd.una, isOver) || isNews;
  }

  #lookAtStamped(una: Seq, nxt: Seq): void {
    for (const write of this.#stamped) {
      if (!write.isSent && le(write.end, nxt)) {
        write.isSent = true;
        this.#tellTime(write, Stamping.TX_SCHED, Stamp.SCHEDULED);
        this.#tellTime(write, Stamping.TX_SOFTWARE, Stamp.SENT);
      }
      if (le(write.end, una)) this.#tellTime(write, Stamping.TX_ACK, Stamp.ACKED);
    }
    this.#stamped = this.#stamped.filter(({ end }) => lt(una, end));
  }

  #tellTime({ key, wanted }: Stamped, bit: number, info: number): void {
    if ((wanted & bit) === 0) return;
    const error = { origin: ErrorOrigin.TIMESTAMPING, type: 0, code: 0, info, data: key };
    this.#queue.push({
      error: { errno: errnoNumber('ENOMSG') ?? 0, ...error },
      at: (this.#stamping & Stamping.SOFTWARE) !== 0 ? this.#socket.world.now() : null,
      isLong: (this.#stamping & Stamping.OPT_TSONLY) === 0,
    });
  }

  #lookAtUncopied(una: Seq, isOver: boolean): boolean {
    const over = this.#uncopied.filter(({ end }) => isOver || le(end, una));
    this.#uncopied = this.#uncopied.filter((write) => !over.includes(write));
    for (const { first, last } of over) this.#tellUncopied(first, last);
    return over.length > 0;
  }

  /** The device has copied them; a notification that is not read yet grows (skb_zerocopy_notify_extend). */
  #tellUncopied(first: number, last: number): void {
    const tail = this.#queue.at(-1);
    if (tail?.error.origin === ErrorOrigin.ZEROCOPY && tail.error.data + 1 === first) {
      tail.error = { ...tail.error, data: last };
      return;
    }
    const { ZEROCOPY: origin } = ErrorOrigin;
    const error = { errno: 0, origin, type: 0, code: ZEROCOPY_COPIED, info: first, data: last };
    this.#queue.push({ error, at: null, isLong: false });
  }

  /** recvmsg() with MSG_ERRQUEUE, which never waits. @param room octets of its buffer */
  take(room: number): CallOutcome {
    const queued = this.#queue.shift();
    if (queued === undefined) return failed('EAGAIN');
    const { error, at, isLong } = queued;
    const control: ControlMessage[] = [];
    if (at !== null) {
      control.push({ level: Level.SOCKET, type: SCM_TIMESTAMPING, data: { kind: 'time', at } });
    }
    control.push({ level: Level.IP, type: IpOption.RECVERR, data: { kind: 'error', error } });
    const flags = Msg.ERRQUEUE | (isLong && room === 0 ? Msg.TRUNC : 0);
    return done(0, { kind: 'message', flags, control });
  }
}
