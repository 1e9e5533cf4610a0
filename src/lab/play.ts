import type { Server } from '../node/net/server.ts';
import type { Socket } from '../node/net/socket.ts';
import type { Lab, LabHost } from './lab.ts';

/** The port of every server in the lab. */
export const PORT = 80;

/** What a program at one end of a connection saw of it. */
export class Program {
  readonly socket: Socket;
  readonly #chunks: Buffer[] = [];
  /** read() has returned 0. */
  ended = false;
  closed = false;
  /** The code of the error that it got. */
  error: string | null = null;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
    socket.on('end', () => {
      this.ended = true;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message;
    });
    socket.on('close', () => {
      this.closed = true;
    });
  }

  /** Everything that it has read. */
  get text(): string {
    return Buffer.concat(this.#chunks).toString();
  }

  get received(): number {
    return this.#chunks.reduce((total, chunk) => total + chunk.length, 0);
  }
}

/** A server on {@link PORT} that leaves its connections half open for as long as they are. */
export function serve(host: LabHost, onConnection: (socket: Socket) => void): Server {
  const server = host.net.createServer({ allowHalfOpen: true }, onConnection);
  server.listen(PORT);
  return server;
}

/** Opens a connection that may be half open. */
export function connect(from: LabHost, to: LabHost, port = PORT): Socket {
  return from.net.connect({ host: to.ip, port, allowHalfOpen: true });
}

/** A connection from one host to another, and the programs at its ends. */
export async function openPair(
  lab: Lab,
  from: LabHost,
  to: LabHost,
): Promise<{ client: Program; server: Program; listener: Server }> {
  const accepted: Program[] = [];
  const listener = serve(to, (socket) => accepted.push(new Program(socket)));
  await lab.until(() => to.isListening(PORT));
  const client = new Program(connect(from, to));
  await lab.until(() => accepted.length === 1 && !client.socket.connecting);
  const [server] = accepted;
  if (server === undefined) throw new Error('nobody was accepted');
  return { client, server, listener };
}
