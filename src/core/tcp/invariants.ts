import { add, le, lt } from '../base/seq.ts';
import { NEVER } from '../base/time.ts';
import { Mark } from './send/retransmitQueue.ts';
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
    brokenQueue(tcb) ??
    brokenPhase(tcb) ??
    brokenTimers(tcb) ??
    (isSynchronized(tcb.state) ? brokenSpaces(tcb) : null)
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
  return brokenCounts(tcb);
}

/** The counts of marks equal a recount over the queue. @rfc 2018 5 */
function brokenCounts({ retransmitQueue: queue }: Tcb): string | null {
  let sacked = 0;
  let lost = 0;
  let resent = 0;
  for (let i = 0; i < queue.count; i++) {
    const marks = queue.marks(i);
    if ((marks & Mark.SACKED) !== 0) sacked++;
    if ((marks & Mark.LOST) !== 0) lost++;
    if ((marks & Mark.RESENT) !== 0) resent++;
    if ((marks & (Mark.SACKED | Mark.LOST)) === (Mark.SACKED | Mark.LOST)) {
      return 'a segment is reported and lost';
    }
  }
  if (sacked !== queue.sackedOut) return 'the count of reported segments is wrong';
  if (lost !== queue.lostOut) return 'the count of lost segments is wrong';
  return resent === queue.resentOut ? null : 'the count of segments sent again is wrong';
}

/** Nothing is lost while nothing is being repaired; reports are counted in one way. @rfc 6675 5 */
function brokenPhase({ recovery, retransmitQueue: queue, sackPermitted }: Tcb): string | null {
  const { phase, duplicateAcks } = recovery;
  if (phase !== 'recovery' && phase !== 'loss' && queue.lostOut > 0) {
    return 'something is lost that nobody repairs';
  }
  if (sackPermitted && duplicateAcks > 0) return 'duplicate ACKs are counted in spite of SACK';
  if (duplicateAcks + queue.lostOut > queue.count) return 'more has left the network than was sent';
  return null;
}

function brokenTimers(tcb: Tcb): string | null {
  const { deadlines } = tcb;
  let timers = 0;
  for (const kind of [Timer.RETRANSMISSION, Timer.LOSS_PROBE, Timer.REORDERING]) {
    if (deadlines[kind] !== NEVER) timers++;
  }
  if (timers > 1) return 'more than one timer runs for what is in flight';
  const retransmission = timers > 0;
  const persist = deadlines[Timer.PERSIST] !== NEVER;
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
