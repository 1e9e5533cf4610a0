import type { DropReason } from '../../base/reasons.ts';
import type { Micros } from '../../base/time.ts';
import type { Segment } from '../../wire/tcp.ts';
import type { Tcb } from '../tcb.ts';
import { segmentArrivesInSynchronized } from './synchronized.ts';
import { segmentArrivesInSynSent } from './synSent.ts';
import { segmentArrivesInTimeWait } from './timeWait.ts';

/**
 * SEGMENT ARRIVES for a connection. CLOSED and LISTEN have no TCB: see `tcp.ts` and `listener.ts`.
 *
 * @param octets where the text of the segment lies
 * @returns null if it was processed to its end, else why it stopped
 * @rfc 9293 3.10.7
 */
export function segmentArrives(
  tcb: Tcb,
  seg: Segment,
  octets: Uint8Array,
  now: Micros,
): DropReason | null {
  switch (tcb.state) {
    case 'CLOSED':
    case 'LISTEN':
      return 'connection-closed';
    case 'SYN-SENT':
      return segmentArrivesInSynSent(tcb, seg, octets, now);
    case 'TIME-WAIT':
      if (tcb.config.timeWaitCheck === 'repetition') return segmentArrivesInTimeWait(tcb, seg, now);
      return segmentArrivesInSynchronized(tcb, seg, octets, now);
    default:
      return segmentArrivesInSynchronized(tcb, seg, octets, now);
  }
}
