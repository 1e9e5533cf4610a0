import { DEFAULT_MSS, HEADERS, MIN_MSS, TIMESTAMP_OPTION } from './config.ts';
import type { Tcb } from './tcb.ts';

/**
 * How large a segment is. Nothing is changed from here.
 *
 * @rfc 9293 3.7.1
 */

/** Octets of the shortest datagram that every link carries whole, and of a TCP header. @rfc 791 3.2 */
const MIN_DATAGRAM = 68;
const MIN_TCP_HEADER = 20;

/**
 * The segment size that the user, the peer, its window, the path and the options leave.
 *
 * @rfc 9293 3.7.1 MUST-16
 */
export function effectiveMss(tcb: Tcb): number {
  const whole = textOfDatagram(tcb, Math.min(tcb.flow.mtu, tcb.mtuSearch.limit));
  const timestamps = tcb.ts.on ? TIMESTAMP_OPTION : 0;
  return Math.max(MIN_MSS, withinHalfWindow(tcb, whole) - tcb.sackBlocks.optionLength(timestamps));
}

/** Most text of a datagram of so many octets, as far as user and peer take it (tcp_mtu_to_mss). */
export function textOfDatagram(tcb: Tcb, octets: number): number {
  const timestamps = tcb.ts.on ? TIMESTAMP_OPTION : 0;
  return Math.max(MIN_MSS, Math.min(largestSegment(tcb), octets - HEADERS) - timestamps);
}

/** Octets of the datagram that carries so much text (tcp_mss_to_mtu). */
export function datagramOfText({ ts }: Tcb, octets: number): number {
  return octets + HEADERS + (ts.on ? TIMESTAMP_OPTION : 0);
}

/** Largest segment that user and peer take, options counted in (mss_clamp). */
export function largestSegment({ config, snd }: Tcb): number {
  return config.mss > 0 ? Math.min(snd.peerMss, config.mss) : snd.peerMss;
}

/**
 * Segments are so small that two of them fit into the largest window that the peer has offered, "at
 * least a fraction Fs of the maximum window"; a window that is smaller than the default size is
 * filled by one (Linux: tcp_bound_to_half_wnd).
 *
 * @rfc 9293 3.8.6.2.1
 */
export function withinHalfWindow(tcb: Tcb, octets: number): number {
  const { maxWnd } = tcb.snd;
  const most = maxWnd > DEFAULT_MSS ? maxWnd >>> 1 : maxWnd;
  if (most === 0 || octets <= most) return octets;
  return Math.max(most, MIN_DATAGRAM - MIN_TCP_HEADER - (tcb.ts.on ? TIMESTAMP_OPTION : 0));
}
