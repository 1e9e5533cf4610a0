import type { Micros } from '../base/time.ts';
import type { CapturedSegment } from '../capture/capturedSegment.ts';
import { Flag } from '../wire/tcp.ts';
import { isSyn } from './numbers.ts';

/**
 * A host leaves the cutting of long text to its network card, and tcpdump on the host sees what the
 * card gets: a segment longer than any wire would carry. It is compared as what the card makes of
 * it: full segments with the same header, of which the last alone has PSH and FIN, and the first
 * alone CWR.
 */
export interface Piece {
  readonly at: Micros;
  /** Silence in front of it. */
  readonly silence: Micros;
  /** Index of the recorded segment that it is a piece of. */
  readonly index: number;
  readonly segment: CapturedSegment;
}

const SACK_OPTION = 4;
const SACK_BLOCK = 8;

/** @param mss octets of text in a full segment without SACK blocks */
export function piecesOf(
  segment: CapturedSegment,
  mss: number,
  place: Omit<Piece, 'segment'>,
): Piece[] {
  const { sackBlocks } = segment.options;
  const sack = sackBlocks.length === 0 ? 0 : SACK_OPTION + SACK_BLOCK * sackBlocks.length;
  const full = Math.max(1, mss - sack);
  if (segment.length <= mss || isSyn(segment)) return [{ ...place, segment }];
  const pieces: Piece[] = [];
  for (let from = 0; from < segment.length; from += full) {
    const length = Math.min(full, segment.length - from);
    let { flags } = segment;
    if (from > 0) flags &= ~Flag.CWR;
    if (from + length < segment.length) flags &= ~(Flag.PSH | Flag.FIN);
    const text = segment.text.subarray(from, from + length);
    const seq = (segment.seq + from) >>> 0;
    pieces.push({ ...place, segment: { ...segment, seq, flags, length, text } });
  }
  return pieces;
}
