import { type Micros, SECOND } from '../base/time.ts';
import type { CapturedPacket } from '../capture/capturedPacket.ts';
import type { CapturedSegment } from '../capture/capturedSegment.ts';
import { type CapturedIcmpError, parseIcmpError } from '../capture/parseIcmpError.ts';
import { parseSegment } from '../capture/parseSegment.ts';
import {
  ConversationTable,
  type RecordedConversation,
  type RecordedEnd,
} from '../dissect/conversations.ts';

/**
 * One conversation out of a capture: all that a replay keeps of the file.
 */

/** A segment, or an ICMP error about one, in the order of the capture. */
export type Recorded =
  | { readonly kind: 'segment'; readonly at: Micros; readonly segment: CapturedSegment }
  | { readonly kind: 'error'; readonly at: Micros; readonly error: CapturedIcmpError };

/** What was recorded of one conversation. */
export interface Recording {
  readonly stream: number;
  /** Who opened (or was seen first), and the other. */
  readonly ends: readonly [RecordedEnd, RecordedEnd];
  /** Times are counted from the first packet of the capture; see {@link ORIGIN}. */
  readonly items: readonly Recorded[];
  /** Not null: there was more than is kept, and this says how much is. */
  readonly limit: string | null;
}

/** The time of the first packet of the capture, in a replay: calls may come before it. */
export const ORIGIN: Micros = 100_000 * SECOND;

/** Most segments and errors that are kept of one conversation, and most octets of them. */
const MAX_ITEMS = 500_000;
const MAX_OCTETS = 256 * 1024 * 1024;

/** A conversation of a capture, for whoever must choose. */
export interface FoundConversation {
  readonly conversation: RecordedConversation;
  segments: number;
}

/** The first pass over a capture: which conversations are in it? */
export class ConversationFinder {
  readonly #table = new ConversationTable();
  readonly #found = new Map<number, FoundConversation>();

  add(packet: CapturedPacket): void {
    const segment = parseSegment(packet);
    if (segment === null) return;
    const { conversation } = this.#table.add(segment);
    const known = this.#found.get(conversation.stream);
    if (known !== undefined) known.segments++;
    else if (this.#found.size < MAX_ITEMS) {
      this.#found.set(conversation.stream, { conversation, segments: 1 });
    }
  }

  /** In the order of their numbers. */
  found(): FoundConversation[] {
    return [...this.#found.values()];
  }
}

/** The second pass: takes the packets of a capture, and keeps what belongs to one conversation. */
export class RecordingCollector {
  readonly #stream: number;
  readonly #table = new ConversationTable();
  readonly #items: Recorded[] = [];
  #start: Micros | null = null;
  #ends: readonly [RecordedEnd, RecordedEnd] | null = null;
  #octets = 0;
  #limit: string | null = null;

  constructor(stream: number) {
    this.#stream = stream;
  }

  add(packet: CapturedPacket): void {
    this.#start ??= packet.time;
    if (this.#limit !== null) return;
    const at = ORIGIN + (packet.time - this.#start) + packet.nanos / 1000;
    const segment = parseSegment(packet);
    if (segment !== null) {
      const { conversation } = this.#table.add(segment);
      if (conversation.stream !== this.#stream) return;
      this.#ends = conversation.ends;
      this.#keep({ kind: 'segment', at, segment }, packet);
      return;
    }
    const error = this.#ends === null ? null : parseIcmpError(packet);
    if (error !== null && this.#isAboutUs(error)) this.#keep({ kind: 'error', at, error }, packet);
  }

  /** @returns null: the conversation was not in the capture */
  recording(): Recording | null {
    if (this.#ends === null) return null;
    return {
      stream: this.#stream,
      ends: this.#ends,
      items: sortedByTime(this.#items),
      limit: this.#limit,
    };
  }

  #keep(item: Recorded, packet: CapturedPacket): void {
    this.#items.push(item);
    this.#octets += packet.octets.length;
    if (this.#items.length >= MAX_ITEMS || this.#octets >= MAX_OCTETS) {
      this.#limit =
        `the conversation is longer: its first ${this.#items.length} packets ` +
        `(${this.#octets} octets) are replayed`;
    }
  }

  #isAboutUs({ quoted }: CapturedIcmpError): boolean {
    const from = { address: quoted.source, port: quoted.sourcePort };
    const to = { address: quoted.destination, port: quoted.destinationPort };
    const [a, b] = this.#ends ?? [];
    if (a === undefined || b === undefined) return false;
    return (isSameEnd(a, from) && isSameEnd(b, to)) || (isSameEnd(b, from) && isSameEnd(a, to));
  }
}

export function isSameEnd(a: RecordedEnd, b: RecordedEnd): boolean {
  return a.address === b.address && a.port === b.port;
}

/** `10.0.0.1:80`, `[2001:db8::1]:80` */
export function formatEnd({ address, port }: RecordedEnd): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Clocks of several interfaces, and merged files, go backwards; a replay cannot. */
function sortedByTime(items: readonly Recorded[]): Recorded[] {
  return [...items].sort((a, b) => a.at - b.at);
}
