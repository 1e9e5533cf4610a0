import type { Ipv4Address } from '../../base/address.ts';
import type { ConnectionErrorCode } from '../../base/errors.ts';
import type { Micros } from '../../base/time.ts';
import type { Stack } from '../../stack/stack.ts';
import { configure, type TcpConfig } from '../../tcp/config.ts';
import type { Connection } from '../../tcp/connection.ts';
import type { Listener } from '../../tcp/listen/listener.ts';
import type { State } from '../../tcp/states.ts';
import { Event } from '../../tcp/tcb.ts';
import type { CallOutcome } from '../host/calls.ts';
import { ErrorQueue } from './errorQueue.ts';

/** What the sockets of a simulated host share. */
export interface SocketWorld {
  readonly stack: Stack;
  /** Where the host's sockets are bound, and who they connect to. */
  readonly localAddress: Ipv4Address;
  readonly remoteAddress: Ipv4Address;
  /** The settings of the host that sockets begin with. */
  readonly config: Partial<TcpConfig>;
  /** What holds where neither host nor socket say anything. */
  readonly defaults: TcpConfig;
  now(): Micros;
}

/** Is told what happens to a socket: bits of {@link Event}. */
export interface Watcher {
  onEvents(events: number): void;
  /** Something was put into the error queue. */
  onError(): void;
}

/** One try of a call: null means that it has to wait. */
export type Attempt = () => CallOutcome | null;

/** SO_LINGER. */
export interface Linger {
  readonly on: number;
  readonly seconds: number;
}

/**
 * A socket with the memory that POSIX asks of it and a connection does not have: what was set
 * before there was a connection, which error was told already, how far a connect() has got.
 */
export class SimulatedSocket {
  readonly world: SocketWorld;
  isNonBlocking = false;
  /** 0: not bound. */
  port = 0;
  /** Who is told of what happens to it. */
  readonly watchers = new Set<Watcher>();
  /** What recvmsg() with MSG_ERRQUEUE gives. */
  readonly errors = new ErrorQueue(this);
  #listener: Listener<Connection> | null = null;
  #connection: Connection | null = null;
  /** Settings of this socket alone. */
  settings: Partial<TcpConfig> = {};
  /** Values of options that are only kept, to be asked for: `level * 65536 + option`. */
  readonly kept = new Map<number, number>();
  linger: Linger = { on: 0, seconds: 0 };
  /** Linux's SS_UNCONNECTED, SS_CONNECTING, SS_CONNECTED. */
  phase: 'unconnected' | 'connecting' | 'connected' = 'unconnected';
  shutRead = false;
  shutWrite = false;
  /** The error that ended the connection has been told: it is told once. */
  #errorTold = false;

  constructor(world: SocketWorld) {
    this.world = world;
  }

  get listener(): Listener<Connection> | null {
    return this.#listener;
  }

  set listener(listener: Listener<Connection> | null) {
    this.#listener = listener;
    if (listener !== null) listener.onAcceptable = () => this.#tell(Event.READABLE);
  }

  get connection(): Connection | null {
    return this.#connection;
  }

  set connection(connection: Connection | null) {
    this.#connection = connection;
    if (connection !== null) connection.onEvents = (events) => this.#tell(events);
  }

  #tell(events: number): void {
    for (const watcher of this.watchers) watcher.onEvents(events);
  }

  /** Time, or what arrived, may have filled the error queue. */
  observe(): void {
    if (!this.errors.observe()) return;
    for (const watcher of this.watchers) watcher.onError();
  }

  /** The value of an option that is only kept; 0: it was not set. */
  option(level: number, option: number): number {
    return this.kept.get(level * 65_536 + option) ?? 0;
  }

  /** All settings, for a connection or listener to come. */
  get config(): Partial<TcpConfig> {
    return { ...this.world.config, ...this.settings };
  }

  /** As Linux's sk_state. */
  get state(): State {
    if (this.connection !== null) return this.connection.state;
    return this.listener === null ? 'CLOSED' : 'LISTEN';
  }

  /** Does the SYN wait for text to take along? */
  get isDeferred(): boolean {
    return this.state === 'SYN-SENT' && this.connection?.tcb.fastOpen.wish === 'wait';
  }

  /** A setting: of its connection, of itself, or of the host. */
  setting<K extends keyof TcpConfig>(name: K): TcpConfig[K] {
    const { world } = this;
    return (this.connection?.tcb.config ?? { ...world.defaults, ...this.config })[name];
  }

  /** Can nothing be read or written yet? */
  get isOpening(): boolean {
    const { state } = this;
    if (this.connection?.tcb.fastOpen.pending === true) return false;
    return state === 'SYN-SENT' || state === 'SYN-RECEIVED';
  }

  /** sk_err: why the connection failed, until somebody was told. */
  get error(): string | null {
    const { connection } = this;
    if (connection === null || this.#errorTold || connection.state !== 'CLOSED') return null;
    return connection.error === 'ECONNABORTED' ? null : connection.error;
  }

  /** Has it an error to tell, or something in the error queue? */
  get hasError(): boolean {
    return this.error !== null || this.errors.isFilled;
  }

  /** sock_error(): the error, which is then forgotten. */
  takeError(): ConnectionErrorCode | string | null {
    const { error } = this;
    if (error !== null) this.#errorTold = true;
    return error;
  }

  /** Another connection may begin. */
  forget(): void {
    this.connection = null;
    this.phase = 'unconnected';
    this.shutRead = false;
    this.shutWrite = false;
    this.#errorTold = false;
  }

  /** An accepted connection gets a socket, which inherits the options. */
  child(connection: Connection): SimulatedSocket {
    const socket = new SimulatedSocket(this.world);
    socket.connection = connection;
    socket.port = this.port;
    socket.phase = 'connected';
    socket.settings = this.settings;
    socket.linger = this.linger;
    for (const [option, value] of this.kept) socket.kept.set(option, value);
    return socket;
  }

  /** Settings change, for what is there as well as for what is to come. */
  change(changes: Partial<TcpConfig>): void {
    this.settings = { ...this.settings, ...changes };
    this.connection?.configure(changes, this.world.now());
    if (this.listener !== null) {
      this.listener.config = configure(this.listener.config, changes);
    }
  }
}
