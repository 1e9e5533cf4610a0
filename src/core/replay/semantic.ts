import { add, diff, lt, max, type Seq, seq } from '../base/seq.ts';
import { type Micros, MS, NEVER } from '../base/time.ts';
import type { CapturedSegment } from '../capture/capturedSegment.ts';
import { align } from './align.ts';
import { endOf, hasAck, isFin, isReset, isSyn, lengthOf, textStart } from './numbers.ts';
import { OwnText } from './ownText.ts';
import type { Part } from './part.ts';
import type { Outcome } from './player.ts';
import type { Result } from './verdicts.ts';

/**
 * What the application at the other end, and its TCP, would notice of a conversation: the order of
 * SYN, FIN, RST, retransmissions and probes; and in the end, which text was sent, and up to where
 * the peer's was acknowledged. Sizes of segments, windows, bare ACKs and exact times are nobody's
 * business. The timeout and the probe of a lost tail are the same: something was sent again.
 */
export type Meaning = 'SYN' | 'SYN-ACK' | 'FIN' | 'RST' | 'retransmission' | 'probe';

/** One of these, or one of the sums at the end. */
export interface SemanticVerdict {
  readonly result: Result;
  readonly at: Micros;
  /** Of the packet that it was recorded in; null: none. */
  readonly number: number | null;
  readonly what: Meaning | 'text sent' | 'text acknowledged';
  /** Of a difference: what it consists of. */
  readonly difference: string | null;
}

interface Token {
  readonly what: Meaning;
  readonly at: Micros;
  readonly number: number;
}

interface Said {
  readonly at: Micros;
  readonly segment: CapturedSegment;
}

/** "The delay MUST be less than 0.5 seconds": RFC 9293 3.8.6.3. */
const LONGEST_ACK_DELAY: Micros = 500 * MS;
/** Repetitions that follow each other within this time are one repair, whatever their order. */
const ONE_REPAIR: Micros = 100 * MS;

/** Compares what both mean: recorded, and ours. */
export function compareMeanings(part: Part, { sent }: Outcome): SemanticVerdict[] {
  const firstAt = part.events[0]?.at ?? 0;
  const lastAt = part.events.at(-1)?.at ?? NEVER;
  const recorded = part.events.flatMap((e) => (e.from === 'own' ? [e] : []));
  const theirs = meaningsOf(recorded);
  const ours = meaningsOf(sent);
  const matches = align(theirs.length, ours.length, (r, o) => {
    const a = theirs[r];
    const b = ours[o];
    if (a === undefined || b === undefined || a.what !== b.what) return 0;
    return 1 + 1 / (2 + Math.abs(a.at - b.at) / MS);
  });
  const used = new Set(matches);
  const verdicts = theirs.map((token, i): SemanticVerdict => {
    const result = (matches[i] ?? -1) < 0 ? 'missing' : 'same';
    return { ...token, result, difference: null };
  });
  ours.forEach((token, i) => {
    if (used.has(i) || token.at < firstAt || token.at > lastAt) return;
    verdicts.push({ ...token, number: null, result: 'extra', difference: null });
  });
  verdicts.sort((a, b) => a.at - b.at);
  return [...verdicts, textSent(part, recorded, sent), acknowledged(part, recorded, sent)];
}

function meaningsOf(said: readonly Said[]): Token[] {
  const meanings = new Meanings();
  for (const { at, segment } of said) meanings.add(segment, at);
  return meanings.tokens;
}

class Meanings {
  readonly tokens: Token[] = [];
  #sentTo: Seq | null = null;
  #lastRepeatAt = -NEVER;
  /** Where segments began, and where those that the current repair has sent again. */
  readonly #starts = new Set<number>();
  readonly #repaired = new Set<number>();

  add(segment: CapturedSegment, at: Micros): void {
    const what = this.#meaningOf(segment, at);
    if (what !== null) this.tokens.push({ what, at, number: segment.number });
    if (lengthOf(segment) === 0 || isReset(segment) || this.#isOld(segment)) return;
    this.#starts.add(segment.seq);
    this.#sentTo = this.#sentTo === null ? endOf(segment) : max(this.#sentTo, endOf(segment));
  }

  #meaningOf(segment: CapturedSegment, at: Micros): Meaning | null {
    if (isReset(segment)) return 'RST';
    if (isSyn(segment)) return hasAck(segment) ? 'SYN-ACK' : 'SYN';
    if (!this.#isOld(segment)) return isFin(segment) ? 'FIN' : null;
    if (isProbe(segment, this.#sentTo, this.#starts)) return 'probe';
    return lengthOf(segment) > 0 && this.#beginsRepair(segment, at) ? 'retransmission' : null;
  }

  #beginsRepair({ seq: from }: CapturedSegment, at: Micros): boolean {
    const begins = at - this.#lastRepeatAt > ONE_REPAIR || this.#repaired.has(from);
    if (begins) this.#repaired.clear();
    this.#repaired.add(from);
    this.#lastRepeatAt = at;
    return begins;
  }

  #isOld(segment: CapturedSegment): boolean {
    return this.#sentTo !== null && diff(endOf(segment), this.#sentTo) <= 0;
  }
}

/** At the number before the next one: empty, or with an octet that was part of something longer. */
function isProbe(segment: CapturedSegment, sentTo: Seq | null, starts: Set<number>): boolean {
  if (sentTo === null || isFin(segment) || segment.length > 1) return false;
  return (
    diff(seq(segment.seq), sentTo) === -1 && !(segment.length === 1 && starts.has(segment.seq))
  );
}

function textSent(part: Part, recorded: readonly Said[], sent: readonly Said[]): SemanticVerdict {
  const first = add(part.iss, 1);
  const theirs = octetsUpTo(first, recorded);
  const ours = octetsUpTo(first, sent);
  const text = new OwnText(part);
  const isOther = sent.some(({ segment }) => {
    const from = diff(textStart(segment), first);
    if (segment.length <= 1 || from < 0) return false;
    const octets = text.octets(from, segment.length);
    return segment.text.some((octet, i) => octet !== octets[i]);
  });
  const difference = isOther
    ? 'other octets'
    : theirs === ours
      ? null
      : `${ours} octets instead of ${theirs}`;
  return total('text sent', recorded, difference);
}

function acknowledged(
  part: Part,
  recorded: readonly Said[],
  sent: readonly Said[],
): SemanticVerdict {
  const theirs = lastAck(recorded);
  const ours = lastAck(sent);
  const less = theirs === null || ours === null ? 0 : diff(theirs, ours);
  const isSame = theirs === ours || (less < 0 && endedBeforeAck(part, theirs));
  const difference = isSame ? null : `${less} octets less than recorded`;
  return total('text acknowledged', recorded, difference);
}

/** Did the capture end before what came last could be acknowledged? */
function endedBeforeAck(part: Part, acknowledged: Seq | null): boolean {
  const lastAt = part.events.at(-1)?.at ?? 0;
  const next = part.events.find(
    (e) => e.from === 'peer' && acknowledged !== null && diff(endOf(e.segment), acknowledged) > 0,
  );
  return next !== undefined && lastAt - next.at < LONGEST_ACK_DELAY;
}

function total(
  what: SemanticVerdict['what'],
  recorded: readonly Said[],
  difference: string | null,
): SemanticVerdict {
  const at = recorded.at(-1)?.at ?? 0;
  return { result: difference === null ? 'same' : 'different', at, number: null, what, difference };
}

function octetsUpTo(first: Seq, said: readonly Said[]): number {
  let octets = 0;
  for (const { segment } of said) {
    if (segment.length === 0 || isReset(segment)) continue;
    octets = Math.max(octets, diff(textStart(segment), first) + segment.length);
  }
  return octets;
}

function lastAck(said: readonly Said[]): Seq | null {
  let last: Seq | null = null;
  for (const { segment } of said) {
    if (!hasAck(segment) || isReset(segment)) continue;
    const ack = seq(segment.ack);
    if (last === null || lt(last, ack)) last = ack;
  }
  return last;
}
