import { formatIpv4, type Ipv4Address, ipv4, type MacAddress } from '../core/base/address.ts';
import type { PacketBuffer } from '../core/base/packetBuffer.ts';
import { type Device, Protocol } from '../core/base/ports.ts';
import type { SendReason } from '../core/base/reasons.ts';
import { add, seq } from '../core/base/seq.ts';
import { type Clock, type Micros, MS, NEVER, SECOND } from '../core/base/time.ts';
import { TimerEntry, type TimerTarget } from '../core/base/timerQueue.ts';
import type { Tracer } from '../core/base/tracer.ts';
import { captureDevice, type FrameSink } from '../core/capture/captureDevice.ts';
import { Link, type LinkDevice } from '../core/sim/link.ts';
import { Network } from '../core/sim/network.ts';
import { type Fate, Router, type RouterPort } from '../core/sim/router.ts';
import type { Stack } from '../core/stack/stack.ts';
import type { TcpConfig } from '../core/tcp/config.ts';
import type { Connection } from '../core/tcp/connection.ts';
import { Conversations } from '../core/trace/conversations.ts';
import { formatFrame } from '../core/trace/line.ts';
import { TeeTracer } from '../core/trace/teeTracer.ts';
import { createNet, type Net } from '../node/net/createNet.ts';
import type { Timers } from '../node/net/host.ts';
import { named, type SegmentEvent, type StoryEvent, Witness } from './story.ts';

/** One way through the lab's internet: two links of this delay each. */
const LINK_DELAY: Micros = 5 * MS;
/** Rounds of the event loop without work after which all streams have settled. */
const QUIET_ROUNDS = 2;
/** Turns at which a scenario that does not come to an end is given up. */
const MAX_ROUNDS = 1_000_000;

/** What a lab is made with. */
export interface LabOptions {
  /** Told each event of the story as it happens. */
  readonly tell?: (event: StoryEvent) => void;
  /** Makes what gets each frame once, as its sender sends it, with times of this clock. */
  readonly capture?: (clock: Clock) => LabCapture;
}

/** Who keeps the frames of a lab. */
export interface LabCapture extends FrameSink {
  /** To be told why the hosts sent them. */
  readonly tracer?: Tracer | null;
}

/**
 * Hosts with sockets of their own, joined by a router, in virtual time: hours pass in milliseconds,
 * and every run is the same.
 *
 * ```
 *   client 10.0.1.2 ----- router ----- 10.0.2.2 server
 *                            +-------- 10.0.3.2 ...
 * ```
 */
export class Lab {
  readonly network = new Network();
  readonly start: Micros;
  /** Everything that was told so far. */
  readonly events: StoryEvent[] = [];
  readonly hosts: LabHost[] = [];
  readonly timers: Timers;
  readonly #router = new Router();
  readonly #names = new Map<string, string>();
  readonly #conversations = new Conversations();
  readonly #tell: (event: StoryEvent) => void;
  readonly #capture: LabCapture | null;
  #tasks: (() => void)[] = [];

  constructor(options: LabOptions = {}) {
    this.#tell = options.tell ?? (() => undefined);
    this.#capture = options.capture?.(this.network.clock) ?? null;
    this.start = this.network.now;
    this.#router.onError = (packet) => {
      const line = named(formatFrame(packet), this.#names);
      this.tell({ kind: 'icmp', at: this.now, line });
      this.#capture?.frame(packet.frame(), this.now, 'out');
    };
    this.timers = {
      setTimeout: (callback, delayMs) => this.#setTimeout(callback, delayMs),
      clearTimeout: (timer) => {
        if (timer instanceof LabTimer) this.network.timers.cancel(timer.entry);
      },
    };
  }

  get now(): Micros {
    return this.network.now;
  }

  /** A new host on a network of its own. */
  host(name: string, config: Partial<TcpConfig> = {}): LabHost {
    const n = this.hosts.length + 1;
    const address = ipv4(0x0a000002 + (n << 8));
    this.#names.set(formatIpv4(address), name);
    const gateway = ipv4(address - 1);
    this.#names.set(formatIpv4(gateway), 'router');
    const macs = [(0x020000000000 + n) as MacAddress, (0x0200000000f0 + n) as MacAddress] as const;
    const { clock, timers } = this.network;
    const link = new Link(macs, { delay: LINK_DELAY }, clock, timers);
    const port = this.#router.attach(link.b, { address: gateway, prefixLength: 24 });
    const host = new LabHost(this, { name, address, gateway, device: link.a, port, config });
    this.hosts.push(host);
    return host;
  }

  /** Tells what a person should know. */
  say(text: string): void {
    this.tell({ kind: 'said', at: this.now, text });
  }

  /** Lets the time go on by `time`, with all that happens in it. */
  async passes(time: Micros): Promise<void> {
    await this.#run(() => false, this.now + time);
  }

  /**
   * Lets the time go on until `done`.
   * @throws Error if it does not come about in `limit`
   */
  async until(done: () => boolean, limit: Micros = 365 * 24 * 3600 * SECOND): Promise<void> {
    if (!(await this.#run(done, this.now + limit))) throw new Error('it did not come about');
  }

  /** The segments that were sent for this reason so far. */
  segments(reason: SendReason): SegmentEvent[] {
    return this.events.filter((e) => e.kind === 'segment').filter((e) => e.reason === reason);
  }

  /** ICMP errors that the router has sent. */
  get routerErrors(): number {
    return this.#router.errorsSent;
  }

  /** How many RSTs were sent so far. */
  resets(): number {
    return this.events.filter((e) => e.kind === 'segment' && /Flags \[R/.test(e.line)).length;
  }

  // ---- for the hosts ------------------------------------------------------------------------

  tell(event: StoryEvent): void {
    this.events.push(event);
    this.#tell(event);
  }

  defer(task: () => void): void {
    this.#tasks.push(task);
  }

  witness(host: string): Tracer {
    const witness = new Witness(
      host,
      this.#names,
      this.#conversations,
      (event) => this.tell(event),
      (packet) => this.#statesOf(packet),
    );
    const tracer = this.#capture?.tracer ?? null;
    return tracer === null ? witness : new TeeTracer([tracer, witness]);
  }

  /** What the host sends is captured; what it receives is what others send. */
  captured(device: Device): Device {
    const sink = this.#capture;
    if (sink === null) return device;
    const sent: FrameSink = {
      frame: (octets, now, direction) => {
        if (direction === 'out') sink.frame(octets, now, direction);
      },
    };
    return captureDevice(device, sent, this.network.clock);
  }

  // -------------------------------------------------------------------------------------------

  async #run(done: () => boolean, limit: Micros): Promise<boolean> {
    for (let rounds = 0; rounds < MAX_ROUNDS; rounds++) {
      await this.#quiet();
      if (done()) return true;
      const next = this.network.next();
      if (next > limit || next === NEVER) {
        if (limit !== NEVER) this.network.runTo(limit);
        await this.#quiet();
        return done();
      }
      this.network.step();
    }
    throw new Error('the scenario does not come to an end');
  }

  /** Turns, tasks and streams go on until none has anything to do at this instant. */
  async #quiet(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_ROUNDS; ) {
      const worked = this.network.pending || this.#tasks.length > 0;
      quiet = worked ? 0 : quiet + 1;
      this.network.settle();
      const tasks = this.#tasks;
      this.#tasks = [];
      for (const task of tasks) task();
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  #setTimeout(callback: () => void, delayMs: number): LabTimer {
    const timer = new LabTimer(() => this.defer(callback));
    this.network.timers.schedule(timer.entry, this.now + Math.max(1, delayMs) * MS);
    return timer;
  }

  /** The states of the ends of a TCP segment, sender first, and where its number is an old one. */
  #statesOf(packet: PacketBuffer): string {
    const { view, network, transport } = packet;
    if (view.getUint8(network + 9) !== Protocol.TCP) return 'ICMP';
    const source = ipv4(view.getUint32(network + 12));
    const destination = ipv4(view.getUint32(network + 16));
    const [port, remotePort] = [view.getUint16(transport), view.getUint16(transport + 2)];
    const ours = this.#hostAt(source)?.find(port, destination, remotePort) ?? null;
    const theirs = this.#hostAt(destination)?.find(remotePort, source, port) ?? null;
    const sender = stateOf(ours, this.#hostAt(source), port);
    const states = `${sender}, ${stateOf(theirs, this.#hostAt(destination), remotePort)}`;
    const isProbe =
      ours !== null && seq(view.getUint32(transport + 4)) === add(ours.tcb.snd.una, -1);
    return isProbe ? `${states}, SEG.SEQ = SND.UNA - 1` : states;
  }

  #hostAt(address: Ipv4Address): LabHost | undefined {
    return this.hosts.find((host) => host.address === address);
  }
}

function stateOf(connection: Connection | null, host: LabHost | undefined, port: number): string {
  if (host?.isDown) return 'crashed';
  if (connection !== null) return connection.state;
  return host?.isListening(port) ? 'LISTEN' : 'CLOSED';
}

interface HostParts {
  readonly name: string;
  readonly address: Ipv4Address;
  readonly gateway: Ipv4Address;
  readonly device: LinkDevice;
  readonly port: RouterPort;
  readonly config: Partial<TcpConfig>;
}

/** Timestamps are off in the lab, so that its lines are short; with them nothing would differ. */
const LAB_CONFIG: Partial<TcpConfig> = { timestamps: false };

/** A host of a {@link Lab}: a stack, and node:net on it. */
export class LabHost {
  readonly name: string;
  readonly address: Ipv4Address;
  /** The address as sockets want it. */
  readonly ip: string;
  stack: Stack;
  net: Net;
  isDown = false;
  readonly #lab: Lab;
  readonly #parts: HostParts;
  #boots = 0;

  constructor(lab: Lab, parts: HostParts) {
    this.name = parts.name;
    this.address = parts.address;
    this.ip = formatIpv4(parts.address);
    this.#lab = lab;
    this.#parts = parts;
    [this.stack, this.net] = this.#boot();
  }

  /** The power fails: nothing is sent any more, and what comes is lost. */
  crash(): void {
    this.isDown = true;
    this.#parts.port.fate = 'black-hole';
    this.#lab.network.removeHost(this.stack);
  }

  /** It starts again, and knows of no connection. */
  reboot(): void {
    if (!this.isDown) this.#lab.network.removeHost(this.stack);
    this.isDown = false;
    this.#parts.port.fate = 'forward';
    [this.stack, this.net] = this.#boot();
  }

  /** What the router does with datagrams for this host. */
  set path(fate: Fate) {
    this.#parts.port.fate = fate;
  }

  isListening(port: number): boolean {
    return this.stack.tcp.listenerOn(this.address, port) !== null;
  }

  /** The connection with these ends; null: there is none. */
  find(port: number, remote: Ipv4Address, remotePort: number): Connection | null {
    for (const connection of this.stack.tcp.connections()) {
      const { tcb } = connection;
      const samePorts = tcb.localPort === port && tcb.remotePort === remotePort;
      if (samePorts && tcb.remoteAddress === remote) return connection;
    }
    return null;
  }

  /** Its connections, those in TIME-WAIT included. */
  get connections(): Connection[] {
    return [...this.stack.tcp.connections()];
  }

  #boot(): [Stack, Net] {
    const { name, address, gateway, device, config } = this.#parts;
    const lab = this.#lab;
    const { network } = lab;
    const port = lab.captured(device);
    const seed = address + 1000 * ++this.#boots;
    const options = { config: { ...LAB_CONFIG, ...config }, tracer: lab.witness(name), gateway };
    const stack = network.addHost(port, { address, prefixLength: 24 }, options, seed);
    const net = createNet({
      core: stack,
      closed: false,
      timers: lab.timers,
      now: () => network.now,
      defer: (task) => lab.defer(task),
      addEndpoint: () => undefined,
      removeEndpoint: () => undefined,
      hold: () => undefined,
      drop: () => undefined,
    });
    return [stack, net];
  }
}

class LabTimer implements TimerTarget {
  readonly entry = new TimerEntry(this);
  readonly #callback: () => void;

  constructor(callback: () => void) {
    this.#callback = callback;
  }

  onDeadline(): void {
    this.#callback();
  }
}
