import { deviceAround } from '../base/deviceAround.ts';
import { PacketBuffer } from '../base/packetBuffer.ts';
import type { Device } from '../base/ports.ts';
import { fraction, type Random, uniform } from '../base/random.ts';
import { type Clock, type Micros, MS } from '../base/time.ts';
import { TimerEntry, type TimerQueue, type TimerTarget } from '../base/timerQueue.ts';
import { ETHERNET_HEADER } from '../wire/ethernet.ts';
import { isEcnCapable, isIpv4, markCe } from './ecn.ts';

/** What is to happen to one frame; `overtakenBy`: it is held back until so many others have passed. */
export type FrameFate =
  | 'pass'
  | 'lose'
  | 'duplicate'
  | 'corrupt'
  | 'mark'
  | { readonly overtakenBy: number };

/** What happens to the frames that are sent through an {@link Impairment}; probabilities 0 to 1. */
export interface ImpairmentOptions {
  readonly loss?: number;
  readonly bursts?: LossBursts;
  readonly duplication?: number;
  /** Held back by up to `jitter`, so that others overtake it. */
  readonly reordering?: number;
  /** One bit of an IPv4 datagram is inverted. ARP, which has no checksum, is left alone. */
  readonly corruption?: number;
  /** An ECN-capable IPv4 datagram (ECT) becomes one that experienced congestion (CE). @rfc 3168 5 */
  readonly marking?: number;
  /** Longest time that a reordered frame is held back; default 10 ms. */
  readonly jitter?: Micros;
  /** Numbers of frames with TCP text, SYN or FIN that are lost, the first being 1. */
  readonly drop?: readonly number[];
  /** Numbers of ECN-capable datagrams that are marked CE, the first being 1. */
  readonly mark?: readonly number[];
  /** Decides on a frame, which is the caller's to look at only; null leaves it to the rest. */
  readonly fate?: (packet: PacketBuffer) => FrameFate | null;
}

/**
 * Losses that come together: the way is good or bad, and changes now and then. All probabilities are
 * per frame. Gilbert's and Elliott's model.
 */
export interface LossBursts {
  /** That a good way becomes bad. */
  readonly begin: number;
  /** That a bad one becomes good. */
  readonly end: number;
  /** That a frame is lost on a bad way; default 1. */
  readonly loss?: number;
}

/** What it did so far. */
export interface ImpairmentCounters {
  sent: number;
  lost: number;
  duplicated: number;
  reordered: number;
  corrupted: number;
  marked: number;
}

const DEFAULT_JITTER = 10 * MS;

/** Makes the way out of a device unreliable, always in the same way from one seed. */
export class Impairment {
  /** What frames go through from now on. */
  readonly device: Device;
  readonly counters: ImpairmentCounters = {
    sent: 0,
    lost: 0,
    duplicated: 0,
    reordered: 0,
    corrupted: 0,
    marked: 0,
  };
  readonly #inner: Device;
  readonly #options: ImpairmentOptions;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #timers: TimerQueue;
  #numbered = 0;
  /** ECN-capable datagrams that came so far. */
  #capable = 0;
  /** Is the way bad just now? */
  #bad = false;
  readonly #overtaken: Overtaken[] = [];

  constructor(
    inner: Device,
    options: ImpairmentOptions,
    random: Random,
    clock: Clock,
    timers: TimerQueue,
  ) {
    this.#inner = inner;
    this.#options = options;
    this.#random = random;
    this.#clock = clock;
    this.#timers = timers;
    this.device = deviceAround(inner, {
      receive: (packet) => inner.receive(packet),
      send: (packet) => this.#send(packet),
    });
  }

  #send(packet: PacketBuffer): boolean {
    const { counters } = this;
    counters.sent++;
    const fate = this.#options.fate?.(packet) ?? null;
    if (fate !== null) return this.#suffer(packet, fate);
    if (this.#isLost(packet)) {
      counters.lost++;
      return true;
    }
    const passing = this.#isMarked(packet) ? this.#marked(packet) : packet;
    if (this.#happens(this.#options.duplication)) {
      counters.duplicated++;
      this.#pass(passing);
    }
    return this.#pass(passing);
  }

  #suffer(packet: PacketBuffer, fate: FrameFate): boolean {
    const { counters } = this;
    switch (fate) {
      case 'pass':
        break;
      case 'lose':
        counters.lost++;
        return true;
      case 'duplicate':
        counters.duplicated++;
        this.#hand(packet);
        break;
      case 'corrupt':
        return this.#hand(this.#corrupted(packet));
      case 'mark':
        return this.#hand(isEcnCapable(packet) ? this.#marked(packet) : packet);
      default:
        counters.reordered++;
        this.#overtaken.push({ packet: copyOf(packet), by: fate.overtakenBy });
        return true;
    }
    return this.#hand(packet);
  }

  /** Passes a frame, and behind it those that it is the last to overtake. */
  #hand(packet: PacketBuffer): boolean {
    const passed = this.#inner.send(packet);
    for (const held of this.#overtaken) held.by--;
    for (;;) {
      const index = this.#overtaken.findIndex(({ by }) => by <= 0);
      if (index < 0) return passed;
      for (const { packet } of this.#overtaken.splice(index, 1)) this.#inner.send(packet);
    }
  }

  #isLost(packet: PacketBuffer): boolean {
    const { drop, loss, bursts } = this.#options;
    if (drop !== undefined && occupiesSequenceNumbers(packet)) {
      if (drop.includes(++this.#numbered)) return true;
    }
    return (bursts !== undefined && this.#isLostInBurst(bursts)) || this.#happens(loss);
  }

  #isLostInBurst({ begin, end, loss = 1 }: LossBursts): boolean {
    if (this.#happens(this.#bad ? end : begin)) this.#bad = !this.#bad;
    return this.#bad && this.#happens(loss);
  }

  #isMarked(packet: PacketBuffer): boolean {
    const { mark, marking } = this.#options;
    if ((mark === undefined && marking === undefined) || !isEcnCapable(packet)) return false;
    this.#capable++;
    return mark?.includes(this.#capable) === true || this.#happens(marking);
  }

  #pass(packet: PacketBuffer): boolean {
    const corrupts = this.#happens(this.#options.corruption) && isIpv4(packet);
    const holds = this.#happens(this.#options.reordering);
    if (!corrupts && !holds) return this.#hand(packet);
    const copy = corrupts ? this.#corrupted(packet) : copyOf(packet);
    if (!holds) return this.#hand(copy);
    this.counters.reordered++;
    const delay = 1 + uniform(this.#random, this.#options.jitter ?? DEFAULT_JITTER);
    this.#timers.schedule(new TimerEntry(new Held(this.#inner, copy)), this.#clock.now() + delay);
    return true;
  }

  /** A copy with one bit of its datagram inverted. */
  #corrupted(packet: PacketBuffer): PacketBuffer {
    this.counters.corrupted++;
    const copy = copyOf(packet);
    const at = copy.link + ETHERNET_HEADER;
    const index = at + uniform(this.#random, copy.end - at);
    copy.octets[index] = (copy.octets[index] ?? 0) ^ (1 << uniform(this.#random, 8));
    return copy;
  }

  /** A copy marked CE. */
  #marked(packet: PacketBuffer): PacketBuffer {
    this.counters.marked++;
    const copy = copyOf(packet);
    markCe(copy.frame());
    return copy;
  }

  #happens(probability: number | undefined): boolean {
    if (probability === undefined || probability === 0) return false;
    return fraction(this.#random) < probability;
  }
}

/** A frame that waits to be overtaken. */
interface Overtaken {
  readonly packet: PacketBuffer;
  /** So many frames are still to pass. */
  by: number;
}

function copyOf(packet: PacketBuffer): PacketBuffer {
  const copy = new PacketBuffer(packet.end - packet.link);
  copy.setFrame(packet.frame());
  return copy;
}

/** A frame that is held back. */
class Held implements TimerTarget {
  readonly #device: Device;
  readonly #packet: PacketBuffer;

  constructor(device: Device, packet: PacketBuffer) {
    this.#device = device;
    this.#packet = packet;
  }

  onDeadline(): void {
    this.#device.send(this.#packet);
  }
}

/** TCP with text, SYN or FIN? Only frames of our own stack come here, so they are well formed. */
function occupiesSequenceNumbers(packet: PacketBuffer): boolean {
  const { view, link, end } = packet;
  const ip = link + ETHERNET_HEADER;
  if (!isIpv4(packet) || view.getUint8(ip + 9) !== 6) return false;
  const tcp = ip + (view.getUint8(ip) & 15) * 4;
  const word = view.getUint16(tcp + 12);
  return (word & 3) !== 0 || end - tcp > (word >>> 12) * 4;
}
