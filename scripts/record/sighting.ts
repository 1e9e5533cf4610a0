import type { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import type { CapturedPacket } from '../../src/core/capture/capturedPacket.ts';
import type { CapturedSegment } from '../../src/core/capture/capturedSegment.ts';
import { parseSegment } from '../../src/core/capture/parseSegment.ts';
import { Flag } from '../../src/core/wire/tcp.ts';

/** A segment on its way, and which one it is among those that went the same way before. */
export interface Sighting {
  readonly segment: CapturedSegment;
  /** Of those with text: 1 for the first that was sent, whose repetitions are 1 as well; 0: no text. */
  readonly text: number;
  /** How often its first sequence number was sent by now, 1 for the first time; 0: it takes none. */
  readonly times: number;
  /** Of those without text, SYN, FIN and RST: 1 for the first; 0: it is none of these. */
  readonly ack: number;
}

/** Tells which segment is which, of one way. */
export class Sightings {
  readonly #texts = new Map<number, number>();
  readonly #times = new Map<number, number>();
  #acks = 0;

  see(segment: CapturedSegment): Sighting {
    const { seq, flags, length } = segment;
    const isSyn = (flags & Flag.SYN) !== 0;
    const isFin = (flags & Flag.FIN) !== 0;
    let text = 0;
    let times = 0;
    let ack = 0;
    if (length > 0) {
      text = this.#texts.get(seq) ?? this.#texts.size + 1;
      this.#texts.set(seq, text);
    }
    if (length > 0 || isSyn || isFin) {
      times = (this.#times.get(seq) ?? 0) + 1;
      this.#times.set(seq, times);
    } else if ((flags & Flag.RST) === 0) ack = ++this.#acks;
    return { segment, text, times, ack };
  }
}

/** The segment in a frame; null: it holds none. */
export function segmentIn(packet: PacketBuffer): CapturedSegment | null {
  const octets = packet.frame();
  const captured: CapturedPacket = {
    number: 1,
    time: 0,
    nanos: 0,
    linkType: 1,
    octets,
    originalLength: octets.length,
    comments: [],
  };
  return parseSegment(captured);
}
