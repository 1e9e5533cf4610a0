import { type Micros, NEVER } from '../../base/time.ts';
import { oweAck, type Tcb, Timer } from '../tcb.ts';

/**
 * When to acknowledge text that came in order: at once in the first segments of a connection, so
 * that the peer's window grows; at once when more than one full segment is unacknowledged; else
 * after a delay, in which an answer of the user may carry the ACK.
 *
 * @rfc 9293 3.8.6.3, 5681 4.2
 */
export function onTextInOrder(tcb: Tcb, octets: number, now: Micros): void {
  const { ack, deadlines } = tcb;
  ack.unacked += octets;
  if (ack.unacked > ack.segment) {
    oweAck(tcb, 'ack-second-segment');
  } else if (ack.quick > 0 && !ack.interactive) {
    ack.quick--;
    oweAck(tcb, 'ack-now');
  } else if (deadlines[Timer.DELAYED_ACK] === NEVER) {
    deadlines[Timer.DELAYED_ACK] = now + tcb.config.delayedAck;
  }
}

/** The delay is over; the user was not as quick to answer as thought. */
export function onDelayedAckTimer(tcb: Tcb): void {
  tcb.ack.interactive = false;
  oweAck(tcb, 'delayed-ack');
}

/** Text of ours goes out: if it follows text of the peer closely, it answers it. */
export function onTextSent(tcb: Tcb, now: Micros): void {
  if (now - tcb.textAt < tcb.config.delayedAck) tcb.ack.interactive = true;
}
