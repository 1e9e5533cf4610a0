import type { DropReason } from '../../base/reasons.ts';
import { add, diff, inWindow, lt, seq } from '../../base/seq.ts';
import { type Micros, SECOND } from '../../base/time.ts';
import { Flag, type Segment } from '../../wire/tcp.ts';
import { CHALLENGE_ACKS_PER_SECOND, INVALID_ACK_INTERVAL } from '../config.ts';
import { isOldDuplicate } from '../receive/timestamps.ts';
import { oweAck, type Tcb, Timer } from '../tcb.ts';

/**
 * "First, check sequence number": is any of the segment new and within the window? What lies
 * outside of the window is cut off here, so the later checks see only what is new.
 *
 * @rfc 9293 3.10.7.4 First
 */
export function checkSequence(tcb: Tcb, seg: Segment, now: Micros): DropReason | null {
  if (isOldDuplicate(tcb, seg, now)) return refuse(tcb, seg, 'paws', now);
  if (tcb.state === 'SYN-RECEIVED') takeRepeatedSyn(tcb, seg);
  if (!isAcceptable(tcb, seg)) return refuse(tcb, seg, 'unacceptable', now);
  trim(tcb, seg);
  return null;
}

/**
 * The four cases of SEG.LEN and RCV.WND being zero or not.
 *
 * Deviates from RFC 9293 in two cases, as Linux does. An empty segment at the right edge is taken: a
 * peer that has filled our window and lost some of it sends its ACKs from there. And at a closed
 * window a segment at RCV.NXT goes on without its text, since "special allowance should be made to
 * accept valid ACKs, URGs, and RSTs".
 *
 * @rfc 9293 3.4, 3.10.7.4 First
 */
function isAcceptable(tcb: Tcb, seg: Segment): boolean {
  const { nxt, wnd } = tcb.rcv;
  const { len } = seg;
  if (len === 0) return inWindow(seg.seq, nxt, wnd + 1);
  if (wnd === 0) return seg.seq === nxt;
  return inWindow(seg.seq, nxt, wnd) || inWindow(add(seg.seq, len - 1), nxt, wnd);
}

/** Cuts off what lies before RCV.NXT. What lies beyond the window is cut by the Seventh check. */
function trim(tcb: Tcb, seg: Segment): void {
  const { rcv } = tcb;
  const before = diff(rcv.nxt, seg.seq);
  if (before > 0) {
    let cut = before;
    if (seg.has(Flag.SYN)) {
      seg.flags &= ~Flag.SYN;
      cut--;
    }
    const text = Math.min(cut, seg.textLength);
    seg.textStart += text;
    seg.textLength -= text;
    seg.seq = rcv.nxt;
    if (text > 0) oweAck(tcb, 'ack-duplicate');
  }
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
    seg.flags &= ~Flag.SYN;
    seg.seq = add(seg.seq, 1);
    seg.wnd >>>= tcb.snd.shift; // "the window field in a SYN segment itself is never scaled"
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
  // Text or FIN is a repetition or a probe that waits for its answer; bare ACKs are rationed.
  if (seg.len === 0 && !isProbe(tcb, seg)) {
    if (now - tcb.ack.invalidAt < INVALID_ACK_INTERVAL) return drop;
    tcb.ack.invalidAt = now;
  }
  oweAck(tcb, 'ack-unacceptable');
  return drop;
}

/** An empty segment at RCV.NXT - 1: a keepalive or window probe. @rfc 9293 3.8.4 */
function isProbe(tcb: Tcb, seg: Segment): boolean {
  return lt(seg.seq, tcb.rcv.nxt) && seg.seq === seq(tcb.rcv.nxt - 1);
}

/** Owes a challenge ACK, of which a second sees only a few. @rfc 5961 7 */
export function challenge(tcb: Tcb, now: Micros): void {
  const { ack } = tcb;
  if (now - ack.challengeAt >= SECOND) {
    ack.challengeAt = now;
    ack.challenges = 0;
  }
  if (ack.challenges >= CHALLENGE_ACKS_PER_SECOND) return;
  ack.challenges++;
  oweAck(tcb, 'challenge-ack');
}
