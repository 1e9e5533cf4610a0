import { add, diff, le, lt, type Seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { DUPLICATE_ACK_THRESHOLD } from '../config.ts';
import { outstanding, type Tcb } from '../tcb.ts';

/**
 * Which octets are lost, for a peer without SACK: fast retransmit, NewReno, timeout.
 *
 * What is true here: a record of the retransmission queue is either in flight, or marked lost, or
 * marked lost and sent again. `recovery.duplicateAcks` counts the segments that must have left the
 * network though no record says which. Nothing is sent from here: `output` sends what is marked.
 *
 * @rfc 5681 3.2, 6582 3.2
 */

/** Octets in flight as far as one can know: sent, not lost or sent again, not yet arrived. @rfc 6675 4 */
export function pipe(tcb: Tcb): number {
  const { lostOctets, resentOctets } = tcb.retransmitQueue;
  const arrived = tcb.recovery.duplicateAcks * tcb.snd.mss;
  return Math.max(0, outstanding(tcb) - lostOctets + resentOctets - arrived);
}

/** An ACK advanced SND.UNA by `acked` octets. Called after the queue was cut. */
export function onAdvance(tcb: Tcb, acked: number, now: Micros): void {
  const { recovery } = tcb;
  recovery.retries = 0;
  // Marks that are long past must not be left behind by half the sequence space.
  if (lt(tcb.snd.smallEnd, tcb.snd.una)) tcb.snd.smallEnd = tcb.snd.una;
  if (recovery.phase === 'open') {
    recovery.duplicateAcks = 0;
    if (lt(recovery.point, tcb.snd.una)) recovery.point = add(tcb.snd.una, -1);
    return;
  }
  if (le(recovery.point, tcb.snd.una)) {
    if (recovery.phase === 'recovery') tcb.congestion.onRecovered(outstanding(tcb), now);
    recovery.phase = 'open';
    recovery.duplicateAcks = 0;
    recovery.force = null;
    return;
  }
  if (recovery.phase === 'recovery') {
    // RFC 6582 3.2 step 3: "a partial acknowledgment": the next segment was lost too.
    const segments = Math.max(1, Math.round(acked / tcb.snd.mss));
    recovery.duplicateAcks = Math.max(0, recovery.duplicateAcks - (segments - 1));
    tcb.retransmitQueue.markLost(0);
    recovery.force = 'partial-ack';
  }
}

/** A duplicate ACK arrived. @rfc 5681 2 (what it is), 3.2 (what it means) */
export function onDuplicateAck(tcb: Tcb, now: Micros): void {
  const { recovery } = tcb;
  const most = tcb.retransmitQueue.count - 1;
  if (recovery.phase === 'loss' || recovery.duplicateAcks >= most) return;
  recovery.duplicateAcks++;
  if (recovery.phase === 'recovery' || recovery.duplicateAcks < DUPLICATE_ACK_THRESHOLD) return;
  // RFC 6582 3.2 step 2: the ACKs may answer what a timeout sent twice.
  if (le(tcb.snd.una, recovery.point)) return;
  tcb.congestion.onLoss(outstanding(tcb), now);
  recovery.phase = 'recovery';
  recovery.point = tcb.snd.nxt;
  recovery.force = 'fast-retransmit';
  tcb.retransmitQueue.markLost(0);
}

/** The retransmission timer expired: all that is in flight is taken as lost. @rfc 6298 5.4-5.6 */
export function onTimeout(tcb: Tcb, now: Micros): void {
  const { recovery } = tcb;
  tcb.congestion.onRto(outstanding(tcb), recovery.retries === 0, now);
  tcb.retransmitQueue.markAllLost();
  if (recovery.retries === 0) recovery.since = now;
  recovery.retries++;
  recovery.phase = 'loss';
  recovery.point = tcb.snd.nxt;
  recovery.duplicateAcks = 0;
  recovery.force = 'rto';
  tcb.rtt.backoff++;
}

/**
 * Segments in flight that no longer fit the path are sent again at once, without a word to
 * congestion control: they were too long, not too many.
 *
 * @rfc 1191 6.4
 */
export function onMtuFell(tcb: Tcb): void {
  const { retransmitQueue: queue, snd, recovery } = tcb;
  for (let i = 0; i < queue.count; i++) {
    if (queue.octets(i) > snd.mss) queue.markLost(i);
  }
  if (queue.nextLost() >= 0) recovery.force = 'loss-retransmission';
}

/** Round-trip time that an ACK of `ack` measures, from what was sent once alone; 0: none. @rfc 6298 3 */
export function measure(tcb: Tcb, ack: Seq, now: Micros): Micros {
  const { retransmitQueue: queue } = tcb;
  let measured = 0;
  for (let i = 0; i < queue.count && le(queue.end(i), ack); i++) {
    if (queue.wasResent(i)) return 0;
    if (measured === 0) measured = Math.max(1, now - queue.sentAt(i));
  }
  return measured;
}

/** Is this octet number one that was sent and not yet acknowledged? */
export function isInFlight(tcb: Tcb, at: Seq): boolean {
  return le(tcb.snd.una, at) && lt(at, tcb.snd.nxt) && diff(at, tcb.snd.una) >= 0;
}
