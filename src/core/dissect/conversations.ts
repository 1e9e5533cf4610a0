import type { CapturedSegment } from '../capture/capturedSegment.ts';
import { Flag } from '../wire/tcp.ts';

/**
 * Which conversation each segment of a capture belongs to.
 *
 * A conversation is what two sockets say to each other from one SYN to the next: a SYN with another
 * initial sequence number, or one that follows a FIN or RST, begins a new one between the same
 * sockets. They are numbered from 0 in the order of their first segments, as tshark's `tcp.stream`.
 */

/** 0: from the end that opened (or, if no SYN was seen, that was seen first); 1: from the other. */
export type Direction = 0 | 1;

/** One socket of a conversation. */
export interface RecordedEnd {
  /** Canonical text. */
  readonly address: string;
  readonly port: number;
}

/** One conversation, as far as segments must be found and counted; the analysis keeps the rest. */
export class RecordedConversation {
  /** From 0. */
  readonly stream: number;
  /** By {@link Direction} of what they send. */
  readonly ends: readonly [RecordedEnd, RecordedEnd];
  /** Its sockets had another conversation before, which the same table knew. */
  readonly isReuse: boolean;
  /**
   * By direction: ISS of that end, or if its SYN was not seen, one less than the first number seen
   * of it, which may be that of an acknowledgment; null: nothing was seen. Relative numbers are
   * counted from here.
   */
  readonly bases: [number | null, number | null] = [null, null];
  /** By direction: was its SYN recorded? */
  readonly sawSyn: [boolean, boolean] = [false, false];
  /** A FIN or RST was recorded. */
  sawEnd = false;
  /** A segment that acknowledges and has no SYN was recorded. */
  sawAck = false;

  constructor(stream: number, ends: readonly [RecordedEnd, RecordedEnd], isReuse: boolean) {
    this.stream = stream;
    this.ends = ends;
    this.isReuse = isReuse;
  }

  /** SEG.SEQ counted from the sender's ISS: 0 is its SYN, 1 its first octet. 0 to 2^32 - 1. */
  relativeSeq(seq: number, direction: Direction): number {
    return (seq - (this.bases[direction] ?? 0)) >>> 0;
  }

  /** SEG.ACK, or an edge of a SACK block, counted from the ISS of the receiver of the segment. */
  relativeAck(ack: number, direction: Direction): number {
    return (ack - (this.bases[other(direction)] ?? 0)) >>> 0;
  }

  /** Takes note of what one of its segments says about where numbers begin. */
  note(segment: CapturedSegment, direction: Direction): void {
    const { flags, seq, ack } = segment;
    const isSyn = (flags & Flag.SYN) !== 0;
    const isReset = (flags & Flag.RST) !== 0;
    // a SYN-ACK with a new ISS while nobody has acknowledged the old one: the other end forgot it
    const isAnew = isSyn && (flags & Flag.ACK) !== 0 && !this.sawAck;
    // a RST that answers a segment without ACK has a SEG.SEQ of 0, which says nothing
    if (this.bases[direction] === null ? isSyn || !isReset || seq !== 0 : isAnew) {
      this.bases[direction] = isSyn ? seq : (seq - 1) >>> 0;
    }
    if (isSyn) this.sawSyn[direction] = true;
    if ((flags & Flag.ACK) !== 0) {
      this.bases[other(direction)] ??= (ack - 1) >>> 0;
      if (!isSyn && !isReset) this.sawAck = true;
    }
    if (isReset || (flags & Flag.FIN) !== 0) this.sawEnd = true;
  }

  /** Would a SYN without ACK be the first segment of another conversation? */
  isOverBy(syn: CapturedSegment, direction: Direction): boolean {
    const base = this.bases[direction];
    return base !== null && (base !== syn.seq || this.sawEnd);
  }
}

/** A segment in its conversation. */
export interface Placement {
  readonly conversation: RecordedConversation;
  readonly direction: Direction;
  /** Is it the first that is known of the conversation? */
  readonly begins: boolean;
  /** SEG.SEQ, counted from the ISS of its sender. */
  readonly seq: number;
  /** SEG.ACK, counted from the ISS of its receiver; 0 without ACK bit. */
  readonly ack: number;
}

/** What a {@link ConversationTable} may be told. */
export interface ConversationTableOptions {
  /** Conversations that are known at the same time, from 1; of more, the longest silent is forgotten. */
  readonly limit?: number;
  readonly onForgotten?: (conversation: RecordedConversation) => void;
}

const DEFAULT_LIMIT = 16_384;

/** The direction of the answers. */
export function other(direction: Direction): Direction {
  return direction === 0 ? 1 : 0;
}

/** Finds the conversation of each segment of a capture; segments are added in its order. */
export class ConversationTable {
  /** Conversations that have begun, forgotten ones included. */
  count = 0;
  readonly #limit: number;
  readonly #onForgotten: (conversation: RecordedConversation) => void;
  /** The last conversation of each pair of sockets. */
  readonly #bySockets = new Map<string, RecordedConversation>();
  /** All that are known, the longest silent first. */
  readonly #known = new Set<RecordedConversation>();

  constructor({ limit = DEFAULT_LIMIT, onForgotten = () => {} }: ConversationTableOptions = {}) {
    if (!(limit >= 1)) throw new RangeError(`a limit of ${limit} conversations is below 1`);
    this.#limit = limit;
    this.#onForgotten = onForgotten;
  }

  /** Those that are known, in the order of their numbers. */
  conversations(): RecordedConversation[] {
    return [...this.#known].sort((a, b) => a.stream - b.stream);
  }

  /** The last conversation between two sockets; null: none is known. */
  find(one: RecordedEnd, two: RecordedEnd): RecordedConversation | null {
    return this.#bySockets.get(keyOf(one, two)) ?? null;
  }

  /** Finds or begins the conversation of the next segment, and counts it in. */
  add(segment: CapturedSegment): Placement {
    const from = { address: segment.source, port: segment.sourcePort };
    const to = { address: segment.destination, port: segment.destinationPort };
    const key = keyOf(from, to);
    const known = this.#bySockets.get(key);
    const isOver =
      known !== undefined &&
      isSynAlone(segment) &&
      known.isOverBy(segment, directionOf(known, from));
    const begins = known === undefined || isOver;
    const conversation = begins ? this.#begin(segment, from, to, isOver) : known;
    const direction = directionOf(conversation, from);
    conversation.note(segment, direction);
    this.#bySockets.set(key, conversation);
    this.#touch(conversation);
    const hasAck = (segment.flags & Flag.ACK) !== 0;
    return {
      conversation,
      direction,
      begins,
      seq: conversation.relativeSeq(segment.seq, direction),
      ack: hasAck ? conversation.relativeAck(segment.ack, direction) : 0,
    };
  }

  #begin(
    segment: CapturedSegment,
    from: RecordedEnd,
    to: RecordedEnd,
    isReuse: boolean,
  ): RecordedConversation {
    const answersSyn = (segment.flags & (Flag.SYN | Flag.ACK)) === (Flag.SYN | Flag.ACK);
    return new RecordedConversation(this.count++, answersSyn ? [to, from] : [from, to], isReuse);
  }

  #touch(conversation: RecordedConversation): void {
    this.#known.delete(conversation);
    this.#known.add(conversation);
    if (this.#known.size <= this.#limit) return;
    for (const oldest of this.#known) {
      this.#forget(oldest);
      return;
    }
  }

  #forget(conversation: RecordedConversation): void {
    this.#known.delete(conversation);
    const key = keyOf(...conversation.ends);
    if (this.#bySockets.get(key) === conversation) this.#bySockets.delete(key);
    this.#onForgotten(conversation);
  }
}

/** The same for both directions. */
function keyOf(a: RecordedEnd, b: RecordedEnd): string {
  const one = `${a.address} ${a.port}`;
  const two = `${b.address} ${b.port}`;
  return one < two ? `${one} ${two}` : `${two} ${one}`;
}

function directionOf({ ends: [opener] }: RecordedConversation, from: RecordedEnd): Direction {
  return opener.address === from.address && opener.port === from.port ? 0 : 1;
}

function isSynAlone({ flags }: CapturedSegment): boolean {
  return (flags & (Flag.SYN | Flag.ACK)) === Flag.SYN;
}
