import { add, diff, le, lt, type Seq } from '../../base/seq.ts';
import { Flag, type Segment } from '../../wire/tcp.ts';
import { mayReceive } from '../states.ts';
import { Event, type Tcb } from '../tcb.ts';

/**
 * "Sixth, check the URG bit": the user is told when urgent text is ahead of what it has read, and when
 * the end of it moves. The text itself is delivered in its place in the stream.
 *
 * @rfc 9293 3.10.7.4 Sixth, 3.8.5 MUST-32, 6093 3.1
 */
export function checkUrgent(tcb: Tcb, seg: Segment): void {
  if (!seg.has(Flag.URG) || !mayReceive(tcb.state)) return;
  const { rcv } = tcb;
  const up = add(seg.seq, seg.up);
  if (le(up, nextToRead(tcb)) || (rcv.urgent && le(up, rcv.up))) return;
  rcv.up = up;
  rcv.urgent = true;
  tcb.events |= Event.URGENT;
}

/** The user has read: perhaps beyond the end of urgent text. */
export function onUrgentRead(tcb: Tcb): void {
  if (tcb.rcv.urgent && le(tcb.rcv.up, nextToRead(tcb))) tcb.rcv.urgent = false;
}

/** Octets from the next that the user reads to the end of urgent text; 0: there is none. */
export function urgentLeft(tcb: Tcb): number {
  return tcb.rcv.urgent ? diff(tcb.rcv.up, nextToRead(tcb)) : 0;
}

function nextToRead({ rcv, receiveBuffer }: Tcb): Seq {
  const end = rcv.finSeen && lt(rcv.fin, rcv.nxt) ? rcv.fin : rcv.nxt;
  return add(end, -receiveBuffer.length);
}
