import type { DropReason } from '../../base/reasons.ts';
import { add } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import type { Segment } from '../../wire/tcp.ts';
import { decideAck } from '../receive/ackPolicy.ts';
import { measureByTimestamp } from '../receive/bufferTuning.ts';
import { takeTimestamp } from '../receive/timestamps.ts';
import { checkUrgent } from '../receive/urgent.ts';
import { timestampAt } from '../send/sender.ts';
import type { Tcb } from '../tcb.ts';
import { checkSequence } from './acceptability.ts';
import { checkAck } from './ackField.ts';
import { checkFin } from './fin.ts';
import { checkReset, checkSyn } from './resetAndSyn.ts';
import { processText } from './text.ts';

/**
 * SEGMENT ARRIVES in SYN-RECEIVED and the synchronized states: the eight checks, in the RFC's order.
 *
 * @param octets where the text of the segment lies
 * @returns null if it went through all of them, else why it stopped
 * @rfc 9293 3.10.7.4
 */
export function segmentArrivesInSynchronized(
  tcb: Tcb,
  seg: Segment,
  octets: Uint8Array,
  now: Micros,
): DropReason | null {
  const text = seg.textLength;
  return (
    checkSequence(tcb, seg, now) ?? // First
    checkReset(tcb, seg, now) ?? //    Second
    checkSyn(tcb, seg, now) ?? //      Fourth  (Third, security: RFC 9293 A.1, not implemented)
    checkAck(tcb, seg, now) ?? //      Fifth
    checkRest(tcb, seg, octets, now) ??
    (seg.textLength < text && seg.textLength === 0 ? 'text-duplicate' : null)
  );
}

function checkRest(tcb: Tcb, seg: Segment, octets: Uint8Array, now: Micros): DropReason | null {
  takeTimestamp(tcb, seg, now);
  // Bare ACKs would use up the echo that the next text brings.
  if (seg.textLength > 0 && tcb.state === 'ESTABLISHED' && tcb.ts.on && seg.hasTimestamps) {
    measureByTimestamp(tcb, seg.tsEcr, seg.len, timestampAt(tcb, now));
  }
  const end = add(seg.seq, seg.textLength);
  checkUrgent(tcb, seg); //                 Sixth
  const drop =
    processText(tcb, seg, octets, now) ?? // Seventh
    checkFin(tcb, seg, end, now); //         Eighth
  decideAck(tcb, now);
  return drop;
}
