import type { Duplex } from 'node:stream';
import { Argument, Command } from 'commander';
import { createSite } from '../../apps/site.ts';
import { chargen, discard, echo, type Service } from '../../apps/smallServices.ts';
import { formatIpv4 } from '../../core/base/address.ts';
import type { Socket } from '../../node/net/socket.ts';
import type { NodeStack } from '../../node/nodeStack.ts';
import { explain, Failure } from '../failure.ts';
import { addLinkOptions, type LinkOptions, parsePort } from '../options.ts';
import { type Interruption, type Result, runCommand } from '../runCommand.ts';
import { openSession } from '../session.ts';

type ServiceName = 'echo' | 'discard' | 'chargen' | 'http';

/** Where each service listens if nothing else is said: the ports that IANA gave them. */
const PORTS: Readonly<Record<ServiceName, number>> = { echo: 7, discard: 9, chargen: 19, http: 80 };

interface ServeOptions extends LinkOptions {
  readonly port?: number;
}

/** What was served until now. */
interface Tally {
  connections: number;
  octetsReceived: number;
  octetsSent: number;
}

/** `glasstcp serve echo|discard|chargen|http` */
export function serveCommand(): Command {
  const command = new Command('serve')
    .description('offer a service on the stack until SIGINT or SIGTERM')
    .addArgument(new Argument('<service>', 'what to offer').choices(Object.keys(PORTS)))
    .option('--port <number>', 'port (default: echo 7, discard 9, chargen 19, http 80)', parsePort);
  return addLinkOptions(command).action((name: ServiceName, options: ServeOptions) =>
    runCommand('serve', options, (interruption) => serve(name, options, interruption)),
  );
}

async function serve(
  name: ServiceName,
  options: ServeOptions,
  { interrupted }: Interruption,
): Promise<Result> {
  const { port = PORTS[name] } = options;
  const address = formatIpv4(options.address.address);
  const tally: Tally = { connections: 0, octetsReceived: 0, octetsSent: 0 };
  const sockets = new Set<Socket>();
  const handle = handlerOf(name);
  const session = await openSession(options);
  try {
    const { failed } = await listen(session.stack, port, (socket) => {
      tally.connections++;
      sockets.add(socket);
      socket.once('close', () => {
        sockets.delete(socket);
        tally.octetsReceived += socket.bytesRead;
        tally.octetsSent += socket.bytesWritten;
      });
      handle(socket);
    });
    process.stdout.write(`listening ${address}:${port}\n`);
    await Promise.race([interrupted, session.broken, failed]);
  } finally {
    for (const socket of sockets) socket.destroy(); // by a FIN if all was read, as the kernel does it
    await session.close();
  }
  return { service: name, address, port, ...tally };
}

/** What is done with each connection of a service. */
function handlerOf(name: ServiceName): (socket: Duplex) => void {
  switch (name) {
    case 'echo':
      return serveAlone(echo);
    case 'discard':
      return serveAlone(discard);
    case 'chargen':
      return serveAlone(chargen);
    case 'http': {
      const site = createSite();
      return (socket) => site.emit('connection', socket);
    }
  }
}

/** A connection that breaks is the peer's affair: the others go on. */
function serveAlone(service: Service): (socket: Duplex) => void {
  return (socket) => {
    service(socket).catch(() => socket.destroy());
  };
}

/** @returns once it listens; what it returns rejects if the listener fails later */
async function listen(
  stack: NodeStack,
  port: number,
  onConnection: (socket: Socket) => void,
): Promise<{ failed: Promise<never> }> {
  const server = stack.net.createServer({ allowHalfOpen: true }, onConnection);
  const failed = new Promise<never>((_resolve, reject) => {
    server.once('error', (error) => reject(new Failure(`port ${port}: ${explain(error)}`)));
  });
  failed.catch(() => {}); // the command may end before
  await Promise.race([failed, new Promise<void>((resolve) => server.listen(port, resolve))]);
  return { failed };
}
