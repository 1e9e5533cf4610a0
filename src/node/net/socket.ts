import { lookup as systemLookup } from 'node:dns';
import type { AddressInfo, SocketReadyState } from 'node:net';
import { isIPv4, isIPv6 } from 'node:net';
import { Duplex } from 'node:stream';
import { formatIpv4, type Ipv4Address, parseIpv4 } from '../../core/base/address.ts';
import { StackError } from '../../core/base/errors.ts';
import { MS } from '../../core/base/time.ts';
import type { TcpConfig } from '../../core/tcp/config.ts';
import type { Connection } from '../../core/tcp/connection.ts';
import type { TcpInfo } from '../../core/tcp/info.ts';
import type { OpenOptions } from '../../core/tcp/tcp.ts';
import { type ConnectCall, type ConnectOptions, parseConnectArguments } from './connectOptions.ts';
import {
  bindError,
  checkDuration,
  codedError,
  connectError,
  type ErrorEndpoint,
  errnoError,
} from './errors.ts';
import type { Endpoint, NetHost } from './host.ts';
import { IdleTimer } from './idleTimer.ts';
import { type KeepAliveOptions, keepAliveConfig } from './keepAlive.ts';
import { PendingWrite, type WriteCallback } from './pendingWrite.ts';
import { undestroy } from './undestroy.ts';

/** Most octets that are handed to the reader as one chunk. */
const READ_CHUNK = 64 * 1024;

/** What a socket is made with; as in node:net. */
export interface SocketOptions {
  /** The send side stays open when the peer has ended its own. Default: false. */
  readonly allowHalfOpen?: boolean | undefined;
  /** Octets that may wait in the stream before it asks to stop. */
  readonly highWaterMark?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** A connection that is open already, which the socket takes over. */
  readonly connection?: Connection | undefined;
  /** Does not read from `connection` before it is resumed. */
  readonly pauseOnCreate?: boolean | undefined;
  /** Told once, when the socket is destroyed and before it emits 'close'. */
  readonly onDestroy?: (() => void) | undefined;
}

/**
 * A TCP connection as a stream, with the methods, events and errors of node:net's Socket.
 *
 * Back-pressure reaches from end to end: octets are taken from the connection only while the stream
 * wants them, so a reader that stops closes the receive window; a write is done when all of its
 * octets are in the send buffer of the connection, so a writer waits for the window of the peer.
 */
export class Socket extends Duplex implements Endpoint {
  readonly #host: NetHost;
  #connection: Connection | null = null;
  /** There is a connection, or one is being made. */
  #attached = false;
  #connecting = false;
  /** Counts the calls of connect: what belongs to an older one is ignored. */
  #attempt = 0;
  #destination: ConnectCall | null = null;
  #referenced = true;
  /** Settings for the connection to come, or already given to it. */
  #config: Partial<TcpConfig> = {};
  readonly #idle: IdleTimer;

  /** The stream has asked for octets, and not been given more than it wants since. */
  #wanted = false;
  /** `null` was pushed. */
  #ended = false;
  #bytesRead = 0;
  /** The write that is not yet in the send buffer. */
  #write: PendingWrite | null = null;
  /** Octets of all writes that have begun to go to the connection. */
  #dispatched = 0;
  /** `_final` waits for the connection to open. */
  #final: (() => void) | null = null;
  #resets = false;
  #onDestroy: (() => void) | null;

  constructor(host: NetHost, options: SocketOptions = {}) {
    const { allowHalfOpen = false, highWaterMark, signal, connection } = options;
    super({
      allowHalfOpen,
      emitClose: false, // 'close' has an argument here
      autoDestroy: true,
      ...(highWaterMark !== undefined && { highWaterMark }),
      ...(signal !== undefined && { signal }),
    });
    this.#host = host;
    this.#onDestroy = options.onDestroy ?? null;
    this.#idle = new IdleTimer(host, () => this.emit('timeout'));
    if (connection === undefined) return;
    this.#attached = true;
    host.addEndpoint(this);
    this.#take(connection);
    if (options.pauseOnCreate) this.pause();
    else this.read(0);
  }

  // ---- opening ------------------------------------------------------------------------------

  connect(options: ConnectOptions, listener?: () => void): this;
  connect(port: number, host: string, listener?: () => void): this;
  connect(port: number, listener?: () => void): this;
  connect(...args: unknown[]): this {
    const call = parseConnectArguments(args);
    const { options } = call;
    if (this.destroyed) this.#renew();
    if (call.listener !== null) this.once('connect', call.listener);
    if (this.#attached) {
      const error = connectError(this.#connecting ? 'EALREADY' : 'EISCONN', endOf(call));
      process.nextTick(() => this.destroy(error));
      return this;
    }
    if (options.noDelay !== undefined) this.setNoDelay(options.noDelay);
    if (options.keepAlive) this.setKeepAlive(true, options.keepAliveInitialDelay);
    this.#idle.restart();
    this.#attached = true;
    this.#connecting = true;
    this.#destination = call;
    this.#host.addEndpoint(this);
    this.#resolve(call, ++this.#attempt);
    return this;
  }

  /** What a destroyed socket must forget before it connects again. */
  #renew(): void {
    undestroy(this);
    this.#connection = null;
    this.#wanted = false;
    this.#ended = false;
    this.#resets = false;
    this.#bytesRead = 0;
    this.#dispatched = 0;
  }

  /** From the host to its address; a literal needs no question. */
  #resolve(call: ConnectCall, attempt: number): void {
    const { host, options } = call;
    const isCurrent = (): boolean => this.#connecting && this.#attempt === attempt;
    if (isIPv4(host) || isIPv6(host)) {
      process.nextTick(() => {
        if (isCurrent()) this.#open(host);
      });
      return;
    }
    const { lookup = systemLookup, hints } = options;
    lookup(host, { family: 4, ...(hints !== undefined && { hints }) }, (error, found, family) => {
      if (!isCurrent()) return;
      this.emit('lookup', error, found, family, host);
      if (!isCurrent()) return;
      if (error !== null && error !== undefined) {
        process.nextTick(() => isCurrent() && this.destroy(error));
      } else if (typeof found === 'string' && isIPv4(found)) {
        this.#open(found);
      } else {
        const message = `Invalid IP address: ${String(found)}`;
        const invalid = codedError(new TypeError(message), 'ERR_INVALID_IP_ADDRESS');
        process.nextTick(() => isCurrent() && this.destroy(invalid));
      }
    });
  }

  #open(address: string): void {
    const remoteAddress = parseIpv4(address);
    const call = this.#destination;
    if (call === null) return;
    if (this.#host.closed || remoteAddress === null) {
      // There is no IPv6 here: no way leads to such an address.
      this.#openFailed(this.#host.closed ? 'ENETDOWN' : 'ENETUNREACH', address);
      return;
    }
    try {
      const options = { ...localEnd(call.options), config: this.#config };
      const { fastOpen = false } = call.options;
      const to = { remoteAddress, remotePort: call.port, fastOpen };
      const connection = this.#host.core.connect({ ...options, ...to }, this.#host.now());
      this.#take(connection);
      if (!fastOpen) return;
      this.#push(connection);
      connection.openNow();
    } catch (error) {
      if (!(error instanceof StackError)) throw error;
      this.#openFailed(error.code, address);
    }
  }

  /** The stack did not even try. */
  #openFailed(code: string, address: string): void {
    const { options, port = 0 } = this.#destination ?? {};
    const ours = options?.localAddress ?? '0.0.0.0';
    if (code === 'EADDRNOTAVAIL' || code === 'EADDRINUSE') {
      this.destroy(bindError(code, 'bind', { address: ours, port: options?.localPort ?? 0 }));
    } else {
      const local = `${ours}:${options?.localPort ?? 0}`;
      this.destroy(connectError(code, { address, port, local }));
    }
  }

  #take(connection: Connection): void {
    this.#connection = connection;
    if (this.#referenced && !isOver(connection)) this.#host.hold(connection);
    const advance = (): void => this.#advance(connection);
    connection.onEvents = () => this.#host.defer(advance);
  }

  // ---- what the connection tells ------------------------------------------------------------

  /** Something happened to the connection: looks what, and goes on with what waited for it. */
  #advance(connection: Connection): void {
    if (isOver(connection)) this.#host.drop(connection);
    if (connection !== this.#connection || this.destroyed) return;
    if (this.#connecting && !this.#opened(connection)) return;
    this.#pull(connection);
    if (!this.destroyed) this.#push(connection);
  }

  /** @returns whether the connection is open now */
  #opened(connection: Connection): boolean {
    if (connection.state === 'SYN-SENT' || connection.state === 'SYN-RECEIVED') return false;
    if (connection.state === 'CLOSED' && connection.error !== null) {
      const { remoteAddress, remotePort } = connection.tcb;
      const to = { address: formatIpv4(remoteAddress), port: remotePort };
      this.destroy(connectError(connection.error, to));
      return false;
    }
    this.#connecting = false;
    this.#idle.restart();
    this.emit('connect');
    this.emit('ready');
    if (this.destroyed || this.#connection !== connection) return false;
    if (this.#resets) {
      this.destroy();
      return false;
    }
    if (!this.isPaused()) this.read(0);
    this.#final?.();
    return !this.destroyed;
  }

  // ---- reading ------------------------------------------------------------------------------

  override _read(): void {
    this.#wanted = true;
    if (this.#connection !== null && !this.#connecting) this.#pull(this.#connection);
  }

  /** Takes what has arrived as long as the stream wants it, then the end or the error behind it. */
  #pull(connection: Connection): void {
    while (this.#wanted && connection.readable > 0) {
      const chunk = Buffer.allocUnsafe(Math.min(connection.readable, READ_CHUNK));
      connection.receive(chunk);
      this.#bytesRead += chunk.length;
      this.#idle.restart();
      // A reader of 'data' may do anything in there, even destroy this socket.
      if (!this.push(chunk)) this.#wanted = false;
      if (this.destroyed) return;
    }
    if (!this.#wanted || this.#ended || connection.readable > 0 || !connection.ended) return;
    if (connection.state === 'CLOSED' && connection.error !== null) {
      this.destroy(errnoError(connection.error, 'read'));
      return;
    }
    this.#ended = true;
    this.#wanted = false;
    this.push(null);
    this.read(0);
  }

  // ---- writing ------------------------------------------------------------------------------

  override write(chunk: unknown, callback?: WriteCallback): boolean;
  override write(chunk: unknown, encoding?: BufferEncoding, callback?: WriteCallback): boolean;
  override write(
    chunk: unknown,
    encoding?: BufferEncoding | WriteCallback,
    callback?: WriteCallback,
  ): boolean {
    const done = typeof encoding === 'function' ? encoding : callback;
    if (this.#ended && this.writableEnded && !this.allowHalfOpen) {
      // It was ended automatically, which the writer need not know: another error than after end().
      const message = 'This socket has been ended by the other party';
      const error = codedError(new Error(message), 'EPIPE');
      if (done !== undefined) process.nextTick(done, error);
      this.destroy(error);
      return false;
    }
    return super.write(chunk, typeof encoding === 'string' ? encoding : 'utf8', done);
  }

  override _write(chunk: Uint8Array, _encoding: BufferEncoding, callback: WriteCallback): void {
    this.#begin(new PendingWrite([chunk], callback));
  }

  override _writev(
    chunks: readonly { readonly chunk: Uint8Array }[],
    callback: WriteCallback,
  ): void {
    const parts = chunks.map(({ chunk }) => chunk);
    this.#begin(new PendingWrite(parts, callback));
  }

  #begin(write: PendingWrite): void {
    if (!this.#attached) {
      write.callback(codedError(new Error('Socket is closed'), 'ERR_SOCKET_CLOSED'));
      return;
    }
    this.#write = write;
    if (this.#connection !== null && !this.#connecting) this.#push(this.#connection);
  }

  /** Moves the waiting write to the send buffer, or what of it fits. */
  #push(connection: Connection): void {
    const write = this.#write;
    if (write === null) return;
    if (!write.begun) {
      write.begun = true;
      this.#dispatched += write.octets;
    }
    this.#idle.restart();
    try {
      if (!write.moveTo(connection)) return; // WRITABLE follows
    } catch (error) {
      if (!(error instanceof StackError)) throw error;
      this.#write = null;
      // As on Linux: a reset after the FIN of the peer is a broken pipe.
      const broken = this.#ended && error.code === 'ECONNRESET';
      write.callback(errnoError(broken ? 'EPIPE' : error.code, 'write'));
      return;
    }
    this.#write = null;
    write.callback();
  }

  override _final(callback: (error?: Error | null) => void): void {
    const close = (): void => {
      this.#final = null;
      this.#connection?.close(this.#host.now());
      this.#host.defer(() => callback()); // when the FIN has had its turn
    };
    if (this.#connecting) this.#final = close;
    else if (this.#attached) close();
    else callback();
  }

  // ---- ending -------------------------------------------------------------------------------

  /** Ends the send side, and destroys the socket when all is written. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /** Destroys the socket with a RST instead of a FIN; while it connects, as soon as it is open. */
  resetAndDestroy(): this {
    if (!this.#attached) {
      return this.destroy(codedError(new Error('Socket is closed'), 'ERR_SOCKET_CLOSED'));
    }
    this.#resets = true;
    return this.#connecting ? this : this.destroy();
  }

  /** For the host alone: the stack is closed. */
  shutDown(): void {
    this.#resets = true;
    this.destroy();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const wasAttached = this.#attached;
    const unfinished = this.#write;
    const connecting = this.#connecting;
    this.#attached = false;
    this.#connecting = false;
    this.#write = null;
    this.#final = null;
    this.#idle.stop();
    this.#host.removeEndpoint(this);
    if (this.#connection !== null) this.#leave(this.#connection);
    callback(error);
    unfinished?.callback(connecting ? closedBeforeConnection() : destroyedError());
    this.#onDestroy?.();
    this.#onDestroy = null;
    if (wasAttached) setImmediate(() => this.emit('close', error !== null));
    else process.nextTick(() => this.emit('close'));
  }

  #leave(connection: Connection): void {
    const now = this.#host.now();
    if (this.#resets) connection.abort(now);
    else connection.release(now);
  }

  // ---- settings -----------------------------------------------------------------------------

  setTimeout(timeout: number, listener?: () => void): this {
    this.#idle.set(timeout);
    if (listener !== undefined) {
      if (timeout === 0) this.removeListener('timeout', listener);
      else this.once('timeout', listener);
    }
    return this;
  }

  /** Milliseconds of {@link setTimeout}, undefined before it was called. */
  get timeout(): number | undefined {
    return this.#idle.timeout;
  }

  setNoDelay(noDelay = true): this {
    return this.#configure({ noDelay });
  }

  /** Turns probes of an idle connection on or off. Times are in milliseconds; 0 changes nothing. */
  setKeepAlive(enable?: boolean, initialDelay?: number, interval?: number, count?: number): this;
  setKeepAlive(options: KeepAliveOptions): this;
  setKeepAlive(
    enable: boolean | KeepAliveOptions = false,
    initialDelay = 0,
    interval = 0,
    count = 0,
  ): this {
    const options = typeof enable === 'object' ? enable : { enable, initialDelay, interval, count };
    return this.#configure(keepAliveConfig(options));
  }

  /**
   * How long text may stay unacknowledged, and probes unanswered, before the connection is given up,
   * in milliseconds; 0: the limits on repetitions and probes alone count. @rfc 5482
   */
  setUserTimeout(timeout: number): this {
    return this.#configure({ userTimeout: Math.round(checkDuration(timeout, 'timeout') * MS) });
  }

  #configure(changes: Partial<TcpConfig>): this {
    this.#config = { ...this.#config, ...changes };
    const connection = this.#connection;
    if (connection !== null && connection.state !== 'CLOSED') {
      connection.configure(changes, this.#host.now());
    }
    return this;
  }

  /** The open socket keeps the process running, which is so unless {@link unref} was called. */
  ref(): this {
    this.#referenced = true;
    if (this.#connection !== null && !isOver(this.#connection)) {
      this.#host.hold(this.#connection);
    }
    return this;
  }

  /** The socket alone does not keep the process running; see also NodeStack's `unref`. */
  unref(): this {
    this.#referenced = false;
    if (this.#connection !== null) this.#host.drop(this.#connection);
    return this;
  }

  // ---- getters ------------------------------------------------------------------------------

  /** The connection of the stack, the last one if it is over; null: there has been none. */
  get connection(): Connection | null {
    return this.#connection;
  }

  /** What can be seen of the connection, as Linux's `tcp_info`; null: there has been none. */
  tcpInfo(): TcpInfo | null {
    return this.#connection?.status(this.#host.now()) ?? null;
  }

  get connecting(): boolean {
    return this.#connecting;
  }

  /** Not connected, or not yet. */
  get pending(): boolean {
    return !this.#attached || this.#connecting;
  }

  get readyState(): SocketReadyState {
    if (this.#connecting) return 'opening';
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Octets written, those that wait in the stream included. */
  get bytesWritten(): number {
    const begun = this.#write?.begun ? this.#write.octets : 0;
    return this.#dispatched + this.writableLength - begun;
  }

  /** Octets that wait in the stream. */
  get bufferSize(): number | undefined {
    return this.#attached ? this.writableLength : undefined;
  }

  /** Our end; an empty object when there is none. */
  address(): AddressInfo | Record<string, never> {
    const tcb = this.#attached ? this.#connection?.tcb : undefined;
    return tcb === undefined ? {} : endpoint(tcb.localAddress, tcb.localPort);
  }

  get localAddress(): string | undefined {
    return this.address().address;
  }

  get localPort(): number | undefined {
    return this.address().port;
  }

  get localFamily(): string | undefined {
    return this.address().family;
  }

  get remoteAddress(): string | undefined {
    return this.#remote()?.address;
  }

  get remotePort(): number | undefined {
    return this.#remote()?.port;
  }

  get remoteFamily(): string | undefined {
    return this.#remote()?.family;
  }

  #remote(): AddressInfo | undefined {
    if (this.#connecting || this.#connection === null) return undefined;
    const { remoteAddress, remotePort } = this.#connection.tcb;
    return endpoint(remoteAddress, remotePort);
  }
}

function endpoint(address: Ipv4Address, port: number): AddressInfo {
  return { address: formatIpv4(address), family: 'IPv4', port };
}

/** Nothing more will happen that its user could wait for. */
function isOver({ state }: Connection): boolean {
  return state === 'CLOSED' || state === 'TIME-WAIT';
}

function endOf({ host, port }: ConnectCall): ErrorEndpoint {
  return { address: host, port };
}

function localEnd(options: ConnectOptions): Pick<OpenOptions, 'localAddress' | 'localPort'> {
  const localAddress = parseIpv4(options.localAddress ?? '');
  const { localPort } = options;
  return {
    ...(localAddress !== null && localAddress !== 0 && { localAddress }),
    ...(typeof localPort === 'number' && { localPort }),
  };
}

function closedBeforeConnection(): Error {
  const message = 'Socket closed before the connection was established';
  return codedError(new Error(message), 'ERR_SOCKET_CLOSED_BEFORE_CONNECTION');
}

function destroyedError(): Error {
  const message = 'The socket was destroyed before all of this was sent';
  return codedError(new Error(message), 'ERR_STREAM_DESTROYED');
}
