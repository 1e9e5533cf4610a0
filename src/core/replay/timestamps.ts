import { type Micros, MS } from '../base/time.ts';
import type { CapturedSegment } from '../capture/capturedSegment.ts';
import { isSyn, lengthOf } from './numbers.ts';
import type { Part } from './part.ts';

/**
 * The timestamps of the end that is played: its clock of milliseconds, and which of its segments the
 * peer echoes. Our stack sends the same segment a little earlier or later, so what the peer echoes
 * must be what ours had, or every round trip would be wrong by the difference.
 */

/** So many of the first segments set our clock. */
const SAMPLES = 100;
/** ... than so many of them. */
const SOONER_SHARE = 0.75;
/** No segment waits longer for its capture. */
const CLOSE_MS = 100;

/**
 * What is added to our clock so that it shows what the recorded one showed, 0 to 2^32 - 1. A segment
 * may be captured long after it was stamped (a SYN waits for ARP): one that was captured sooner than most sets the clock.
 */
export function timestampOffset(part: Part): number {
  const stamped = part.events
    .flatMap((e) => {
      const stamps = e.from === 'own' ? e.segment.options.timestamps : null;
      return stamps === null ? [] : [{ at: e.at, value: stamps.value }];
    })
    .slice(0, SAMPLES);
  const [first] = stamped;
  if (first === undefined) return 0;
  const ahead = stamped.map(({ at, value }) => ((value - first.value) | 0) - (at - first.at) / MS);
  // a clock that does not count milliseconds runs away: then the first one stands
  const close = ahead.filter((ms) => Math.abs(ms) < CLOSE_MS).sort((a, b) => a - b);
  const [soon = 0] = close.slice(Math.floor(close.length * SOONER_SHARE));
  const isOfMs = close.length * 2 > ahead.length;
  // what is cut off of a TSval is spread over a millisecond; of our clock only whole ones can be set
  const before = first.value - first.at / MS;
  return (isOfMs ? Math.round(before + soon + (1 - SOONER_SHARE)) : Math.floor(before)) >>> 0;
}

/** Which segment of the recorded end had a TSval first. */
interface Origin {
  readonly key: string;
  /** So many times it had been sent before. */
  readonly copy: number;
  readonly at: Micros;
}

export class Echoes {
  readonly #offset: number;
  readonly #origins = new Map<number, Origin>();
  /** TSvals of our stack, by segment and copy. */
  readonly #ours = new Map<string, number[]>();
  /** The recording has no SYN of ours: one was made up. */
  #isSynMissing = true;

  constructor(part: Part, offset: number) {
    this.#offset = offset;
    const copies = new Map<string, number>();
    for (const event of part.events) {
      if (event.from !== 'own') continue;
      const { segment, at } = event;
      if (isSyn(segment)) this.#isSynMissing = false;
      const key = keyOf(segment);
      const copy = copies.get(key) ?? 0;
      copies.set(key, copy + 1);
      const value = segment.options.timestamps?.value;
      if (value !== undefined && !this.#origins.has(value)) {
        this.#origins.set(value, { key, copy, at });
      }
    }
  }

  /** Our stack has sent a segment. */
  onSent(segment: CapturedSegment): void {
    const value = segment.options.timestamps?.value;
    if (value === undefined || lengthOf(segment) === 0) return;
    const key = keyOf(segment);
    const values = this.#ours.get(key);
    if (values === undefined) this.#ours.set(key, [value]);
    else values.push(value);
  }

  /** TSecr for a segment of the peer; null: as it was recorded. */
  echoFor(segment: CapturedSegment, now: Micros): number | null {
    const echo = segment.options.timestamps?.echo ?? 0;
    if (echo === 0) return null;
    if (this.#isSynMissing && isSyn(segment)) return this.#clock(now);
    const origin = this.#origins.get(echo);
    if (origin === undefined) return null;
    const ours = this.#ours.get(origin.key)?.[origin.copy] ?? this.#clock(origin.at);
    // an echo of the future would be no round trip at all
    const latest = this.#clock(now);
    return ((latest - ours) | 0) < 0 ? latest : ours;
  }

  #clock(at: Micros): number {
    return (Math.floor(at / MS) + this.#offset) >>> 0;
  }
}

function keyOf(segment: CapturedSegment): string {
  return lengthOf(segment) === 0 ? `ack ${segment.ack}` : `${segment.seq}`;
}
