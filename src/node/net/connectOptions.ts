import type { LookupOptions } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { checkPort, codedError } from './errors.ts';

/** Options of `connect`; a subset of node:net's. */
export interface ConnectOptions {
  readonly port: number | string;
  /** An IPv4 address, or a name for `lookup`. Default: `localhost`, which is never this stack. */
  readonly host?: string | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  /** Default: `dns.lookup` of the host system. */
  readonly lookup?: LookupFunction | undefined;
  readonly hints?: LookupOptions['hints'];
  readonly noDelay?: boolean | undefined;
  readonly keepAlive?: boolean | undefined;
  /** Milliseconds. */
  readonly keepAliveInitialDelay?: number | undefined;
  /**
   * TCP Fast Open: what was written first, before the address of `host` was known (for a literal: in the
   * same tick), goes along with the SYN, if the stack has a cookie of the server; else the SYN asks for
   * one, and the text follows the handshake. The server may get that text twice, so it must be something
   * that does no harm then. Default: false. Not in node:net.
   *
   * @rfc 7413 4.2, 6.1
   */
  readonly fastOpen?: boolean | undefined;
}

/** What `connect` was called with, sorted. */
export interface ConnectCall {
  readonly options: ConnectOptions;
  /** Checked. */
  readonly port: number;
  readonly host: string;
  readonly listener: (() => void) | null;
}

/**
 * Sorts the arguments of `connect(port, host, listener)` and `connect(options, listener)`.
 * @throws TypeError, RangeError with Node's codes
 */
export function parseConnectArguments(args: readonly unknown[]): ConnectCall {
  const [first, second] = args;
  const options = isRecord(first) ? first : portAndHost(first, second);
  const last = args.at(-1);
  const listener = isFunction(last) ? (): void => void Reflect.apply(last, undefined, []) : null;
  return { ...checkConnectOptions(options), listener };
}

function portAndHost(port: unknown, host: unknown): Record<string, unknown> {
  if (typeof port === 'string' && !isPortText(port)) return { path: port };
  return typeof host === 'string' ? { port, host } : { port };
}

function checkConnectOptions(given: Record<string, unknown>): Omit<ConnectCall, 'listener'> {
  const { path, port: givenPort, host: named, localAddress, localPort, lookup } = given;
  if (typeof path === 'string') {
    throw invalid('path', path, 'a TCP stack has no local sockets');
  }
  if (givenPort === undefined) {
    const message = 'The "options" or "port" or "path" argument must be specified';
    throw codedError(new TypeError(message), 'ERR_MISSING_ARGS');
  }
  const port = checkPort(givenPort, 'Port');
  if (typeof localAddress === 'string' && isIP(localAddress) === 0) {
    throw codedError(
      new TypeError(`Invalid IP address: ${localAddress}`),
      'ERR_INVALID_IP_ADDRESS',
    );
  }
  if (localPort !== undefined && localPort !== null && typeof localPort !== 'number') {
    const message = `The "options.localPort" property must be of type number, not ${localPort}`;
    throw codedError(new TypeError(message), 'ERR_INVALID_ARG_TYPE');
  }
  if (lookup !== undefined && lookup !== null && typeof lookup !== 'function') {
    const message = `The "options.lookup" property must be of type function, not ${lookup}`;
    throw codedError(new TypeError(message), 'ERR_INVALID_ARG_TYPE');
  }
  const host = typeof named === 'string' && named !== '' ? named : 'localhost';
  return { options: { ...given, port }, port, host };
}

/** An error of code ERR_INVALID_ARG_VALUE. */
export function invalid(name: string, value: unknown, why: string): Error {
  const message = `The argument '${name}' is ${JSON.stringify(value)}: ${why}`;
  return codedError(new TypeError(message), 'ERR_INVALID_ARG_VALUE');
}

/** An object whose properties can be read. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** Something that can be called. */
export function isFunction(value: unknown): value is (...args: unknown[]) => unknown {
  return typeof value === 'function';
}

/** Digits, as environment variables give them. */
export function isPortText(text: string): boolean {
  return text.trim() !== '' && Number(text) >= 0;
}
