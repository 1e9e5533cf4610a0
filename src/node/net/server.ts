import { lookup } from 'node:dns';
import { EventEmitter } from 'node:events';
import { type AddressInfo, isIPv4, isIPv6 } from 'node:net';
import { ANY_ADDRESS, formatIpv4, type Ipv4Address, parseIpv4 } from '../../core/base/address.ts';
import { StackError } from '../../core/base/errors.ts';
import type { TcpConfig } from '../../core/tcp/config.ts';
import type { Connection } from '../../core/tcp/connection.ts';
import type { Listener } from '../../core/tcp/listen/listener.ts';
import { bindError, codedError } from './errors.ts';
import type { Endpoint, NetHost } from './host.ts';
import { keepAliveConfig } from './keepAlive.ts';
import { type ListenCall, type ListenOptions, parseListenArguments } from './listenOptions.ts';
import type { Socket, SocketOptions } from './socket.ts';

/** What a server is made with; as in node:net. */
export interface ServerOptions {
  /** Of its sockets. Default: false. */
  readonly allowHalfOpen?: boolean | undefined;
  /** Its sockets do not read before they are resumed. */
  readonly pauseOnConnect?: boolean | undefined;
  readonly noDelay?: boolean | undefined;
  readonly keepAlive?: boolean | undefined;
  /** Milliseconds. */
  readonly keepAliveInitialDelay?: number | undefined;
  readonly highWaterMark?: number | undefined;
}

/** The ends of a connection that a server had no place for. */
export interface DroppedConnection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly localFamily: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly remoteFamily: string;
}

/** Events of a {@link Server}, with their arguments. */
export interface ServerEvents {
  listening: [];
  connection: [socket: Socket];
  drop: [connection: DroppedConnection];
  error: [error: Error];
  close: [];
}

/** Makes the sockets of a server. */
export type SocketFactory = (options: SocketOptions) => Socket;

/** Listens on a port of a stack, with the methods, events and errors of node:net's Server. */
export class Server extends EventEmitter<ServerEvents> implements Endpoint {
  /** More connections than this are closed at once, with a 'drop' event. */
  maxConnections: number | undefined = undefined;
  readonly #host: NetHost;
  readonly #makeSocket: SocketFactory;
  readonly #options: ServerOptions;
  #listener: Listener<Connection> | null = null;
  /** `listen` waits for the address of a name. */
  #resolving = false;
  /** Open ones that came from here. */
  #connections = 0;
  #referenced = true;

  constructor(
    host: NetHost,
    makeSocket: SocketFactory,
    options: ServerOptions,
    onConnection: ((socket: Socket) => void) | undefined,
  ) {
    super();
    this.#host = host;
    this.#makeSocket = makeSocket;
    this.#options = options;
    if (onConnection !== undefined) this.on('connection', onConnection);
  }

  // ---- commands -----------------------------------------------------------------------------

  listen(port?: number, host?: string, backlog?: number, listener?: () => void): this;
  listen(port?: number, host?: string, listener?: () => void): this;
  listen(port?: number, backlog?: number, listener?: () => void): this;
  listen(port?: number, listener?: () => void): this;
  listen(listener?: () => void): this;
  listen(options: ListenOptions, listener?: () => void): this;
  listen(...args: unknown[]): this {
    const call = parseListenArguments(args);
    if (this.#listener !== null || this.#resolving) {
      const message = 'Listen method has been called more than once without closing.';
      throw codedError(new Error(message), 'ERR_SERVER_ALREADY_LISTEN');
    }
    if (call.listener !== null) this.once('listening', call.listener);
    call.signal?.addEventListener('abort', () => this.close(), { once: true });
    if (call.signal?.aborted) process.nextTick(() => this.close());
    else this.#resolve(call);
    return this;
  }

  #resolve(call: ListenCall): void {
    const { host } = call;
    if (host === null) {
      this.#bind(ANY_ADDRESS, call);
    } else if (isIPv4(host)) {
      this.#bind(parseIpv4(host) ?? ANY_ADDRESS, call);
    } else if (isIPv6(host)) {
      // `::` means any address there is.
      if (host === '::') this.#bind(ANY_ADDRESS, call);
      else this.#listenFailed('EADDRNOTAVAIL', host, call.port);
    } else {
      this.#resolving = true;
      lookup(host, { family: 4 }, (error, address) => {
        if (!this.#resolving) return;
        this.#resolving = false;
        if (error !== null) this.emit('error', error);
        else this.#bind(parseIpv4(address) ?? ANY_ADDRESS, call);
      });
    }
  }

  #bind(address: Ipv4Address, { port, backlog }: ListenCall): void {
    if (this.#host.closed) {
      this.#listenFailed('ENETDOWN', formatIpv4(address), port);
      return;
    }
    let listener: Listener<Connection>;
    try {
      listener = this.#host.core.listen(address, port, backlog, this.#config());
    } catch (error) {
      if (!(error instanceof StackError)) throw error;
      this.#listenFailed(error.code, formatIpv4(address), port);
      return;
    }
    this.#listener = listener;
    this.#host.addEndpoint(this);
    if (this.#referenced) this.#host.hold(this);
    const accept = (): void => this.#accept(listener);
    listener.onAcceptable = () => this.#host.defer(accept);
    process.nextTick(() => {
      if (this.#listener === listener) this.emit('listening');
    });
  }

  #listenFailed(code: string, address: string, port: number): void {
    const error = bindError(code, 'listen', { address, port });
    process.nextTick(() => this.emit('error', error));
  }

  /** Settings of the connections to come. */
  #config(): Partial<TcpConfig> {
    const { noDelay, keepAlive, keepAliveInitialDelay: initialDelay = 0 } = this.#options;
    return {
      ...(noDelay !== undefined && { noDelay }),
      ...(keepAlive && keepAliveConfig({ initialDelay })),
    };
  }

  /** Takes no more connections; 'close' follows when those that are open have ended. */
  close(callback?: (error?: Error) => void): this {
    const wasListening = this.#listener !== null || this.#resolving;
    if (callback !== undefined) {
      const error = wasListening ? undefined : notRunning();
      this.once('close', () => callback(error));
    }
    this.#resolving = false;
    if (this.#listener !== null) {
      this.#host.core.tcp.closeListener(this.#listener, this.#host.now());
      this.#listener = null;
      this.#host.removeEndpoint(this);
      this.#host.drop(this);
    }
    this.#closeIfDrained();
    return this;
  }

  /** For the host alone: the stack is closed. */
  shutDown(): void {
    this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    if (!this.listening) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.close((error) => (error === undefined ? resolve() : reject(error)));
    });
  }

  /** The listening server keeps the process running, which is so unless {@link unref} was called. */
  ref(): this {
    this.#referenced = true;
    if (this.#listener !== null) this.#host.hold(this);
    return this;
  }

  /** The server alone does not keep the process running; see also NodeStack's `unref`. */
  unref(): this {
    this.#referenced = false;
    this.#host.drop(this);
    return this;
  }

  // ---- connections --------------------------------------------------------------------------

  #accept(listener: Listener<Connection>): void {
    if (listener !== this.#listener) return;
    const connection = listener.accept();
    if (connection === null) return;
    // One at a time: each one's user is called alone, and a throw keeps the others.
    this.#host.defer(() => this.#accept(listener));
    if (this.maxConnections !== undefined && this.#connections >= this.maxConnections) {
      connection.release(this.#host.now());
      this.emit('drop', endsOf(connection));
      return;
    }
    const { allowHalfOpen = false, pauseOnConnect = false, highWaterMark } = this.#options;
    const socket = this.#makeSocket({
      allowHalfOpen,
      highWaterMark,
      connection,
      pauseOnCreate: pauseOnConnect,
      onDestroy: () => {
        this.#connections--;
        this.#closeIfDrained();
      },
    });
    this.#connections++;
    this.emit('connection', socket);
  }

  #closeIfDrained(): void {
    if (this.#listener !== null || this.#connections > 0) return;
    process.nextTick(() => this.emit('close'));
  }

  // ---- getters ------------------------------------------------------------------------------

  get listening(): boolean {
    return this.#listener !== null;
  }

  /** Where it listens; null: nowhere. */
  address(): AddressInfo | null {
    if (this.#listener === null) return null;
    const { address, port } = this.#listener;
    return { address: formatIpv4(address), family: 'IPv4', port };
  }

  getConnections(callback: (error: Error | null, count: number) => void): this {
    const count = this.#connections;
    process.nextTick(callback, null, count);
    return this;
  }
}

function endsOf({ tcb }: Connection): DroppedConnection {
  return {
    localAddress: formatIpv4(tcb.localAddress),
    localPort: tcb.localPort,
    localFamily: 'IPv4',
    remoteAddress: formatIpv4(tcb.remoteAddress),
    remotePort: tcb.remotePort,
    remoteFamily: 'IPv4',
  };
}

function notRunning(): Error {
  return codedError(new Error('Server is not running.'), 'ERR_SERVER_NOT_RUNNING');
}
