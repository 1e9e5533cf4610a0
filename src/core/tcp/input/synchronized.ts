import type { DropReason } from '../../base/reasons.ts';
import { add } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import type { Segment } from '../../wire/tcp.ts';
import { takeTimestamp } from '../receive/timestamps.ts';
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
  return (
    checkSequence(tcb, seg, now) ?? // First
    checkReset(tcb, seg, now) ?? //    Second
    checkSyn(tcb, seg, now) ?? //      Fourth  (Third, security: RFC 9293 A.1, not implemented)
    checkAck(tcb, seg, now) ?? //      Fifth
    checkRest(tcb, seg, octets, now)
  );
}

function checkRest(tcb: Tcb, seg: Segment, octets: Uint8Array, now: Micros): DropReason | null {
  takeTimestamp(tcb, seg, now);
  const end = add(seg.seq, seg.textLength);
  return (
    processText(tcb, seg, octets, now) ?? // Sixth, Seventh
    checkFin(tcb, seg, end, now) //          Eighth
  );
}
