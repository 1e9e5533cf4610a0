import { type Micros, SECOND } from '../../core/base/time.ts';
import {
  type ControlData,
  type ControlMessage,
  type HostCall,
  type Readback,
  Unsupported,
} from '../../core/packetdrill/host/calls.ts';
import { IpOption, Level, So } from '../../core/packetdrill/host/numbers.ts';
import type { FixedMemory, LinuxCalls } from '../devices/linuxCalls.ts';
import type { KernelCall } from './kernelSockets.ts';

/** Where things stand in the memory of a message: `struct msghdr`, one iovec, control data, text. */
const IOVEC = 64;
const CONTROL = 128;
const TEXT = 4096;
const MOST_TEXT = 1 << 20;
const MSGHDR = 56;
/** `struct cmsghdr`, and how its data are aligned. */
const CMSGHDR = 16;
const ALIGNMENT = 8;
const NANOS = 1000;
/** Buffers of a write do not touch each other, or they would count as one. */
const APART = 64;
const MOST_IOVECS = 200;
const MSG_NOSIGNAL = 0x4000;

/** recvmsg() of the kernel, with its control messages. */
export class KernelMessages {
  readonly #calls: LinuxCalls;
  readonly #now: () => Micros;
  #memory: FixedMemory | null = null;

  /** @param now of the host's clock */
  constructor(calls: LinuxCalls, now: () => Micros) {
    this.#calls = calls;
    this.#now = now;
  }

  /** @throws Unsupported */
  receive({ fd, into, flags }: Extract<HostCall, { name: 'read' }>): KernelCall {
    const length = into.lengths.reduce((sum, octets) => sum + octets, 0);
    if (length > MOST_TEXT) throw new Unsupported(`recvmsg of ${length} octets on the kernel`);
    this.#memory ??= this.#calls.memory(TEXT + MOST_TEXT);
    const { address, octets } = this.#memory;
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
    octets.fill(0, 0, TEXT);
    view.setBigUint64(16, address + BigInt(IOVEC), true);
    view.setBigUint64(24, 1n, true);
    view.setBigUint64(32, address + BigInt(CONTROL), true);
    view.setBigUint64(40, BigInt(TEXT - CONTROL), true);
    view.setBigUint64(IOVEC, address + BigInt(TEXT), true);
    view.setBigUint64(IOVEC + 8, BigInt(length), true);
    const readback = (): Readback => ({
      kind: 'message',
      flags: view.getInt32(MSGHDR - 8, true),
      control: this.#controlIn(view),
    });
    return { name: 'recvmsg', args: [fd, octets, flags], readback };
  }

  /** sendmsg() of several buffers, each of which stays one. @throws Unsupported */
  send({ fd, from, flags }: Extract<HostCall, { name: 'write' }>): KernelCall {
    const { lengths } = from;
    const most = Math.max(...lengths);
    const stride = Math.ceil((most + 1) / APART) * APART;
    if (lengths.length > MOST_IOVECS || stride * lengths.length > MOST_TEXT) {
      throw new Unsupported('a sendmsg so large on the kernel');
    }
    this.#memory ??= this.#calls.memory(TEXT + MOST_TEXT);
    const { address, octets } = this.#memory;
    const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
    octets.fill(0, 0, TEXT + stride * lengths.length);
    view.setBigUint64(16, address + BigInt(IOVEC), true);
    view.setBigUint64(24, BigInt(lengths.length), true);
    for (const [i, length] of lengths.entries()) {
      const at = IOVEC + 16 * i;
      view.setBigUint64(at, address + BigInt(TEXT + stride * i), true);
      view.setBigUint64(at + 8, BigInt(length), true);
    }
    const args = [fd, octets, flags | MSG_NOSIGNAL];
    return { name: 'sendmsg', args, readback: () => null };
  }

  #controlIn(view: DataView): ControlMessage[] {
    const end = CONTROL + Number(view.getBigUint64(40, true));
    const messages: ControlMessage[] = [];
    for (let at = CONTROL; at + CMSGHDR <= end; ) {
      const length = Number(view.getBigUint64(at, true));
      if (length < CMSGHDR) break;
      const [level, type] = [view.getInt32(at + 8, true), view.getInt32(at + 12, true)];
      const data = this.#dataOf(view, at + CMSGHDR, { level, type });
      messages.push({ level, type, data });
      at += Math.ceil(length / ALIGNMENT) * ALIGNMENT;
    }
    return messages;
  }

  #dataOf(
    view: DataView,
    at: number,
    { level, type }: { readonly level: number; readonly type: number },
  ): ControlData {
    if (level === Level.SOCKET && type === So.TIMESTAMPING) {
      const seconds = Number(view.getBigInt64(at, true));
      const nanos = Number(view.getBigInt64(at + 8, true));
      const age = Date.now() * NANOS - (seconds * SECOND + Math.round(nanos / NANOS));
      return { kind: 'time', at: this.#now() - age };
    }
    if (level !== Level.IP || type !== IpOption.RECVERR) {
      return { kind: 'number', value: view.getInt32(at, true) };
    }
    const error = {
      errno: view.getUint32(at, true),
      origin: view.getUint8(at + 4),
      type: view.getUint8(at + 5),
      code: view.getUint8(at + 6),
      info: view.getUint32(at + 8, true),
      data: view.getUint32(at + 12, true),
    };
    return { kind: 'error', error };
  }
}
