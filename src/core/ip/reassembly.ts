/**
 * Datagrams that arrive in pieces, put together again (RFC 791 3.2). A datagram is named by its
 * source, destination, protocol and Identification. Fragments are kept apart, sorted by offset,
 * and never overlap, so that the datagram is complete when their octets add up to its length.
 *
 * A datagram is given up as a whole when its fragments contradict one another: RFC 5722 asks this
 * of IPv6, Linux does it for IPv4 too. Its name is remembered until the time is over, so that
 * what still comes of it is not taken for a new one.
 */
import type { Ipv4Address } from '../base/address.ts';
import { PacketBuffer } from '../base/packetBuffer.ts';
import type { DropReason } from '../base/reasons.ts';
import type { Micros } from '../base/time.ts';
import { TimerEntry, type TimerQueue, type TimerTarget } from '../base/timerQueue.ts';
import { finish, sum } from '../wire/checksum.ts';
import type { Ipv4Header } from '../wire/ipv4.ts';
import {
  FRAGMENT_OVERHEAD,
  type IpLimits,
  MAX_DATAGRAM,
  MAX_FRAME,
  REASSEMBLY_TIMEOUT,
} from './config.ts';

/** Where the fields stand in an IPv4 header. @rfc 791 3.1 */
const TRAFFIC_CLASS = 1;
const TOTAL_LENGTH = 2;
const FLAGS_AND_OFFSET = 6;
const CHECKSUM = 10;

/** The codepoint Congestion Experienced. @rfc 3168 5 */
const CE = 3;

/** The length of a datagram whose last fragment has not arrived. */
const UNKNOWN = -1;

interface Fragment {
  /** Octets from the start of the datagram's data. */
  readonly offset: number;
  readonly octets: Uint8Array;
}

/** A datagram of which not all fragments are there. */
class PartialDatagram implements TimerTarget {
  readonly key: string;
  readonly timer: TimerEntry;
  /** Sorted by offset; they do not overlap. */
  fragments: Fragment[] = [];
  /** The header of the first fragment; null until it arrives. */
  header: Uint8Array | null = null;
  /** Octets of all data, {@link UNKNOWN} until the last fragment arrives. */
  length = UNKNOWN;
  /** Octets of data that are there. */
  received = 0;
  /** A router marked one of the fragments. @rfc 3168 5.3 */
  isCongestionExperienced = false;
  /** Why it can never become complete. */
  givenUp: DropReason | null = null;
  readonly #reassembly: Reassembly;

  constructor(reassembly: Reassembly, key: string) {
    this.#reassembly = reassembly;
    this.key = key;
    this.timer = new TimerEntry(this);
  }

  onDeadline(now: Micros): void {
    this.#reassembly.timeIsOver(this, now);
  }
}

/** What reassembly tells the input side. */
export interface ReassemblyWatcher {
  /**
   * Time ran out before all fragments of a datagram were there.
   * @param first the first fragment as it arrived; null if it did not
   */
  reassemblyTimedOut(first: PacketBuffer | null, now: Micros): void;
}

/** The datagrams that are being put together. */
export class Reassembly {
  /** Where a datagram lies that has just become complete, until the next one does. */
  readonly packet = new PacketBuffer(MAX_FRAME);
  readonly #watcher: ReassemblyWatcher;
  readonly #timers: TimerQueue;
  readonly #limits: IpLimits;
  readonly #partials = new Map<string, PartialDatagram>();
  #octets = 0;

  constructor(watcher: ReassemblyWatcher, timers: TimerQueue, limits: IpLimits) {
    this.#watcher = watcher;
    this.#timers = timers;
    this.#limits = limits;
  }

  /** Datagrams of which something is held. */
  get size(): number {
    return this.#partials.size;
  }

  /** Octets held, {@link FRAGMENT_OVERHEAD} for each fragment included. */
  get octets(): number {
    return this.#octets;
  }

  /**
   * Takes a fragment, of which it keeps a copy.
   * @param packet the fragment, `transport` behind its header
   * @returns null: the datagram is complete and lies in {@link packet}; else why the fragment is
   *   held or dropped
   */
  fragmentArrives(packet: PacketBuffer, header: Ipv4Header, now: Micros): DropReason | null {
    const length = packet.end - packet.transport;
    const end = header.fragmentOffset + length;
    if (length === 0 || end > MAX_DATAGRAM - header.headerLength) return 'fragment-malformed';
    if (header.moreFragments && length % 8 !== 0) return 'fragment-malformed';
    if (this.#octets + length + FRAGMENT_OVERHEAD > this.#limits.fragmentOctets) {
      return 'fragment-limit';
    }
    const partial = this.#find(header, now);
    if (partial === null) return 'fragment-limit';
    if (partial.givenUp !== null) return partial.givenUp;
    const drop = this.#place(partial, packet, header);
    if (drop === 'fragment-duplicate') return drop;
    if (drop !== null) return this.#giveUp(partial, drop);
    if (partial.received !== partial.length) return 'fragment-held';
    this.#remove(partial);
    return this.#assemble(partial);
  }

  /** The time of a datagram is over. */
  timeIsOver(partial: PartialDatagram, now: Micros): void {
    this.#remove(partial);
    if (partial.givenUp !== null) return;
    const first = partial.fragments[0];
    if (partial.header === null || first === undefined) {
      this.#watcher.reassemblyTimedOut(null, now);
      return;
    }
    this.#begin(partial.header);
    this.#append(first);
    this.#watcher.reassemblyTimedOut(this.packet, now);
  }

  /** The datagram that the fragment belongs to; null: no more can be begun. */
  #find(header: Ipv4Header, now: Micros): PartialDatagram | null {
    const key = keyOf(header.source, header.destination, header.identification, header.protocol);
    const known = this.#partials.get(key);
    if (known !== undefined) return known;
    if (this.#partials.size >= this.#limits.partialDatagrams) return null;
    const partial = new PartialDatagram(this, key);
    this.#partials.set(key, partial);
    this.#timers.schedule(partial.timer, now + REASSEMBLY_TIMEOUT);
    return partial;
  }

  /** Puts a copy of the fragment where it belongs among the others. */
  #place(partial: PartialDatagram, packet: PacketBuffer, header: Ipv4Header): DropReason | null {
    const { fragments } = partial;
    const start = header.fragmentOffset;
    const end = start + packet.end - packet.transport;
    const index = indexFor(fragments, start);
    const before = fragments[index - 1];
    const after = fragments[index];
    if (after !== undefined && after.offset === start && after.octets.length === end - start) {
      return 'fragment-duplicate';
    }
    if (before !== undefined && before.offset + before.octets.length > start) {
      return 'fragment-overlap';
    }
    if (after !== undefined && after.offset < end) return 'fragment-overlap';
    // A second end of the datagram, or data behind its end.
    if (!header.moreFragments && (partial.length !== UNKNOWN || after !== undefined)) {
      return 'fragment-malformed';
    }
    if (partial.length !== UNKNOWN && end > partial.length) return 'fragment-malformed';
    if (fragments.length >= this.#limits.fragmentsPerDatagram) return 'fragment-limit';

    const octets = packet.octets.slice(packet.transport, packet.end);
    fragments.splice(index, 0, { offset: start, octets });
    partial.received += octets.length;
    this.#octets += octets.length + FRAGMENT_OVERHEAD;
    if ((header.trafficClass & CE) === CE) partial.isCongestionExperienced = true;
    if (start === 0) partial.header = packet.octets.slice(packet.network, packet.transport);
    if (!header.moreFragments) partial.length = end;
    return null;
  }

  /** Frees what is held of the datagram and remembers its name. */
  #giveUp(partial: PartialDatagram, drop: DropReason): DropReason {
    this.#release(partial);
    partial.givenUp = drop;
    return drop;
  }

  #remove(partial: PartialDatagram): void {
    this.#partials.delete(partial.key);
    this.#timers.cancel(partial.timer);
    this.#octets -= partial.received + partial.fragments.length * FRAGMENT_OVERHEAD;
  }

  #release(partial: PartialDatagram): void {
    this.#octets -= partial.received + partial.fragments.length * FRAGMENT_OVERHEAD;
    partial.fragments = [];
    partial.header = null;
    partial.received = 0;
  }

  /** Writes the whole datagram, its header that of the first fragment with three fields changed. */
  #assemble(partial: PartialDatagram): DropReason | null {
    const { packet } = this;
    const { header } = partial;
    if (header === null || header.length + partial.length > MAX_DATAGRAM) {
      return 'fragment-malformed';
    }
    this.#begin(header);
    for (const fragment of partial.fragments) this.#append(fragment);
    const { view, octets, network, transport } = packet;
    if (partial.isCongestionExperienced) {
      view.setUint8(network + TRAFFIC_CLASS, view.getUint8(network + TRAFFIC_CLASS) | CE);
    }
    view.setUint16(network + TOTAL_LENGTH, packet.end - network);
    view.setUint16(network + FLAGS_AND_OFFSET, 0);
    view.setUint16(network + CHECKSUM, 0);
    view.setUint16(network + CHECKSUM, finish(sum(octets, view, network, transport, 0)));
    return null;
  }

  #begin(header: Uint8Array): void {
    const { packet } = this;
    packet.clear();
    packet.octets.set(header, packet.network);
    packet.transport = packet.network + header.length;
    packet.end = packet.transport;
  }

  #append(fragment: Fragment): void {
    this.packet.octets.set(fragment.octets, this.packet.end);
    this.packet.end += fragment.octets.length;
  }
}

/** What names a datagram among those of all hosts. @rfc 791 3.2 */
function keyOf(
  source: Ipv4Address,
  destination: Ipv4Address,
  id: number,
  protocol: number,
): string {
  return `${source}>${destination}/${protocol}#${id}`;
}

/** The index of the first fragment that begins at `offset` or behind it. */
function indexFor(fragments: readonly Fragment[], offset: number): number {
  const index = fragments.findIndex((fragment) => fragment.offset >= offset);
  return index === -1 ? fragments.length : index;
}
