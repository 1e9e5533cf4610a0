import type { DropReason } from '../../base/reasons.ts';
import { add, diff } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import type { Segment } from '../../wire/tcp.ts';
import { Event, oweAck, oweDuplicateAck, type Tcb } from '../tcb.ts';
import { onTextInOrder } from './ackPolicy.ts';

/**
 * Takes the text of a segment that lies within the window, in order or not.
 *
 * @param octets where the text of the segment lies, from `seg.textStart` on
 * @rfc 9293 3.10.7.4 Seventh
 */
export function onText(tcb: Tcb, seg: Segment, octets: Uint8Array, now: Micros): DropReason | null {
  const { rcv, receiveBuffer } = tcb;
  const count = seg.textLength;
  if (count > tcb.ack.segment) tcb.ack.segment = count;
  tcb.textAt = now;
  const offset = diff(seg.seq, rcv.nxt);
  const hadHoles = receiveBuffer.ranges.count > 0;
  const advance = receiveBuffer.insert(rcv.nxt, offset, octets, seg.textStart, count);
  if (advance < 0) {
    oweDuplicateAck(tcb, 'ack-out-of-order');
    return 'reassembly-limit';
  }
  if (advance > 0) {
    rcv.nxt = add(rcv.nxt, advance);
    rcv.wnd -= advance;
    tcb.ack.duplicates = 0; // they would repeat a number that is no longer waited for
    tcb.events |= Event.READABLE;
  }
  // RFC 5681 4.2: "immediately when an out-of-order segment arrives", and "when it fills in all or
  // part of a gap".
  if (offset > 0) oweDuplicateAck(tcb, 'ack-out-of-order');
  else if (hadHoles) oweAck(tcb, 'ack-now');
  else onTextInOrder(tcb, advance, now);
  return null;
}
