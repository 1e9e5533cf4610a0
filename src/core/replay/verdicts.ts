import { SEND_REASONS, type SendReason } from '../base/reasons.ts';
import { type Micros, MS, NEVER } from '../base/time.ts';
import type { CapturedSegment } from '../capture/capturedSegment.ts';
import { align } from './align.ts';
import { type ComparisonContext, differences, type Field, likeness } from './compare.ts';
import { isFin, isReset, isSyn } from './numbers.ts';
import type { Part } from './part.ts';
import { type Piece, piecesOf } from './pieces.ts';
import type { Sent } from './player.ts';
import { compareTimes, JIFFY } from './tolerance.ts';

/** What became of a segment. */
export type Result = 'same' | 'earlier' | 'later' | 'different' | 'missing' | 'extra';

/** One recorded segment of the end that is played, or one of ours that was not recorded. */
export interface Verdict {
  readonly result: Result;
  /** Of a recorded segment: when it was expected, else when ours was sent. */
  readonly at: Micros;
  /** Of the packet in its file; null: it was not recorded. */
  readonly number: number | null;
  /** The recorded segment, or if there is none, ours. */
  readonly segment: CapturedSegment;
  /** Ours that stand for it: several where the recorded one is longer than a full segment. */
  readonly ours: readonly Sent[];
  /** Of `different`: in what. */
  readonly fields: readonly Field[];
  /** Why this stack sent the first of ours. */
  readonly reason: SendReason | null;
}

/** How many of each there are, and the share of what is the same. */
export interface Score {
  readonly fidelity: number;
  readonly same: number;
  readonly timing: number;
  readonly different: number;
  readonly missing: number;
  readonly extra: number;
}

/** Nothing further apart than this is taken for the same bare ACK: they all look alike. */
const BARE_ACK_REACH: Micros = 1_000 * MS;

/** Compares what was recorded with what our stack sent: each has one verdict, in the order of time. */
export function compareSegments(part: Part, sent: readonly Sent[], mss: number): Verdict[] {
  const pieces = recordedPieces(part, mss);
  const context = clockOf(part);
  const matches = align(pieces.length, sent.length, (r, o) => {
    const piece = pieces[r];
    const ours = sent[o];
    return piece === undefined || ours === undefined ? 0 : scoreOf(piece, ours, context);
  });
  const verdicts: Verdict[] = [];
  const used = new Set<number>();
  for (let i = 0; i < pieces.length; ) {
    let end = i + 1;
    while (pieces[end] !== undefined && pieces[end]?.index === pieces[i]?.index) end++;
    const indices = [...matches.subarray(i, end)];
    for (const index of indices) used.add(index);
    const found = indices.map((index) => sent[index] ?? null);
    verdicts.push(judge(part, pieces.slice(i, end), found, context));
    i = end;
  }
  return withExtras(part, verdicts, sent, used);
}

/** Counts. */
export function scoreOfVerdicts(verdicts: readonly { readonly result: Result }[]): Score {
  const count = (...results: Result[]): number =>
    verdicts.filter(({ result }) => results.includes(result)).length;
  const same = count('same');
  return {
    fidelity: verdicts.length === 0 ? 1 : same / verdicts.length,
    same,
    timing: count('earlier', 'later'),
    different: count('different'),
    missing: count('missing'),
    extra: count('extra'),
  };
}

/** `data (RFC 9293 3.7)` */
export function formatSendReason(reason: SendReason): string {
  const { rfc } = SEND_REASONS[reason];
  return rfc === 'none' ? reason : `${reason} (${rfc})`;
}

function recordedPieces(part: Part, mss: number): Piece[] {
  let before: Micros | null = null;
  const pieces: Piece[] = [];
  part.events.forEach((event, index) => {
    if (event.from === 'own') {
      const silence = event.at - (before ?? event.at);
      pieces.push(...piecesOf(event.segment, mss, { at: event.at, silence, index }));
    }
    before = event.at;
  });
  return pieces;
}

function scoreOf(piece: Piece, ours: Sent, context: ComparisonContext): number {
  const { segment } = piece;
  const alike = likeness(segment, ours.segment);
  if (alike === 0) return 0;
  const apart = Math.abs(ours.at - piece.at);
  const isBare = segment.length === 0 && !isSyn(segment) && !isFin(segment) && !isReset(segment);
  const isNear = compareTimes(piece.at, ours.at, piece.silence) === 'same';
  if (isBare && !isNear && (apart > BARE_ACK_REACH || alike < 6)) return 0;
  const isEqual =
    alike >= 6 && differences(segment, ours.segment, at(piece, ours, context)).length === 0;
  return alike + (isEqual ? 4 : 0) + (isNear ? 3 : 1 / (1 + apart / (100 * MS)));
}

function at(piece: Piece, ours: Sent, context: ComparisonContext): ComparisonContext {
  return { ...context, laterByMs: (ours.at - piece.at) / MS };
}

function judge(
  part: Part,
  pieces: readonly Piece[],
  found: readonly (Sent | null)[],
  context: ComparisonContext,
): Verdict {
  const [first] = pieces;
  const event = part.events[first?.index ?? 0];
  if (first === undefined || event === undefined || event.from !== 'own') {
    throw new Error('a piece of nothing');
  }
  const ours = found.filter((o) => o !== null);
  const fields = new Set<Field>();
  let timing: 'same' | 'earlier' | 'later' = 'same';
  pieces.forEach((piece, i) => {
    const sent = found[i] ?? null;
    if (sent === null) {
      fields.add('length');
      return;
    }
    for (const f of differences(piece.segment, sent.segment, at(piece, sent, context)))
      fields.add(f);
    const when = compareTimes(piece.at, sent.at, piece.silence);
    if (timing === 'same') timing = when;
  });
  const result = ours.length === 0 ? 'missing' : fields.size > 0 ? 'different' : timing;
  return {
    result,
    at: event.at,
    number: event.segment.number,
    segment: event.segment,
    ours,
    fields: result === 'different' ? [...fields] : [],
    reason: ours[0]?.reason ?? null,
  };
}

/** What we sent and nobody recorded, in its place; what came before the first packet or after the last is not known. */
function withExtras(
  part: Part,
  verdicts: readonly Verdict[],
  sent: readonly Sent[],
  used: ReadonlySet<number>,
): Verdict[] {
  const firstAt = part.events[0]?.at ?? 0;
  const lastAt = part.events.at(-1)?.at ?? NEVER;
  const extras = sent.flatMap((ours, i): Verdict[] => {
    if (used.has(i) || ours.at < firstAt || ours.at > lastAt) return [];
    const { at, segment, reason } = ours;
    return [{ result: 'extra', at, number: null, segment, ours: [ours], fields: [], reason }];
  });
  return [...verdicts, ...extras].sort((a, b) => timeOf(a) - timeOf(b));
}

function timeOf(verdict: Verdict): Micros {
  return verdict.ours[0]?.at ?? verdict.at;
}

/** How the recorded timestamp clock runs: 1000 ticks a second, or another round number. */
function clockOf(part: Part): ComparisonContext {
  const stamps = part.events.flatMap((e) => {
    const timestamps = e.from === 'own' ? e.segment.options.timestamps : null;
    return timestamps === null ? [] : [{ at: e.at, value: timestamps.value }];
  });
  const first = stamps[0] ?? { at: 0, value: 0 };
  const last = stamps.at(-1) ?? first;
  const elapsed = (last.at - first.at) / MS;
  const rate = elapsed < 100 ? 1 : ((last.value - first.value) >>> 0) / elapsed;
  const known = [1, 0.1, 0.25, 0.3, 0.002].find((r) => Math.abs(rate / r - 1) < 0.05);
  const jitterMs = part.isNear ? 0 : JIFFY / MS;
  return { laterByMs: 0, jitterMs, ticksPerMs: known ?? rate, firstTimestamp: first.value };
}
