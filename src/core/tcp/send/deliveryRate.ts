import { lt, type Seq } from '../../base/seq.ts';
import { type Micros, SECOND } from '../../base/time.ts';
import { type Tcb, unsentText } from '../tcb.ts';
import { type DeliveryRate, NONE, type SendStamp } from './delivery.ts';
import { cwndSegments, inFlight } from './inFlight.ts';
import { Mark } from './retransmitQueue.ts';

/**
 * How fast segments are delivered: each ACK that delivers something tells how many were delivered
 * since the segment that was sent last of them went out, and how long that took. The steps are those
 * of Linux's tcp_rate.c and of draft-cheng-iccrg-delivery-rate-estimation.
 *
 * ```
 *                 send interval                  what was sent before it, and delivered
 *     firstSentAt --------> sentAt               since, may have been queued on the way:
 *          deliveredAt ----------------> now     the longer of both counts
 *                  ACK interval
 * ```
 *
 * What is true here: a rate that was measured while the user had too little to send is marked so. It
 * says what the path can do at least.
 */

/** What a segment takes along that is sent now, before it is in the queue (tcp_rate_skb_sent). */
export function sendStamp(
  { delivery, recovery, retransmitQueue: queue }: Tcb,
  now: Micros,
): SendStamp {
  if (queue.count === 0) {
    delivery.firstSentAt = now;
    delivery.deliveredAt = now;
  }
  delivery.delivered = recovery.delivered;
  delivery.isAppLimited = delivery.bubbleEnd !== 0;
  return delivery;
}

/** The user writes: has it let the network run dry (tcp_rate_check_app_limited)? */
export function checkAppLimited(tcb: Tcb): void {
  const { snd, retransmitQueue: queue } = tcb;
  if (unsentText(tcb) >= snd.mss || inFlight(tcb) >= cwndSegments(tcb)) return;
  if (queue.lostOut > queue.resentOut) return;
  beginBubble(tcb);
}

/** What is delivered of what is in flight now says little of the path. */
export function beginBubble(tcb: Tcb): void {
  tcb.delivery.bubbleEnd = tcb.recovery.delivered + inFlight(tcb) || NONE;
}

/** An ACK begins: it has delivered nothing yet. */
export function beginSample({ delivery }: Tcb): void {
  delivery.priorDelivered = 0;
  delivery.priorAt = NONE;
}

/**
 * Record `i` is delivered, by ACK or SACK. Of all those of an ACK the one that was sent last counts
 * (tcp_rate_skb_delivered).
 */
export function noteDelivered({ delivery, retransmitQueue: queue }: Tcb, i: number): void {
  if (queue.deliveredAt(i) === NONE) return; // it was told of before
  const sentAt = queue.sentAt(i);
  const end = queue.end(i);
  if (delivery.priorDelivered === 0 || isLater(delivery, sentAt, end)) {
    delivery.priorDelivered = queue.deliveredBefore(i);
    delivery.priorAt = queue.deliveredAt(i);
    delivery.priorAppLimited = (queue.marks(i) & Mark.APP_LIMITED) !== 0;
    delivery.priorEnd = end;
    delivery.firstSentAt = sentAt;
    delivery.sendInterval = sentAt - queue.firstSentAt(i);
  }
  if (queue.isSacked(i)) queue.clearDeliveredAt(i);
}

function isLater({ firstSentAt, priorEnd }: DeliveryRate, sentAt: Micros, end: Seq): boolean {
  return sentAt > firstSentAt || (sentAt === firstSentAt && lt(priorEnd, end));
}

/**
 * The ACK is understood, and has delivered so many segments: what rate does it show? It is left in
 * {@link Tcb.sample} for congestion control (tcp_rate_gen).
 */
export function generateSample(tcb: Tcb, acked: number, now: Micros): void {
  const { delivery, recovery, rtt, sample } = tcb;
  const { delivered } = recovery;
  if (delivery.bubbleEnd !== 0 && delivered > delivery.bubbleEnd) delivery.bubbleEnd = 0;
  if (acked > 0) delivery.deliveredAt = now;
  sample.priorDelivered = delivery.priorDelivered;
  sample.isAppLimited = delivery.priorAppLimited;
  sample.delivered = NONE;
  sample.interval = NONE;
  if (delivery.priorAt === NONE || recovery.reneged) return;
  sample.delivered = delivered - delivery.priorDelivered;
  const interval = Math.max(delivery.sendInterval, now - delivery.priorAt);
  // Shorter than any round trip: something is delivered that was sent again needlessly.
  if (interval < rtt.minRtt) return;
  sample.interval = interval;
  const isMore = sample.delivered * delivery.rateInterval >= delivery.rateDelivered * interval;
  if (sample.isAppLimited && !isMore) return;
  delivery.rateDelivered = sample.delivered;
  delivery.rateInterval = interval;
  delivery.rateAppLimited = sample.isAppLimited;
}

/** Octets in a second, as of the last measurement; 0: not known (tcp_compute_delivery_rate). */
export function deliveryRate({ delivery, snd }: Tcb): number {
  const { rateDelivered, rateInterval } = delivery;
  if (rateInterval === 0) return 0;
  return Math.floor((rateDelivered * snd.mss * SECOND) / rateInterval);
}
