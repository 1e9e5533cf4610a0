import { add, diff, lt, max, type Seq, seq } from '../base/seq.ts';
import { type Micros, MS, NEVER } from '../base/time.ts';
import type { CapturedSegment } from '../capture/capturedSegment.ts';
import { Flag } from '../wire/tcp.ts';
import { AT_ONCE, type Inferred } from './inferred.ts';
import { endOf, hasAck, isFin, isReset, isSyn, textStart } from './numbers.ts';
import type { Part } from './part.ts';
import { leastShift, shiftOf } from './profile.ts';

/**
 * When the application wrote, and closed its send side, as what was sent shows:
 *
 * - A segment with PSH that is shorter than a full one is the end of a write: nothing else was in the
 *   send buffer, so the next write came later, with the next segment at the latest.
 * - What ACKs of the peer let go belongs to what had been written before.
 * - What goes out by itself, or right behind text of the peer, was written then.
 */
export interface InferredWrites {
  readonly calls: readonly Inferred[];
  /** When the FIN was asked for; {@link NEVER}: it was not sent. */
  readonly finAt: Micros;
}

/** The first probe of a closed window follows the write by this (Linux: TCP_RTO_MIN). */
const PROBE_DELAY: Micros = 200 * MS;
/** Written and never sent, behind a window that stayed closed. */
const NEVER_SENT = 1000;

/**
 * @param mss octets of text in a full segment
 * @param clockedWithin see `Guess`
 */
export function inferWrites(part: Part, mss: number, clockedWithin: Micros): InferredWrites {
  const writes = new Writes(part, mss, clockedWithin);
  for (const event of part.events) {
    if (event.from === 'own') writes.onSent(event.segment, event.at);
    else if (event.from === 'peer' && !event.isLost) writes.onReceived(event.segment, event.at);
  }
  return writes.finish();
}

interface Write {
  at: Micros;
  octets: number;
}

class Writes {
  readonly #mss: number;
  readonly #clockedWithin: Micros;
  readonly #calls: Inferred[] = [];
  #current: Write | null = null;
  /** The current write has ended with PSH, on a segment that was full or not. */
  #pushed: 'no' | 'full' | 'short' = 'no';
  #sentTo: Seq;
  #una: Seq;
  #window = 1;
  readonly #shift: number;
  /** The number behind what the peer's window has room for. */
  #edge: Seq | null = null;
  #finAt: Micros = NEVER;
  #lastTextAt: Micros = -NEVER;
  /** When the peer last acknowledged something or opened its window; when it last said something. */
  #clockedAt: Micros = -NEVER;
  #peerTextAt: Micros = -NEVER;
  #drainedAt: Micros = -NEVER;
  #closedWindowAt: Micros = -NEVER;
  #firstProbeAt: Micros = NEVER;

  constructor(part: Part, mss: number, clockedWithin: Micros) {
    this.#mss = mss;
    this.#clockedWithin = clockedWithin;
    this.#sentTo = (part.iss + 1) as Seq;
    this.#una = this.#sentTo;
    this.#shift = part.isMidway ? leastShift(part, 'peer') : shiftOf(part, 'peer');
  }

  onReceived(segment: CapturedSegment, at: Micros): void {
    if (segment.length > 0) this.#peerTextAt = at;
    if (!hasAck(segment) || isReset(segment)) return;
    const ack = seq(segment.ack);
    if (lt(this.#una, ack) || segment.window > this.#window) this.#clockedAt = at;
    if (lt(this.#una, ack) && !lt(this.#sentTo, ack)) this.#una = ack;
    if (segment.window === 0 && this.#window > 0) this.#closedWindowAt = at;
    this.#window = segment.window;
    this.#edge = add(ack, segment.window * 2 ** (isSyn(segment) ? 0 : this.#shift));
    if (this.#una === this.#sentTo) this.#drainedAt = at;
  }

  onSent(segment: CapturedSegment, at: Micros): void {
    if (isReset(segment)) return;
    const from = textStart(segment);
    if (this.#isProbe(segment)) this.#firstProbeAt = Math.min(this.#firstProbeAt, at);
    const to = (from + segment.length) >>> 0;
    const fresh = diff(to as Seq, max(from, this.#sentTo));
    if (segment.length > 0 && fresh > 0 && fresh <= segment.length) {
      this.#onText(segment, fresh, at);
    }
    if (isFin(segment) && this.#finAt === NEVER) {
      this.#finAt = segment.length > 0 ? (this.#current?.at ?? at) : at;
    }
    this.#sentTo = max(this.#sentTo, endOf(segment));
  }

  finish(): InferredWrites {
    const waited = this.#window === 0 && this.#firstProbeAt !== NEVER && this.#pushed !== 'no';
    if (waited) this.#begin(this.#writtenBeforeProbe(), NEVER_SENT);
    else if (this.#window === 0 && this.#current !== null && this.#pushed === 'no') {
      this.#current.octets += NEVER_SENT;
    }
    this.#end();
    return { calls: this.#calls, finAt: this.#finAt };
  }

  #onText(segment: CapturedSegment, fresh: number, at: Micros): void {
    if (this.#begins(at)) this.#begin(this.#beginOf(at), fresh);
    else if (this.#current !== null) this.#current.octets += fresh;
    const isPushed = (segment.flags & Flag.PSH) !== 0;
    const isFull = segment.length % this.#mss === 0;
    // what just fills the window was cut there (Linux: tcp_mss_split_point), and may go on
    const isCut = this.#edge !== null && endOf(segment) === this.#edge;
    this.#pushed = !isPushed || isCut ? 'no' : isFull ? 'full' : 'short';
    this.#lastTextAt = at;
    this.#firstProbeAt = NEVER;
  }

  #begins(at: Micros): boolean {
    if (this.#current === null || this.#pushed === 'short') return true;
    if (this.#pushed === 'full') {
      // a kernel also pushes in the middle of a long write (Linux: forced_push)
      const follows = at - this.#lastTextAt <= this.#clockedWithin;
      const isAnswer = this.#peerTextAt > this.#lastTextAt;
      return isAnswer || this.#firstProbeAt !== NEVER || !(follows || this.#isClocked(at));
    }
    // nothing was in flight, and nothing let it go: only the application can have
    const isIdle = this.#una === this.#sentTo && at - this.#drainedAt > AT_ONCE;
    return isIdle && this.#firstProbeAt === NEVER && !this.#isClocked(at);
  }

  #beginOf(at: Micros): Micros {
    return this.#firstProbeAt === NEVER ? at : this.#writtenBeforeProbe();
  }

  #isClocked(at: Micros): boolean {
    return at - this.#clockedAt <= this.#clockedWithin;
  }

  #writtenBeforeProbe(): Micros {
    const before = this.#firstProbeAt - PROBE_DELAY;
    return Math.max(this.#lastTextAt, Math.max(before, this.#closedWindowAt));
  }

  #begin(at: Micros, octets: number): void {
    this.#end();
    this.#current = { at, octets };
  }

  #end(): void {
    if (this.#current === null) return;
    const { at, octets } = this.#current;
    this.#calls.push({ at, act: { call: 'write', octets } });
    this.#current = null;
  }

  /** At SND.UNA - 1, with all acknowledged and a closed window: otherwise it is one of keepalive. */
  #isProbe(segment: CapturedSegment): boolean {
    if (isSyn(segment) || isFin(segment) || segment.length > 1) return false;
    const isOld = this.#una === this.#sentTo && diff(seq(segment.seq), this.#una) === -1;
    return isOld && this.#window === 0;
  }
}
