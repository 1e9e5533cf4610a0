import { add, type Seq, seq } from '../base/seq.ts';
import type { CapturedSegment } from '../capture/capturedSegment.ts';
import { Flag } from '../wire/tcp.ts';

export function isSyn({ flags }: CapturedSegment): boolean {
  return (flags & Flag.SYN) !== 0;
}

export function isFin({ flags }: CapturedSegment): boolean {
  return (flags & Flag.FIN) !== 0;
}

export function isReset({ flags }: CapturedSegment): boolean {
  return (flags & Flag.RST) !== 0;
}

export function hasAck({ flags }: CapturedSegment): boolean {
  return (flags & Flag.ACK) !== 0;
}

/** SEG.LEN */
export function lengthOf(segment: CapturedSegment): number {
  return segment.length + ((segment.flags >>> 1) & 1) + (segment.flags & 1);
}

/** The number of its first octet of text, if it has one. */
export function textStart(segment: CapturedSegment): Seq {
  return add(seq(segment.seq), isSyn(segment) ? 1 : 0);
}

/** The number behind what a segment occupies. */
export function endOf(segment: CapturedSegment): Seq {
  return add(seq(segment.seq), lengthOf(segment));
}
