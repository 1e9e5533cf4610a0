import { getSystemErrorMap, inspect } from 'node:util';

/** Numbers (negative, as libuv counts) and sentences of the system's errors, by name. */
const SYSTEM_ERRORS: ReadonlyMap<string, readonly [number, string]> = new Map(
  [...getSystemErrorMap()].map(([errno, [name, what]]) => [name, [errno, what]]),
);

/** The calls that errors are blamed on, as in node:net. */
export type Syscall = 'connect' | 'bind' | 'listen' | 'read' | 'write';

/** Where a failed call was going, or from where. */
export interface ErrorEndpoint {
  readonly address: string;
  readonly port: number;
  /** Our own end, where the caller has chosen it or no segment was sent: for the message. */
  readonly local?: string;
}

/** `read ECONNRESET`, with `errno`, `code` and `syscall`. */
export function errnoError(code: string, syscall: Syscall): NodeJS.ErrnoException {
  return withErrno(`${syscall} ${code}`, code, syscall);
}

/** `connect ECONNREFUSED 10.107.0.1:81`, with `address` and `port` besides. */
export function connectError(code: string, to: ErrorEndpoint): NodeJS.ErrnoException {
  const local = to.local === undefined ? '' : ` - Local (${to.local})`;
  const message = `connect ${code} ${endpointText(to)}${local}`;
  return Object.assign(withErrno(message, code, 'connect'), place(to));
}

/** `listen EADDRINUSE: address already in use 10.107.0.2:80`. */
export function bindError(
  code: string,
  syscall: 'bind' | 'listen',
  at: ErrorEndpoint,
): NodeJS.ErrnoException {
  const what = SYSTEM_ERRORS.get(code)?.[1] ?? 'unknown error';
  const explained = syscall === 'listen' ? `${code}: ${what}` : code;
  const error = withErrno(`${syscall} ${explained} ${endpointText(at)}`, code, syscall);
  return Object.assign(error, place(at));
}

/** An error of one of Node's own codes (`ERR_...`). */
export function codedError(error: Error, code: string): NodeJS.ErrnoException {
  return Object.assign(error, { code });
}

/** The port as a number. @throws RangeError ERR_SOCKET_BAD_PORT */
export function checkPort(port: unknown, name: string): number {
  const n = typeof port === 'string' && port.trim() !== '' ? Number(port) : port;
  if (typeof n === 'number' && Number.isInteger(n) && n >= 0 && n <= 65_535) return n;
  const message = `${name} should be >= 0 and < 65536. Received ${describe(port)}.`;
  throw codedError(new RangeError(message), 'ERR_SOCKET_BAD_PORT');
}

/** The number as it is. @throws RangeError, TypeError with Node's codes */
export function checkDuration(value: unknown, name: string): number {
  if (typeof value !== 'number') {
    const message = `The "${name}" argument must be of type number. Received ${describe(value)}`;
    throw codedError(new TypeError(message), 'ERR_INVALID_ARG_TYPE');
  }
  if (!(value >= 0 && Number.isFinite(value))) {
    const message = `The value of "${name}" is out of range: a non-negative finite number is wanted, not ${value}`;
    throw codedError(new RangeError(message), 'ERR_OUT_OF_RANGE');
  }
  return value;
}

function describe(value: unknown): string {
  if (value === undefined || value === null) return String(value);
  return `type ${typeof value} (${inspect(value)})`;
}

function withErrno(message: string, code: string, syscall: Syscall): NodeJS.ErrnoException {
  const errno = SYSTEM_ERRORS.get(code)?.[0];
  return Object.assign(new Error(message), { ...(errno && { errno }), code, syscall });
}

function place({ address, port }: ErrorEndpoint): { address: string; port?: number } {
  return port > 0 ? { address, port } : { address };
}

function endpointText({ address, port }: ErrorEndpoint): string {
  return port > 0 ? `${address}:${port}` : address;
}
