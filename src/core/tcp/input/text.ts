import type { DropReason } from '../../base/reasons.ts';
import { add, diff, lt } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { Flag, type Segment } from '../../wire/tcp.ts';
import { enterQuickAcks, scheduleAck } from '../receive/ackPolicy.ts';
import { onText } from '../receive/receiver.ts';
import { acceptedWindow } from '../receive/window.ts';
import { mayReceive } from '../states.ts';
import { closeTcb, type Tcb } from '../tcb.ts';

/**
 * "Seventh, process the segment text."
 *
 * @rfc 9293 3.10.7.4 Seventh
 */
export function processText(
  tcb: Tcb,
  seg: Segment,
  octets: Uint8Array,
  now: Micros,
): DropReason | null {
  if (seg.textLength === 0) return null;
  if (!mayReceive(tcb.state)) return 'text-after-fin';
  if (isUnwanted(tcb)) {
    // SHLD-3: whoever sends to a user that has left is told so by a RST, which the caller sends as for
    // a connection that is no more.
    if (!lt(tcb.rcv.nxt, add(seg.seq, seg.textLength))) return null;
    tcb.shared.counters.TCPAbortOnData++;
    closeTcb(tcb, null, now);
    return 'text-after-close';
  }
  if (tcb.rcv.finSeen) {
    const most = diff(tcb.rcv.fin, seg.seq);
    if (most <= 0) return 'text-after-fin';
    if (seg.textLength > most) seg.textLength = most;
  }
  return checkWindow(tcb, seg) ?? onText(tcb, seg, octets, now);
}

/**
 * Has the user left, or shut down both ways? Linux takes text as long as the send side is open, even if
 * nobody wants it (tcp_rcv_state_process looks at RCV_SHUTDOWN in FIN-WAIT-1 and FIN-WAIT-2).
 */
function isUnwanted({ receiveClosed, readShut, sendClosed }: Tcb): boolean {
  return receiveClosed || (readShut && sendClosed);
}

/**
 * Text that begins beyond the window is not taken, nor the FIN behind it.
 *
 * Deviates from RFC 9293 3.10.7.4 ("trim off any portion ... that is beyond the window") as Linux
 * does (tcp_sequence, tcp_data_queue): the First check lets text through that begins within the
 * window and ends beyond it if the user has read everything, and then all of it is taken.
 */
function checkWindow(tcb: Tcb, seg: Segment): DropReason | null {
  const offset = diff(seg.seq, tcb.rcv.nxt);
  const isWithin =
    offset < acceptedWindow(tcb) && offset + seg.textLength <= tcb.receiveBuffer.free;
  if (isWithin) return null;
  if (tcb.rcv.wnd === 0) tcb.shared.counters.TCPZeroWindowDrop++;
  enterQuickAcks(tcb);
  scheduleAck(tcb, 'ack-unacceptable');
  seg.flags &= ~Flag.FIN;
  seg.textLength = 0;
  return 'window-closed';
}
