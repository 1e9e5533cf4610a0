import type { DropReason } from '../../base/reasons.ts';
import { add, diff, inWindow, le, lt, min } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { Flag, type Segment } from '../../wire/tcp.ts';
import { enterQuickAcks } from '../receive/ackPolicy.ts';
import { onDuplicateText, reportDuplicate } from '../receive/receiver.ts';
import { isOldDuplicate, isUntimed } from '../receive/timestamps.ts';
import { acceptedWindow } from '../receive/window.ts';
import { oweAck, type Tcb, Timer } from '../tcb.ts';

/**
 * "First, check sequence number": is any of the segment new and within the window? What lies
 * outside of the window is cut off here, so the later checks see only what is new.
 *
 * @rfc 9293 3.10.7.4 First
 */
export function checkSequence(tcb: Tcb, seg: Segment, now: Micros): DropReason | null {
  if (isUntimed(tcb, seg)) return 'no-timestamp';
  if (isOldDuplicate(tcb, seg, now)) {
    tcb.shared.counters.PAWSEstab++;
    return refuse(tcb, seg, 'paws', now);
  }
  if (tcb.state === 'SYN-RECEIVED') takeRepeatedSyn(tcb, seg);
  if (!isAcceptable(tcb, seg)) return refuse(tcb, seg, 'unacceptable', now);
  trim(tcb, seg);
  return null;
}

/**
 * Does any of the segment lie between the last ACK that we sent and the right edge of the window?
 *
 * Deviates from the four cases of RFC 9293 as Linux does (tcp_sequence). Old segments that the peer
 * may have sent before it saw our last ACK are taken for the sake of their ACK field. An empty
 * segment at the right edge is taken: a peer that has filled our window and lost some of it sends
 * its ACKs from there. At a closed window a segment at RCV.NXT goes on without its text, since
 * "special allowance should be made to accept valid ACKs, URGs, and RSTs". And text that ends beyond
 * the window is taken only if the user has read everything before it; with the window of FreeBSD it is
 * cut off there, as the RFC says.
 *
 * @rfc 9293 3.4, 3.10.7.4 First
 */
function isAcceptable(tcb: Tcb, seg: Segment): boolean {
  const { nxt } = tcb.rcv;
  const wnd = acceptedWindow(tcb);
  const end = add(seg.seq, seg.len);
  const isOctets = tcb.config.windowModel === 'octets';
  const isControl = seg.has(Flag.RST) || (isOctets && seg.has(Flag.SYN));
  if (tcb.state === 'TIME-WAIT' || isControl) {
    return inWindow(seg.seq, nxt, isOctets ? Math.max(1, wnd) : wnd + 1);
  }
  if (lt(end, tcb.ack.last)) return false;
  // of the handshake nothing is old for the sake of its ACK
  const inHandshake = seg.has(Flag.SYN) || tcb.state === 'SYN-RECEIVED';
  if (inHandshake && lt(seg.seq, nxt) && le(end, nxt)) return false;
  const edge = add(nxt, wnd);
  if (isOctets && seg.textLength > 0 && !(wnd === 0 && seg.seq === nxt)) return lt(seg.seq, edge);
  const right = seg.has(Flag.FIN) ? add(end, -1) : end; // a FIN needs no room
  if (le(right, edge) || (wnd === 0 && seg.seq === nxt)) return true;
  return le(seg.seq, edge) && tcb.receiveBuffer.length === 0;
}

/** "Segments with higher beginning sequence numbers ... trimmed": what lies beyond the window, and the FIN behind it. */
function trimBeyond(tcb: Tcb, seg: Segment): void {
  if (tcb.config.windowModel !== 'octets' || seg.textLength === 0) return;
  const wnd = acceptedWindow(tcb);
  const beyond = diff(add(seg.seq, seg.textLength), add(tcb.rcv.nxt, wnd));
  if (beyond <= 0 || wnd === 0) return;
  seg.textLength -= beyond;
  seg.flags &= ~(Flag.FIN | Flag.PSH);
}

/** Cuts off the text before RCV.NXT, which has arrived twice. @rfc 2883 4 */
function trim(tcb: Tcb, seg: Segment): void {
  trimBeyond(tcb, seg);
  const { rcv } = tcb;
  const before = diff(rcv.nxt, seg.seq);
  if (before <= 0 || seg.len === 0 || seg.has(Flag.SYN)) return;
  const end = add(seg.seq, seg.len);
  if (le(end, rcv.nxt)) {
    onDuplicateText(tcb, seg.seq, end);
    seg.flags &= ~Flag.FIN;
  } else {
    reportDuplicate(tcb, seg.seq, rcv.nxt);
  }
  const text = Math.min(before, seg.textLength);
  seg.textStart += text;
  seg.textLength -= text;
  seg.up -= before;
  seg.seq = rcv.nxt;
}

/**
 * The SYN of the peer again, in SYN-RECEIVED: alone, it says that our SYN-ACK was lost; with an ACK,
 * it is the answer to ours in a simultaneous open.
 *
 * @rfc 9293 3.5 figures 7, 8
 */
function takeRepeatedSyn(tcb: Tcb, seg: Segment): void {
  if (!seg.has(Flag.SYN) || seg.seq !== tcb.rcv.irs) return;
  if (seg.has(Flag.ACK)) {
    if (tcb.gate !== null) return; // opened passively: no SYN of ours waits for an answer
    seg.flags &= ~(Flag.SYN | Flag.ECE); // that is the answer to a question, and tells of no mark
    seg.seq = add(seg.seq, 1);
    seg.wnd >>>= tcb.snd.shift; // "the window field in a SYN segment itself is never scaled"
    onDuplicateText(tcb, tcb.rcv.irs, tcb.rcv.nxt); // as Linux: the number of the SYN came twice
  } else if (!seg.has(Flag.RST)) {
    tcb.synOwed = 'handshake-retransmission';
  }
}

/**
 * "If an incoming segment is not acceptable, an acknowledgment should be sent in reply (unless the
 * RST bit is set)". Such ACKs are rationed, so that two confused ends cannot keep each other busy.
 */
function refuse(tcb: Tcb, seg: Segment, drop: DropReason, now: Micros): DropReason {
  if (seg.has(Flag.RST)) return drop;
  if (tcb.state === 'TIME-WAIT' && seg.has(Flag.FIN)) {
    // "Acknowledge it, and restart the 2 MSL timeout."
    tcb.deadlines[Timer.TIME_WAIT] = now + tcb.config.timeWait;
  }
  if (tcb.synOwed !== null) return drop; // the SYN-ACK says it all
  const isEmpty = seg.len === 0 || seg.has(Flag.SYN);
  if (isEmpty && !isAnswerDue(tcb, now)) {
    countSkipped(tcb, drop);
    return drop;
  }
  // Text or FIN is a repetition: our ACK was lost, or it was late.
  if (!isEmpty && lt(seg.seq, tcb.rcv.nxt) && tcb.state !== 'TIME-WAIT') repeatedText(tcb, seg);
  // RFC 5961 4.2: a SYN is challenged "irrespective of the sequence number"
  const isChallenge = seg.has(Flag.SYN) && tcb.state !== 'TIME-WAIT';
  oweAck(tcb, isChallenge ? 'challenge-ack' : 'ack-unacceptable');
  return drop;
}

/** An ACK that is not sent now, for the sake of those that were (tcp_oow_rate_limited). */
function countSkipped({ state, shared: { counters } }: Tcb, drop: DropReason): void {
  if (state === 'SYN-RECEIVED') counters.TCPACKSkippedSynRecv++;
  else if (state === 'TIME-WAIT') counters.TCPACKSkippedTimeWait++;
  else if (drop === 'paws') counters.TCPACKSkippedPAWS++;
  else counters.TCPACKSkippedSeq++;
}

/** tcp_send_dupack */
function repeatedText(tcb: Tcb, seg: Segment): void {
  tcb.shared.counters.DelayedACKLost++;
  enterQuickAcks(tcb);
  reportDuplicate(tcb, seg.seq, min(add(seg.seq, seg.len), tcb.rcv.nxt));
}

/** Segments without text, probes among them, are answered twice a second (tcp_oow_rate_limited). */
function isAnswerDue(tcb: Tcb, now: Micros): boolean {
  if (now - tcb.ack.invalidAt < tcb.config.invalidAckInterval) return false;
  tcb.ack.invalidAt = now;
  return true;
}

/**
 * Owes a challenge ACK, rationed like the answers to what is out of the window, and for the stack as a
 * whole where that has a limit. @rfc 5961 7
 */
export function challenge(tcb: Tcb, now: Micros): void {
  if (!isAnswerDue(tcb, now)) tcb.shared.counters.TCPACKSkippedChallenge++;
  else if (tcb.shared.takeChallenge(now)) oweAck(tcb, 'challenge-ack');
}
