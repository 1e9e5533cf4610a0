import type { CapturedPacket } from './capturedPacket.ts';
import { type CaptureFormat, type CaptureInterface, isPcapMagic } from './captureFormat.ts';
import { OctetQueue } from './octetQueue.ts';
import { PcapFormat } from './pcapFormat.ts';
import { BlockType, PcapngFormat } from './pcapngFormat.ts';

/**
 * Reads a capture file of any length in pieces, pcap or pcapng, in memory that is bounded by the
 * longest packet and the longest piece:
 *
 * ```ts
 * for (const chunk of file) {
 *   reader.push(chunk);
 *   for (let p = reader.next(); p !== null; p = reader.next()) use(p);
 *   if (reader.problem !== null) break;
 * }
 * reader.finish();
 * ```
 *
 * Nothing in a file makes it throw. What cannot be read ends it: {@link problem} says where, and how.
 */
export class CaptureReader {
  /** Packets given. */
  packets = 0;
  readonly #queue = new OctetQueue();
  readonly #linkTypes = new Set<number>();
  #format: CaptureFormat | null = null;
  #kind: 'pcap' | 'pcapng' | null = null;
  #problem: string | null = null;
  #finished = false;

  /** What its first octets say; null: not known yet, or no capture at all. */
  get format(): 'pcap' | 'pcapng' | null {
    return this.#kind;
  }

  /** One line on how the file ends, if it does not end well; nothing is read behind that. */
  get problem(): string | null {
    return this.#problem;
  }

  /** LINKTYPE_* of the packets given, in the order of their appearance. */
  get linkTypes(): readonly number[] {
    return [...this.#linkTypes];
  }

  /** Where packets come from, as far as described in this section of the file. */
  get interfaces(): readonly CaptureInterface[] {
    return this.#format?.interfaces ?? [];
  }

  /** The next octets of the file, of which it takes a copy. */
  push(chunk: Uint8Array): void {
    if (this.#finished) throw new Error('octets behind the end of a capture');
    if (this.#problem === null) this.#queue.push(chunk);
  }

  /** There are no more octets. All packets must have been taken by {@link next}. */
  finish(): void {
    if (this.#finished) return;
    this.#finished = true;
    if (this.#problem !== null) return;
    const { length, itemStart, isWithinItem } = this.#queue;
    if (this.#kind === null) {
      this.#end(length === 0 ? 'no capture: it is empty' : `no capture: it has ${length} octets`);
    } else if (isWithinItem) this.#end(`cut off within what begins ${this.#where(itemStart)}`);
  }

  /** @returns null: {@link push} more, unless there is a {@link problem} */
  next(): CapturedPacket | null {
    if (this.#problem !== null) return null;
    this.#format ??= this.#recognise();
    const step = this.#format?.next(this.#queue, this.packets + 1) ?? null;
    if (step === null) return null;
    if ('damage' in step) {
      this.#end(`damaged ${this.#where(this.#queue.itemStart)}: ${step.damage}`);
      return null;
    }
    this.packets++;
    this.#linkTypes.add(step.linkType);
    return step;
  }

  #recognise(): CaptureFormat | null {
    const { length, view, at } = this.#queue;
    if (length < 4) return null;
    const word = view.getUint32(at, false);
    if (word === BlockType.SECTION_HEADER) {
      this.#kind = 'pcapng';
      return new PcapngFormat();
    }
    if (isPcapMagic(word) || isPcapMagic(view.getUint32(at, true))) {
      this.#kind = 'pcap';
      return new PcapFormat();
    }
    this.#end(`no capture: it begins with 0x${word.toString(16).padStart(8, '0')}`);
    return null;
  }

  #end(problem: string): void {
    this.#problem = problem;
    this.#queue.clear();
  }

  #where(octet: number): string {
    const packet = this.packets === 0 ? 'before the first packet' : `after packet ${this.packets}`;
    return `at octet ${octet}, ${packet}`;
  }
}

/** What a capture holds. */
export interface Capture {
  readonly packets: readonly CapturedPacket[];
  /** As {@link CaptureReader.problem}. */
  readonly problem: string | null;
  readonly linkTypes: readonly number[];
}

/** A whole capture that is in memory. */
export function readPackets(octets: Uint8Array): Capture {
  const reader = new CaptureReader();
  const packets: CapturedPacket[] = [];
  reader.push(octets);
  for (let packet = reader.next(); packet !== null; packet = reader.next()) packets.push(packet);
  reader.finish();
  return { packets, problem: reader.problem, linkTypes: reader.linkTypes };
}
