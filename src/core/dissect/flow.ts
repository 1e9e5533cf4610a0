import { RangeSet } from '../base/rangeSet.ts';
import { add, diff, le, lt, max, type Seq, seq } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import type { CapturedSegment } from '../capture/capturedSegment.ts';
import { Flag } from '../wire/tcp.ts';
import { RttSamples } from './rttSamples.ts';

/** Segments in flight that are remembered of one end; of more, no RTT is measured. */
const MAX_SENT = 1024;
/** Datagrams of one end of which a copy is recognised. */
const MAX_RECENT = 16;
/** Identifications that lie nearer to each other are taken for those of a counter. */
const NEAR_IDENTIFICATION = 256;
/** Retransmissions that are remembered of one end. */
const MAX_RESENT = 32;
/** Separate ranges behind a gap that are remembered of one end. */
const MAX_RANGES = 32;

/** A segment of a capture with the numbers that the rules ask for. */
export interface SeenSegment {
  readonly segment: CapturedSegment;
  readonly number: number;
  readonly time: Micros;
  readonly seq: Seq;
  /** SEG.SEQ + SEG.LEN: SYN and FIN count as octets. */
  readonly end: Seq;
  /** Octets of text. */
  readonly length: number;
  /** SEG.ACK; null: the ACK bit is off. */
  readonly ack: Seq | null;
  readonly isSyn: boolean;
  readonly isFin: boolean;
  readonly isReset: boolean;
  readonly tsVal: Seq | null;
  readonly tsEcr: Seq | null;
}

/** Reads off what the rules ask for. */
export function seen(segment: CapturedSegment): SeenSegment {
  const { flags, length, number, time, options } = segment;
  const isSyn = (flags & Flag.SYN) !== 0;
  const isFin = (flags & Flag.FIN) !== 0;
  const first = seq(segment.seq);
  const { timestamps } = options;
  return {
    segment,
    number,
    time,
    seq: first,
    end: add(first, length + (isSyn ? 1 : 0) + (isFin ? 1 : 0)),
    length,
    ack: (flags & Flag.ACK) === 0 ? null : seq(segment.ack),
    isSyn,
    isFin,
    isReset: (flags & Flag.RST) !== 0,
    tsVal: timestamps === null ? null : seq(timestamps.value),
    tsEcr: timestamps === null ? null : seq(timestamps.echo),
  };
}

/** What tells one datagram from another. */
interface Datagram extends Pick<SeenSegment, 'seq' | 'end' | 'ack' | 'tsVal' | 'number'> {
  readonly identification: number;
}

/** A segment that was seen, and not yet acknowledged. */
interface Sent {
  readonly seq: Seq;
  readonly end: Seq;
  readonly packet: number;
  readonly time: Micros;
  readonly tsVal: Seq | null;
  /**
   * It was sent more than once, so an ACK does not say which one it answers (RFC 6298 3); or it
   * filled a gap, and the ACK had to wait for it.
   */
  readonly isUncertain: boolean;
}

/** A question that needs an ACK, though nothing of it is new. */
export interface Probe {
  readonly name: 'keep-alive' | 'zero-window-probe';
  readonly packet: number;
}

/** Sent for the first time; overtaken by later ones on its way; or sent again. */
export type SentOrder = 'new' | 'late' | 'again';

/** How long an acknowledgment took. */
export interface RttSample {
  readonly micros: Micros;
  /** The packet that was acknowledged. */
  readonly of: number;
}

/**
 * What one end has sent so far, as seen where the capture was made:
 *
 * ```
 *   first seen             continuous                       next
 *       |------ all seen ------|      |-- seen --|   |-- seen --|
 *                              ^ a gap           ^ another one
 * ```
 */
export class Flow {
  /** Behind the last number seen (SND.NXT of the sender, as far as known); null: nothing seen. */
  next: Seq | null = null;
  /** The highest SEG.ACK beyond what was captured; null: there was none. */
  ackedUnseen: Seq | null = null;
  /** The packet that moved {@link next} last, and when. */
  nextPacket = 0;
  nextTime: Micros = 0;
  nextTsVal: Seq | null = null;
  nextIdentification = 0;
  /** Everything before was seen, or acknowledged by the other end; null: nothing seen. */
  continuous: Seq | null = null;
  /** SEG.ACK of the last segment that had one, and when it came. */
  lastAck: Seq | null = null;
  lastAckTime: Micros = 0;
  /** The first packet with that SEG.ACK, and how many duplicate ACKs followed. */
  lastAckPacket = 0;
  duplicateAcks = 0;
  /** SND.UNA of this end. */
  una: Seq | null = null;
  /** The highest SEG.ACK that it has sent, of what the other end is known to have sent. */
  highestAck: Seq | null = null;
  /** SEG.WND of the last segment, not scaled; null: nothing seen. */
  window: number | null = null;
  /** That window came in a SYN, in which it is never scaled. @rfc 7323 2.2 */
  isWindowOfSyn = false;
  /** The blocks of the last segment. */
  sackBlocks: readonly (readonly [number, number])[] = [];
  /** What it asked the other end last, and was not answered yet. */
  probe: Probe | null = null;
  /** The last segment is one that must be answered by a challenge ACK. */
  isChallenged = false;
  /** What it sent has closed the window of the other end: it evidently had more to send. */
  hasFilledWindow = false;
  /** TS.Recent of the other end, as it must be by RFC 7323 4.3. */
  tsRecent: Seq | null = null;
  tsRecentPacket = 0;
  /**
   * All that was in flight when its retransmission timer expired ends here, and all of it counts as
   * lost; null: no timer has expired. @rfc 5681 3.1
   */
  timeoutEnd: Seq | null = null;
  timeoutPacket = 0;
  /** Behind its FIN; null: not seen. */
  finEnd: Seq | null = null;
  finPacket = 0;
  /** Number of the last packet. */
  lastPacket = 0;
  /** How long it took until what this end sent was acknowledged. */
  readonly rtts = new RttSamples();
  readonly #beyond = new RangeSet(MAX_RANGES);
  readonly #sent: Sent[] = [];
  readonly #resent: Sent[] = [];
  readonly #recent: Datagram[] = [];

  /** Were all octets of it seen before? */
  hasSeen(left: Seq, right: Seq): boolean {
    if (this.continuous === null) return false;
    if (le(right, this.continuous)) return true;
    const from = lt(left, this.continuous) ? this.continuous : left;
    return this.#beyond.contains(from, right);
  }

  /**
   * Was it sent before ('older') or after ('newer') the segment that moved {@link next} last? Its
   * timestamp says so, or the identification of its datagram where that counts up; null: neither.
   */
  ageOf({ tsVal, segment }: SeenSegment): 'older' | 'newer' | null {
    if (tsVal !== null && this.nextTsVal !== null && tsVal !== this.nextTsVal) {
      return lt(tsVal, this.nextTsVal) ? 'older' : 'newer';
    }
    const { identification } = segment;
    if (identification === 0 || this.nextIdentification === 0) return null;
    const distance = ((identification - this.nextIdentification) << 16) >> 16;
    if (distance === 0 || Math.abs(distance) > NEAR_IDENTIFICATION) return null;
    return distance < 0 ? 'older' : 'newer';
  }

  /** The packet with the same datagram, which was duplicated on its way; null: there is none. */
  originalOfCopy(s: SeenSegment): number | null {
    const { identification } = s.segment;
    if (identification === 0) return null;
    const same = this.#recent.findLast(
      (r) =>
        r.identification === identification &&
        r.seq === s.seq &&
        r.end === s.end &&
        r.ack === s.ack &&
        r.tsVal === s.tsVal,
    );
    return same?.number ?? null;
  }

  /** Remembers it as the last datagram. */
  remember({ segment, seq: first, end, ack, tsVal, number }: SeenSegment): void {
    const { identification } = segment;
    this.#recent.push({ identification, seq: first, end, ack, tsVal, number });
    if (this.#recent.length > MAX_RECENT) this.#recent.shift();
  }

  /** The segment in flight that began with the same number; null: it is not remembered. */
  original(s: SeenSegment): { readonly packet: number; readonly time: Micros } | null {
    return this.#sent.find((sent) => sent.seq === s.seq) ?? null;
  }

  /** The last retransmission of any of these octets; null: none is remembered. */
  retransmissionOf(left: Seq, right: Seq): number | null {
    const found = this.#resent.findLast((r) => lt(r.seq, right) && lt(left, r.end));
    return found?.packet ?? null;
  }

  /** Counts in what a segment carries. */
  onSent(s: SeenSegment, order: SentOrder): void {
    const isBeyond = this.next === null || lt(this.next, s.end);
    if (isBeyond) this.#advance(s);
    if (s.end === s.seq) return;
    if (s.isSyn) this.una ??= s.seq; // nothing of it can be acknowledged yet
    this.#record(s, order);
    this.#mark(s.seq, s.end);
  }

  /** The octet of a probe, which did not count until now, has been taken. */
  onProbeTaken(): void {
    if (this.next !== null) this.next = add(this.next, 1);
  }

  /** The other end acknowledges, at most {@link next}. @returns how long it took, where that is certain */
  onAcked(ack: Seq, now: Micros, tsEcr: Seq | null): RttSample | null {
    const behind = this.#sent.findIndex((sent) => lt(ack, sent.end));
    const acked = this.#sent.splice(0, behind < 0 ? this.#sent.length : behind);
    // what was never captured is there all the same
    if (this.continuous !== null && lt(this.continuous, ack)) this.#mark(this.continuous, ack);
    this.una = this.una === null ? ack : max(this.una, ack);
    const answered = answeredBy(acked, tsEcr);
    if (answered === null) return null;
    const sample = { micros: now - answered.time, of: answered.packet };
    this.rtts.add(sample.micros);
    return sample;
  }

  /**
   * An ACK is about to move SND.UNA from `una` to `ack`: was it the original that arrived, though
   * it had been sent again? @returns the packet that was sent needlessly @rfc 3522 3.2
   */
  needlessBefore(una: Seq, ack: Seq, tsEcr: Seq | null): number | null {
    if (tsEcr === null) return null;
    const again = this.#resent.find((r) => r.seq === una && le(r.end, ack));
    if (again === undefined || again.tsVal === null || !lt(tsEcr, again.tsVal)) return null;
    return again.packet;
  }

  /** Octets sent and not acknowledged, SYN and FIN included; null: not known. */
  inFlight(): number | null {
    if (this.next === null || this.una === null) return null;
    return Math.max(0, diff(this.next, this.una));
  }

  #advance({ end, number, time, tsVal, segment }: SeenSegment): void {
    this.next = end;
    this.nextPacket = number;
    this.nextTime = time;
    this.nextTsVal = tsVal;
    this.nextIdentification = segment.identification;
  }

  #mark(left: Seq, right: Seq): void {
    this.continuous ??= left;
    if (lt(this.continuous, left)) {
      this.#beyond.insert(left, right);
      return;
    }
    if (lt(this.continuous, right)) this.continuous = right;
    this.#beyond.cutBelow(this.continuous);
    if (this.#beyond.count > 0 && this.#beyond.left(0) === this.continuous) {
      this.continuous = this.#beyond.right(0);
      this.#beyond.cutBelow(this.continuous);
    }
  }

  #record(s: SeenSegment, order: SentOrder): void {
    const { seq: first, end, number: packet, time, tsVal } = s;
    const record: Sent = { seq: first, end, packet, time, tsVal, isUncertain: order !== 'new' };
    if (order === 'again') this.#repeat(record);
    if (this.#sent.length >= MAX_SENT) return;
    const overlapped = this.#sent.some((sent) => lt(sent.seq, end) && lt(first, sent.end));
    if (order === 'again' && overlapped) return;
    const behind = this.#sent.findLastIndex((sent) => le(sent.seq, first)) + 1;
    this.#sent.splice(behind, 0, record);
  }

  /** What was in flight already counts as sent again. */
  #repeat(again: Sent): void {
    if (this.#resent.length === MAX_RESENT) this.#resent.shift();
    this.#resent.push(again);
    for (const [i, sent] of this.#sent.entries()) {
      if (!lt(sent.seq, again.end) || !lt(again.seq, sent.end)) continue;
      // the last one is the one that a timestamp may tell from those before
      const isSame = sent.seq === again.seq;
      this.#sent[i] = isSame ? { ...again, end: sent.end } : { ...sent, isUncertain: true };
    }
  }
}

/** Which of the segments that an ACK covers made the other end send it? null: that is not certain. */
function answeredBy(acked: readonly Sent[], tsEcr: Seq | null): Sent | null {
  if (!acked.some(({ isUncertain }) => isUncertain)) return acked.at(-1) ?? null;
  const echoed = tsEcr === null ? [] : acked.filter(({ tsVal }) => tsVal === tsEcr);
  return echoed.length === 1 ? (echoed[0] ?? null) : null;
}
