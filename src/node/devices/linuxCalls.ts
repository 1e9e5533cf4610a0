import { DeviceError, messageOf } from './deviceError.ts';

/** The system calls of Linux that scripts make and Node has not. */
export interface LinuxCalls {
  unshare(flags: number): number;
  open(path: string, flags: number): number;
  read(fd: number, octets: Uint8Array, length: number): number;
  write(fd: number, octets: Uint8Array, length: number): number;
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  ppoll(entries: Uint8Array, count: number, timeout: Uint8Array, mask: null): number;
  close(fd: number): number;
  errno(): number;
  /** Makes a call in a thread of its own, in which it may block; its errno is told with its result. */
  inThread(name: SocketCallName, args: readonly unknown[]): Promise<CallResult>;
  /** Makes a call here. */
  call(name: SocketCallName, args: readonly unknown[]): CallResult;
  /** Memory that stays where it is, for structures with pointers; it is given back with the process. */
  memory(octets: number): FixedMemory;
}

/** Memory with an address. */
export interface FixedMemory {
  readonly address: bigint;
  readonly octets: Uint8Array;
}

/** What a call returned; `errno` counts if that is -1. */
export interface CallResult {
  readonly value: number;
  readonly errno: number;
}

const SOCKET_CALLS = {
  socket: 'int socket(int domain, int type, int protocol)',
  bind: 'int bind(int fd, void *address, unsigned int length)',
  listen: 'int listen(int fd, int backlog)',
  accept4: 'int accept4(int fd, void *address, void *length, int flags)',
  connect: 'int connect(int fd, void *address, unsigned int length)',
  sendto:
    'intptr_t sendto(int fd, void *octets, size_t length, int flags, void *address, unsigned int size)',
  recvfrom:
    'intptr_t recvfrom(int fd, void *octets, size_t length, int flags, void *address, void *size)',
  sendmsg: 'intptr_t sendmsg(int fd, void *message, int flags)',
  recvmsg: 'intptr_t recvmsg(int fd, void *message, int flags)',
  read: 'intptr_t read(int fd, void *octets, size_t length)',
  write: 'intptr_t write(int fd, void *octets, size_t length)',
  fcntl: 'int fcntl(int fd, int command, long argument)',
  ioctl: 'int ioctl(int fd, unsigned long request, void *argument)',
  setsockopt: 'int setsockopt(int fd, int level, int option, void *value, unsigned int length)',
  getsockopt: 'int getsockopt(int fd, int level, int option, void *value, void *length)',
  getpeername: 'int getpeername(int fd, void *address, void *length)',
  shutdown: 'int shutdown(int fd, int how)',
  close: 'int close(int fd)',
  epoll_create1: 'int epoll_create1(int flags)',
  epoll_ctl: 'int epoll_ctl(int fd, int operation, int target, void *event)',
  epoll_wait: 'int epoll_wait(int fd, void *events, int most, int timeout)',
  poll: 'int poll(void *entries, unsigned long count, int timeout)',
} as const;

/** A call that is made on sockets. */
export type SocketCallName = keyof typeof SOCKET_CALLS;

/** Loads koffi and binds the calls. @throws DeviceError */
export async function loadLinuxCalls(): Promise<LinuxCalls> {
  try {
    const koffi = (await import('koffi')).default;
    const lib = koffi.load(null);
    const calls = new Map(
      Object.entries(SOCKET_CALLS).map(([name, prototype]) => [name, lib.func(prototype)]),
    );
    const function_ = (name: SocketCallName): NonNullable<ReturnType<typeof calls.get>> => {
      const found = calls.get(name);
      if (found === undefined) throw new Error(`no call ${name}`);
      return found;
    };
    return {
      unshare: lib.func('int unshare(int flags)'),
      open: lib.func('int open(const char *path, int flags)'),
      read: lib.func('intptr_t read(int fd, void *octets, size_t length)'),
      write: lib.func('intptr_t write(int fd, void *octets, size_t length)'),
      ioctl: lib.func('int ioctl(int fd, unsigned long request, void *argument)'),
      ppoll: lib.func('int ppoll(void *entries, unsigned long count, void *timeout, void *mask)'),
      close: lib.func('int close(int fd)'),
      errno: () => koffi.errno(),
      call: (name, args) => {
        const value = Number(function_(name)(...args));
        return { value, errno: value < 0 ? koffi.errno() : 0 };
      },
      memory: (octets) => {
        const pointer = koffi.alloc('uint8_t', octets);
        return {
          address: koffi.address(pointer),
          octets: new Uint8Array(koffi.view(pointer, octets)),
        };
      },
      inThread: (name, args) =>
        new Promise((resolve, reject) => {
          function_(name).async(...args, (error: unknown, value: unknown) => {
            if (error !== null && error !== undefined) reject(error);
            else resolve({ value: Number(value), errno: Number(value) < 0 ? koffi.errno() : 0 });
          });
        }),
    };
  } catch (error) {
    const message = `the kernel's calls need the package koffi: ${messageOf(error)}`;
    throw new DeviceError('no-koffi', message, error);
  }
}
