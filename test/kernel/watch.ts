import { ipv4 } from '../../src/core/base/address.ts';
import type { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import { Protocol } from '../../src/core/base/ports.ts';
import type { DropReason, SendReason } from '../../src/core/base/reasons.ts';
import type { Micros } from '../../src/core/base/time.ts';
import type { Tracer } from '../../src/core/base/tracer.ts';
import { EtherType } from '../../src/core/wire/ethernet.ts';
import { parseTcp, Segment } from '../../src/core/wire/tcp.ts';

/** A segment that the stack sent or received, and its verdict. */
export interface Seen {
  readonly way: 'sent' | 'received';
  /** Why it was sent, or dropped; null: it was taken. */
  readonly reason: SendReason | DropReason | null;
  readonly localPort: number;
  readonly remotePort: number;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  /** As it is in the header, not scaled. */
  readonly window: number;
  /** Octets of text. */
  readonly length: number;
  readonly at: Micros;
}

/** A frame that is no segment. */
export interface SeenOther {
  readonly way: 'sent' | 'received' | 'unsent';
  readonly reason: SendReason | DropReason | null;
  readonly frame: Uint8Array;
}

/** Rounds of the event loop within which a turn is over and what it has caused is done. */
const ROUNDS = 3;

/** Remembers what a stack does, and wakes up who waits for something to happen. */
export class Watch implements Tracer {
  readonly segments: Seen[] = [];
  readonly others: SeenOther[] = [];
  readonly #segment = new Segment();
  #waiting: (() => void)[] = [];
  /** Rounds of the event loop in which those who wait are asked. */
  #rounds = 0;

  sent(packet: PacketBuffer, reason: SendReason, now: Micros): void {
    this.#note(packet, 'sent', reason, now);
  }

  received(packet: PacketBuffer, drop: DropReason | null, now: Micros): void {
    this.#note(packet, 'received', drop, now);
  }

  unsent(packet: PacketBuffer, drop: DropReason): void {
    this.others.push({ way: 'unsent', reason: drop, frame: packet.frame().slice() });
    this.#happened();
  }

  transition(): void {
    this.#happened();
  }

  /** Waits until it is so; asked when anything has happened. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Segments of one way and reason; of one connection, where its local port is given. */
  select(way: Seen['way'], reason: Seen['reason'], localPort?: number): Seen[] {
    return this.segments.filter(
      (seen) =>
        seen.way === way &&
        seen.reason === reason &&
        (localPort === undefined || seen.localPort === localPort),
    );
  }

  /** Begins anew. */
  forget(): void {
    this.segments.length = 0;
    this.others.length = 0;
  }

  #note(packet: PacketBuffer, way: Seen['way'], reason: Seen['reason'], at: Micros): void {
    const { view, link } = packet;
    const isIp = view.getUint16(link + 12) === EtherType.IPV4;
    const segment = this.#segment;
    if (
      isIp &&
      view.getUint8(link + 23) === Protocol.TCP &&
      parseTcp(packet, ipv4(0), ipv4(0), segment, false) === null
    ) {
      const [local, remote] = [segment.sourcePort, segment.destinationPort];
      this.segments.push({
        way,
        reason,
        localPort: way === 'sent' ? local : remote,
        remotePort: way === 'sent' ? remote : local,
        seq: segment.seq,
        ack: segment.ack,
        flags: segment.flags,
        window: segment.wnd,
        length: segment.textLength,
        at,
      });
    } else {
      this.others.push({ way, reason, frame: packet.frame().slice() });
    }
    this.#happened();
  }

  /** What follows from it may be done in the next turn, without a word: so it is asked again. */
  #happened(): void {
    const isAsking = this.#rounds > 0;
    this.#rounds = ROUNDS;
    if (!isAsking) setImmediate(this.#ask);
  }

  readonly #ask = (): void => {
    this.#rounds--;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
    if (this.#rounds > 0) setImmediate(this.#ask);
  };
}
