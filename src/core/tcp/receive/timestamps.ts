import { le } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { Flag, type Segment } from '../../wire/tcp.ts';
import { PAWS_IDLE_LIMIT } from '../config.ts';
import type { Tcb } from '../tcb.ts';

/**
 * "SEG.TSval < TS.Recent": is it an old duplicate, from before the sequence numbers wrapped? A RST
 * is never taken for one.
 *
 * @rfc 7323 5.3 R1
 */
export function isOldDuplicate(tcb: Tcb, seg: Segment, now: Micros): boolean {
  const { ts } = tcb;
  if (!ts.on || !seg.hasTimestamps || (seg.flags & Flag.RST) !== 0) return false;
  if (((seg.tsVal - ts.recent) | 0) >= 0) return false;
  return now - ts.recentAt < PAWS_IDLE_LIMIT;
}

/**
 * "If a non-<RST> segment is received without a TSopt, a TCP should silently drop the segment", where
 * the user wants that: some peers forget it.
 *
 * @rfc 7323 3.2
 */
export function isUntimed(tcb: Tcb, seg: Segment): boolean {
  if (tcb.config.missingTimestamps === 'taken' || !tcb.ts.on || seg.hasTimestamps) return false;
  return (seg.flags & Flag.RST) === 0;
}

/**
 * "If: SEG.TSval >= TS.Recent and SEG.SEQ <= Last.ACK.sent, then SEG.TSval is copied to TS.Recent".
 *
 * @rfc 7323 4.3 (2)
 */
export function takeTimestamp(tcb: Tcb, seg: Segment, now: Micros): void {
  const { ts } = tcb;
  if (!ts.on || !seg.hasTimestamps || !le(seg.seq, tcb.ack.last)) return;
  if (((seg.tsVal - ts.recent) | 0) < 0 && now - ts.recentAt < PAWS_IDLE_LIMIT) return;
  ts.recent = seg.tsVal;
  ts.recentAt = now;
}
