import type { ClientRequestArgs } from 'node:http';
import { isIP, isIPv4, isIPv6 } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectOptions } from './connectOptions.ts';
import type { NetHost } from './host.ts';
import { Server, type ServerOptions } from './server.ts';
import { Socket, type SocketOptions } from './socket.ts';

/** Options of a socket and of its `connect` at once, and its idle timeout in milliseconds. */
export interface CreateConnectionOptions extends SocketOptions, ConnectOptions {
  readonly timeout?: number | undefined;
}

/** `connect` of a {@link Net}: makes a socket and opens it. */
export interface Connect {
  (options: CreateConnectionOptions, listener?: () => void): Socket;
  (port: number, host: string, listener?: () => void): Socket;
  (port: number, listener?: () => void): Socket;
  /** As `createConnection` of `http.request`, of an `http.Agent` and of `http2.connect`. */
  (options: ClientRequestArgs, onCreate?: (error: Error | null, stream: Duplex) => void): Socket;
}

/** `createServer` of a {@link Net}. */
export interface CreateServer {
  (onConnection?: (socket: Socket) => void): Server;
  (options: ServerOptions, onConnection?: (socket: Socket) => void): Server;
}

/** The module node:net, as far as it knows TCP, on one stack. None of its functions needs `this`. */
export interface Net {
  readonly Socket: new (options?: SocketOptions) => Socket;
  readonly Stream: new (options?: SocketOptions) => Socket;
  readonly Server: {
    new (onConnection?: (socket: Socket) => void): Server;
    new (options?: ServerOptions, onConnection?: (socket: Socket) => void): Server;
  };
  readonly connect: Connect;
  readonly createConnection: Connect;
  readonly createServer: CreateServer;
  readonly isIP: typeof isIP;
  readonly isIPv4: typeof isIPv4;
  readonly isIPv6: typeof isIPv6;
}

type OnConnection = (socket: Socket) => void;

/** The net module of a stack. */
export function createNet(host: NetHost): Net {
  class StackSocket extends Socket {
    constructor(options?: SocketOptions) {
      super(host, options);
    }
  }
  class StackServer extends Server {
    constructor(options?: ServerOptions | OnConnection, onConnection?: OnConnection) {
      const only = typeof options === 'function' ? options : onConnection;
      const settings = typeof options === 'function' ? {} : (options ?? {});
      super(host, (socketOptions) => new StackSocket(socketOptions), settings, only);
    }
  }
  const connect: Connect = (...args: readonly unknown[]): Socket => {
    const [first] = args;
    const options: CreateConnectionOptions | undefined = isOptions(first) ? first : undefined;
    const socket = new StackSocket(options);
    if (options?.timeout) socket.setTimeout(options.timeout);
    return Reflect.apply(socket.connect, socket, args);
  };
  return {
    Socket: StackSocket,
    Stream: StackSocket,
    Server: StackServer,
    connect,
    createConnection: connect,
    createServer: (options?: ServerOptions | OnConnection, onConnection?: OnConnection) =>
      new StackServer(options, onConnection),
    isIP,
    isIPv4,
    isIPv6,
  };
}

function isOptions(value: unknown): value is CreateConnectionOptions {
  return typeof value === 'object' && value !== null;
}
