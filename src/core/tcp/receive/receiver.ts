import type { DropReason } from '../../base/reasons.ts';
import { add, diff, lt, min, type Seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { Flag, type Segment } from '../../wire/tcp.ts';
import { Event, type Tcb } from '../tcb.ts';
import { enterQuickAcks, hasHole, onTextArrived, scheduleAck } from './ackPolicy.ts';
import { growBuffer, measureByWindow } from './bufferTuning.ts';
import { noticeMark } from './ecn.ts';
import { hasMemoryFor } from './memoryLimit.ts';
import { measureRcvMss } from './rcvMss.ts';
import { truesize } from './segmentMemory.ts';
import { growWindow, growWindowOutOfOrder } from './windowGrowth.ts';
import { advertisedMss } from './windowSpace.ts';

/** A new block at this place or later: those before it have been reported long enough. */
const BLOCKS_EXPECTED = 2;

/**
 * Takes the text of a segment that lies within the window, in order or not.
 *
 * @param octets where the text of the segment lies, from `seg.textStart` on
 * @rfc 9293 3.10.7.4 Seventh
 */
export function onText(tcb: Tcb, seg: Segment, octets: Uint8Array, now: Micros): DropReason | null {
  return seg.seq === tcb.rcv.nxt
    ? onTextInOrder(tcb, seg, octets, now)
    : onTextOutOfOrder(tcb, seg, octets);
}

/** SEG.SEQ = RCV.NXT (tcp_data_queue). */
function onTextInOrder(tcb: Tcb, seg: Segment, octets: Uint8Array, now: Micros): DropReason | null {
  const { rcv, receiveBuffer, sackBlocks } = tcb;
  const { ranges } = receiveBuffer;
  if (!hasMemoryFor(tcb, seg.textLength) && receiveBuffer.length > 0) {
    tcb.shared.counters.TCPRcvQDrop++;
    return refuseText(tcb, seg);
  }
  const hadHole = hasHole(tcb);
  const end = add(seg.seq, seg.textLength);
  if (ranges.count > 0 && lt(ranges.left(0), end)) {
    extendDuplicate(tcb, ranges.left(0), min(end, ranges.right(0)));
  }
  const nxt = rcv.nxt;
  makeRoom(tcb, seg.textLength);
  const advance = receiveBuffer.insert(nxt, 0, octets, seg.textStart, seg.textLength);
  scheduleAck(tcb, 'ack-now');
  advanceTo(tcb, end);
  onTextReceived(tcb, seg, now);
  advanceTo(tcb, add(nxt, advance));
  if (hadHole) {
    // RFC 5681 4.2: "immediately ... when it fills in all or part of a gap"; Linux: all of it.
    if (!hasHole(tcb)) tcb.ack.atOnce = true;
    sackBlocks.cutBelow(rcv.nxt);
    if (!hasHole(tcb)) sackBlocks.clear();
  }
  tcb.ack.duplicates = 0; // they would repeat a number that is no longer waited for
  tcb.events |= Event.READABLE;
  return null;
}

/** For want of memory: neither its text nor the FIN behind it has arrived; the peer is told at once. */
function refuseText(tcb: Tcb, seg: Segment): DropReason {
  seg.flags &= ~Flag.FIN;
  seg.textLength = 0;
  tcb.ack.atOnce = true;
  scheduleAck(tcb, 'ack-now');
  return 'memory-limit';
}

function advanceTo(tcb: Tcb, nxt: Seq): void {
  const { rcv } = tcb;
  rcv.wnd = Math.max(0, rcv.wnd - diff(nxt, rcv.nxt));
  rcv.nxt = nxt;
}

/** What text in order teaches of the peer (tcp_event_data_recv). */
function onTextReceived(tcb: Tcb, seg: Segment, now: Micros): void {
  measureRcvMss(tcb, seg);
  measureByWindow(tcb, now);
  onTextArrived(tcb, now);
  noticeMark(tcb, seg);
  growWindow(tcb, seg.textLength);
}

/** SEG.SEQ > RCV.NXT (tcp_data_queue_ofo). @rfc 5681 4.2, 2018 4 */
function onTextOutOfOrder(tcb: Tcb, seg: Segment, octets: Uint8Array): DropReason | null {
  const { rcv, receiveBuffer } = tcb;
  noticeMark(tcb, seg);
  if (!hasMemoryFor(tcb, seg.textLength)) {
    tcb.shared.counters.TCPOFODrop++;
    return refuseText(tcb, seg);
  }
  const offset = diff(seg.seq, rcv.nxt);
  const end = add(seg.seq, seg.textLength);
  const { ranges } = receiveBuffer;
  if (tcb.sackPermitted) reportOverlap(tcb, seg.seq, end);
  const isKnown = ranges.contains(seg.seq, end);
  const { textStart, textLength } = seg;
  if (!isKnown && receiveBuffer.insert(rcv.nxt, offset, octets, textStart, textLength) < 0) {
    tcb.shared.counters.TCPOFODrop++;
    scheduleAck(tcb, 'ack-out-of-order');
    return 'reassembly-limit';
  }
  tcb.shared.counters.TCPOFOQueue++;
  measureRcvMss(tcb, seg);
  scheduleAck(tcb, 'ack-out-of-order');
  if (tcb.sackPermitted) {
    const place = tcb.sackBlocks.add(seg.seq, end);
    // Blocks that the option may have no room for later are reported now (tcp_sack_compress_send_ack).
    if (place >= BLOCKS_EXPECTED && tcb.ack.compressed > 0) tcb.ack.atOnce = true;
    if (!isKnown) growWindowOutOfOrder(tcb, seg.textLength);
  }
  growBuffer(tcb, tcb.tuning.space);
  return null;
}

/** Text beyond a hole that has arrived before. @rfc 2883 4 */
function reportOverlap(tcb: Tcb, left: Seq, right: Seq): void {
  const { ranges } = tcb.receiveBuffer;
  for (let i = 0; i < ranges.count && lt(ranges.left(i), right); i++) {
    const from = lt(ranges.left(i), left) ? left : ranges.left(i);
    const to = min(ranges.right(i), right);
    if (lt(from, to)) extendDuplicate(tcb, from, to);
  }
}

/** ... and more of it, by the same segment (tcp_dsack_extend). */
function extendDuplicate(tcb: Tcb, left: Seq, right: Seq): void {
  if (!tcb.sackPermitted || !tcb.sackBlocks.hasDuplicate) reportDuplicate(tcb, left, right);
  else tcb.sackBlocks.extendDuplicate(left, right);
}

/** The next segment reports that this has arrived twice (tcp_dsack_set). @rfc 2883 4 */
export function reportDuplicate(tcb: Tcb, left: Seq, right: Seq): void {
  if (!tcb.sackPermitted) return;
  const { counters } = tcb.shared;
  if (lt(left, tcb.rcv.nxt)) counters.TCPDSACKOldSent++;
  else counters.TCPDSACKOfoSent++;
  tcb.sackBlocks.setDuplicate(left, right);
}

/** The peer repeats what is here already: its ACK was lost, or it was too hasty. @rfc 2883 4 */
export function onDuplicateText(tcb: Tcb, left: Seq, right: Seq): void {
  tcb.shared.counters.DelayedACKLost++;
  reportDuplicate(tcb, left, right);
  enterQuickAcks(tcb);
  scheduleAck(tcb, 'ack-duplicate');
}

/**
 * A segment would cost more memory than the buffer has left, since windows never shrink: the buffer
 * grows to what it holds, if it may, or text is packed closely and little more is let in
 * (tcp_prune_queue, tcp_clamp_window; tcp_can_ingest counts the segment, the window does not).
 */
function makeRoom(tcb: Tcb, octets: number): void {
  const { window, ack, receiveBuffer, config } = tcb;
  const { memory } = receiveBuffer;
  const size = truesize(config.segmentLayout, octets);
  if (memory.total === 0 || memory.total + size <= window.buffer) return;
  ack.quick = 0;
  tcb.shared.counters.PruneCalled++;
  if (!window.locked && !tcb.shared.underPressure) {
    window.buffer = Math.max(window.buffer, Math.min(memory.total, config.rmemMax));
  }
  if (memory.total > window.buffer) {
    window.ssthresh = Math.min(window.clamp, 2 * advertisedMss(tcb));
  }
  if (memory.total + size > window.buffer) memory.collapse();
}
