import { constants as os } from 'node:os';
import koffi from 'koffi';
import type { Micros } from '../../src/core/base/time.ts';

/** The system calls of a host's programs, as Linux has them on 64-bit machines. */

const lib = koffi.load(null);

const AF_INET = 2;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const CLONE_NEWNET = 0x4000_0000;
const CLOCK_REALTIME = 0;
const SOCKADDR_LENGTH = 16;

const SOL_SOCKET = 1;
const SO_ERROR = 4;
const IPPROTO_TCP = 6;

/** Level and name of each option that a recorded program sets. */
const OPTIONS = {
  SO_REUSEADDR: [SOL_SOCKET, 2],
  SO_SNDBUF: [SOL_SOCKET, 7],
  SO_RCVBUF: [SOL_SOCKET, 8],
  SO_KEEPALIVE: [SOL_SOCKET, 9],
  SO_OOBINLINE: [SOL_SOCKET, 10],
  /** Its value is the number of seconds; -1 is off. */
  SO_LINGER: [SOL_SOCKET, 13],
  TCP_NODELAY: [IPPROTO_TCP, 1],
  TCP_MAXSEG: [IPPROTO_TCP, 2],
  TCP_CORK: [IPPROTO_TCP, 3],
  TCP_KEEPIDLE: [IPPROTO_TCP, 4],
  TCP_KEEPINTVL: [IPPROTO_TCP, 5],
  TCP_KEEPCNT: [IPPROTO_TCP, 6],
  TCP_SYNCNT: [IPPROTO_TCP, 7],
  TCP_LINGER2: [IPPROTO_TCP, 8],
  TCP_DEFER_ACCEPT: [IPPROTO_TCP, 9],
  TCP_WINDOW_CLAMP: [IPPROTO_TCP, 10],
  TCP_QUICKACK: [IPPROTO_TCP, 12],
  TCP_CONGESTION: [IPPROTO_TCP, 13],
  TCP_USER_TIMEOUT: [IPPROTO_TCP, 18],
  TCP_FASTOPEN: [IPPROTO_TCP, 23],
} as const;

/** An option by Linux's name. */
export type OptionName = keyof typeof OPTIONS;

/** Bits of `send` and `recv`. */
export const MessageFlag = {
  OOB: 1,
  NOSIGNAL: 0x4000,
  MORE: 0x8000,
  FASTOPEN: 0x2000_0000,
} as const;

/** A system call that failed. */
export class SystemError extends Error {
  /** `ECONNRESET` and the like. */
  readonly code: string;

  constructor(call: string, errno: number) {
    const code = nameOf(errno);
    super(`${call}: ${code}`);
    this.name = 'SystemError';
    this.code = code;
  }
}

function nameOf(errno: number): string {
  const found = Object.entries(os.errno).find(([, number]) => number === errno);
  return found === undefined ? `errno ${errno}` : found[0];
}

const calls = {
  setns: lib.func('int setns(int fd, int type)'),
  socket: lib.func('int socket(int family, int type, int protocol)'),
  bind: lib.func('int bind(int fd, const void *address, uint32_t length)'),
  listen: lib.func('int listen(int fd, int backlog)'),
  accept: lib.func('int accept4(int fd, void *address, void *length, int flags)'),
  connect: lib.func('int connect(int fd, const void *address, uint32_t length)'),
  send: lib.func('intptr_t send(int fd, const void *octets, size_t length, int flags)'),
  sendto: lib.func(
    'intptr_t sendto(int fd, const void *octets, size_t length, int flags, const void *to, uint32_t toLength)',
  ),
  recv: lib.func('intptr_t recv(int fd, void *octets, size_t length, int flags)'),
  shutdown: lib.func('int shutdown(int fd, int how)'),
  close: lib.func('int close(int fd)'),
  setsockopt: lib.func(
    'int setsockopt(int fd, int level, int option, const void *value, uint32_t length)',
  ),
  getsockopt: lib.func('int getsockopt(int fd, int level, int option, void *value, void *length)'),
  clockGettime: lib.func('int clock_gettime(int clock, void *time)'),
};

const timespec = new BigInt64Array(2);

/** Now, since 1970, by the clock that captures have. */
export function realTime(): Micros {
  calls.clockGettime(CLOCK_REALTIME, timespec);
  const [seconds = 0n, nanoseconds = 0n] = timespec;
  return Number(seconds) * 1e6 + Math.floor(Number(nanoseconds) / 1000);
}

/** This thread is in another network namespace from now on: what it opens lies there. */
export function enterNamespace(fd: number): void {
  check('setns', calls.setns(fd, CLONE_NEWNET));
}

/** Opens a TCP socket that does not block. */
export function openSocket(): number {
  return check('socket', calls.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

export function bind(fd: number, address: string, port: number): void {
  check('bind', calls.bind(fd, socketAddress(address, port), SOCKADDR_LENGTH));
}

export function listen(fd: number, backlog: number): void {
  check('listen', calls.listen(fd, backlog));
}

/** @returns a new descriptor; null: nobody is waiting */
export function accept(fd: number): number | null {
  const accepted: number = calls.accept(fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC);
  return unlessItWouldBlock('accept', accepted);
}

/** Begins to open; it is done when the socket is writable, see {@link takeError}. */
export function connect(fd: number, address: string, port: number): void {
  const result: number = calls.connect(fd, socketAddress(address, port), SOCKADDR_LENGTH);
  if (result < 0 && koffi.errno() !== os.errno.EINPROGRESS) check('connect', result);
}

/** @returns how many octets were taken; null: there is no room */
export function send(fd: number, octets: Uint8Array, flags: number): number | null {
  const sent: number = calls.send(fd, octets, octets.length, flags | MessageFlag.NOSIGNAL);
  return unlessItWouldBlock('send', sent);
}

/** Opens and writes at once (RFC 7413). @returns octets taken; null: none, the SYN asks for a cookie */
export function sendTo(
  fd: number,
  octets: Uint8Array,
  flags: number,
  address: string,
  port: number,
): number | null {
  const to = socketAddress(address, port);
  const all = flags | MessageFlag.NOSIGNAL;
  const sent: number = calls.sendto(fd, octets, octets.length, all, to, SOCKADDR_LENGTH);
  if (sent < 0 && koffi.errno() === os.errno.EINPROGRESS) return null;
  return check('sendto', sent);
}

/** @returns how many octets were got, 0 at the end; null: there are none yet */
export function receive(fd: number, octets: Uint8Array, flags: number): number | null {
  return unlessItWouldBlock('recv', calls.recv(fd, octets, octets.length, flags));
}

export function shutdown(fd: number, how: 0 | 1 | 2): void {
  check('shutdown', calls.shutdown(fd, how));
}

export function close(fd: number): void {
  check('close', calls.close(fd));
}

export function setOption(fd: number, name: OptionName, value: number | string): void {
  const [level, option] = OPTIONS[name];
  const octets = optionValue(name, value);
  check(`setsockopt ${name}`, calls.setsockopt(fd, level, option, octets, octets.byteLength));
}

function optionValue(name: OptionName, value: number | string): ArrayBufferView {
  if (typeof value === 'string') return new TextEncoder().encode(value);
  // struct linger: is it on, and the seconds
  if (name === 'SO_LINGER') return Int32Array.of(value < 0 ? 0 : 1, Math.max(0, value));
  return Int32Array.of(value);
}

/** The error that waits on a socket, which is forgotten; null: none. */
export function takeError(fd: number): SystemError | null {
  const error = new Int32Array(1);
  const length = Uint32Array.of(4);
  check('getsockopt', calls.getsockopt(fd, SOL_SOCKET, SO_ERROR, error, length));
  const [errno = 0] = error;
  return errno === 0 ? null : new SystemError('socket', errno);
}

/** struct sockaddr_in: family as the machine has it, port and address as the wire has them. */
function socketAddress(address: string, port: number): Uint8Array {
  const octets = new Uint8Array(SOCKADDR_LENGTH);
  const view = new DataView(octets.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  octets.set(address.split('.').map(Number), 4);
  return octets;
}

function unlessItWouldBlock(call: string, result: number): number | null {
  if (result < 0 && koffi.errno() === os.errno.EAGAIN) return null;
  return check(call, result);
}

function check(call: string, result: number): number {
  if (result < 0) throw new SystemError(call, koffi.errno());
  return result;
}
