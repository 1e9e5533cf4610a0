import type { DropReason } from '../../base/reasons.ts';
import { add, lt, type Seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { Flag, type Segment } from '../../wire/tcp.ts';
import { scheduleAck } from '../receive/ackPolicy.ts';
import { Event, enterTimeWait, oweAck, type Tcb, transition } from '../tcb.ts';

/**
 * "Eighth, check the FIN bit." A FIN beyond a hole is remembered until the hole is filled.
 *
 * @param end number behind the text of the segment, before any of it was cut
 * @rfc 9293 3.10.7.4 Eighth
 */
export function checkFin(tcb: Tcb, seg: Segment, end: Seq, now: Micros): DropReason | null {
  const { rcv } = tcb;
  if (seg.has(Flag.FIN)) {
    if (!rcv.finSeen) rcv.fin = end;
    rcv.finSeen = true;
    if (rcv.nxt !== rcv.fin) onFinOutOfOrder(tcb, seg);
  }
  if (!rcv.finSeen || rcv.nxt !== rcv.fin) return null;
  switch (tcb.state) {
    case 'SYN-RECEIVED':
    case 'ESTABLISHED':
      takeFin(tcb);
      // The user may close too, at once: its FIN can carry the ACK (tcp_fin).
      tcb.ack.interactive = true;
      transition(tcb, 'CLOSE-WAIT', now);
      return null;
    case 'FIN-WAIT-1':
      // Our FIN is not acknowledged, or the Fifth check would have left this state.
      takeFin(tcb);
      oweAck(tcb, 'ack-fin');
      transition(tcb, 'CLOSING', now);
      return null;
    case 'FIN-WAIT-2':
      takeFin(tcb);
      oweAck(tcb, 'ack-fin');
      enterTimeWait(tcb, now);
      return null;
    default:
      return null;
  }
}

/** "advance RCV.NXT over the FIN, and send an acknowledgment for the FIN". */
function takeFin(tcb: Tcb): void {
  tcb.rcv.nxt = add(tcb.rcv.nxt, 1);
  tcb.rcv.wnd = Math.max(0, tcb.rcv.wnd - 1);
  tcb.receiveBuffer.ranges.clear();
  tcb.sackBlocks.clear();
  // text in front of the FIN that had arrived before is not reported (tcp_sack_reset)
  tcb.sackBlocks.hasDuplicate = false;
  scheduleAck(tcb, 'ack-fin');
  tcb.events |= Event.END;
}

/** It waits with the text before it; SACK may report its number like an octet of text. */
function onFinOutOfOrder(tcb: Tcb, seg: Segment): void {
  if (tcb.sackPermitted && tcb.config.sackFin && lt(tcb.rcv.nxt, tcb.rcv.fin)) {
    const left = seg.textLength > 0 ? seg.seq : tcb.rcv.fin;
    tcb.sackBlocks.add(left, add(tcb.rcv.fin, 1));
  }
  scheduleAck(tcb, 'ack-out-of-order');
}
