import type { MacAddress } from '../../src/core/base/address.ts';
import { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import type { Device } from '../../src/core/base/ports.ts';
import { Xoshiro128 } from '../../src/core/base/random.ts';
import { type Micros, MS, NEVER } from '../../src/core/base/time.ts';
import { TimerQueue } from '../../src/core/base/timerQueue.ts';
import { type FrameFate, Impairment } from '../../src/core/sim/impairment.ts';
import { Link, type LinkOptions } from '../../src/core/sim/link.ts';
import { HostClock } from '../../src/node/hostClock.ts';
import { type Sighting, Sightings, segmentIn } from './sighting.ts';

/** Decides on a segment; null: it passes. */
export type Rule = (sighting: Sighting) => FrameFate | null;

/** From this time before a deadline on, the loop is kept from sleeping: timers of Node are coarse. */
const AWAKE: Micros = 2 * MS;
const MAX_FRAME = 65_549;
const SEED = 1;

/** One way of a {@link Cable}. */
export class Way {
  /** What happens to segments that begin their way from now on. */
  rule: Rule;
  /** The last frame with a segment that went this way, lost ones included. */
  last: Uint8Array | null = null;
  /** Where frames begin their way. */
  readonly start: Device;
  readonly #sightings = new Sightings();
  #injecting = false;

  constructor(inner: Device, rule: Rule, clock: HostClock, timers: TimerQueue) {
    this.rule = rule;
    const fate = (packet: PacketBuffer) => this.#judge(packet);
    this.start = new Impairment(inner, { fate }, new Xoshiro128(SEED), clock, timers).device;
  }

  /** Puts a frame on the way that nobody sent, past the rule. */
  inject(frame: Uint8Array): void {
    const packet = new PacketBuffer(frame.length);
    packet.setFrame(frame);
    this.#injecting = true;
    this.start.send(packet);
    this.#injecting = false;
  }

  #judge(packet: PacketBuffer): FrameFate | null {
    if (this.#injecting) return 'pass';
    const segment = segmentIn(packet);
    if (segment === null) return null;
    this.last = packet.frame().slice();
    return this.rule(this.#sightings.see(segment));
  }
}

/**
 * The way between two ends: each frame is forwarded by this process, through the link and the
 * impairments of the simulation, but in real time.
 */
export class Cable {
  readonly toServer: Way;
  readonly toClient: Way;
  readonly #link: Link;
  readonly #clock = new HostClock();
  readonly #timers = new TimerQueue();
  #timer: NodeJS.Timeout | null = null;
  #spinning = false;
  #closed = false;

  constructor(
    macs: readonly [MacAddress, MacAddress],
    options: LinkOptions,
    rules: { readonly toServer?: Rule; readonly toClient?: Rule } = {},
  ) {
    const link = new Link(macs, options, this.#clock, this.#timers);
    this.#link = link;
    const pass: Rule = () => null;
    this.toServer = new Way(link.a, rules.toServer ?? pass, this.#clock, this.#timers);
    this.toClient = new Way(link.b, rules.toClient ?? pass, this.#clock, this.#timers);
  }

  /** Joins the devices of two kernels: what is received on one is sent on the other. */
  join(client: Device, server: Device): void {
    this.joinClient(client);
    this.joinServer(server);
  }

  joinClient(device: Device): void {
    this.#forward(device, this.toServer.start);
    this.#forward(this.#link.a, device);
  }

  joinServer(device: Device): void {
    this.#forward(device, this.toClient.start);
    this.#forward(this.#link.b, device);
  }

  /** The end of the cable for a stack of this process that is the client. */
  clientDevice(): Device {
    return this.#ownEnd(this.toServer.start);
  }

  /** ... or the server. */
  serverDevice(): Device {
    return this.#ownEnd(this.toClient.start);
  }

  /** From now on everything is lost. */
  cut(): void {
    this.toServer.rule = () => 'lose';
    this.toClient.rule = () => 'lose';
  }

  /** From now on everything passes. */
  mend(): void {
    this.toServer.rule = () => null;
    this.toClient.rule = () => null;
  }

  /** Puts a frame that nobody sent on its way. */
  inject(way: Way, frame: Uint8Array): void {
    way.inject(frame);
    this.#run();
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#link.a.close();
  }

  #forward(from: Device, to: Device): void {
    const packet = new PacketBuffer(MAX_FRAME);
    from.onReadable = () => {
      while (from.receive(packet)) to.send(packet);
      this.#run();
    };
  }

  #ownEnd(device: Device): Device {
    const send = (packet: PacketBuffer): boolean => {
      const sent = device.send(packet);
      queueMicrotask(this.#run);
      return sent;
    };
    // the stack sets `onReadable` of what it gets, which must reach the link
    return new Proxy(device, {
      get: (target, key) => (key === 'send' ? send : Reflect.get(target, key)),
    });
  }

  /** Lets frames arrive whose time has come, and comes back when the next one's has. */
  readonly #run = (): void => {
    if (this.#closed) return;
    let next = this.#timers.next();
    for (let now = this.#clock.now(); next <= now; next = this.#timers.next()) {
      this.#timers.expire(now);
      now = this.#clock.now();
    }
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (next === NEVER) return;
    const wait = next - this.#clock.now();
    if (wait > AWAKE) this.#timer = setTimeout(this.#run, (wait - AWAKE) / MS);
    else if (!this.#spinning) {
      this.#spinning = true;
      setImmediate(this.#spin);
    }
  };

  readonly #spin = (): void => {
    this.#spinning = false;
    this.#run();
  };
}
