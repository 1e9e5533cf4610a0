import { diff, le, lt, max, type Seq, seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import type { Segment } from '../../wire/tcp.ts';
import { MAX_REORDERING } from '../config.ts';
import type { Tcb } from '../tcb.ts';
import { noteDelivered } from './deliveryRate.ts';
import { highestSack } from './inFlight.ts';
import { advanceRack } from './rack.ts';
import { Mark } from './retransmitQueue.ts';

/**
 * What the peer reports by the SACK option goes into the marks of the retransmission queue. The
 * steps are those of Linux's tcp_sacktag_write_queue.
 *
 * ```
 *            UNA       block             block       NXT
 *   ----------|-----|=========|-------|===========|----|
 *   D-SACK lies |  lost, late?   late?
 *   below, or in a block
 * ```
 *
 * What is true here: a record is marked only if a block covers it whole. A block costs no more than
 * the records that it marks, and two searches, whatever the peer sends.
 *
 * @rfc 2018 5, 2883 5, 6675 3
 */

/** The blocks of `seg`, which arrived when SND.UNA had been `una`. */
export function takeBlocks(tcb: Tcb, seg: Segment, una: Seq, now: Micros): void {
  const { snd, recovery, news, retransmitQueue: queue } = tcb;
  news.lateSeq = snd.nxt;
  const isDuplicate = takeDuplicate(tcb, seg, una);
  if (diff(una, seg.ack) > snd.maxWnd || queue.count === 0) return;
  for (let i = 0; i < seg.sackCount; i++) {
    const left = seq(seg.sackLeft[i] ?? 0);
    const right = seq(seg.sackRight[i] ?? 0);
    const duplicate = i === 0 && isDuplicate;
    if (!isValid(tcb, left, right, duplicate) || le(right, una)) continue;
    if (duplicate) markDuplicates(tcb, left, right);
    markBlock(tcb, left, right, now);
  }
  if (recovery.phase !== 'loss' || recovery.undoMarker !== null) noteReordering(tcb, news.lateSeq);
}

/**
 * Is the first block one of text that arrived twice? It lies below SEG.ACK, or within the second
 * block. @rfc 2883 5
 */
function takeDuplicate(tcb: Tcb, seg: Segment, una: Seq): boolean {
  const { recovery } = tcb;
  if (seg.sackCount === 0) return false;
  const left = seq(seg.sackLeft[0] ?? 0);
  const right = seq(seg.sackRight[0] ?? 0);
  if (!lt(left, seg.ack)) {
    if (seg.sackCount < 2) return false;
    const outerLeft = seq(seg.sackLeft[1] ?? 0);
    const outerRight = seq(seg.sackRight[1] ?? 0);
    if (lt(outerRight, right) || lt(left, outerLeft)) return false;
  }
  const { counters } = tcb.shared;
  if (lt(left, seg.ack)) counters.TCPDSACKRecv++;
  else counters.TCPDSACKOfoRecv++;
  const segments = countDuplicate(tcb, left, right);
  if (segments === 0) {
    counters.TCPDSACKIgnoredDubious++;
    return false;
  }
  counters.TCPDSACKRecvSegs += segments;
  const { undoMarker } = recovery;
  if (undoMarker !== null && recovery.undoRetrans > 0 && le(right, una) && lt(undoMarker, right)) {
    recovery.undoRetrans = Math.max(0, recovery.undoRetrans - segments);
  }
  return true;
}

/** Segments that a D-SACK reports; 0: it is not believed (tcp_dsack_seen). */
function countDuplicate(tcb: Tcb, left: Seq, right: Seq): number {
  const { recovery, rack, news, snd } = tcb;
  const octets = diff(right, left);
  if (octets <= 0 || octets > snd.maxWnd) return 0;
  const segments = Math.max(1, Math.ceil(octets / snd.mss));
  if (segments === 1 && recovery.tlpEnd === right) news.dsackOfProbe = true;
  recovery.dsackDups += segments;
  // More was reported than was ever sent twice: the network, or the peer, makes copies.
  if (recovery.dsackDups > recovery.totalRetrans) return 0;
  if (recovery.reorderings > 0 && !news.dsackOfProbe) rack.dsackSeen = true;
  news.dsack = true;
  recovery.delivered += segments;
  return segments;
}

/**
 * A block lies within what is in flight; that of a duplicate may lie below, as far down as the window
 * began that may be undone (tcp_is_sackblock_valid).
 */
function isValid(tcb: Tcb, left: Seq, right: Seq, duplicate: boolean): boolean {
  const { snd, recovery } = tcb;
  if (lt(snd.nxt, right) || !lt(left, right) || !lt(left, snd.nxt)) return false;
  if (lt(snd.una, left)) return true;
  const { undoMarker } = recovery;
  if (!duplicate || undoMarker === null || lt(snd.una, right)) return false;
  if (!lt(left, undoMarker)) return true;
  return lt(undoMarker, right) && diff(right, left) <= snd.maxWnd;
}

/** Repetitions that the peer reports as needless count against those that may have been needed. */
function markDuplicates(tcb: Tcb, left: Seq, right: Seq): void {
  const { retransmitQueue: queue, recovery, news } = tcb;
  const { undoMarker } = recovery;
  for (let i = queue.find(left); i < queue.count && le(queue.end(i), right); i++) {
    if (!queue.wasResent(i)) continue;
    if (undoMarker !== null && recovery.undoRetrans > 0 && lt(undoMarker, queue.end(i))) {
      recovery.undoRetrans--;
    }
    if (queue.isSacked(i) && lt(queue.seq(i), news.lateSeq)) news.lateSeq = queue.seq(i);
    queue.clearResent(i);
  }
}

function markBlock(tcb: Tcb, left: Seq, right: Seq, now: Micros): void {
  const { retransmitQueue: queue, recovery } = tcb;
  let i = queue.nextUnsacked(queue.find(left));
  while (i < queue.count && le(queue.end(i), right)) {
    markSacked(tcb, i, now);
    recovery.highestSack = max(highestSack(tcb), queue.end(i));
    i = queue.nextUnsacked(i + 1);
  }
}

/** Record `i` is reported for the first time (tcp_sacktag_one). */
function markSacked(tcb: Tcb, i: number, now: Micros): void {
  const { retransmitQueue: queue, recovery, news } = tcb;
  const marks = queue.marks(i);
  advanceRack(tcb, i, now);
  if ((marks & (Mark.RESENT | Mark.EVER_RESENT)) === 0) {
    const from = queue.seq(i);
    // Sent once, and below what was reported before: it was late.
    if (lt(from, highestSack(tcb)) && lt(from, news.lateSeq)) news.lateSeq = from;
    if (le(queue.end(i), recovery.point)) news.originalArrived = true;
    if (news.firstSackAt === 0) news.firstSackAt = queue.sentAt(i);
    news.lastSackAt = queue.sentAt(i);
  }
  const highest = highestSack(tcb);
  queue.markSacked(i);
  recovery.highestSack = highest;
  news.sacked = true;
  recovery.delivered++;
  noteDelivered(tcb, i);
}

/**
 * Something that begins at `late` arrived after later numbers had been reported: so far the network
 * puts segments out of order (tcp_check_sack_reordering).
 */
export function noteReordering(tcb: Tcb, late: Seq): void {
  const { recovery, snd } = tcb;
  const metric = diff(highestSack(tcb), late);
  if (metric <= 0) return;
  if (metric > recovery.reordering * snd.mss) {
    recovery.reordering = Math.min(Math.ceil(metric / snd.mss), MAX_REORDERING);
  }
  recovery.reorderings++;
}
