import type { MacAddress } from '../base/address.ts';
import type { PacketBuffer } from '../base/packetBuffer.ts';
import { type Device, NO_OFFLOAD } from '../base/ports.ts';
import { type Random, uniform, Xoshiro128 } from '../base/random.ts';
import { type Clock, type Micros, NEVER, SECOND } from '../base/time.ts';
import { TimerEntry, type TimerQueue, type TimerTarget } from '../base/timerQueue.ts';
import { isEcnCapable, markCe } from './ecn.ts';
import { Pie } from './pie.ts';

/** Properties of a wire, the same both ways. */
export interface LinkOptions {
  readonly mtu?: number;
  /** From the last octet sent to its arrival. */
  readonly delay?: Micros;
  /** Bits per second; 0: without limit. */
  readonly rate?: number;
  /** Frames that wait for the wire in each direction; more are dropped at the tail. */
  readonly queue?: number;
  /** What keeps the queue short: nothing, or {@link Pie}, which marks what is ECN-capable. */
  readonly aqm?: 'none' | 'pie';
  /** A frame is on its way for up to so much longer, by chance. */
  readonly jitter?: Micros;
  /** Such a frame may be overtaken; otherwise those behind it wait for it. */
  readonly overtaking?: boolean;
  /** Of what happens by chance. */
  readonly seed?: number;
}

interface Passage {
  readonly frame: Uint8Array;
  readonly arrivesAt: Micros;
}

const DEFAULTS = {
  mtu: 1500,
  delay: 0,
  rate: 0,
  queue: 1000,
  aqm: 'none',
  jitter: 0,
  overtaking: false,
  seed: 1,
} as const;

/** An in-memory wire between two devices, in the time of its clock and on its queue of timers. */
export class Link {
  readonly a: LinkDevice;
  readonly b: LinkDevice;

  constructor(
    macs: readonly [MacAddress, MacAddress],
    options: LinkOptions,
    clock: Clock,
    timers: TimerQueue,
  ) {
    const settings = { ...DEFAULTS, ...options };
    const other = { ...settings, seed: settings.seed + 1 };
    this.a = new LinkDevice('a', macs[0], settings, clock, timers);
    this.b = new LinkDevice('b', macs[1], other, clock, timers);
    this.a.peer = this.b;
    this.b.peer = this.a;
  }
}

/** One end of a {@link Link}. */
export class LinkDevice implements Device, TimerTarget {
  readonly name: string;
  readonly macAddress: MacAddress;
  readonly mtu: number;
  readonly offload = NO_OFFLOAD;
  readonly writable = true;
  onReadable: (() => void) | null = null;
  onWritable: (() => void) | null = null;
  /** The other end; null once closed. */
  peer: LinkDevice | null = null;
  /** Frames that the full queue of the wire has dropped. */
  framesDropped = 0;
  /** ... and those that were dropped, or marked CE, before it was full. */
  framesDroppedEarly = 0;
  framesMarked = 0;
  readonly #options: Required<LinkOptions>;
  readonly #clock: Clock;
  readonly #timers: TimerQueue;
  readonly #random: Random;
  readonly #pie: Pie | null;
  readonly #timer = new TimerEntry(this);
  readonly #coming: Passage[] = [];
  readonly #inbox: Uint8Array[] = [];
  /** When the wire will begin to take each of the frames that wait for it. */
  readonly #starts: Micros[] = [];
  /** When the wire has taken the last octet that was sent from here. */
  #busyUntil: Micros = 0;

  constructor(
    name: string,
    macAddress: MacAddress,
    options: Required<LinkOptions>,
    clock: Clock,
    timers: TimerQueue,
  ) {
    this.name = name;
    this.macAddress = macAddress;
    this.mtu = options.mtu;
    this.#options = options;
    this.#clock = clock;
    this.#timers = timers;
    this.#random = new Xoshiro128(options.seed);
    this.#pie = options.aqm === 'pie' ? new Pie(this.#random) : null;
  }

  receive(packet: PacketBuffer): boolean {
    const frame = this.#inbox.shift();
    if (frame === undefined) return false;
    packet.setFrame(frame);
    return true;
  }

  send(packet: PacketBuffer): boolean {
    const { peer } = this;
    if (peer === null) return true;
    const now = this.#clock.now();
    const { rate, queue } = this.#options;
    const onWire = rate === 0 ? 0 : ((packet.end - packet.link) * 8 * SECOND) / rate;
    while ((this.#starts[0] ?? NEVER) <= now) this.#starts.shift();
    if (this.#starts.length >= queue) {
      this.framesDropped++;
      return true;
    }
    const frame = this.#managed(packet, now);
    if (frame === null) return true;
    const start = Math.max(now, this.#busyUntil);
    if (start > now) this.#starts.push(start);
    this.#busyUntil = start + onWire;
    peer.#expect({ frame, arrivesAt: Math.round(start + onWire + this.#delay()) });
    return true;
  }

  /** A copy of the frame, marked perhaps; null: it is dropped before the queue is full. */
  #managed(packet: PacketBuffer, now: Micros): Uint8Array | null {
    const queue = { until: this.#busyUntil, length: this.#starts.length };
    const fate = this.#pie?.decide(queue, isEcnCapable(packet), now) ?? 'pass';
    if (fate === 'drop') {
      this.framesDroppedEarly++;
      return null;
    }
    const frame = packet.frame().slice();
    if (fate === 'mark') {
      this.framesMarked++;
      markCe(frame);
    }
    return frame;
  }

  /** From the last octet sent to its arrival, this time. */
  #delay(): Micros {
    const { delay, jitter } = this.#options;
    return jitter === 0 ? delay : delay + uniform(this.#random, jitter + 1);
  }

  close(): void {
    if (this.peer === null) return;
    this.peer.peer = null;
    this.peer = null;
    this.#timers.cancel(this.#timer);
  }

  /** Frames have crossed the wire. */
  onDeadline(now: Micros): void {
    while (this.#coming.length > 0 && (this.#coming[0]?.arrivesAt ?? NEVER) <= now) {
      const passage = this.#coming.shift();
      if (passage !== undefined) this.#inbox.push(passage.frame);
    }
    const next = this.#coming[0]?.arrivesAt ?? NEVER;
    if (next !== NEVER) this.#timers.schedule(this.#timer, next);
    this.onReadable?.();
  }

  /** A frame is on its way: in the order of arrival, which is that of sending unless it may overtake. */
  #expect({ frame, arrivesAt }: Passage): void {
    const coming = this.#coming;
    const { overtaking } = this.#options;
    const earliest = overtaking ? 0 : (coming.at(-1)?.arrivesAt ?? 0);
    const passage = { frame, arrivesAt: Math.max(arrivesAt, earliest) };
    let at = coming.length;
    while (at > 0 && (coming[at - 1]?.arrivesAt ?? 0) > passage.arrivesAt) at--;
    if (at === coming.length) coming.push(passage);
    else coming.splice(at, 0, passage);
    if (at === 0) this.#timers.schedule(this.#timer, passage.arrivesAt);
  }
}
