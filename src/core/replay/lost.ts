import { diff, le, type Seq, seq } from '../base/seq.ts';
import type { CapturedSegment } from '../capture/capturedSegment.ts';
import { endOf, hasAck, lengthOf } from './numbers.ts';

/** How far ahead a repetition is looked for. */
const HORIZON = 2000;

/**
 * What the peer sent and the end that is played never got, as a capture on the peer's side shows:
 * the peer sent it again, and until then nothing acknowledged it. If a D-SACK says afterwards that
 * it came twice, it was not lost but late.
 */
export function lostOnTheWay(
  segments: readonly CapturedSegment[],
  isOwn: (segment: CapturedSegment) => boolean,
): Set<CapturedSegment> {
  const lost = new Set<CapturedSegment>();
  segments.forEach((segment, i) => {
    if (isOwn(segment) || lengthOf(segment) === 0 || segment.checksum === 'bad') return;
    if (isLost(segments, i, isOwn)) lost.add(segment);
  });
  return lost;
}

function isLost(
  segments: readonly CapturedSegment[],
  index: number,
  isOwn: (segment: CapturedSegment) => boolean,
): boolean {
  const segment = segments[index];
  if (segment === undefined) return false;
  const from = seq(segment.seq);
  const to = endOf(segment);
  let isRepeated = false;
  for (let i = index + 1; i < Math.min(segments.length, index + HORIZON); i++) {
    const later = segments[i];
    if (later === undefined) break;
    if (!isOwn(later)) {
      const covers = le(seq(later.seq), from) && le(to, endOf(later)) && lengthOf(later) > 0;
      if (covers) isRepeated = true;
      continue;
    }
    const block = later.options.sackBlocks[0];
    const isDuplicate = block !== undefined && le(seq(block[1]), seq(later.ack));
    if (!isRepeated) {
      if (acknowledges(later, from, to)) return false;
    } else if (isDuplicate && covered([block], from, to)) return false;
  }
  return isRepeated;
}

function acknowledges(segment: CapturedSegment, from: Seq, to: Seq): boolean {
  if (!hasAck(segment)) return false;
  return diff(seq(segment.ack), to) >= 0 || covered(segment.options.sackBlocks, from, to);
}

function covered(blocks: readonly (readonly [number, number])[], from: Seq, to: Seq): boolean {
  return blocks.some(([left, right]) => le(seq(left), from) && le(to, seq(right)));
}
