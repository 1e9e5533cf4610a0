import { type Ipv4Address, type Ipv4Cidr, ipv4, type MacAddress } from '../base/address.ts';
import type { Device } from '../base/ports.ts';
import { Xoshiro128 } from '../base/random.ts';
import { type Micros, NEVER, SECOND } from '../base/time.ts';
import { TimerQueue } from '../base/timerQueue.ts';
import type { Tracer } from '../base/tracer.ts';
import { VirtualClock } from '../base/virtualClock.ts';
import { Stack } from '../stack/stack.ts';
import type { TcpConfig } from '../tcp/config.ts';
import type { InitialNumbers } from '../tcp/listen/isn.ts';
import { Impairment, type ImpairmentOptions } from './impairment.ts';
import { Link, type LinkOptions } from './link.ts';

/** A simulation that does not become quiet within this many turns runs in a circle. */
const MAX_TURNS_AT_ONE_TIME = 100_000;

/** What a simulated host is like. */
export interface HostOptions {
  readonly config?: Partial<TcpConfig>;
  readonly tracer?: Tracer | null;
  /** A router on its network; default: none. */
  readonly gateway?: Ipv4Address;
  /** Round its device, innermost last: captures and the like. */
  readonly wrap?: (device: Device) => Device;
  /** What happens to the frames that it sends. */
  readonly impairment?: ImpairmentOptions;
  /** Where its ISNs and timestamps begin: to come near a wrap. */
  readonly numbers?: InitialNumbers;
}

/** Two hosts and the wire between them. */
export interface PairOptions extends LinkOptions {
  readonly seed?: number;
  /** The clock's first value: to come near a wrap. */
  readonly start?: Micros;
  readonly a?: HostOptions;
  readonly b?: HostOptions;
}

/** 10.0.0.1 and 10.0.0.2 */
export const ADDRESS_A = ipv4(0x0a000001);
export const ADDRESS_B = ipv4(0x0a000002);
const PREFIX = 24;

/** Stacks that run together in virtual time: nothing happens but what they do, and always the same. */
export class Network {
  readonly clock: VirtualClock;
  readonly timers = new TimerQueue();
  readonly #stacks: Stack[] = [];
  readonly #woken = new Set<Stack>();
  /** Called after each turn: for invariants. */
  afterTurn: ((stack: Stack) => void) | null = null;

  constructor(start: Micros = SECOND) {
    this.clock = new VirtualClock(start);
  }

  get now(): Micros {
    return this.clock.now();
  }

  addHost(device: Device, cidr: Ipv4Cidr, options: HostOptions, seed: number): Stack {
    const stack = new Stack({
      random: new Xoshiro128(seed),
      config: options.config ?? {},
      tracer: options.tracer ?? null,
      ...(options.numbers === undefined ? {} : { numbers: options.numbers }),
    });
    stack.wake = () => this.#woken.add(stack);
    stack.addInterface(device, cidr, options.gateway ?? null, this.now);
    this.#stacks.push(stack);
    return stack;
  }

  /** Takes a host away, as if its power had failed: it has no more turns. */
  removeHost(stack: Stack): void {
    const at = this.#stacks.indexOf(stack);
    if (at >= 0) this.#stacks.splice(at, 1);
    this.#woken.delete(stack);
    stack.wake = null;
  }

  /** Is there something to do now? */
  get pending(): boolean {
    return this.#woken.size > 0;
  }

  /** Runs what is due now, until nothing is. */
  settle(): void {
    for (let turns = 0; this.#woken.size > 0; turns++) {
      if (turns > MAX_TURNS_AT_ONE_TIME) throw new Error(`no end of turns at ${this.now} µs`);
      const [stack] = this.#woken;
      if (stack === undefined) return;
      this.#woken.delete(stack);
      if (stack.turn(this.now)) this.#woken.add(stack);
      this.afterTurn?.(stack);
    }
  }

  /** The time of the next event; {@link NEVER}: nothing will ever happen. */
  next(): Micros {
    if (this.pending) return this.now;
    let next = this.timers.next();
    for (const stack of this.#stacks) next = Math.min(next, stack.nextDeadline());
    return next;
  }

  /** Lets the time go on to `until`. */
  runTo(until: Micros): void {
    this.runUntil(() => false, until);
  }

  /**
   * Lets the time go on until `done`, or until nothing will happen any more, or to `limit`.
   *
   * @returns whether `done` became true
   */
  runUntil(done: () => boolean, limit: Micros = NEVER): boolean {
    this.settle();
    while (!done()) {
      const next = this.next();
      if (next > limit || next === NEVER) {
        if (limit !== NEVER) this.clock.advanceTo(limit);
        return done();
      }
      this.step();
    }
    return true;
  }

  /** Goes on to the next event, if there is one, and runs what is due then. */
  step(): void {
    const next = this.next();
    if (next === NEVER) return;
    this.clock.advanceTo(Math.max(next, this.now));
    this.timers.expire(this.now);
    for (const stack of this.#stacks) if (stack.nextDeadline() <= this.now) this.#woken.add(stack);
    this.settle();
  }
}

/** Two hosts on one wire. */
export interface Pair {
  readonly network: Network;
  readonly a: Stack;
  readonly b: Stack;
}

/** Joins two hosts, 10.0.0.1 and 10.0.0.2, by a wire. */
export function createPair(options: PairOptions = {}): Pair {
  const seed = options.seed ?? 1;
  const network = new Network(options.start);
  const macs = [0x020000000001 as MacAddress, 0x020000000002 as MacAddress] as const;
  const link = new Link(macs, options, network.clock, network.timers);
  const host = (inner: Device, address: typeof ADDRESS_A, own: HostOptions, n: number): Stack => {
    const random = new Xoshiro128(seed * 2 + n);
    let device: Device = inner;
    if (own.impairment !== undefined) {
      const { clock, timers } = network;
      ({ device } = new Impairment(inner, own.impairment, random, clock, timers));
    }
    if (own.wrap !== undefined) device = own.wrap(device);
    return network.addHost(device, { address, prefixLength: PREFIX }, own, seed * 2 + n + 1000);
  };
  return {
    network,
    a: host(link.a, ADDRESS_A, options.a ?? {}, 0),
    b: host(link.b, ADDRESS_B, options.b ?? {}, 1),
  };
}
