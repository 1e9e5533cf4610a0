import { StackError } from '../base/errors.ts';
import { type Micros, NEVER, SECOND } from '../base/time.ts';
import type { Stack } from '../stack/stack.ts';
import { configure, DEFAULT_CONFIG, type TcpConfig } from '../tcp/config.ts';
import type { Connection } from '../tcp/connection.ts';
import type { Listener } from '../tcp/listen/listener.ts';
import { OWN_ADDRESS, PEER_ADDRESS } from './addresses.ts';
import type { OwnText } from './ownText.ts';
import type { ApplicationCall } from './sidecar.ts';
import { meaningOf } from './socketOptions.ts';

/** A call in the time of the replay. */
export interface TimedCall {
  /** When it is made. */
  readonly at: Micros;
  /** When it returned. */
  readonly until: Micros;
  readonly call: ApplicationCall;
}

/** What an application needs to play. */
export interface ApplicationOptions {
  readonly stack: Stack;
  readonly calls: readonly TimedCall[];
  readonly text: OwnText;
  /** Of the connection, before its own `setsockopt`s. */
  readonly config: Partial<TcpConfig>;
  /** Its SYN had to do with Fast Open. */
  readonly fastOpen: boolean;
  readonly ownPort: number;
  readonly peerPort: number;
  readonly tell: (note: string, now: Micros) => void;
}

/** A call that is not done yet. */
interface Pending {
  readonly timed: TimedCall;
  /** Octets still to be read or written. */
  left: number;
}

/** Nobody waits longer than this for a call that should have returned. */
const PATIENCE: Micros = 1 * SECOND;
/** Octets that are moved at once. */
const PIECE = 64 * 1024;

/**
 * Does what the application of the recorded end did, when it did. A call that followed another one
 * waits for it, so that an answer is not written before what it answers was read.
 */
export class Application {
  connection: Connection | null = null;
  readonly #options: ApplicationOptions;
  readonly #calls: readonly TimedCall[];
  readonly #unread = new Uint8Array(PIECE);
  #next = 0;
  #pending: Pending[] = [];
  #listener: Listener<Connection> | null = null;
  #config: Partial<TcpConfig>;
  #linger = -1;
  /** Octets that were written so far. */
  #written = 0;

  constructor(options: ApplicationOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#calls = [...options.calls].sort((a, b) => dueAt(a) - dueAt(b));
  }

  /** When the next call can be made; {@link NEVER}: no more are made. */
  next(): Micros {
    const timed = this.#calls[this.#next];
    if (timed === undefined) return NEVER;
    const waits = this.#pending.filter(({ timed: earlier }) => earlier.until <= timed.at);
    return Math.max(dueAt(timed), ...waits.map(({ timed: { until } }) => until + PATIENCE));
  }

  /** Does what is due, as far as it can be done. */
  run(now: Micros): void {
    this.#accept(now);
    this.#goOn(now);
    for (;;) {
      const timed = this.#calls[this.#next];
      if (timed === undefined || dueAt(timed) > now || this.#waits(timed, now)) break;
      this.#next++;
      this.#begin(timed, now);
    }
    // what is to go along with the SYN was written by now
    if (this.connection?.tcb.fastOpen.wish === 'wait') this.connection.openNow();
  }

  /**
   * Does the reads that were waiting already and return by `until`: they take what comes out of the
   * backlog before it is acknowledged.
   */
  readAhead(now: Micros, until: Micros): void {
    for (;;) {
      const timed = this.#calls[this.#next];
      if (timed?.call.call !== 'read' || timed.at > now || dueAt(timed) > until) return;
      this.#next++;
      this.#begin(timed, now);
    }
  }

  /** Does a call in front of this one still wait for what it is to return? */
  #waits(timed: TimedCall, now: Micros): boolean {
    return this.#pending.some(
      ({ timed: earlier }) => earlier.until <= timed.at && now < earlier.until + PATIENCE,
    );
  }

  #begin(timed: TimedCall, now: Micros): void {
    const { call } = timed;
    const { stack, ownPort } = this.#options;
    switch (call.call) {
      case 'connect':
        this.#connect(now);
        return;
      case 'error':
        // what failed was done all the same; other errors are what it saw of the connection
        if (call.of === 'connect') this.#connect(now);
        return;
      case 'listen':
        this.#listener ??= stack.listen(OWN_ADDRESS, ownPort, clamp(call.backlog), this.#config);
        return;
      case 'write':
        this.#beginWrite(timed, now);
        return;
      case 'read':
        this.#pending.push({ timed, left: call.octets });
        this.#goOn(now);
        return;
      case 'setsockopt':
        this.#setOption(call.option, call.value, now);
        return;
      case 'shutdown':
      case 'close':
        this.#pending.push({ timed, left: 0 });
        this.#goOn(now);
        return;
      default:
        return; // accept happens by itself
    }
  }

  #connect(now: Micros): void {
    const { stack, ownPort, peerPort, fastOpen } = this.#options;
    this.connection ??= stack.connect(
      {
        localAddress: OWN_ADDRESS,
        localPort: ownPort,
        remoteAddress: PEER_ADDRESS,
        remotePort: peerPort,
        config: this.#config,
        fastOpen,
      },
      now,
    );
  }

  #beginWrite(timed: TimedCall, now: Micros): void {
    const { call } = timed;
    if (call.call !== 'write') return;
    const { flags = [] } = call;
    if (flags.includes('fastopen')) this.#connect(now);
    this.#pending.push({ timed, left: call.octets });
    this.#goOn(now);
  }

  #setOption(option: string, value: number | string, now: Micros): void {
    const meaning = meaningOf(option, value);
    if ('unsupported' in meaning) {
      this.#options.tell(`${option} = ${value} has no counterpart in this stack`, now);
    } else if ('linger' in meaning) this.#linger = meaning.linger;
    else if ('changes' in meaning) {
      try {
        configure(DEFAULT_CONFIG, meaning.changes);
        this.#config = { ...this.#config, ...meaning.changes };
        this.connection?.configure(meaning.changes, now);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        this.#options.tell(`${option} = ${value}: ${error.message}`, now);
      }
    }
  }

  #accept(now: Micros): void {
    if (this.connection !== null || this.#listener === null) return;
    this.connection = this.#listener.accept();
    this.connection?.configure(changeable(this.#config), now);
  }

  /** Goes on with what is not done, in order: of reads and writes, the first that cannot go on stops its kind. */
  #goOn(now: Micros): void {
    const { connection } = this;
    if (connection === null || this.#pending.length === 0) return;
    const blocked = { read: false, write: false };
    this.#pending = this.#pending.filter((pending) => {
      const kind = pending.timed.call.call === 'read' ? 'read' : 'write';
      if (blocked[kind]) return true;
      const isDone = this.#try(pending, connection, now);
      if (!isDone) blocked[kind] = true;
      return !isDone;
    });
  }

  #try(pending: Pending, connection: Connection, now: Micros): boolean {
    const { call } = pending.timed;
    switch (call.call) {
      case 'read':
        return this.#read(pending, connection);
      case 'write':
        return this.#write(pending, connection, now);
      case 'shutdown':
        if (call.how !== 'read') connection.close(now);
        return true;
      default:
        if (this.#linger === 0) connection.abort(now);
        else connection.release(now);
        return true;
    }
  }

  /** @returns whether it is done; a read of 0 octets is the end, which needs nothing */
  #read(pending: Pending, connection: Connection): boolean {
    while (pending.left > 0) {
      const octets = connection.receive(this.#unread, 0, Math.min(PIECE, pending.left));
      if (octets === 0) return connection.ended;
      pending.left -= octets;
    }
    return true;
  }

  #write(pending: Pending, connection: Connection, now: Micros): boolean {
    const { call } = pending.timed;
    const flags = call.call === 'write' ? (call.flags ?? []) : [];
    const how = { more: flags.includes('more'), urgent: flags.includes('oob') };
    // without a cookie the call fails, and is made again when the connection is open
    const { state, tcb } = connection;
    const isTooEarly = state === 'SYN-SENT' && tcb.fastOpen.wish !== 'wait';
    if (flags.includes('fastopen') && isTooEarly) return false;
    while (pending.left > 0) {
      // in one piece, as far as there is room: the end of each is pushed
      const most = Math.max(PIECE, connection.writable);
      const octets = this.#options.text.octets(this.#written, Math.min(most, pending.left));
      try {
        const taken = connection.send(octets, 0, octets.length, how);
        pending.left -= taken;
        this.#written += taken;
        if (taken < octets.length) return false;
      } catch (error) {
        if (!(error instanceof StackError)) throw error;
        this.#options.tell(`a write failed: ${error.message}`, now);
        return true;
      }
    }
    return true;
  }
}

/** A read happens when it returned: until then there may have been nothing to read. */
function dueAt({ at, until, call }: TimedCall): Micros {
  return call.call === 'read' ? Math.max(at, until) : at;
}

function clamp(backlog: number): number {
  return Math.min(65_535, Math.max(1, Math.floor(backlog)));
}

/** Of settings that were made while nobody had connected, those that count for a connection too. */
function changeable(config: Partial<TcpConfig>): Partial<TcpConfig> {
  return Object.fromEntries(
    Object.entries(config).filter(([name]) =>
      /^(keepAlive|noDelay|userTimeout|delayedAck)/.test(name),
    ),
  );
}
