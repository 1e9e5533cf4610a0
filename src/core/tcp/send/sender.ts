import { diff, le, lt } from '../../base/seq.ts';
import { type Micros, MS, NEVER } from '../../base/time.ts';
import { Flag, type Segment } from '../../wire/tcp.ts';
import { Event, hasUnsent, outstanding, type Tcb, Timer } from '../tcb.ts';
import { measure, onAdvance, onDuplicateAck, pipe } from './lossRecovery.ts';

/**
 * What an acceptable ACK does to the send side, in this order: queue, round-trip time, recovery,
 * congestion control, timers. Nothing is sent from here.
 *
 * @rfc 9293 3.10.7.4 Fifth
 */

/** A buffer that was full is writable again when this share of it is free (Linux: a third). */
const WRITABLE_SHARE = 3;

/** SND.UNA < SEG.ACK =< SND.NXT. */
export function onNewAck(tcb: Tcb, seg: Segment, now: Micros): void {
  const { snd, recovery, congestion, sample } = tcb;
  const acked = diff(seg.ack, snd.una);
  sample.ackedOctets = acked;
  sample.inFlight = outstanding(tcb);
  sample.rtt = roundTrip(tcb, seg, now);
  sample.now = now;
  const limited = isCwndLimited(tcb);

  snd.una = seg.ack;
  tcb.sendBuffer.acknowledge(seg.ack);
  tcb.retransmitQueue.acknowledge(seg.ack);
  if (sample.rtt > 0) tcb.rtt.sample(sample.rtt);
  const before = recovery.phase;
  onAdvance(tcb, acked, now);
  if (before !== 'recovery') congestion.onAck(sample, limited);
  tcb.deadlines[Timer.RETRANSMISSION] = outstanding(tcb) > 0 ? now + tcb.rtt.rto : NEVER;
  tcb.deadlines[Timer.PERSIST] = NEVER; // output arms it anew where it is needed
  if (tcb.writeBlocked && tcb.sendBuffer.free * WRITABLE_SHARE >= tcb.sendBuffer.limit) {
    tcb.writeBlocked = false;
    tcb.events |= Event.WRITABLE;
  }
}

/** Any acceptable ACK: the peer lives, and its probes count from nought again. */
export function onAnyAck(tcb: Tcb): void {
  tcb.softError = null;
  tcb.probesOut = 0;
}

/**
 * SEG.ACK = SND.UNA. Is it a duplicate ACK? "(a) the receiver of the ACK has outstanding data, (b)
 * the incoming acknowledgment carries no data, (c) the SYN and FIN bits are both off, (d) the
 * acknowledgment number is equal to the greatest acknowledgment received ... and (e) the advertised
 * window in the incoming acknowledgment equals the advertised window in the last".
 *
 * @rfc 5681 2
 */
export function onOldAck(tcb: Tcb, seg: Segment, now: Micros): void {
  if (tcb.snd.una === tcb.snd.nxt || seg.textLength > 0) return;
  if ((seg.flags & (Flag.SYN | Flag.FIN)) !== 0) return;
  if (seg.wnd << tcb.snd.shift !== tcb.snd.wnd) return;
  onDuplicateAck(tcb, now);
}

/**
 * "If SND.UNA =< SEG.ACK =< SND.NXT, the send window should be updated": by segments that are not
 * older than the one that did it last.
 *
 * @rfc 9293 3.10.7.4 Fifth
 */
export function updateWindow(tcb: Tcb, seg: Segment): void {
  const { snd } = tcb;
  if (!lt(snd.wl1, seg.seq) && !(snd.wl1 === seg.seq && le(snd.wl2, seg.ack))) return;
  setWindow(tcb, seg);
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

/** From what was sent once, else from the echoed timestamp. @rfc 6298 3, 7323 4.1 */
function roundTrip(tcb: Tcb, seg: Segment, now: Micros): Micros {
  const measured = measure(tcb, seg.ack, now);
  if (measured > 0 || !tcb.ts.on || !seg.hasTimestamps || seg.tsEcr === 0) return measured;
  const echoed = (timestampAt(tcb, now) - seg.tsEcr) | 0;
  return echoed >= 0 ? Math.max(1, echoed) * MS : 0;
}

/** TSval now: a clock of milliseconds, shifted by the connection's offset. @rfc 7323 5.4 */
export function timestampAt(tcb: Tcb, now: Micros): number {
  return (Math.floor(now / MS) + tcb.ts.offset) >>> 0;
}

/** Was cwnd what held the sender back? @rfc 7661 4.1 (Linux: tcp_is_cwnd_limited) */
function isCwndLimited(tcb: Tcb): boolean {
  const { cwnd, ssthresh } = tcb.congestion;
  if (cwnd < ssthresh) return outstanding(tcb) * 2 > cwnd;
  return hasUnsent(tcb) && pipe(tcb) + tcb.snd.mss > cwnd;
}
