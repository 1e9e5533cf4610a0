import { add, le, lt } from '../base/seq.ts';
import { NEVER } from '../base/time.ts';
import { isSynchronized } from './states.ts';
import { finSeq, outstanding, type Tcb, Timer } from './tcb.ts';

/**
 * What must be true of a TCB after every turn. The simulator asks it each time, so that every random
 * run is an attempt to prove it wrong.
 *
 * @returns the first rule that is broken, or null
 * @rfc 9293 3.3.1
 */
export function brokenInvariant(tcb: Tcb): string | null {
  if (tcb.state === 'CLOSED') {
    return tcb.deadlines.every((d) => d === NEVER) ? null : 'a timer runs in CLOSED';
  }
  return (
    brokenQueue(tcb) ?? brokenTimers(tcb) ?? (isSynchronized(tcb.state) ? brokenSpaces(tcb) : null)
  );
}

function brokenQueue(tcb: Tcb): string | null {
  const { snd, retransmitQueue: queue } = tcb;
  if (!le(snd.una, snd.nxt)) return 'SND.UNA is beyond SND.NXT';
  if (queue.count === 0) return snd.una === snd.nxt ? null : 'octets in flight without a record';
  if (queue.seq(0) !== snd.una) return 'the queue does not begin at SND.UNA';
  for (let i = 1; i < queue.count; i++) {
    if (queue.seq(i) !== queue.end(i - 1)) return 'the queue has a gap';
  }
  if (queue.end(queue.count - 1) !== snd.nxt) return 'the queue does not end at SND.NXT';
  if (queue.resentOctets > queue.lostOctets) return 'more octets sent again than lost';
  return queue.lostOctets > outstanding(tcb) ? 'more octets lost than in flight' : null;
}

function brokenTimers(tcb: Tcb): string | null {
  const retransmission = tcb.deadlines[Timer.RETRANSMISSION] !== NEVER;
  const persist = tcb.deadlines[Timer.PERSIST] !== NEVER;
  if (retransmission && persist) return 'retransmission and persist timers run together';
  if (outstanding(tcb) > 0 && !retransmission)
    return 'octets in flight and no retransmission timer';
  return null;
}

function brokenSpaces(tcb: Tcb): string | null {
  const { snd, rcv, receiveBuffer } = tcb;
  if (!tcb.receiveClosed && (rcv.wnd < 0 || rcv.wnd > receiveBuffer.free)) {
    return 'RCV.WND is beyond the buffer';
  }
  if (tcb.finSent && !tcb.sendClosed) return 'a FIN was sent that nobody asked for';
  const end = tcb.finSent ? add(finSeq(tcb), 1) : tcb.sendBuffer.end;
  return lt(end, snd.nxt) ? 'SND.NXT is beyond the text' : null;
}
