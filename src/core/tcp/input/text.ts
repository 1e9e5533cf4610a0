import type { DropReason } from '../../base/reasons.ts';
import { add, diff, lt } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { Flag, type Segment } from '../../wire/tcp.ts';
import { onText } from '../receive/receiver.ts';
import { mayReceive } from '../states.ts';
import { closeTcb, oweAck, type Tcb } from '../tcb.ts';

/**
 * "Seventh, process the segment text." The urgent pointer (Sixth) is not reported to users: urgent
 * text is delivered in its place in the stream.
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
  if (tcb.receiveClosed) {
    // SHLD-3: whoever sends to a user that has left is told so by a RST.
    if (!lt(tcb.rcv.nxt, add(seg.seq, seg.textLength))) return null;
    tcb.resetOwed = 'reset-after-close';
    closeTcb(tcb, null, now);
    return 'text-after-close';
  }
  if (tcb.rcv.finSeen) {
    const most = diff(tcb.rcv.fin, seg.seq);
    if (most <= 0) return 'text-after-fin';
    if (seg.textLength > most) seg.textLength = most;
  }
  return cutToWindow(tcb, seg) ?? onText(tcb, seg, octets, now);
}

/** "Trim off any portion ... that is beyond the window", and with it the FIN. @rfc 9293 3.10.7.4 */
function cutToWindow(tcb: Tcb, seg: Segment): DropReason | null {
  const room = tcb.rcv.wnd - diff(seg.seq, tcb.rcv.nxt);
  if (seg.textLength <= room) return null;
  oweAck(tcb, 'ack-unacceptable');
  seg.flags &= ~Flag.FIN;
  seg.textLength = Math.max(0, room);
  return room > 0 ? null : 'window-closed';
}
