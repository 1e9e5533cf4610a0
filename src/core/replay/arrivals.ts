import { add, diff, le, lt, type Seq } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import { textStart } from './numbers.ts';
import type { Part } from './part.ts';

/** Octets that came in order, and when. */
export interface Arrival {
  readonly at: Micros;
  readonly octets: number;
}

/** Pieces beyond a gap that are kept in mind. */
const MAX_BEYOND = 1000;

/** When the text of the peer could be read: in order, each octet once. */
export function arrivalsOf(part: Part): Arrival[] {
  const arrivals: Arrival[] = [];
  let nxt = add(part.irs, 1);
  let beyond: (readonly [Seq, Seq])[] = [];
  for (const event of part.events) {
    if (event.from !== 'peer' || event.isLost || event.segment.checksum === 'bad') continue;
    const { segment, at } = event;
    if (segment.length === 0) continue;
    const from = textStart(segment);
    const before = nxt;
    beyond.push([from, add(from, segment.length)]);
    if (le(from, nxt)) {
      beyond = beyond.filter(([left, right]) => {
        if (!le(left, nxt)) return true;
        if (lt(nxt, right)) nxt = right;
        return false;
      });
      // what was filled in may have joined what waits further on
      for (const [left, right] of beyond) if (le(left, nxt) && lt(nxt, right)) nxt = right;
    }
    if (beyond.length > MAX_BEYOND) beyond.length = MAX_BEYOND;
    const octets = diff(nxt, before);
    if (octets > 0) arrivals.push({ at, octets });
  }
  return arrivals;
}
