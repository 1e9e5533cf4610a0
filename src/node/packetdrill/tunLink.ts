import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { formatIpv4, type Ipv4Address } from '../../core/base/address.ts';
import type { Micros } from '../../core/base/time.ts';
import type { SentDatagram } from '../../core/packetdrill/host/host.ts';
import { DeviceError } from '../devices/deviceError.ts';
import type { LinuxCalls } from '../devices/linuxCalls.ts';

const CLONE_NEWNET = 0x40000000;
const O_RDWR = 2;
const O_NONBLOCK = 0o4000;
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;
/** `struct virtio_net_hdr`, which says of a datagram how it is to be cut. */
const VNET_HEADER = 10;
const VNET_TCPV4 = 1;
const IFREQ_LENGTH = 40;
const IFNAMSIZ = 16;
const NAME = 'tun0';
const POLLIN = 1;
const LARGEST = 65_536;

/** Where the kernel's end of the link stands. */
export interface TunOptions {
  readonly local: Ipv4Address;
  readonly prefixLength: number;
  readonly remote: Ipv4Address;
  readonly mtu: number;
  /** Octets of text of the segments that are put in joined; 0: there are none. */
  readonly mss: number;
}

/**
 * A network namespace of this thread's own, with one TUN interface: what the kernel sends comes out
 * here, and what is put in arrives at it. The namespace is gone when the next one is made.
 */
export class TunLink {
  readonly #calls: LinuxCalls;
  readonly #fd: number;
  readonly #buffer = new Uint8Array(LARGEST + VNET_HEADER);
  /** Octets in front of each datagram. */
  readonly #header: number;
  readonly #entry = new Uint8Array(8);
  readonly #timeout = new Uint8Array(16);

  /** @throws DeviceError */
  constructor(calls: LinuxCalls, options: TunOptions) {
    this.#calls = calls;
    if (calls.unshare(CLONE_NEWNET) < 0) {
      throw new DeviceError('not-permitted', 'a network namespace needs root');
    }
    this.#fd = calls.open('/dev/net/tun', O_RDWR | O_NONBLOCK);
    if (this.#fd < 0) throw new DeviceError('no-tun', '/dev/net/tun cannot be opened');
    const request = new Uint8Array(IFREQ_LENGTH);
    request.set(new TextEncoder().encode(NAME));
    this.#header = options.mss > 0 ? VNET_HEADER : 0;
    const flags = IFF_TUN | IFF_NO_PI | (this.#header > 0 ? IFF_VNET_HDR : 0);
    new DataView(request.buffer).setUint16(IFNAMSIZ, flags, true);
    if (calls.ioctl(this.#fd, TUNSETIFF, request) < 0) {
      throw new DeviceError('failed', `the TUN interface cannot be made: errno ${calls.errno()}`);
    }
    const entry = new DataView(this.#entry.buffer);
    entry.setInt32(0, this.#fd, true);
    entry.setInt16(4, POLLIN, true);
    configure(options);
  }

  /** Waits until the kernel has sent something, for `time` at most. */
  wait(time: Micros): void {
    const timeout = new DataView(this.#timeout.buffer);
    const micros = Math.max(0, Math.floor(time));
    timeout.setBigInt64(0, BigInt(Math.floor(micros / 1e6)), true);
    timeout.setBigInt64(8, BigInt((micros % 1e6) * 1000), true);
    this.#calls.ppoll(this.#entry, 1, this.#timeout, null);
  }

  /** The next datagram that the kernel has sent; null: there is none. */
  take(now: () => Micros): SentDatagram | null {
    const length = this.#calls.read(this.#fd, this.#buffer, this.#buffer.length);
    if (length <= this.#header) return null;
    return { at: now(), octets: this.#buffer.slice(this.#header, length), reason: null };
  }

  /** @param segmentSize octets of text of the segments that it stands for; 0: it is one */
  put(datagram: Uint8Array, segmentSize: number): void {
    const octets = new Uint8Array(this.#header + datagram.length);
    if (segmentSize > 0) {
      const view = new DataView(octets.buffer);
      view.setUint8(1, VNET_TCPV4);
      view.setUint16(4, segmentSize, true);
    }
    octets.set(datagram, this.#header);
    this.#calls.write(this.#fd, octets, octets.length);
  }

  /** What the kernel knows of other hosts, as their Fast Open cookies, is forgotten. */
  forgetServers(): void {
    ip(['tcp_metrics', 'flush']);
  }

  close(): void {
    this.#calls.close(this.#fd);
  }
}

function configure({ local, prefixLength, remote, mtu }: TunOptions): void {
  writeFileSync(`/proc/sys/net/ipv6/conf/${NAME}/disable_ipv6`, '1');
  const batch = [
    'link set lo up',
    `addr add ${formatIpv4(local)}/${prefixLength} dev ${NAME}`,
    `link set ${NAME} mtu ${mtu} up`,
    `route add ${formatIpv4(remote)}/32 dev ${NAME}`,
  ];
  ip(['-batch', '-'], `${batch.join('\n')}\n`);
}

/** Runs the command `ip` in this thread's namespace. */
function ip(args: readonly string[], input = ''): void {
  const { PATH = '' } = process.env;
  execFileSync('ip', args, {
    input,
    env: { ...process.env, PATH: `${PATH}:/usr/sbin:/sbin` },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
}
