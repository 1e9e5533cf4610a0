import { type Micros, MS } from '../../base/time.ts';
import { withinHalfWindow } from '../segmentSize.ts';
import type { Tcb } from '../tcb.ts';
import { cwndSegments, inFlight, pipe } from './inFlight.ts';

/**
 * How many segments leave together. A kernel hands them to the device as one, which is to be cut
 * later; a receiver sees it by PSH on the last of them, and by how they follow each other.
 *
 * Nothing is changed from here.
 */

/** Most text that Linux keeps in one buffer: 64 KiB less its headers (sk_gso_max_size). */
const LARGEST_CHUNK = 65_536 - 321;
/** A burst is what is sent in one millisecond at the pace of the connection (sk_pacing_shift). */
const BURSTS_A_SECOND = 1024;
/** ... and more for each halving of the round-trip time below 512 µs (Linux: tcp_tso_rtt_log). */
const NEAR_RTT_SHIFT = 9;
const NEAR_RTT_HALVINGS = 32;
/** Segments that are always worth sending at once (Linux: tcp_max_tso_deferred_mss). */
const MOST_DEFERRED = 3;

/** Octets of a full chunk: a multiple of the segment size, in half of the peer's largest window. */
export function chunkGoal(tcb: Tcb): number {
  const { mss } = tcb.snd;
  return Math.max(1, Math.floor(withinHalfWindow(tcb, LARGEST_CHUNK) / mss)) * mss;
}

/** Most segments of a burst. (Linux: tcp_tso_segs) */
export function burstSegments(tcb: Tcb): number {
  const { mss } = tcb.snd;
  let octets = tcb.pace.rate / BURSTS_A_SECOND;
  const halvings = tcb.rtt.minRtt >>> NEAR_RTT_SHIFT;
  if (tcb.rtt.minRtt > 0 && halvings < NEAR_RTT_HALVINGS) octets += LARGEST_CHUNK / 2 ** halvings;
  const least = tcb.congestion.minBurst ?? tcb.config.leastBurst;
  return Math.max(least, Math.floor(Math.min(octets, LARGEST_CHUNK) / mss));
}

/**
 * Segments that cwnd allows now; 0: none. Never more than half of it in one burst, so that the ACKs of
 * one can call for the next (Linux: tcp_cwnd_test).
 */
export function cwndQuota(tcb: Tcb): number {
  const cwnd = cwndSegments(tcb);
  const room = Math.max(0, cwnd - inFlight(tcb));
  return Math.min(Math.max(1, Math.floor(cwnd / 2)), room);
}

/**
 * May a burst wait until more of it can go? Only if an ACK will come soon, and what can go now is
 * little (Linux: tcp_tso_should_defer).
 *
 * @param chunk octets that are there to be sent
 * @param room octets that the peer's window leaves
 */
export function mayDefer(
  tcb: Tcb,
  { chunk, room, most, isLast }: { chunk: number; room: number; most: number; isLast: boolean },
  now: Micros,
): boolean {
  const { snd, congestion, retransmitQueue: queue, recovery } = tcb;
  if (recovery.phase === 'recovery' || recovery.phase === 'loss' || now - tcb.sentAt > MS)
    return false;
  const allowed = Math.max(0, congestion.cwnd - pipe(tcb));
  const limit = Math.min(room, allowed);
  if (limit >= most * snd.mss || (!isLast && limit >= chunk)) return false;
  if (isWorthSending(tcb, limit)) return false;
  if (queue.count === 0) return false;
  const untilAck = queue.sentAt(0) + tcb.rtt.srtt - now;
  if (untilAck > Math.min(tcb.rtt.srtt / 2, MS)) return false;
  if (Math.min(allowed, room) <= chunk) return true;
  return !(isLast && tcb.sendClosed);
}

function isWorthSending({ config, congestion, snd }: Tcb, octets: number): boolean {
  if (config.windowDivisor === 0) return octets > MOST_DEFERRED * snd.mss;
  return octets >= Math.floor(Math.min(snd.wnd, congestion.cwnd) / config.windowDivisor);
}
