import { le, lt, type Seq } from '../../base/seq.ts';
import type { Tcb } from '../tcb.ts';
import type { CaState } from './recovery.ts';

/**
 * What is in the network, and what may be: counted in segments, as Linux counts, each one the same
 * however long it is.
 *
 * Nothing is changed from here.
 */

/** Segments that the peer has, though not in order: it said so, or duplicate ACKs did (sacked_out). */
export function sackedOut(tcb: Tcb): number {
  return tcb.retransmitQueue.sackedOut + tcb.recovery.duplicateAcks;
}

/** Segments of those unacknowledged that are not in the network (tcp_left_out). */
export function leftOut(tcb: Tcb): number {
  return sackedOut(tcb) + tcb.retransmitQueue.lostOut;
}

/** Segments in the network, as far as one can know (tcp_packets_in_flight). @rfc 6675 4 */
export function inFlight(tcb: Tcb): number {
  const { count, resentOut } = tcb.retransmitQueue;
  // Linux keeps the SYN-ACK of Fast Open apart from the text that follows it
  const synAck = tcb.fastOpen.pending ? 1 : 0;
  return Math.max(0, count - synAck - leftOut(tcb) + resentOut);
}

/** As {@link inFlight}, in octets of full segments. */
export function pipe(tcb: Tcb): number {
  return inFlight(tcb) * tcb.snd.mss;
}

/** Segments that cwnd allows to be in flight. */
export function cwndSegments(tcb: Tcb): number {
  return Math.max(1, Math.floor(tcb.congestion.cwnd / tcb.snd.mss));
}

/** Segments above which cwnd grows slowly. */
export function ssthreshSegments(tcb: Tcb): number {
  return Math.floor(tcb.congestion.ssthresh / tcb.snd.mss);
}

export function setCwnd(tcb: Tcb, segments: number): void {
  tcb.congestion.cwnd = Math.max(1, segments) * tcb.snd.mss;
}

/** End of the highest segment that the peer has; SND.UNA: it has none beyond that. */
export function highestSack(tcb: Tcb): Seq {
  return tcb.retransmitQueue.sackedOut > 0 ? tcb.recovery.highestSack : tcb.snd.una;
}

/** Does cwnd follow from what is delivered now? (tcp_in_cwnd_reduction) */
export function isReducing(phase: CaState): boolean {
  return phase === 'cwr' || phase === 'recovery';
}

/** Is something out that was sent twice? (tcp_any_retrans_done) */
export function isAnyResent(tcb: Tcb): boolean {
  const { retransmitQueue: queue } = tcb;
  return queue.resentOut > 0 || (queue.count > 0 && queue.wasResent(0));
}

/** Is this octet number one that was sent and not yet acknowledged? */
export function isInFlight(tcb: Tcb, at: Seq): boolean {
  return le(tcb.snd.una, at) && lt(at, tcb.snd.nxt);
}

/** Was what this ACK echoes sent before the clock showed `stamp`? (tcp_tsopt_ecr_before) */
export function isEchoBefore(tcb: Tcb, stamp: number): boolean {
  const { tsEcr } = tcb.news;
  return tsEcr !== 0 && ((tsEcr - stamp) | 0) < 0;
}
