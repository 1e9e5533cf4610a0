import type { Ipv4Address, Ipv4Cidr } from '../base/address.ts';
import type { Device } from '../base/ports.ts';
import { Protocol } from '../base/ports.ts';
import type { Random } from '../base/random.ts';
import { type Micros, NEVER } from '../base/time.ts';
import { TimerQueue } from '../base/timerQueue.ts';
import type { Tracer } from '../base/tracer.ts';
import type { IpCounters } from '../ip/counters.ts';
import type { Interface } from '../ip/interface.ts';
import { Ip } from '../ip/ip.ts';
import { configure, DEFAULT_CONFIG, type TcpConfig } from '../tcp/config.ts';
import type { Connection } from '../tcp/connection.ts';
import type { TcpCounters } from '../tcp/counters.ts';
import type { StackLimits } from '../tcp/limits.ts';
import type { InitialNumbers } from '../tcp/listen/isn.ts';
import type { Listener } from '../tcp/listen/listener.ts';
import { type OpenOptions, Tcp } from '../tcp/tcp.ts';

/** Frames taken from one device in one turn. */
const FRAMES_PER_TURN = 64;
/** Turns in a row that deadlines wait for the frames that have arrived: the queues of a few devices. */
const MAX_TURNS_BEHIND = 32;
/** Most connections of a stack, TIME-WAIT included. */
const MAX_CONNECTIONS = 65_536;

/** What a stack is made of. */
export interface StackOptions {
  readonly random: Random;
  readonly tracer?: Tracer | null;
  /** Defaults of all connections of this stack. */
  readonly config?: Partial<TcpConfig>;
  readonly maxConnections?: number;
  /** What all connections together may hold; default: {@link DEFAULT_LIMITS}. */
  readonly limits?: Partial<StackLimits>;
  /**
   * Where ISNs and timestamps begin: for a replay, which knows them. Default: SipHash of a secret
   * from `random`, so that nobody outside can tell them (RFC 6528 3).
   */
  readonly numbers?: InitialNumbers;
}

/** See {@link Stack.counters}. */
export interface StackCounters {
  readonly tcp: Readonly<TcpCounters>;
  readonly ip: Readonly<IpCounters>;
  /** By `DropReason`; reasons that never occurred are not there. */
  readonly drops: Readonly<Record<string, number>>;
  /** By `SendReason`. */
  readonly sends: Readonly<Record<string, number>>;
}

/**
 * A host: IP and TCP joined, with their devices and one queue of timers. It runs in turns, which
 * its host starts: when a device has frames, when {@link nextDeadline} is reached, and when
 * {@link wake} is called because a user did something.
 *
 * ```
 *   commands     addInterface, listen, connect; those of Connection
 *   events in    turn(now)
 *   effects out  frames on devices; Connection.onEvents, Listener.onAcceptable
 *   getters      nextDeadline, pending
 * ```
 */
export class Stack {
  readonly ip: Ip;
  readonly tcp: Tcp;
  /** Called when there is something to do in a turn. Set by the host; may be called often. */
  wake: (() => void) | null = null;
  /**
   * Asked in each turn whether timers may expire; null: always. For a replay, whose timers are as
   * late as those of the recorded host were. Set by the host.
   */
  mayExpire: ((now: Micros) => boolean) | null = null;
  readonly #timers = new TimerQueue();
  readonly #interfaces: Interface[] = [];
  /** Turns since timers were last looked at. */
  #turnsBehind = 0;

  constructor(options: StackOptions) {
    const { random } = options;
    const tracer = options.tracer ?? null;
    this.ip = new Ip({ random, timers: this.#timers, tracer });
    this.tcp = new Tcp({
      sink: this.ip,
      timers: this.#timers,
      random,
      config: configure(DEFAULT_CONFIG, options.config ?? {}),
      tracer,
      limits: options.limits ?? {},
      maxConnections: options.maxConnections ?? MAX_CONNECTIONS,
      numbers: options.numbers ?? null,
      wake: () => this.wake?.(),
    });
    this.ip.register(Protocol.TCP, this.tcp);
  }

  /** Gives a device an address. @param gateway a router on its network; null: none */
  addInterface(device: Device, cidr: Ipv4Cidr, gateway: Ipv4Address | null, now: Micros): void {
    this.#interfaces.push(this.ip.addInterface(device, cidr, gateway, now));
    device.onReadable = () => this.wake?.();
    device.onWritable = () => this.wake?.();
  }

  /** Passive OPEN: see {@link Tcp.listen}. */
  listen(
    address: Ipv4Address,
    port: number,
    backlog: number,
    changes: Partial<TcpConfig> = {},
  ): Listener<Connection> {
    return this.tcp.listen(address, port, backlog, changes);
  }

  /** Active OPEN: see {@link Tcp.connect}. */
  connect(options: OpenOptions, now: Micros): Connection {
    return this.tcp.connect(options, now);
  }

  /**
   * One turn: frames in, timers, segments out, and then the users are told. No user code runs before
   * that, so none can interfere with a half-processed segment.
   *
   * @returns whether another turn should follow at once
   */
  turn(now: Micros): boolean {
    let more = false;
    for (const iface of this.#interfaces) {
      if (this.ip.receiveFrames(iface, FRAMES_PER_TURN, now) === FRAMES_PER_TURN) more = true;
    }
    // A frame that waits may be the ACK that stops a timer: after the host was busy for long, what
    // arrived in time counts as in time.
    if (!more || ++this.#turnsBehind > MAX_TURNS_BEHIND) {
      this.#turnsBehind = 0;
      if (this.mayExpire?.(now) ?? true) this.#timers.expire(now);
    }
    this.tcp.flush(now);
    this.tcp.notify();
    return more || (this.tcp.pending && this.ip.writable);
  }

  /** When the next turn is due at the latest; {@link NEVER}: only when woken. */
  nextDeadline(): Micros {
    return this.#timers.next();
  }

  /**
   * What has happened so far: the counters of TCP (see {@link TcpCounters}), and how often each reason
   * to drop or to send was the one. A copy: two of them can be compared.
   *
   * @rfc 4022 4
   */
  counters(): StackCounters {
    return {
      tcp: { ...this.tcp.counters },
      ip: { ...this.ip.counters },
      drops: this.ip.drops.snapshot(),
      sends: this.ip.sends.snapshot(),
    };
  }

  /** Gives back the devices. */
  close(): void {
    for (const iface of this.#interfaces) iface.device.close();
  }
}
