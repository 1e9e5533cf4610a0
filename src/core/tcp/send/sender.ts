import { diff, le, lt, type Seq } from '../../base/seq.ts';
import { type Micros, MS, NEVER } from '../../base/time.ts';
import { Flag, type Segment } from '../../wire/tcp.ts';
import { DUPLICATE_ACK_THRESHOLD } from '../config.ts';
import { type Tcb, Timer } from '../tcb.ts';
import { isCwndLimited } from './cwndValidation.ts';
import { beginBubble, beginSample, generateSample, noteDelivered } from './deliveryRate.ts';
import { highestSack, inFlight, isEchoBefore, isReducing, sackedOut } from './inFlight.ts';
import { onDubiousAck, removeDuplicates } from './lossRecovery.ts';
import { onMtuProbeAcked } from './mtuProbing.ts';
import { isPaced, updatePace } from './pacing.ts';
import { advanceRack, updateReorderingWindow } from './rack.ts';
import { noteReordering, takeBlocks } from './scoreboard.ts';
import { situation } from './situation.ts';
import { onAckOfProbe } from './tailLossProbe.ts';
import { restartTimer } from './transmitTimer.ts';
import { reduce } from './windowReduction.ts';
import { tellOfRoom } from './writable.ts';

/**
 * What an acceptable ACK does to the send side, in the order of Linux's tcp_ack: window, reports,
 * queue, round-trip time, probe, recovery, timer, congestion control. Nothing is sent from here.
 *
 * @rfc 9293 3.10.7.4 Fifth
 */

/** SND.UNA =< SEG.ACK =< SND.NXT. */
export function onAck(tcb: Tcb, seg: Segment, now: Micros): void {
  const { snd, recovery, news, sample, retransmitQueue: queue } = tcb;
  const una = snd.una;
  const before = queue.count;
  beginNews(tcb, seg);
  recovery.rexmit = 'none';
  sample.inFlight = inFlight(tcb);
  news.newWindow = updateWindow(tcb, seg);
  if (news.advanced) {
    recovery.retries = 0;
    advance(tcb, seg.ack);
  }
  if (tcb.sackPermitted && seg.sackCount > 0) takeBlocks(tcb, seg, una, now);
  if (before === 0) {
    if (news.dsack) onDubiousAck(tcb, 0, now);
    onAckOfProbe(tcb);
    return;
  }
  cutQueue(tcb, before, now);
  updateReorderingWindow(tcb);
  onAckOfProbe(tcb);
  if (isDubious(tcb)) onDubiousAck(tcb, isDuplicate(tcb) ? 1 : 0, now);
  if (news.setTimer) restartTimer(tcb, now);
  controlCongestion(tcb, now);
}

/** SEG.ACK < SND.UNA: what it reports may still be news. */
export function onStaleAck(tcb: Tcb, seg: Segment, now: Micros): void {
  const { recovery, news, snd } = tcb;
  if (!tcb.sackPermitted || seg.sackCount === 0) return;
  beginNews(tcb, seg);
  takeBlocks(tcb, seg, snd.una, now);
  news.marked = false; // of what has been delivered since, it knows nothing
  recovery.rexmit = 'none';
  onDubiousAck(tcb, 0, now);
  countDelivered(tcb);
}

/** Any acceptable ACK: the peer lives, and its probes count from nought again. */
export function onAnyAck(tcb: Tcb): void {
  tcb.softError = null;
  tcb.probesOut = 0;
}

function beginNews(tcb: Tcb, seg: Segment): void {
  const { news, recovery, snd } = tcb;
  news.una = snd.una;
  news.advanced = lt(snd.una, seg.ack);
  news.hasText = seg.len > 0;
  news.newWindow = false;
  news.textAcked = false;
  news.synAcked = false;
  news.resentAcked = false;
  news.originalArrived = false;
  news.sacked = false;
  news.dsack = false;
  news.dsackOfProbe = false;
  news.reneging = false;
  news.setTimer = false;
  news.resentLost = false;
  news.tsEcr = tcb.ts.on && seg.hasTimestamps ? seg.tsEcr : 0;
  news.marked = tcb.ecn.on && (seg.flags & (Flag.ECE | Flag.SYN)) === Flag.ECE;
  news.firstSackAt = 0;
  news.lastSackAt = 0;
  news.priorFack = highestSack(tcb);
  news.deliveredBefore = recovery.delivered;
  news.lostBefore = recovery.lost;
  beginSample(tcb);
}

/** SND.UNA advances: text that the peer has is forgotten. */
function advance(tcb: Tcb, to: Seq): void {
  const { snd, recovery, deadlines } = tcb;
  snd.una = to;
  // Marks that are long past must not be left behind by half the sequence space.
  if (lt(snd.smallEnd, to)) snd.smallEnd = to;
  if (lt(recovery.point, to) && recovery.phase === 'open') recovery.point = to;
  deadlines[Timer.PERSIST] = NEVER; // output arms it anew where it is needed
  tcb.sendBuffer.acknowledge(to);
  tellOfRoom(tcb);
}

/**
 * Takes what is acknowledged off the queue, and learns from it (tcp_clean_rtx_queue).
 * @param before segments that had been in it
 */
function cutQueue(tcb: Tcb, before: number, now: Micros): void {
  const { snd, news, retransmitQueue: queue } = tcb;
  news.lateSeq = snd.nxt;
  news.firstAckedAt = -1;
  while (queue.count > 0 && le(queue.end(0), snd.una)) takeFirst(tcb, now);
  // RFC 6298 5.3: "an ACK is received that acknowledges new data", were it a part of a segment.
  if (queue.count > 0 && queue.seq(0) !== snd.una) news.textAcked = true;
  queue.acknowledge(snd.una);
  news.reneging = queue.count > 0 && queue.isSacked(0);
  const acked = before - queue.count;
  const measured = measure(tcb, acked, now);
  // The SYN is no text: its round trip may be another one than that of full segments.
  if (tcb.sample.rtt > 0 && !news.synAcked) tellRtt(tcb, now);
  if (!news.textAcked && !news.synAcked) {
    if (queue.count > 0 && measured && isSackedAfterHead(tcb)) news.setTimer = true;
    return;
  }
  news.setTimer = true;
  onMtuProbeAcked(tcb);
  if (tcb.sackPermitted) {
    // A hole was filled by what was sent once: that was late.
    if (lt(news.lateSeq, news.priorFack)) noteReordering(tcb, news.lateSeq);
    return;
  }
  removeDuplicates(tcb, acked);
  // Which of two transmissions it was cannot be told.
  if (news.resentAcked) news.originalArrived = false;
}

/** The first record is acknowledged. */
function takeFirst(tcb: Tcb, now: Micros): void {
  const { snd, news, retransmitQueue: queue, recovery } = tcb;
  const isSacked = queue.isSacked(0);
  if (queue.wasResent(0)) {
    news.resentAcked = true;
  } else if (!isSacked) {
    if (news.firstAckedAt < 0) news.firstAckedAt = queue.sentAt(0);
    news.lastAckedAt = queue.sentAt(0);
    if (lt(queue.seq(0), news.lateSeq)) news.lateSeq = queue.seq(0);
    if (le(queue.end(0), recovery.point)) news.originalArrived = true;
  }
  if (!isSacked && tcb.sackPermitted) onDelivered(tcb, now);
  noteDelivered(tcb, 0);
  if (queue.seq(0) === snd.iss) onSynAcked(tcb);
  else news.textAcked = true;
  queue.dropFirst();
}

function onSynAcked({ news, recovery }: Tcb): void {
  news.synAcked = true;
  recovery.retransStamp = 0;
}

/** The first record is acknowledged, and had not been reported. */
function onDelivered(tcb: Tcb, now: Micros): void {
  const { retransmitQueue: queue, recovery } = tcb;
  recovery.delivered++;
  // Linux keeps a SYN-ACK apart from what RACK looks at
  if (tcb.gate !== null && queue.seq(0) === tcb.snd.iss) return;
  const isSpurious = queue.wasResent(0) && isEchoBefore(tcb, timestampAt(tcb, queue.sentAt(0)));
  if (!isSpurious) advanceRack(tcb, 0, now);
}

/** Was the segment that was newly reported sent after the one at SND.UNA was sent last? */
function isSackedAfterHead({ news, retransmitQueue: queue }: Tcb): boolean {
  return news.firstSackAt > 0 && news.firstSackAt < queue.sentAt(0);
}

/**
 * The round-trip time, from what was sent once, else from what is newly reported, else from the
 * echoed timestamp. That of the segment that was sent last among those that the ACK delivers is not
 * delayed as the first one may be: it is for congestion control.
 *
 * @param acked segments that it took off the queue
 * @returns was there one?
 * @rfc 6298 3, 7323 4.1
 */
function measure(tcb: Tcb, acked: number, now: Micros): boolean {
  const { news, snd, rtt, sample } = tcb;
  let measured = 0;
  sample.rtt = 0;
  sample.isDelayed = isPerhapsDelayed(tcb, acked);
  if (news.firstAckedAt >= 0 && !news.resentAcked) {
    measured = Math.max(1, now - news.firstAckedAt);
    sample.rtt = Math.max(1, now - news.lastAckedAt);
  } else if (news.firstSackAt > 0) {
    measured = Math.max(1, now - news.firstSackAt);
  } else if (news.tsEcr !== 0 && (news.textAcked || news.synAcked)) {
    const echoed = (timestampAt(tcb, now) - news.tsEcr) | 0;
    if (echoed >= 0) measured = Math.max(1, echoed) * MS;
    sample.rtt = measured;
  }
  if (news.lastSackAt > 0) sample.rtt = Math.max(1, now - news.lastSackAt);
  if (measured === 0) return false;
  rtt.sample(measured, snd.una, snd.nxt);
  rtt.noteShortest(sample.rtt);
  return true;
}

/** Is it for one small segment alone? The peer may have waited for another (FLAG_ACK_MAYBE_DELAYED). */
function isPerhapsDelayed(tcb: Tcb, acked: number): boolean {
  const { news, snd, delivery, recovery } = tcb;
  if (acked !== 1 || news.firstAckedAt < 0 || news.resentAcked || news.synAcked) return false;
  if (news.sacked || news.dsack || sackedOut(tcb) > 0) return false;
  return diff(snd.una, news.una) < snd.mss && delivery.priorDelivered + 1 === recovery.delivered;
}

function tellRtt(tcb: Tcb, now: Micros): void {
  situation(tcb, now);
  tcb.congestion.onRtt(tcb.sample);
}

/** Does it take more than plain progress to understand this ACK? (tcp_ack_is_dubious) */
function isDubious({ news, recovery }: Tcb): boolean {
  const isAlert = news.sacked || news.dsack || news.marked;
  return isNoProgress(news) || isAlert || recovery.phase !== 'open';
}

function isNoProgress({ hasText, newWindow, textAcked, synAcked }: Tcb['news']): boolean {
  return !(hasText || newWindow || textAcked || synAcked);
}

/**
 * Is it a duplicate ACK? "(a) the receiver of the ACK has outstanding data, (b) the incoming
 * acknowledgment carries no data, (c) the SYN and FIN bits are both off, (d) the acknowledgment
 * number is equal to the greatest acknowledgment received ... and (e) the advertised window in the
 * incoming acknowledgment equals the advertised window in the last".
 *
 * @rfc 5681 2
 */
function isDuplicate({ news }: Tcb): boolean {
  return isNoProgress(news) && !news.advanced && !news.dsack;
}

/** What was delivered and lost changes cwnd (tcp_cong_control). */
function controlCongestion(tcb: Tcb, now: Micros): void {
  const { recovery, news, sample, congestion, cwndUsage } = tcb;
  const delivered = countDelivered(tcb);
  sample.acked = delivered;
  sample.lost = recovery.lost - news.lostBefore;
  sample.isPaced = isPaced(tcb);
  generateSample(tcb, delivered, now);
  situation(tcb, now);
  if (congestion.ownsCwnd) {
    if (!news.synAcked) congestion.onAck(sample, isCwndLimited(tcb));
    if (congestion.holdsBack) beginBubble(tcb);
  } else if (isReducing(recovery.phase)) {
    reduce(tcb, delivered, sample.lost);
    cwndUsage.since = now;
  } else if (mayRaise(tcb)) {
    congestion.onAck(sample, isCwndLimited(tcb));
    cwndUsage.since = now;
  }
  updatePace(tcb);
}

/** @returns segments that the ACK delivered; if it has ECE, all of them may have been marked (tcp_newly_delivered) */
function countDelivered({ recovery, news, ecn, shared: { counters } }: Tcb): number {
  const delivered = recovery.delivered - news.deliveredBefore;
  counters.TCPDelivered += delivered;
  if (!news.marked) return delivered;
  counters.TCPDeliveredCE += delivered;
  ecn.deliveredCe += delivered;
  return delivered;
}

/** (tcp_may_raise_cwnd) */
function mayRaise({ recovery, news, gate }: Tcb): boolean {
  if (news.synAcked && gate === null) return false; // the initial window counts from here on
  const acked = news.textAcked || news.synAcked;
  return recovery.reordering > DUPLICATE_ACK_THRESHOLD ? acked || news.sacked : news.textAcked;
}

/**
 * "If SND.UNA =< SEG.ACK =< SND.NXT, the send window should be updated": by segments that are not
 * older than the one that did it last.
 *
 * Deviates from RFC 9293 as Linux does (tcp_may_update_window): of segments with the same numbers the
 * one with the larger window was sent later, unless the window was closed; so an ACK that repeats the
 * last one with less of a window is a duplicate ACK.
 *
 * @returns false: a duplicate ACK could look so
 * @rfc 9293 3.10.7.4 Fifth
 */
function updateWindow(tcb: Tcb, seg: Segment): boolean {
  const { snd } = tcb;
  const wnd = (seg.flags & Flag.SYN) !== 0 ? seg.wnd : seg.wnd << snd.shift;
  const isNewer = lt(snd.una, seg.ack) || lt(snd.wl1, seg.seq);
  if (!isNewer && !(snd.wl1 === seg.seq && (wnd > snd.wnd || wnd === 0))) return false;
  const isNew = isNewer || wnd !== snd.wnd;
  setWindow(tcb, seg);
  return isNew;
}

/** Takes the window of the segment as it is. */
export function setWindow(tcb: Tcb, seg: Segment): void {
  const { snd } = tcb;
  const wnd = (seg.flags & Flag.SYN) !== 0 ? seg.wnd : seg.wnd << snd.shift;
  if (wnd > snd.wnd) {
    tcb.persistBackoff = 0;
    tcb.deadlines[Timer.PERSIST] = NEVER;
  }
  snd.wnd = wnd;
  if (wnd > snd.maxWnd) snd.maxWnd = wnd;
  snd.wl1 = seg.seq;
  snd.wl2 = seg.ack;
}

/** TSval now: a clock of milliseconds, shifted by the connection's offset. @rfc 7323 5.4 */
export function timestampAt(tcb: Tcb, now: Micros): number {
  return (Math.floor(now / MS) + tcb.ts.offset) >>> 0;
}
