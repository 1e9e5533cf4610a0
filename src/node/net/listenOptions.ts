import { invalid, isFunction, isPortText, isRecord } from './connectOptions.ts';
import { checkPort } from './errors.ts';

/** Connections that may wait to be accepted, if `listen` is not told. */
const DEFAULT_BACKLOG = 511;

/** Options of `listen`; a subset of node:net's. */
export interface ListenOptions {
  /** Default: 0, a free port. */
  readonly port?: number | undefined;
  /** Default: all addresses of the stack. */
  readonly host?: string | undefined;
  readonly backlog?: number | undefined;
  /** Closes the server. */
  readonly signal?: AbortSignal | undefined;
}

/** What `listen` was called with, sorted and checked. */
export interface ListenCall {
  readonly port: number;
  readonly host: string | null;
  readonly backlog: number;
  readonly signal: AbortSignal | null;
  readonly listener: (() => void) | null;
}

/**
 * Sorts the arguments of `listen(port, host, backlog, listener)`, each of which may be left out, and
 * of `listen(options, listener)`.
 * @throws TypeError, RangeError with Node's codes
 */
export function parseListenArguments(args: readonly unknown[]): ListenCall {
  const last = args.at(-1);
  const listener = isFunction(last) ? (): void => void Reflect.apply(last, undefined, []) : null;
  const given = isFunction(last) ? args.slice(0, -1) : args;
  const [first] = given;
  const options = isRecord(first) ? first : fromPositions(given);
  const { path, port, host, backlog: wanted, signal } = options;
  if (typeof path === 'string') throw invalid('path', path, 'a TCP stack has no local sockets');
  if (isRecord(first) && !('port' in first) && !('signal' in first)) {
    throw invalid('options', first, 'it must have the property "port"');
  }
  const backlog = Number(wanted ?? 0);
  return {
    port: port === undefined || port === null ? 0 : checkPort(port, 'options.port'),
    host: typeof host === 'string' && host !== '' ? host : null,
    backlog: Number.isInteger(backlog) && backlog > 0 ? backlog : DEFAULT_BACKLOG,
    signal: signal instanceof AbortSignal ? signal : null,
    listener,
  };
}

function fromPositions(given: readonly unknown[]): Record<string, unknown> {
  const [port, second, third] = given;
  if (typeof port === 'string' && !isPortText(port)) return { path: port };
  return typeof second === 'string'
    ? { port, host: second, backlog: third }
    : { port, backlog: second ?? third };
}
