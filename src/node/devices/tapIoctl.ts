import { closeSync, constants, openSync } from 'node:fs';
import { constants as os } from 'node:os';
import { codeOf, DeviceError, messageOf } from './deviceError.ts';

type Koffi = typeof import('koffi')['default'];

/** Linux's control of /dev/net/tun: `_IOW('T', 202, int)` of linux/if_tun.h, on x86, ARM and RISC-V. */
const TUNSETIFF = 0x400454ca;
const IFF_TAP = 0x0002;
/** Frames come without the four octets of flags and protocol in front. */
const IFF_NO_PI = 0x1000;
/** sizeof(struct ifreq): 16 octets of name, then a union whose first two octets are the flags. */
const IFREQ_LENGTH = 40;
const IFNAMSIZ = 16;
/** Most octets of an interface's name: IFNAMSIZ with its final zero. */
export const MAX_INTERFACE_NAME = IFNAMSIZ - 1;

const TUN_PATH = '/dev/net/tun';

/** The calls of the C library that Node does not offer. */
export interface Libc {
  readonly koffi: Koffi;
  /** Reads at most `length` octets to the start of `octets`; -1: see `errno`. */
  read(fd: number, octets: Uint8Array, length: number): number;
  /** Writes `length` octets from the start of `octets`; -1: see `errno`. */
  write(fd: number, octets: Uint8Array, length: number): number;
  ioctl(fd: number, request: number, argument: Uint8Array): number;
  /** Of the call that failed last. */
  errno(): number;
}

/** Loads koffi and binds the calls. Only who opens a TAP pays for it. */
export async function loadLibc(): Promise<Libc> {
  try {
    const koffi = (await import('koffi')).default;
    const lib = koffi.load(null);
    return {
      koffi,
      read: lib.func('intptr_t read(int fd, void *octets, size_t length)'),
      write: lib.func('intptr_t write(int fd, void *octets, size_t length)'),
      ioctl: lib.func('int ioctl(int fd, unsigned long request, void *argument)'),
      errno: () => koffi.errno(),
    };
  } catch (error) {
    const message = `a TAP needs the package koffi, which does not load: ${messageOf(error)}`;
    throw new DeviceError('no-koffi', message, error);
  }
}

/** An interface that exists as long as its descriptor is open. */
export interface CreatedTap {
  readonly fd: number;
  /** The name that the kernel gave it. */
  readonly name: string;
}

/**
 * Creates a TAP interface in the network namespace of this process, or attaches to a persistent
 * one that has nobody. Its descriptor does not block.
 * @param name at most {@link MAX_INTERFACE_NAME} octets; a `%d` in it becomes the first free number
 */
export function createTap(libc: Libc, name: string): CreatedTap {
  const fd = openTun();
  const request = new Uint8Array(IFREQ_LENGTH);
  request.set(new TextEncoder().encode(name).subarray(0, MAX_INTERFACE_NAME));
  const flags = IFF_TAP | IFF_NO_PI;
  new Uint16Array(request.buffer, IFNAMSIZ, 1)[0] = flags;
  if (libc.ioctl(fd, TUNSETIFF, request) < 0) {
    const errno = libc.errno();
    closeSync(fd);
    throw setupError(errno, name);
  }
  const end = request.indexOf(0);
  return { fd, name: new TextDecoder().decode(request.subarray(0, end)) };
}

function openTun(): number {
  try {
    return openSync(TUN_PATH, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    switch (codeOf(error)) {
      case 'ENOENT':
        throw new DeviceError(
          'no-tun',
          `${TUN_PATH} does not exist: as root, "modprobe tun", or in a container "mkdir -p /dev/net && mknod ${TUN_PATH} c 10 200"`,
          error,
        );
      case 'ENODEV':
      case 'ENXIO':
        throw new DeviceError('no-tun', 'the kernel has no TUN/TAP driver: "modprobe tun"', error);
      case 'EACCES':
      case 'EPERM':
        throw notPermitted(`${TUN_PATH} may not be opened`, error);
      default:
        throw new DeviceError('failed', `${TUN_PATH} cannot be opened: ${messageOf(error)}`, error);
    }
  }
}

function setupError(errno: number, name: string): DeviceError {
  switch (errno) {
    case os.errno.EPERM:
      return notPermitted(`TAP interface ${name} may not be made`);
    case os.errno.EBUSY:
      return new DeviceError('name-in-use', `TAP interface ${name} is in use by another process`);
    case os.errno.EINVAL:
      return new DeviceError(
        'name-in-use',
        `an interface ${name} exists that is no TAP, or no interface may be called so: take another name`,
      );
    default:
      return new DeviceError('failed', `TAP interface ${name} cannot be made: errno ${errno}`);
  }
}

/** Says what was not permitted, and what would be. */
export function notPermitted(what: string, cause?: unknown): DeviceError {
  const right = 'this needs root (CAP_NET_ADMIN), or a namespace of your own: "unshare -Urn"';
  return new DeviceError('not-permitted', `${what}: ${right}`, cause);
}
