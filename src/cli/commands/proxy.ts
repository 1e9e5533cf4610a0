import { Command, InvalidArgumentError } from 'commander';
import { type HalfCloseProxy, halfCloseProxy, type ProxyEvent } from '../../apps/halfCloseProxy.ts';
import { formatIpv4, parseIpv4 } from '../../core/base/address.ts';
import { explain, explainConnection, Failure } from '../failure.ts';
import { addLinkOptions, type LinkOptions, parsePort } from '../options.ts';
import { type Interruption, type Result, runCommand } from '../runCommand.ts';
import { openSession } from '../session.ts';

const DEFAULT_IDLE_SECONDS = 300;
/** What the timers of Node can wait for: 24 days. */
const MAX_IDLE_SECONDS = 2_147_483;

/** Where clients are connected to. */
interface Target {
  /** An IPv4 address or a name. */
  readonly host: string;
  readonly port: number;
}

interface ProxyOptions extends LinkOptions {
  readonly listen: number;
  readonly to: Target;
  readonly idleTimeout: number;
  readonly maxConnections?: number;
}

/** `glasstcp proxy --listen PORT --to HOST:PORT` */
export function proxyCommand(): Command {
  const command = new Command('proxy')
    .summary('pass connections on to another host, ends as ends and resets as resets')
    .description(
      'Accept connections on the stack, and pass them on to a host that the stack can reach, until ' +
        'SIGINT or SIGTERM. What one side does is done to the other one: the end of its data closes ' +
        'the send side alone, so that an answer may follow as late as it likes; a reset becomes a ' +
        'reset. What is open when the command ends is reset.',
    )
    .requiredOption('--listen <port>', 'port to accept connections on', parsePort)
    .requiredOption('--to <host:port>', 'where they are passed on to', parseTarget)
    .option(
      '--idle-timeout <seconds>',
      'silence in both directions after which both sides are reset; 0: never',
      parseIdleTimeout,
      DEFAULT_IDLE_SECONDS,
    )
    .option('--max-connections <number>', 'more than these at a time are reset', parseCount);
  return addLinkOptions(command).action((options: ProxyOptions) =>
    runCommand('proxy', options, (interruption) => proxy(options, interruption)),
  );
}

async function proxy(options: ProxyOptions, { interrupted }: Interruption): Promise<Result> {
  const { listen: port, to, idleTimeout, maxConnections } = options;
  const address = formatIpv4(options.address.address);
  const target = `${to.host}:${to.port}`;
  const session = await openSession(options);
  const proxy = halfCloseProxy({
    net: session.stack.net,
    upstream: to,
    idleTimeoutMs: idleTimeout * 1000,
    ...(maxConnections !== undefined && { maxConnections }),
    onEvent: (event) => complain(event, target),
  });
  try {
    await listen(proxy, port);
    process.stdout.write(`listening ${address}:${port}\n`);
    await Promise.race([interrupted, session.broken]);
  } finally {
    const closed = proxy.close();
    await session.close();
    await closed;
  }
  return { address, port, to: target, ...proxy.counters };
}

/** @throws Failure */
async function listen(proxy: HalfCloseProxy, port: number): Promise<void> {
  try {
    await proxy.listen({ port });
  } catch (error) {
    throw new Failure(`port ${port}: ${explain(error)}`);
  }
}

/** A client that cannot be passed on is told by a reset; why, nobody but the user here can be told. */
function complain(event: ProxyEvent, target: string): void {
  if (event.kind !== 'upstream-failed' || event.error === null) return;
  const why = explainConnection(event.error, target);
  process.stderr.write(`glasstcp: client ${event.client} was reset: ${why}\n`);
}

function parseTarget(text: string): Target {
  const parts = /^([a-z0-9][a-z0-9._-]*):(\d{1,5})$/i.exec(text);
  const [, host = '', digits = ''] = parts ?? [];
  const isNumber = /^[\d.]+$/.test(host);
  if (parts === null || (isNumber && parseIpv4(host) === null)) {
    throw new InvalidArgumentError(
      'It takes an IPv4 address or a name, and a port, as in 10.107.0.1:80.',
    );
  }
  return { host, port: parsePort(digits) };
}

function parseIdleTimeout(text: string): number {
  const seconds = /^\d+(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds >= 0 && seconds <= MAX_IDLE_SECONDS)) {
    throw new InvalidArgumentError(`It takes seconds from 0 to ${MAX_IDLE_SECONDS}.`);
  }
  return seconds;
}

function parseCount(text: string): number {
  const count = /^\d{1,9}$/.test(text) ? Number(text) : 0;
  if (count < 1) throw new InvalidArgumentError('It takes a number from 1 on.');
  return count;
}
