import { lt, type Seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { SHORTEST_WAIT } from '../config.ts';
import { type Tcb, Timer } from '../tcb.ts';
import { sackedOut } from './inFlight.ts';
import { Mark } from './retransmitQueue.ts';
import { setTimer } from './transmitTimer.ts';

/**
 * RACK: a segment is lost if one that was sent sufficiently later has been delivered. Time decides,
 * not sequence numbers, so repetitions are found lost as well. The steps are those of Linux's
 * tcp_recovery.c.
 *
 * @rfc 8985 6.2
 */

/** Recoveries without a D-SACK after which the window is small again (TCP_RACK_RECOVERY_THRESH). */
export const RECOVERY_THRESHOLD = 16;
const MAX_STEPS = 255;

/** Record `i` was delivered. "Step 2: Update the state for the most recently sent segment". @rfc 8985 6.2 */
export function advanceRack(tcb: Tcb, i: number, now: Micros): void {
  const { retransmitQueue: queue, rack, rtt } = tcb;
  const measured = now - queue.sentAt(i);
  const shortest = rtt.minRtt > 0 ? rtt.minRtt : Number.POSITIVE_INFINITY;
  // So soon after it was sent again, it was the first transmission that arrived.
  if (measured < shortest && queue.wasResent(i)) return;
  rack.advanced = true;
  rack.rtt = measured;
  if (isSentAfter(queue.sentAt(i), queue.end(i), rack.sentAt, rack.end)) {
    rack.sentAt = queue.sentAt(i);
    rack.end = queue.end(i);
  }
}

function isSentAfter(at: Micros, end: Seq, otherAt: Micros, otherEnd: Seq): boolean {
  return at > otherAt || (at === otherAt && lt(otherEnd, end));
}

/**
 * Marks what is lost, and sets the reordering timer if something may be so soon.
 * @returns true: that timer runs
 */
export function markLostByRack(tcb: Tcb, now: Micros): boolean {
  if (!tcb.rack.advanced) return false;
  tcb.rack.advanced = false;
  const wait = detectLoss(tcb, now);
  if (wait > 0) setTimer(tcb, Timer.REORDERING, now + wait + SHORTEST_WAIT);
  return wait > 0;
}

/**
 * "Step 5: Detect losses": in order of sending, up to the latest one that was delivered.
 * @returns how long it takes until all of those left would be lost; 0: none is left
 */
export function detectLoss(tcb: Tcb, now: Micros): Micros {
  const { retransmitQueue: queue, rack } = tcb;
  const window = reorderingWindow(tcb);
  let longest = 0;
  let i = queue.oldest();
  while (i >= 0) {
    const next = queue.younger(i);
    if ((queue.marks(i) & (Mark.LOST | Mark.RESENT)) !== Mark.LOST) {
      if (!isSentAfter(rack.sentAt, rack.end, queue.sentAt(i), queue.end(i))) break;
      // what is repeated at this very instant has not been answered yet, whatever the clock says
      if ((queue.marks(i) & Mark.RESENT) !== 0 && queue.sentAt(i) === now) break;
      const left = timeLeft(tcb, i, window, now);
      if (left <= 0) {
        markLost(tcb, i);
        queue.dropFromTime(i);
      } else {
        longest = Math.max(longest, left);
      }
    }
    i = next;
  }
  return longest;
}

/** Until record `i` would be lost: a round trip and the reordering window after it was sent. */
export function timeLeft(tcb: Tcb, i: number, window: Micros, now: Micros): Micros {
  return tcb.rack.rtt + window - (now - tcb.retransmitQueue.sentAt(i));
}

/** Marks record `i`, and counts it. */
export function markLost(tcb: Tcb, i: number): void {
  const { retransmitQueue: queue, recovery } = tcb;
  const before = queue.marks(i);
  queue.markLost(i);
  if (queue.marks(i) !== before) recovery.lost++;
}

/** How much later than others a segment may arrive. "Step 4: Update RACK reordering window" */
function reorderingWindow(tcb: Tcb): Micros {
  const { recovery, rtt, rack } = tcb;
  if (recovery.reorderings === 0) {
    if (recovery.phase === 'recovery' || recovery.phase === 'loss') return 0;
    if (sackedOut(tcb) >= recovery.reordering) return 0;
  }
  return Math.min(Math.floor(rtt.minRtt / 4) * rack.steps, Math.floor(rtt.srtt));
}

/**
 * D-SACKs of a round say that segments were only late: the window grows by a quarter of the shortest
 * round-trip time, and stays so for a number of recoveries. @rfc 8985 6.2 Step 4
 */
export function updateReorderingWindow(tcb: Tcb): void {
  const { rack, recovery, delivery } = tcb;
  if (delivery.priorDelivered === 0) return;
  if (delivery.priorDelivered < rack.lastDelivered) rack.dsackSeen = false;
  if (rack.dsackSeen) {
    rack.steps = Math.min(MAX_STEPS, rack.steps + 1);
    rack.dsackSeen = false;
    rack.lastDelivered = recovery.delivered;
    rack.persist = RECOVERY_THRESHOLD;
  } else if (rack.persist === 0) {
    rack.steps = 1;
  }
}
