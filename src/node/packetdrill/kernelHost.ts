import { readFileSync, writeFileSync } from 'node:fs';
import type { Micros } from '../../core/base/time.ts';
import { NEVER } from '../../core/base/time.ts';
import { type CallOutcome, type HostCall, Unsupported } from '../../core/packetdrill/host/calls.ts';
import type {
  CallInProgress,
  ConnectionQuery,
  Host,
  InfoNames,
  SentDatagram,
} from '../../core/packetdrill/host/host.ts';
import {
  F_GETFL,
  Level,
  MEMINFO_NAMES,
  Msg,
  O_NONBLOCK,
  Poll,
  QDISC,
  SERVERS,
  So,
  TcpOption,
} from '../../core/packetdrill/host/numbers.ts';
import type { LinuxCalls } from '../devices/linuxCalls.ts';
import { KernelMessages } from './kernelMessages.ts';
import { type KernelCall, kernelCall, outcomeOf } from './kernelSockets.ts';
import { TCP_INFO_LENGTH, tcpInfoNames } from './tcpInfoOctets.ts';
import { TunLink, type TunOptions } from './tunLink.ts';

/** While a call blocks in its thread, the event loop gets a turn this often. */
const SLICE: Micros = 200;
const LONGEST_SLEEP: Micros = 100_000;
/** Nobody sleeps so shortly before something is due: waking up takes long on a busy machine. */
const WAKING: Micros = 5000;
const ADDRESS_LENGTH = 16;
/** A write of so many octets does not wait in any script, unless the buffer was made tiny. */
const SMALL_WRITE = 4096;
/** Names of /proc/net/tcp's states, in RFC 9293's spelling. */
const STATES = [
  '',
  'ESTABLISHED',
  'SYN-SENT',
  'SYN-RECEIVED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'CLOSED',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
  'SYN-RECEIVED',
];

/** Calls that make descriptors. */
const OPENING = new Set(['socket', 'accept', 'epoll_create']);

class RunningCall implements CallInProgress {
  outcome: CallOutcome | null = null;
  endedAt: Micros = 0;
}

/**
 * The Linux kernel as a system under test: in real time, in a network namespace of its own. This is
 * what says whether a script is right.
 */
export class KernelHost implements Host {
  readonly #calls: LinuxCalls;
  readonly #options: TunOptions;
  readonly #link: TunLink;
  readonly #fds = new Set<number>();
  readonly #outbox: SentDatagram[] = [];
  readonly #messages: KernelMessages;
  /** What the profile, or the script, says that connections use; null: nothing that it has not. */
  #congestionControl: string | null = null;
  #running = 0;

  /** @throws DeviceError */
  constructor(calls: LinuxCalls, options: TunOptions) {
    this.#calls = calls;
    this.#options = options;
    this.#link = new TunLink(calls, options);
    this.#messages = new KernelMessages(calls, () => this.now());
  }

  now(): Micros {
    return Math.floor(Number(process.hrtime.bigint() / 1000n));
  }

  async passTo(at: Micros): Promise<void> {
    await this.#waitFor(() => false, at);
  }

  async takeDatagram(limit: Micros): Promise<SentDatagram | null> {
    await this.#waitFor(() => this.#outbox.length > 0, limit);
    return this.#outbox.shift() ?? null;
  }

  inject(datagram: Uint8Array, segmentSize: number): void {
    this.#link.put(datagram, segmentSize);
    this.#collect();
  }

  async begin(call: HostCall): Promise<CallInProgress> {
    const kernel = this.#kernelCall(call);
    const running = new RunningCall();
    if (!this.#mayBlock(call)) {
      this.#end(running, outcomeOf(this.#calls.call(kernel.name, kernel.args), kernel), call);
      return running;
    }
    this.#running++;
    void this.#calls.inThread(kernel.name, kernel.args).then((result) => {
      this.#running--;
      this.#end(running, outcomeOf(result, kernel), call);
    });
    return running;
  }

  async finish(call: CallInProgress, limit: Micros): Promise<void> {
    await this.#waitFor(() => call.outcome !== null, limit);
  }

  info(of: number | ConnectionQuery): InfoNames | null {
    const fd = typeof of === 'number' ? of : this.#find(of);
    if (fd === null) return null;
    const octets = new Uint8Array(TCP_INFO_LENGTH);
    const length = new Uint8Array(4);
    new DataView(length.buffer).setInt32(0, TCP_INFO_LENGTH, true);
    const args = [fd, Level.TCP, TcpOption.INFO, octets, length];
    const { value } = this.#calls.call('getsockopt', args);
    const got = new DataView(length.buffer).getInt32(0, true);
    if (value < 0) return null;
    return new Map([...tcpInfoNames(octets.subarray(0, got)), ...this.#memory(fd)]);
  }

  /** SO_MEMINFO */
  #memory(fd: number): InfoNames {
    const octets = new Uint8Array(4 * MEMINFO_NAMES.length);
    const length = new Uint8Array(4);
    new DataView(length.buffer).setInt32(0, octets.length, true);
    const args = [fd, Level.SOCKET, So.MEMINFO, octets, length];
    if (this.#calls.call('getsockopt', args).value < 0) return new Map();
    const view = new DataView(octets.buffer);
    return new Map(MEMINFO_NAMES.map((name, i) => [name, view.getUint32(4 * i, true)]));
  }

  states({ localPort, remotePort }: ConnectionQuery): readonly string[] {
    const lines = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
    return lines.flatMap((line) => {
      const [, local = '', remote = '', state = ''] = line.trim().split(/\s+/);
      const port = (end: string): number => Number.parseInt(end.split(':')[1] ?? '', 16);
      if (localPort !== null && port(local) !== localPort) return [];
      if (remotePort !== null && port(remote) !== remotePort) return [];
      return [STATES[Number.parseInt(state, 16)] ?? 'CLOSED'];
    });
  }

  counters(): InfoNames {
    const text = ['snmp', 'netstat']
      .map((name) => readFileSync(`/proc/net/${name}`, 'utf8'))
      .join('');
    const lines = text.trim().split('\n');
    const counters = new Map<string, number>();
    for (let i = 0; i + 1 < lines.length; i += 2) {
      const [group = '', ...names] = (lines[i] ?? '').split(' ');
      const counts = (lines[i + 1] ?? '').split(' ').slice(1);
      for (const [k, name] of names.entries()) {
        counters.set(group.replace(':', '') + name, Number(counts[k]));
      }
    }
    return counters;
  }

  drop(): void {
    throw new Unsupported('tcpdrop');
  }

  check(call: HostCall): void {
    kernelCall(call, this.#options);
  }

  checkSetting(): void {
    // what the kernel has is found out when it is set
  }

  missing(): null {
    return null;
  }

  configure(name: string, value: string): void {
    if (name === QDISC && value.startsWith('pfifo')) return; // it has that
    if (name === SERVERS) {
      this.#link.forgetServers();
      return;
    }
    if (name === 'net.ipv4.tcp_congestion_control') {
      this.#congestionControl = value;
      return;
    }
    const path = name.startsWith('/proc/sys/') ? name : `/proc/sys/${name.replaceAll('.', '/')}`;
    if (!/^\/proc\/sys\/net\/\w+\/\w+$/.test(path)) throw new Unsupported(`sysctl ${name}`);
    try {
      writeFileSync(path, value);
    } catch {
      throw new Unsupported(`sysctl ${name}=${value}`);
    }
  }

  /**
   * A network namespace may not have the choice that a socket of root's has, so each new socket is
   * told; what a listener accepts inherits it.
   */
  #chooseCongestionControl(fd: number): void {
    const name = this.#congestionControl;
    if (name === null) return;
    const text = new TextEncoder().encode(name);
    const args = [fd, Level.TCP, TcpOption.CONGESTION, text, text.length];
    if (this.#calls.call('setsockopt', args).value < 0) {
      throw new Unsupported(`congestion control ${name} on this kernel`);
    }
  }

  close(): void {
    for (const fd of this.#fds) this.#calls.call('close', [fd]);
    this.#fds.clear();
    this.#link.close();
  }

  // -------------------------------------------------------------------------------------------

  #kernelCall(call: HostCall): KernelCall {
    if (call.name === 'read' && call.wantsControl) return this.#messages.receive(call);
    const isPieces = call.name === 'write' && call.from.lengths.length > 1 && call.to === null;
    if (isPieces && (call.flags & Msg.ZEROCOPY) !== 0) return this.#messages.send(call);
    return kernelCall(call, this.#options);
  }

  /** Does it go to a thread of its own? Threads cost time, so only a call that would wait does. */
  #mayBlock(call: HostCall): boolean {
    switch (call.name) {
      case 'accept':
        return !this.#isNonBlocking(call.fd) && !this.#isReady(call.fd, Poll.IN);
      case 'read':
        return !this.#returnsAtOnce(call) && !this.#isReady(call.fd, Poll.IN);
      case 'write':
        return !this.#returnsAtOnce(call) && this.#mayWait(call);
      case 'connect':
        return !this.#isNonBlocking(call.fd);
      case 'close':
        return this.#lingers(call.fd);
      case 'poll':
      case 'epoll_wait':
        return call.timeoutMs !== 0;
      default:
        return false;
    }
  }

  /** Is it long, or does it open the connection? */
  #mayWait({ fd, from, flags }: Extract<HostCall, { name: 'write' }>): boolean {
    if ((flags & Msg.FASTOPEN) !== 0 || from.lengths.some((n) => n > SMALL_WRITE)) return true;
    const value = new Uint8Array(4);
    this.#calls.call('getsockopt', [
      fd,
      Level.TCP,
      TcpOption.FASTOPEN_CONNECT,
      value,
      new Uint8Array([4, 0, 0, 0]),
    ]);
    return value[0] === 1;
  }

  #returnsAtOnce({ fd, flags }: { readonly fd: number; readonly flags: number }): boolean {
    return (flags & (Msg.DONTWAIT | Msg.ERRQUEUE)) !== 0 || this.#isNonBlocking(fd);
  }

  #isNonBlocking(fd: number): boolean {
    return (this.#calls.call('fcntl', [fd, F_GETFL, 0]).value & O_NONBLOCK) !== 0;
  }

  #isReady(fd: number, events: number): boolean {
    const entry = new Uint8Array(8);
    const view = new DataView(entry.buffer);
    view.setInt32(0, fd, true);
    view.setInt16(4, events, true);
    return this.#calls.call('poll', [entry, 1, 0]).value > 0;
  }

  #lingers(fd: number): boolean {
    const value = new Uint8Array(8);
    const length = new Uint8Array([8, 0, 0, 0]);
    this.#calls.call('getsockopt', [fd, Level.SOCKET, So.LINGER, value, length]);
    const view = new DataView(value.buffer);
    return view.getInt32(0, true) !== 0 && view.getInt32(4, true) !== 0;
  }

  #end(running: RunningCall, outcome: CallOutcome, call: HostCall): void {
    running.endedAt = this.now();
    running.outcome = outcome;
    if (OPENING.has(call.name) && outcome.value >= 0) {
      this.#fds.add(outcome.value);
      if (call.name === 'socket') this.#chooseCongestionControl(outcome.value);
    }
    if (call.name === 'close') this.#fds.delete(call.fd);
  }

  async #waitFor(isDone: () => boolean, limit: Micros): Promise<void> {
    for (;;) {
      this.#collect();
      if (isDone()) return;
      const left = limit - this.now();
      if (left <= 0) return;
      if (this.#running > 0) await new Promise<void>((resolve) => setImmediate(resolve));
      if (isDone()) return;
      const most = this.#running > 0 ? SLICE : LONGEST_SLEEP;
      const sleep = left === NEVER ? most : Math.max(0, left - WAKING);
      this.#link.wait(Math.min(sleep, most));
    }
  }

  #collect(): void {
    for (;;) {
      const datagram = this.#link.take(() => this.now());
      if (datagram === null) return;
      this.#outbox.push(datagram);
    }
  }

  /** The socket that is connected to this port, of several the one that was opened last. */
  #find({ remotePort }: ConnectionQuery): number | null {
    for (const fd of [...this.#fds].reverse()) {
      const address = new Uint8Array(ADDRESS_LENGTH);
      const length = new Uint8Array(4);
      new DataView(length.buffer).setInt32(0, ADDRESS_LENGTH, true);
      const { value } = this.#calls.call('getpeername', [fd, address, length]);
      if (value < 0) continue;
      const port = new DataView(address.buffer).getUint16(2);
      if (remotePort === null || port === remotePort) return fd;
    }
    return null;
  }
}
