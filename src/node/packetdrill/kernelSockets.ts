import { type Ipv4Address, ipv4 } from '../../core/base/address.ts';
import {
  type CallOutcome,
  type Destination,
  done,
  failed,
  type HostCall,
  type OptionValue,
  type Readback,
} from '../../core/packetdrill/host/calls.ts';
import { Level, So, TcpOption } from '../../core/packetdrill/host/numbers.ts';
import { errnoName } from '../../core/packetdrill/symbols.ts';
import type { CallResult, SocketCallName } from '../devices/linuxCalls.ts';

const AF_INET = 2;
const ADDRESS_LENGTH = 16;
const INT = 4;
const LINGER_LENGTH = 8;
const POLL_ENTRY = 8;
/** `struct epoll_event`, which is packed on x64 alone, and where its data stand. */
const EPOLL_DATA = process.arch === 'x64' ? 4 : 8;
const EPOLL_EVENT = EPOLL_DATA + 8;
/** Room for whatever an option says. */
const OPTION_ROOM = 256;

/** A call as the C library takes it, and what to make of its result. */
export interface KernelCall {
  readonly name: SocketCallName;
  readonly args: readonly unknown[];
  /** What the kernel wrote. @param value what the call returned */
  readonly readback: (value: number) => Readback | null;
}

/** Addresses of the ends. */
export interface KernelEnds {
  readonly local: Ipv4Address;
  readonly remote: Ipv4Address;
}

const NOTHING = (): null => null;

/** @throws Unsupported */
export function kernelCall(call: HostCall, ends: KernelEnds): KernelCall {
  switch (call.name) {
    case 'socket':
      return plain('socket', [AF_INET, call.type, call.protocol]);
    case 'bind':
      return plain('bind', [call.fd, socketAddress(ends.local, call.port), ADDRESS_LENGTH]);
    case 'listen':
      return plain('listen', [call.fd, call.backlog]);
    case 'accept':
      return plain('accept4', [call.fd, null, null, call.flags]);
    case 'connect':
      return plain('connect', [call.fd, destination(call.to, ends), ADDRESS_LENGTH]);
    case 'read':
      return readCall(call);
    case 'write':
      return writeCall(call, ends);
    case 'fcntl':
      return plain('fcntl', [call.fd, call.command, call.value]);
    case 'ioctl': {
      const value = new Uint8Array(INT);
      const readback = (): Readback => ({ kind: 'number', value: intAt(value), length: INT });
      return { name: 'ioctl', args: [call.fd, call.request, value], readback };
    }
    case 'setsockopt': {
      const value = optionOctets(call.value);
      const most = call.value.kind === 'text' ? value.length : Number.POSITIVE_INFINITY;
      const length = call.value.kind === 'linger' ? value.length : Math.min(call.length, most);
      return plain('setsockopt', [call.fd, call.level, call.option, value, length]);
    }
    case 'getsockopt':
      return getOption(call);
    case 'shutdown':
      return plain('shutdown', [call.fd, call.how]);
    case 'close':
      return plain('close', [call.fd]);
    case 'poll':
      return pollCall(call);
    case 'epoll_create':
      return plain('epoll_create1', [call.flags]);
    case 'epoll_ctl': {
      const event = new Uint8Array(EPOLL_EVENT);
      const view = new DataView(event.buffer);
      view.setInt32(0, call.event.events, true);
      view.setBigInt64(EPOLL_DATA, BigInt(call.event.data), true);
      return plain('epoll_ctl', [call.fd, call.operation, call.target, event]);
    }
    case 'epoll_wait':
      return epollWait(call);
  }
}

/** What a call returned, in POSIX's names. */
export function outcomeOf({ value, errno }: CallResult, call: KernelCall): CallOutcome {
  return value < 0 ? failed(errnoName(errno)) : done(value, call.readback(value));
}

function plain(name: SocketCallName, args: readonly unknown[]): KernelCall {
  return { name, args, readback: NOTHING };
}

function readCall(call: Extract<HostCall, { name: 'read' }>): KernelCall {
  const { fd, into, flags } = call;
  const length = total(into.lengths);
  const octets = into.isBad ? null : new Uint8Array(Math.max(1, length));
  const readback = (): Readback => ({ kind: 'message', flags: 0, control: [] });
  return { name: 'recvfrom', args: [fd, octets, length, flags, null, null], readback };
}

function writeCall(
  { fd, from, flags, to }: Extract<HostCall, { name: 'write' }>,
  ends: KernelEnds,
): KernelCall {
  const length = total(from.lengths);
  const octets = from.isBad ? null : new Uint8Array(Math.max(1, length));
  const address = to === null ? null : destination(to, ends);
  const size = to === null ? 0 : ADDRESS_LENGTH;
  const MSG_NOSIGNAL = 0x4000;
  return plain('sendto', [fd, octets, length, flags | MSG_NOSIGNAL, address, size]);
}

function total(lengths: readonly number[]): number {
  return lengths.reduce((sum, length) => sum + length, 0);
}

function socketAddress(address: Ipv4Address, port: number): Uint8Array {
  const octets = new Uint8Array(ADDRESS_LENGTH);
  const view = new DataView(octets.buffer);
  view.setUint16(0, AF_INET, true);
  view.setUint16(2, port);
  view.setUint32(4, address);
  return octets;
}

function destination(to: Destination, { remote }: KernelEnds): Uint8Array {
  if (to === 'nobody') return new Uint8Array(ADDRESS_LENGTH); // AF_UNSPEC
  return socketAddress(ipv4(remote), to.port);
}

function optionOctets(value: OptionValue): Uint8Array {
  if (value.kind === 'text') return new TextEncoder().encode(value.value);
  const numbers = value.kind === 'number' ? [value.value] : [value.on, value.seconds];
  const octets = new Uint8Array(INT * numbers.length);
  const view = new DataView(octets.buffer);
  for (const [i, number] of numbers.entries()) view.setInt32(INT * i, number, true);
  return octets;
}

function getOption(call: Extract<HostCall, { name: 'getsockopt' }>): KernelCall {
  const isLinger = call.level === Level.SOCKET && call.option === So.LINGER;
  const isCongestion = call.level === Level.TCP && call.option === TcpOption.CONGESTION;
  const value = new Uint8Array(OPTION_ROOM);
  const length = new Uint8Array(INT);
  const asked = isLinger ? LINGER_LENGTH : call.length;
  new DataView(length.buffer).setInt32(0, asked, true);
  const readback = (): Readback => {
    if (isLinger) return { kind: 'linger', on: intAt(value), seconds: intAt(value, INT) };
    const got = intAt(length);
    if (isCongestion || got > INT) {
      const text = new TextDecoder().decode(value.subarray(0, got)).replace(/\0.*$/s, '');
      return { kind: 'text', value: text };
    }
    return { kind: 'number', value: intAt(value), length: got };
  };
  return { name: 'getsockopt', args: [call.fd, call.level, call.option, value, length], readback };
}

function pollCall({ entries, timeoutMs }: Extract<HostCall, { name: 'poll' }>): KernelCall {
  const octets = new Uint8Array(POLL_ENTRY * entries.length);
  const view = new DataView(octets.buffer);
  for (const [i, { fd, events }] of entries.entries()) {
    view.setInt32(POLL_ENTRY * i, fd, true);
    view.setUint16(POLL_ENTRY * i + 4, events, true);
  }
  const readback = (): Readback => ({
    kind: 'events',
    revents: entries.map((_, i) => view.getUint16(POLL_ENTRY * i + 6, true)),
  });
  return { name: 'poll', args: [octets, entries.length, timeoutMs], readback };
}

function epollWait({ fd, most, timeoutMs }: Extract<HostCall, { name: 'epoll_wait' }>): KernelCall {
  const octets = new Uint8Array(EPOLL_EVENT * Math.max(1, most));
  const view = new DataView(octets.buffer);
  const readback = (value: number): Readback => ({
    kind: 'epoll',
    events: Array.from({ length: value }, (_, i) => ({
      events: view.getInt32(EPOLL_EVENT * i, true),
      data: Number(view.getBigInt64(EPOLL_EVENT * i + EPOLL_DATA, true)),
    })),
  });
  return { name: 'epoll_wait', args: [fd, octets, most, timeoutMs], readback };
}

function intAt(octets: Uint8Array, at = 0): number {
  return new DataView(octets.buffer, octets.byteOffset).getInt32(at, true);
}
