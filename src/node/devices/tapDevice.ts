import { closeSync } from 'node:fs';
import { networkInterfaces, constants as os } from 'node:os';
import { performance } from 'node:perf_hooks';
import {
  formatIpv4,
  type Ipv4Address,
  type Ipv4Cidr,
  isLoopback,
  isMulticast,
  type MacAddress,
} from '../../core/base/address.ts';
import type { PacketBuffer } from '../../core/base/packetBuffer.ts';
import { type Device, NO_OFFLOAD } from '../../core/base/ports.ts';
import { DeviceError } from './deviceError.ts';
import { type FdEvents, type FdWatcher, watchFd } from './fdWatcher.ts';
import { FrameView } from './frameView.ts';
import { checkNamespace, configureKernelEnd, moveToNamespace } from './ipCommand.ts';
import { createTap, type Libc, loadLibc, MAX_INTERFACE_NAME } from './tapIoctl.ts';

/** What {@link openTap} makes. */
export interface TapOptions {
  /** Of the interface, for the kernel: 1 to 15 characters. */
  readonly name: string;
  /** The station address of the stack's side; see {@link defaultMac}. */
  readonly macAddress: MacAddress;
  /**
   * The address and network of the kernel's end. Not given: the interface is left as it is, made
   * and configured by somebody else (a persistent TAP needs no root to be used).
   */
  readonly kernelAddress?: Ipv4Cidr;
  /** A namespace of `ip netns` for the kernel's end; not given: that of this process. */
  readonly netns?: string;
  /** Octets, 68 to 65521; 1500 if not given. */
  readonly mtu?: number;
}

/** Linux's limits: RFC 791's least datagram, and 65535 less an Ethernet header. */
const MIN_MTU = 68;
const MAX_MTU = 65521;
const DEFAULT_MTU = 1500;
/** The kernel moves it there under this name first: the wanted one may be taken here. */
const NAME_BEFORE_MOVE = 'glasstcp%d';

/** How long after a frame the event loop is kept from sleeping: waking up costs 40 us. */
const AWAKE_MS = 0.05;

const { EAGAIN, EBADF, EINTR, ENOBUFS, ENOMEM } = os.errno;
/** The interface of the descriptor was deleted, or its namespace. Node does not name it. */
const EBADFD = 77;

/**
 * 02:00 and the four octets of an IPv4 address: locally administered, unicast, and different for
 * each address of a network.
 */
export function defaultMac(address: Ipv4Address): MacAddress {
  return (0x0200_0000_0000 + address) as MacAddress;
}

/** Opens a TAP interface; it exists until `close`. @throws DeviceError */
export async function openTap(options: TapOptions): Promise<TapDevice> {
  check(options);
  const { name, netns, kernelAddress, mtu = DEFAULT_MTU } = options;
  const libc = await loadLibc();
  const created = createTap(libc, netns === undefined ? name : NAME_BEFORE_MOVE);
  try {
    if (netns !== undefined) await moveToNamespace(created.name, netns, name);
    if (kernelAddress !== undefined) {
      await configureKernelEnd({ name, netns: netns ?? null, address: kernelAddress, mtu });
    }
  } catch (error) {
    closeSync(created.fd);
    throw error;
  }
  return new TapDevice(libc, created.fd, { name, mtu, macAddress: options.macAddress });
}

function check(options: TapOptions): void {
  const { name, netns, kernelAddress, mtu = DEFAULT_MTU } = options;
  if (process.platform !== 'linux') {
    throw new DeviceError('not-linux', `a TAP needs Linux, and this is ${process.platform}`);
  }
  if (!/^[^\s/:%]+$/.test(name) || name === '.' || name === '..') {
    const message = `"${name}" is no name of an interface: letters, digits, - _ . are`;
    throw new DeviceError('invalid-option', message);
  }
  if (Buffer.byteLength(name) > MAX_INTERFACE_NAME) {
    const message = `the interface name "${name}" is longer than ${MAX_INTERFACE_NAME} characters`;
    throw new DeviceError('invalid-option', message);
  }
  if (!Number.isInteger(mtu) || mtu < MIN_MTU || mtu > MAX_MTU) {
    const message = `an MTU of ${mtu} is impossible: ${MIN_MTU} to ${MAX_MTU} octets`;
    throw new DeviceError('invalid-option', message);
  }
  if (netns !== undefined) checkNamespace(netns);
  if (kernelAddress !== undefined) checkKernelAddress(kernelAddress, netns === undefined);
}

function checkKernelAddress(end: Ipv4Cidr, here: boolean): void {
  const text = formatIpv4(end.address);
  if (end.address === 0 || isMulticast(end.address) || isLoopback(end.address)) {
    throw new DeviceError('invalid-option', `${text} cannot be the address of an interface`);
  }
  if (end.prefixLength < 1 || end.prefixLength > 31) {
    const message = `a network of /${end.prefixLength} has no room for two hosts: /1 to /31`;
    throw new DeviceError('invalid-option', message);
  }
  if (!here) return;
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    if (addresses?.some((a) => a.address === text)) {
      const message = `${text} is already an address of ${name}: take another network`;
      throw new DeviceError('address-in-use', message);
    }
  }
}

/** A TAP interface: what the kernel sends on it is received here, and the other way round. */
export class TapDevice implements Device {
  readonly name: string;
  readonly mtu: number;
  readonly macAddress: MacAddress;
  readonly offload = NO_OFFLOAD;
  writable = true;
  onReadable: (() => void) | null = null;
  onWritable: (() => void) | null = null;
  /** Called once if the interface was deleted under us; the device is closed then. */
  onError: ((error: DeviceError) => void) | null = null;
  /** Frames that the kernel refused: the interface is down, or they are no Ethernet frames. */
  framesDropped = 0;

  readonly #libc: Libc;
  readonly #fd: number;
  readonly #received = new FrameView();
  readonly #sent = new FrameView();
  readonly #watcher: FdWatcher;
  #closed = false;
  #busy = false;
  #awake = false;
  #sleepAt = 0;

  /**
   * Takes over a descriptor of {@link createTap}.
   * @param watch how to learn that frames are there
   */
  constructor(
    libc: Libc,
    fd: number,
    identity: Pick<Device, 'name' | 'mtu' | 'macAddress'>,
    watch: (libc: Libc, fd: number, events: FdEvents) => FdWatcher = watchFd,
  ) {
    this.name = identity.name;
    this.mtu = identity.mtu;
    this.macAddress = identity.macAddress;
    this.#libc = libc;
    this.#fd = fd;
    this.#watcher = watch(libc, fd, {
      onReadable: () => this.onReadable?.(),
      onWritable: () => this.#resume(),
      onFailure: () => this.#fail(),
    });
  }

  receive(packet: PacketBuffer): boolean {
    if (this.#closed) return false;
    packet.clear();
    const octets = this.#received.from(packet.octets, packet.link);
    const length = this.#libc.read(this.#fd, octets, octets.length);
    if (length > 0) {
      packet.end = packet.link + length;
      this.#stayAwake();
      return true;
    }
    if (length < 0 && isGone(this.#libc.errno())) this.#fail();
    return false;
  }

  /**
   * A frame that the kernel takes but throws away, as it does while the interface is down (EIO),
   * counts as sent: a cable that is not plugged in answers no differently, and to wait for
   * writability, which poll reports all the time, would spin.
   */
  send(packet: PacketBuffer): boolean {
    if (!this.writable) return false;
    const octets = this.#sent.from(packet.octets, packet.link);
    if (this.#libc.write(this.#fd, octets, packet.end - packet.link) >= 0) {
      this.#stayAwake();
      return true;
    }
    const errno = this.#libc.errno();
    switch (errno) {
      case EAGAIN:
      case EINTR:
      case ENOBUFS:
      case ENOMEM:
        this.writable = false;
        this.#watcher.watchWritable(true);
        return false;
      default:
        if (isGone(errno)) {
          this.#fail();
          return false;
        }
        this.framesDropped++;
        return true;
    }
  }

  /** From now on the open device does not keep the process running. */
  unref(): void {
    if (!this.#closed) this.#watcher.unref();
  }

  /** Undoes {@link unref}. */
  ref(): void {
    if (!this.#closed) this.#watcher.ref();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.writable = false;
    this.#watcher.close(() => closeSync(this.#fd));
  }

  #resume(): void {
    if (this.#closed) return;
    this.#watcher.watchWritable(false);
    this.writable = true;
    this.onWritable?.();
  }

  #fail(): void {
    if (this.#closed) return;
    this.close();
    this.onError?.(new DeviceError('gone', `interface ${this.name} was deleted`));
  }

  /**
   * Where one frame went, the next is near: until none has for {@link AWAKE_MS}, the loop goes on
   * without sleeping. Each round asks the descriptor, so nothing needs to be read here.
   */
  #stayAwake(): void {
    this.#busy = true;
    if (this.#awake) return;
    this.#awake = true;
    setImmediate(this.#round);
  }

  readonly #round = (): void => {
    const now = performance.now();
    if (this.#busy) this.#sleepAt = now + AWAKE_MS;
    this.#busy = false;
    this.#awake = now < this.#sleepAt && !this.#closed;
    if (this.#awake) setImmediate(this.#round);
  };
}

function isGone(errno: number): boolean {
  return errno === EBADFD || errno === EBADF;
}
