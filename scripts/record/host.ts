import type { Micros } from '../../src/core/base/time.ts';
import type { ApplicationCall, WriteFlag } from '../../src/core/replay/sidecar.ts';
import * as libc from './libc.ts';
import type { Namespace } from './namespace.ts';
import { ReadyWatch } from './readiness.ts';

/** A call without its times. */
type Call<T = ApplicationCall> = T extends ApplicationCall ? Omit<T, 'at' | 'until'> : never;

/** What an application did, with times since 1970. */
export interface LoggedCall {
  readonly at: Micros;
  readonly until: Micros | null;
  readonly call: Call;
}

/** Most octets of one read. */
const READ_SIZE = 1 << 18;

/** One end's machine, and what its programs did. */
export class Host {
  readonly address: string;
  readonly port: number;
  readonly calls: LoggedCall[] = [];
  readonly #namespace: Namespace | null;
  readonly #congestion: string;
  readonly #open = new Set<KernelSocket>();

  /** @param namespace null: no kernel is there */
  constructor(namespace: Namespace | null, address: string, port: number, congestion: string) {
    this.address = address;
    this.port = port;
    this.#namespace = namespace;
    this.#congestion = congestion;
  }

  /** Opens a socket with the congestion control of the scenario. */
  socket(): KernelSocket {
    const namespace = this.#namespace;
    if (namespace === null) throw new Error(`${this.address} has no kernel`);
    const socket = new KernelSocket(this, namespace.within(libc.openSocket));
    libc.setOption(socket.fd, 'SO_REUSEADDR', 1);
    socket.set('TCP_CONGESTION', this.#congestion);
    return socket;
  }

  log(call: Call, at: Micros, until: Micros | null = null): void {
    this.calls.push({ call, at, until });
  }

  /** Counts a socket among those that {@link closeAll} closes. */
  adopt(socket: KernelSocket): void {
    this.#open.add(socket);
  }

  release(socket: KernelSocket): void {
    this.#open.delete(socket);
  }

  /** Gives back what programs have left open, when the recording is over. */
  closeAll(): void {
    for (const socket of this.#open) socket.discard();
  }
}

/**
 * A TCP socket of the kernel. Each call is logged with the time just before it, and with the time
 * when it ended if it had to wait: then it is what a blocking call would have been.
 */
export class KernelSocket {
  readonly fd: number;
  readonly host: Host;
  readonly #ready: ReadyWatch;
  readonly #buffer = new Uint8Array(READ_SIZE);
  /** Octets written so far, which decide what the next ones are. */
  #written = 0;

  constructor(host: Host, fd: number) {
    this.host = host;
    this.fd = fd;
    this.#ready = new ReadyWatch(fd);
    host.adopt(this);
  }

  set(option: libc.OptionName, value: number | string): void {
    const at = libc.realTime();
    libc.setOption(this.fd, option, value);
    this.host.log({ call: 'setsockopt', option, value }, at);
  }

  bind(): void {
    libc.bind(this.fd, this.host.address, this.host.port);
  }

  /** Binds to the host's port, and listens. */
  listen(backlog = 8): void {
    this.bind();
    const at = libc.realTime();
    libc.listen(this.fd, backlog);
    this.host.log({ call: 'listen', backlog }, at);
  }

  async accept(): Promise<KernelSocket> {
    const at = libc.realTime();
    for (let waited = false; ; waited = true) {
      const fd = libc.accept(this.fd);
      if (fd !== null) {
        this.host.log({ call: 'accept' }, at, waited ? libc.realTime() : null);
        return new KernelSocket(this.host, fd);
      }
      await this.#ready.until('readable');
    }
  }

  /** Opens from the host's port, and waits until it is open. @throws SystemError */
  async connect(peer: Host): Promise<void> {
    this.bind();
    const at = libc.realTime();
    try {
      libc.connect(this.fd, peer.address, peer.port);
      await this.#ready.until('writable');
      const error = libc.takeError(this.fd);
      if (error !== null) throw error;
    } catch (error) {
      this.#fail('connect', error, at, libc.realTime());
    }
    this.host.log({ call: 'connect' }, at, libc.realTime());
  }

  /** Opens and writes in one call; without a cookie the octets go after the handshake. @rfc 7413 */
  async connectWriting(peer: Host, octets: number): Promise<void> {
    this.bind();
    const at = libc.realTime();
    const text = this.#text(octets);
    const { FASTOPEN } = libc.MessageFlag;
    let taken = libc.sendTo(this.fd, text, FASTOPEN, peer.address, peer.port);
    while (taken === null) {
      await this.#ready.until('writable');
      const error = libc.takeError(this.fd);
      if (error !== null) this.#fail('write', error, at, libc.realTime());
      taken = libc.send(this.fd, text, 0);
    }
    this.#written += taken;
    this.host.log({ call: 'write', octets: taken, flags: ['fastopen'] }, at, libc.realTime());
  }

  /** Writes so many octets; where the kernel takes fewer at a time, that is a call each. */
  async write(octets: number, ...flags: readonly WriteFlag[]): Promise<void> {
    await this.#writeAll(this.#text(octets), flags);
  }

  /** Writes octets of the caller's own. */
  async writeText(text: string): Promise<void> {
    await this.#writeAll(new TextEncoder().encode(text), []);
  }

  async #writeAll(octets: Uint8Array, flags: readonly WriteFlag[]): Promise<void> {
    const bits = flagBits(flags);
    for (let written = 0; written < octets.length; ) {
      const at = libc.realTime();
      const rest = octets.subarray(written);
      const taken = this.#try('write', at, false, () => libc.send(this.fd, rest, bits));
      if (taken === null) {
        await this.#ready.until('writable');
        continue;
      }
      written += taken;
      this.#written += taken;
      const of = flags.length === 0 ? {} : { flags };
      this.host.log({ call: 'write', octets: taken, ...of }, at);
    }
  }

  /** Waits for text, and reads at most so many octets. @returns how many; 0: the end */
  async read(most = READ_SIZE): Promise<number> {
    const at = libc.realTime();
    const octets = this.#buffer.subarray(0, most);
    for (let waited = false; ; waited = true) {
      const got = this.#try('read', at, waited, () => libc.receive(this.fd, octets, 0));
      if (got !== null) {
        this.host.log({ call: 'read', octets: got }, at, waited ? libc.realTime() : null);
        return got;
      }
      await this.#ready.until('readable');
    }
  }

  /** Reads until it has so many octets. */
  async readFully(octets: number): Promise<void> {
    for (let left = octets; left > 0; ) {
      const got = await this.read(Math.min(left, READ_SIZE));
      if (got === 0) throw new Error(`the end came ${left} octets early`);
      left -= got;
    }
  }

  /** Reads to the end. @returns how many octets */
  async readToEnd(): Promise<number> {
    let total = 0;
    for (;;) {
      const got = await this.read();
      if (got === 0) return total;
      total += got;
    }
  }

  /** Waits for text or the end without taking it, as poll() does. */
  untilReadable(): Promise<void> {
    return this.#ready.until('readable');
  }

  shutdown(how: 'read' | 'write' | 'both'): void {
    const at = libc.realTime();
    libc.shutdown(this.fd, how === 'read' ? 0 : how === 'write' ? 1 : 2);
    this.host.log({ call: 'shutdown', how }, at);
  }

  close(): void {
    this.#ready.close();
    this.host.release(this);
    const at = libc.realTime();
    libc.close(this.fd);
    this.host.log({ call: 'close' }, at);
  }

  /** Closes with a RST instead of a FIN. */
  abort(): void {
    this.set('SO_LINGER', 0);
    this.close();
  }

  /** Closes it without a word in the log, when nothing is recorded any more. */
  discard(): void {
    this.#ready.close();
    this.host.release(this);
    libc.close(this.fd);
  }

  #text(octets: number): Uint8Array {
    const text = new Uint8Array(octets);
    for (let i = 0; i < octets; i++) text[i] = octetAt(this.#written + i);
    return text;
  }

  #try(
    of: 'read' | 'write',
    at: Micros,
    waited: boolean,
    call: () => number | null,
  ): number | null {
    try {
      return call();
    } catch (error) {
      return this.#fail(of, error, at, waited ? libc.realTime() : null);
    }
  }

  #fail(of: string, error: unknown, at: Micros, until: Micros | null): never {
    if (error instanceof libc.SystemError) {
      this.host.log({ call: 'error', of, error: error.code }, at, until);
    }
    throw error;
  }
}

/** What is written: lines of letters, so that a person can see in a capture where it is cut. */
function octetAt(position: number): number {
  const column = position % 64;
  return column === 63 ? 10 : 97 + ((Math.floor(position / 64) + column) % 26);
}

function flagBits(flags: readonly WriteFlag[]): number {
  let bits = 0;
  if (flags.includes('more')) bits |= libc.MessageFlag.MORE;
  if (flags.includes('oob')) bits |= libc.MessageFlag.OOB;
  return bits;
}

/** The error that a call must end with. @throws Error if it ends otherwise */
export async function failing(call: Promise<unknown>, code: string): Promise<void> {
  try {
    await call;
  } catch (error) {
    if (error instanceof libc.SystemError && error.code === code) return;
    throw error;
  }
  throw new Error(`${code} did not come`);
}
