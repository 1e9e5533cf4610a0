import { parseCidr, parseIpv4 } from '../core/base/address.ts';
import type { Device } from '../core/base/ports.ts';
import { type Micros, MS, NEVER } from '../core/base/time.ts';
import type { Tracer } from '../core/base/tracer.ts';
import { captureDevice, type FrameSink } from '../core/capture/captureDevice.ts';
import { Stack } from '../core/stack/stack.ts';
import type { TcpConfig } from '../core/tcp/config.ts';
import type { Connection } from '../core/tcp/connection.ts';
import { TeeTracer } from '../core/trace/teeTracer.ts';
import { CaptureFile } from './captureFile.ts';
import { HostClock } from './hostClock.ts';
import { HostRandom } from './hostRandom.ts';
import { createNet, type Net } from './net/createNet.ts';
import type { Endpoint, NetHost, Timers } from './net/host.ts';

export type { Net } from './net/createNet.ts';
export type { Server } from './net/server.ts';
export type { Socket } from './net/socket.ts';

/** Longest delay that the timers of Node know. */
const MAX_DELAY_MS = 2 ** 31 - 1;
/** Turns that follow one another before the event loop must have gone round. */
const MAX_QUICK_TURNS = 8;
/** How long {@link NodeStack.close} waits for what was written before. */
const CLOSE_LINGER_MS = 1000;

/** What {@link createStack} makes. */
export interface NodeStackOptions {
  /** Where frames go in and out. The stack takes it over, and closes it. */
  readonly device: Device;
  /** The stack's address with its network: `10.107.0.2/24`. */
  readonly address: string;
  /** A router on that network: `10.107.0.1`. */
  readonly gateway?: string;
  readonly tracer?: Tracer | null;
  /** Defaults of all connections. */
  readonly config?: Partial<TcpConfig>;
  /** Records every frame: the path of a file to make, as of {@link CaptureFile}, or any other sink. */
  readonly capture?: string | FrameSink;
}

/** How {@link NodeStack.close} ends. */
export interface CloseOptions {
  /** Most time in ms for text of ended sockets to be acknowledged. Default: 1000. */
  readonly lingerMs?: number;
}

/** Makes a stack that lives in this process. @throws RangeError if an address is none */
export function createStack(options: NodeStackOptions): NodeStack {
  return new NodeStack(options);
}

/**
 * The host of a stack in Node: it runs the turns. A turn follows what a user or a device did, as a
 * microtask, so that a burst of writes makes one turn; too many in a row give way to the event loop.
 * One timer stands for all deadlines of the stack.
 *
 * An open stack keeps the process running until {@link close}. After {@link unref} it does so only
 * while there are listening servers and open connections, as sockets of the kernel do; those in
 * TIME-WAIT do not count.
 */
export class NodeStack {
  readonly core: Stack;
  /** node:net on this stack. */
  readonly net: Net;
  readonly #clock = new HostClock();
  readonly #device: Device;
  readonly #capture: CaptureFile | null;

  /** A turn is on its way. */
  #scheduled = false;
  #turning = false;
  #quickTurns = 0;
  #timer: NodeJS.Timeout;
  /** When the timer fires; {@link NEVER}: it has, and is to be set again. */
  #timerAt: Micros;

  /** User code to be called when the turn is over; those before `#delivered` have been. */
  #tasks: (() => void)[] = [];
  #delivered = 0;
  #delivering = false;

  readonly #endpoints = new Set<Endpoint>();
  readonly #held = new Set<object>();
  #referenced = true;
  #closing: Promise<void> | null = null;
  #closed = false;
  /** Called when nothing of what was written is on its way any more. */
  #onSettled: (() => void) | null = null;

  constructor(options: NodeStackOptions) {
    const cidr = parseCidr(options.address);
    if (cidr === null) {
      throw new RangeError(`"${options.address}" is no address with its network, as 10.107.0.2/24`);
    }
    const gateway = options.gateway === undefined ? null : parseIpv4(options.gateway);
    if (gateway === null && options.gateway !== undefined) {
      throw new RangeError(`the gateway "${options.gateway}" is no IPv4 address`);
    }
    const { device, tracer = null, config = {}, capture } = options;
    const interfaceName = device.name;
    this.#capture =
      typeof capture === 'string' ? new CaptureFile(capture, this.#clock, { interfaceName }) : null;
    const tracers = [this.#capture?.tracer, tracer].filter((t) => t !== null && t !== undefined);
    const [only = null] = tracers;
    this.core = new Stack({
      random: new HostRandom(),
      tracer: tracers.length > 1 ? new TeeTracer(tracers) : only,
      config,
    });
    this.#device = device;
    const sink = typeof capture === 'object' ? capture : this.#capture;
    const port = sink === null ? device : captureDevice(device, sink, this.#clock);
    this.core.addInterface(port, cidr, gateway, this.#clock.now());
    // The stack asks for turns within turns, of which each tells whether another must follow. A
    // device that has a frame at such a time must be heard.
    this.core.wake = () => this.#turning || this.#schedule();
    port.onReadable = () => this.#schedule();
    port.onWritable = () => this.#schedule();
    this.net = createNet(this.#netHost());
    this.#timerAt = this.#clock.now() + MAX_DELAY_MS * MS;
    this.#timer = setTimeout(this.#onTimer, MAX_DELAY_MS);
    this.#schedule();
  }

  // ---- commands -----------------------------------------------------------------------------

  /**
   * Resets what is open, lets what was written to sockets that ended before be acknowledged, and
   * closes the device. End sockets, and wait for their 'close', before: then nothing is lost.
   */
  close(options: CloseOptions = {}): Promise<void> {
    this.#closing ??= this.#shutDown(options.lingerMs ?? CLOSE_LINGER_MS);
    return this.#closing;
  }

  /** The open stack keeps the process running, which is so unless {@link unref} was called. */
  ref(): this {
    this.#referenced = true;
    this.#refresh();
    return this;
  }

  /** Only listening servers and open connections keep the process running from now on. */
  unref(): this {
    this.#referenced = false;
    this.#refresh();
    return this;
  }

  /** The time as the stack sees it. */
  now(): Micros {
    return this.#clock.now();
  }

  // ---- turns --------------------------------------------------------------------------------

  #schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    if (this.#quickTurns < MAX_QUICK_TURNS) {
      this.#quickTurns++;
      queueMicrotask(this.#run);
    } else {
      setImmediate(this.#runAfterLoop);
    }
  }

  readonly #run = (): void => {
    this.#scheduled = false;
    if (!this.#closed) this.#turn();
  };

  readonly #runAfterLoop = (): void => {
    this.#quickTurns = 0;
    this.#run();
  };

  #turn(): void {
    let more = false;
    this.#turning = true;
    try {
      more = this.core.turn(this.#clock.now());
    } finally {
      this.#turning = false;
    }
    if (more && !this.#scheduled) {
      this.#scheduled = true;
      setImmediate(this.#runAfterLoop);
    }
    this.#arm();
    if (this.#onSettled !== null && !this.#isSettling()) this.#onSettled();
    this.#deliver();
  }

  #defer(task: () => void): void {
    this.#tasks.push(task);
    if (!this.#turning && !this.#delivering) this.#schedule();
  }

  #deliver(): void {
    const tasks = this.#tasks;
    this.#delivering = true;
    try {
      while (this.#delivered < tasks.length) tasks[this.#delivered++]?.();
    } finally {
      this.#delivering = false;
      // A task that throws ends the process, unless somebody catches it: then the others go on.
      if (this.#delivered < tasks.length) setImmediate(() => this.#deliver());
      tasks.splice(0, this.#delivered);
      this.#delivered = 0;
    }
  }

  // ---- the timer ----------------------------------------------------------------------------

  /**
   * Moves the timer if a deadline is earlier; one that has become later lets it fire in vain. It runs
   * even if there is no deadline, because it is what keeps the process running.
   */
  #arm(): void {
    const deadline = this.core.nextDeadline();
    if (this.#closed || (this.#timerAt !== NEVER && deadline >= this.#timerAt)) return;
    clearTimeout(this.#timer);
    const now = this.#clock.now();
    // Rounded up, so that it is not too early by a fraction, and again and again.
    const delay = Math.min(Math.max(1, Math.ceil((deadline - now) / MS)), MAX_DELAY_MS);
    this.#timerAt = now + delay * MS;
    this.#timer = setTimeout(this.#onTimer, delay);
    this.#refreshTimer();
  }

  readonly #onTimer = (): void => {
    this.#timerAt = NEVER;
    this.#quickTurns = 0;
    if (this.core.nextDeadline() <= this.#clock.now()) this.#turn();
    else this.#arm();
  };

  // ---- what keeps the process running -------------------------------------------------------

  #refresh(): void {
    this.#refreshTimer();
    const device: Device & { ref?: () => void; unref?: () => void } = this.#device;
    if (this.#keepsRunning()) device.ref?.();
    else device.unref?.();
  }

  #refreshTimer(): void {
    if (this.#keepsRunning()) this.#timer.ref();
    else this.#timer.unref();
  }

  #keepsRunning(): boolean {
    return this.#referenced || this.#held.size > 0;
  }

  // ---- ending -------------------------------------------------------------------------------

  async #shutDown(lingerMs: number): Promise<void> {
    for (const endpoint of [...this.#endpoints]) endpoint.shutDown();
    this.#schedule();
    await this.#settled(lingerMs);
    const now = this.#clock.now();
    for (const connection of [...this.core.tcp.connections()]) connection.abort(now);
    this.#turn();
    this.#closed = true;
    clearTimeout(this.#timer);
    this.core.close();
    this.#capture?.close();
    // 'close' events of sockets come before the end of this promise.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  #settled(lingerMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#onSettled?.(), lingerMs);
      this.#onSettled = () => {
        this.#onSettled = null;
        clearTimeout(timer);
        resolve();
      };
    });
  }

  /** Is there something of ended sockets that the peer has not acknowledged? */
  #isSettling(): boolean {
    for (const connection of this.core.tcp.connections()) if (isClosing(connection)) return true;
    return false;
  }

  #netHost(): NetHost {
    const isClosed = (): boolean => this.#closing !== null;
    return {
      core: this.core,
      get closed() {
        return isClosed();
      },
      timers: HOST_TIMERS,
      now: () => this.#clock.now(),
      defer: (task) => this.#defer(task),
      addEndpoint: (endpoint) => this.#endpoints.add(endpoint),
      removeEndpoint: (endpoint) => this.#endpoints.delete(endpoint),
      hold: (handle) => this.#hold(handle),
      drop: (handle) => this.#drop(handle),
    };
  }

  #hold(handle: object): void {
    this.#held.add(handle);
    if (this.#held.size === 1) this.#refresh();
  }

  #drop(handle: object): void {
    if (this.#held.delete(handle) && this.#held.size === 0) this.#refresh();
  }
}

class HostTimer {
  readonly timeout: NodeJS.Timeout;

  constructor(callback: () => void, delayMs: number) {
    this.timeout = setTimeout(callback, delayMs).unref();
  }
}

const HOST_TIMERS: Timers = {
  setTimeout: (callback, delayMs) => new HostTimer(callback, delayMs),
  clearTimeout: (timer) => {
    if (timer instanceof HostTimer) clearTimeout(timer.timeout);
  },
};

/** The user has closed it, and the peer has not acknowledged all. */
function isClosing({ state }: Connection): boolean {
  return state === 'FIN-WAIT-1' || state === 'CLOSING' || state === 'LAST-ACK';
}
