import { lookup } from 'node:dns/promises';
import { fstatSync } from 'node:fs';
import { Argument, Command } from 'commander';
import { parseIpv4 } from '../../core/base/address.ts';
import type { Socket } from '../../node/net/socket.ts';
import { explainConnection, Failure } from '../failure.ts';
import { addLinkOptions, checkLink, type LinkOptions, parsePort } from '../options.ts';
import { type Interruption, type Result, runCommand } from '../runCommand.ts';
import { openSession } from '../session.ts';

/** How long a pipe on standard input may be silent after the peer has ended its side. */
const SILENCE_MS = 1000;
const STDIN = 0;
const NEWLINE = 0x0a;

/** `glasstcp connect HOST PORT` */
export function connectCommand(): Command {
  const command = new Command('connect')
    .summary('standard input to a host, and what it sends to standard output')
    .description(
      'Connect to a host: standard input goes to the peer, what the peer sends to standard output. ' +
        'The end of the input closes our side alone. When the peer closes its side, what a file or ' +
        'a busy pipe still delivers is sent; a terminal, or a pipe silent for a second, ends it.',
    )
    .argument('<host>', 'IPv4 address or name')
    .addArgument(new Argument('<port>', 'from 1 to 65535').argParser(parsePort));
  return addLinkOptions(command).action((host: string, port: number, options: LinkOptions) =>
    runCommand('connect', options, (interruption) => connect(host, port, options, interruption)),
  );
}

async function connect(
  host: string,
  port: number,
  options: LinkOptions,
  { interrupted }: Interruption,
): Promise<Result> {
  checkLink(options);
  const address = await resolve(host);
  const session = await openSession(options);
  const socket = session.stack.net.connect({ host: address, port, allowHalfOpen: true });
  try {
    const output = new Output(options.json === true);
    const done = exchange(socket, `${host}:${port}`, output);
    await Promise.race([done, interrupted, session.broken]);
    output.end();
    const { bytesRead, bytesWritten } = socket;
    return { address, port, octetsReceived: bytesRead, octetsSent: bytesWritten };
  } finally {
    process.stdin.pause();
    socket.destroy(); // by a FIN if all was read, as the kernel does it
    await session.close();
  }
}

/** @throws Failure if nobody knows the host */
async function resolve(host: string): Promise<string> {
  if (parseIpv4(host) !== null) return host;
  try {
    return (await lookup(host, { family: 4 })).address;
  } catch {
    throw new Failure(`host "${host}" is unknown: it is no IPv4 address, and no name leads to one`);
  }
}

/** Both directions at once, until both have ended. @throws Failure */
function exchange(socket: Socket, peer: string, output: Output): Promise<void> {
  const { stdin } = process;
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(new Failure(explainConnection(error, peer)));
    socket.once('error', fail);
    socket.once('close', () => resolve());
    output.onError = () => reject(new Failure('standard output was closed before the peer'));
    stdin.once('error', (error) =>
      reject(new Failure(`standard input cannot be read: ${error.message}`)),
    );
    socket.once('connect', () => {
      stdin.pipe(socket);
      socket.on('data', (chunk: Uint8Array) => {
        if (output.write(chunk)) return;
        socket.pause();
        output.onceDrained(() => socket.resume());
      });
      socket.once('end', () => finishInput(socket));
    });
  });
}

/** The peer has ended its side: sends what is still to come, if anything is. */
function finishInput(socket: Socket): void {
  const { stdin } = process;
  const stop = (): void => {
    stdin.unpipe(socket);
    socket.end();
  };
  if (stdin.readableEnded) return;
  if (fstatSync(STDIN).isFile()) return;
  if (stdin.isTTY) {
    stop();
    return;
  }
  const timer = setTimeout(() => {
    // a peer that takes its time is not silence on our side
    if (socket.writableLength > 0) timer.refresh();
    else stop();
  }, SILENCE_MS);
  stdin.on('data', () => timer.refresh());
  stdin.once('end', () => clearTimeout(timer));
  socket.once('close', () => clearTimeout(timer));
}

/** Standard output, on which a line of JSON may follow. */
class Output {
  onError: (() => void) | null = null;
  readonly #wantsLine: boolean;
  #last = NEWLINE;

  /** @param wantsLine is something to follow that must begin in a line of its own? */
  constructor(wantsLine: boolean) {
    this.#wantsLine = wantsLine;
    process.stdout.once('error', () => this.onError?.());
  }

  /** @returns false if no more should be written before it has drained */
  write(octets: Uint8Array): boolean {
    this.#last = octets.at(-1) ?? this.#last;
    return process.stdout.write(octets);
  }

  onceDrained(callback: () => void): void {
    process.stdout.once('drain', callback);
  }

  end(): void {
    if (this.#wantsLine && this.#last !== NEWLINE) process.stdout.write('\n');
  }
}
