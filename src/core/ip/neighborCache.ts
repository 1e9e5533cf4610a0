/**
 * Which station is behind which address of the link (RFC 1122 2.3.2), in the states of RFC 4861
 * 7.3.2, which Linux uses for ARP too:
 *
 * ```
 *                    answer                    its time is over              used
 *   incomplete ----------------> reachable ----------------------> stale -----------> probe
 *       |  3 requests to all        ^  ^                             | answer           |  |
 *       v                           |  +-----------------------------+------------------+  |
 *     failed <-------------------------------- 3 requests to it, then 3 to all ------------+
 * ```
 *
 * A failed entry is out of the cache: the next datagram makes a new one and asks again, as on
 * Linux. Only an incomplete one has datagrams waiting, and only for them a datagram is copied.
 */
import { BROADCAST_MAC, type Ipv4Address, type MacAddress } from '../base/address.ts';
import { PacketBuffer } from '../base/packetBuffer.ts';
import { fraction, type Random } from '../base/random.ts';
import type { DropReason, SendReason } from '../base/reasons.ts';
import type { Micros } from '../base/time.ts';
import { TimerEntry, type TimerQueue, type TimerTarget } from '../base/timerQueue.ts';
import {
  ARP_BROADCAST_REQUESTS,
  ARP_INTERVAL,
  ARP_UNICAST_REQUESTS,
  type IpLimits,
  REACHABLE_TIME,
} from './config.ts';

/** How much is known about a neighbour. @rfc 4861 7.3.2 */
export type NeighborState = 'incomplete' | 'reachable' | 'stale' | 'probe' | 'failed';

/** What the cache asks of the interface that it belongs to. */
export interface NeighborLink {
  /** Asks who has `address`: all, or the station that had it. */
  solicit(address: Ipv4Address, to: MacAddress, now: Micros): void;
  /** Sends a datagram to a station. */
  sendDatagram(packet: PacketBuffer, to: MacAddress, reason: SendReason, now: Micros): void;
  /** A datagram that waited is given up. */
  giveUp(packet: PacketBuffer, drop: DropReason, now: Micros): void;
}

/** What the cache is given. */
export interface NeighborServices {
  readonly random: Random;
  readonly timers: TimerQueue;
  readonly limits: IpLimits;
}

/** A copy of a datagram that waits for the address of its next hop. */
interface Waiting {
  readonly packet: PacketBuffer;
  readonly reason: SendReason;
}

/** One station, or the search for it. Flows keep a reference; only the cache writes its fields. */
export class Neighbor implements TimerTarget {
  readonly address: Ipv4Address;
  /** Of no meaning while `incomplete`. */
  mac: MacAddress = BROADCAST_MAC;
  state: NeighborState = 'incomplete';
  /** When a reachable neighbour becomes stale. */
  staleAt: Micros = 0;
  /** When a datagram was last sent to it, or news of it arrived. */
  used: Micros = 0;
  /** Requests since the last answer. */
  requests = 0;
  waiting: Waiting[] = [];
  readonly timer: TimerEntry;
  readonly #cache: NeighborCache;

  constructor(cache: NeighborCache, address: Ipv4Address) {
    this.#cache = cache;
    this.address = address;
    this.timer = new TimerEntry(this);
  }

  onDeadline(now: Micros): void {
    this.#cache.requestUnanswered(this, now);
  }
}

/** The neighbours of one interface. */
export class NeighborCache {
  readonly #link: NeighborLink;
  readonly #random: Random;
  readonly #timers: TimerQueue;
  readonly #limits: IpLimits;
  readonly #neighbors = new Map<Ipv4Address, Neighbor>();
  #waitingOctets = 0;

  constructor(link: NeighborLink, services: NeighborServices) {
    this.#link = link;
    this.#random = services.random;
    this.#timers = services.timers;
    this.#limits = services.limits;
  }

  /** Octets of the datagrams that wait. */
  get waitingOctets(): number {
    return this.#waitingOctets;
  }

  /** Known neighbours, and those that are searched. */
  neighbors(): Iterable<Neighbor> {
    return this.#neighbors.values();
  }

  /**
   * The entry of an address, made if there is none.
   * @returns null if the cache is full of neighbours that are being searched
   */
  lookup(address: Ipv4Address, now: Micros): Neighbor | null {
    const known = this.#neighbors.get(address);
    if (known !== undefined) return known;
    if (this.#neighbors.size >= this.#limits.neighbors && !this.#evict(now)) return null;
    const neighbor = new Neighbor(this, address);
    neighbor.used = now;
    this.#neighbors.set(address, neighbor);
    return neighbor;
  }

  /**
   * Sends the datagram to the neighbour, or keeps a copy of it until its station is known.
   * Allocates nothing when the neighbour is reachable.
   *
   * @rfc 1122 2.3.2.2
   */
  send(neighbor: Neighbor, packet: PacketBuffer, reason: SendReason, now: Micros): void {
    neighbor.used = now;
    if (neighbor.state === 'incomplete') {
      this.#wait(neighbor, packet, reason, now);
      return;
    }
    this.#link.sendDatagram(packet, neighbor.mac, reason, now);
    if (neighbor.state === 'reachable' && now < neighbor.staleAt) return;
    if (neighbor.state !== 'probe') this.#ask(neighbor, 'probe', now);
  }

  /** The neighbour spoke to us: it is reachable at `mac`. An unknown one becomes known. @rfc 826 */
  learn(address: Ipv4Address, mac: MacAddress, now: Micros): void {
    const neighbor = this.lookup(address, now);
    if (neighbor === null) return;
    const period = REACHABLE_TIME / 2 + Math.floor(REACHABLE_TIME * fraction(this.#random));
    neighbor.staleAt = now + period;
    this.#settle(neighbor, mac, 'reachable', now);
  }

  /**
   * The neighbour spoke, but not to us: where it is already known, it is at `mac` now.
   * @returns false if it is not known, which remains so
   * @rfc 826
   */
  update(address: Ipv4Address, mac: MacAddress, now: Micros): boolean {
    const neighbor = this.#neighbors.get(address);
    if (neighbor === undefined) return false;
    if (neighbor.state === 'incomplete' || neighbor.mac !== mac) {
      this.#settle(neighbor, mac, 'stale', now);
    }
    return true;
  }

  /** A transport has no answer through this neighbour: with the next datagram it is asked whether it is there. */
  doubt(neighbor: Neighbor, now: Micros): void {
    neighbor.staleAt = Math.min(neighbor.staleAt, now);
  }

  /** No answer came within {@link ARP_INTERVAL}. */
  requestUnanswered(neighbor: Neighbor, now: Micros): void {
    const unicast = neighbor.state === 'probe' ? ARP_UNICAST_REQUESTS : 0;
    if (neighbor.requests >= unicast + ARP_BROADCAST_REQUESTS) this.#fail(neighbor, now);
    else this.#request(neighbor, now);
  }

  /** What the state is by now: a reachable neighbour whose time is over is stale. */
  stateOf(neighbor: Neighbor, now: Micros): NeighborState {
    const isOver = neighbor.state === 'reachable' && now >= neighbor.staleAt;
    return isOver ? 'stale' : neighbor.state;
  }

  #ask(neighbor: Neighbor, state: 'incomplete' | 'probe', now: Micros): void {
    neighbor.state = state;
    neighbor.requests = 0;
    this.#request(neighbor, now);
  }

  #request(neighbor: Neighbor, now: Micros): void {
    const isKnown = neighbor.state === 'probe' && neighbor.requests < ARP_UNICAST_REQUESTS;
    neighbor.requests++;
    this.#timers.schedule(neighbor.timer, now + ARP_INTERVAL);
    this.#link.solicit(neighbor.address, isKnown ? neighbor.mac : BROADCAST_MAC, now);
  }

  /** The station is known: what waited for it goes out. */
  #settle(neighbor: Neighbor, mac: MacAddress, state: 'reachable' | 'stale', now: Micros): void {
    neighbor.mac = mac;
    neighbor.state = state;
    neighbor.requests = 0;
    neighbor.used = now;
    this.#timers.cancel(neighbor.timer);
    if (neighbor.waiting.length === 0) return;
    for (const { packet, reason } of this.#takeWaiting(neighbor)) {
      this.#link.sendDatagram(packet, mac, reason, now);
    }
  }

  #fail(neighbor: Neighbor, now: Micros): void {
    this.#remove(neighbor);
    for (const { packet } of this.#takeWaiting(neighbor)) {
      this.#link.giveUp(packet, 'neighbor-unreachable', now);
    }
  }

  /**
   * "The link layer SHOULD save (rather than discard) at least one (the latest) packet of each set
   * of packets destined to the same unresolved IP address": the oldest gives way.
   *
   * @rfc 1122 2.3.2.2
   */
  #wait(neighbor: Neighbor, packet: PacketBuffer, reason: SendReason, now: Micros): void {
    const length = packet.end - packet.network;
    const { waiting } = neighbor;
    if (waiting.length >= this.#limits.waitingDatagrams) {
      const oldest = waiting.shift();
      if (oldest !== undefined) this.#discard(oldest, now);
    }
    if (this.#waitingOctets + length > this.#limits.waitingOctets) {
      this.#link.giveUp(packet, 'neighbor-queue-full', now);
    } else {
      this.#waitingOctets += length;
      waiting.push({ packet: copyDatagram(packet), reason });
    }
    if (neighbor.requests === 0) this.#ask(neighbor, 'incomplete', now);
  }

  #discard(waiting: Waiting, now: Micros): void {
    this.#waitingOctets -= waiting.packet.end - waiting.packet.network;
    this.#link.giveUp(waiting.packet, 'neighbor-queue-full', now);
  }

  #takeWaiting(neighbor: Neighbor): Waiting[] {
    const taken = neighbor.waiting;
    neighbor.waiting = [];
    for (const { packet } of taken) this.#waitingOctets -= packet.end - packet.network;
    return taken;
  }

  /** Removes the neighbour that was not used for the longest time; one being searched stays. */
  #evict(now: Micros): boolean {
    let oldest: Neighbor | null = null;
    for (const neighbor of this.#neighbors.values()) {
      if (neighbor.state === 'incomplete') continue;
      if (oldest === null || this.#goesBefore(neighbor, oldest, now)) oldest = neighbor;
    }
    if (oldest === null) return false;
    this.#remove(oldest);
    return true;
  }

  /** A stale one goes before a reachable one, then the one that was unused for longer. */
  #goesBefore(a: Neighbor, b: Neighbor, now: Micros): boolean {
    const isStale = this.stateOf(a, now) === 'stale';
    if (isStale !== (this.stateOf(b, now) === 'stale')) return isStale;
    return a.used < b.used;
  }

  #remove(neighbor: Neighbor): void {
    neighbor.state = 'failed';
    this.#timers.cancel(neighbor.timer);
    this.#neighbors.delete(neighbor.address);
  }
}

/** The datagram in a buffer of its own, just large enough. */
function copyDatagram(packet: PacketBuffer): PacketBuffer {
  const copy = new PacketBuffer(packet.end - packet.network);
  copy.octets.set(packet.octets.subarray(packet.network, packet.end), copy.network);
  copy.transport = copy.network + (packet.transport - packet.network);
  copy.end = copy.network + (packet.end - packet.network);
  return copy;
}
