import { INITIAL_WINDOW_SEGMENTS } from '../config.ts';
import type { Tcb } from '../tcb.ts';
import { cwndSegments, inFlight } from './inFlight.ts';
import { tellOfRoom } from './writable.ts';

/** What is in flight is kept until it is acknowledged, and as much again may be waiting behind it. */
const WINDOWS = 2;
/** ... or twice as much, where cwnd may double while something is repaired (Linux: bbr_sndbuf_expand). */
const WINDOWS_OF_ITS_OWN = 3;

/**
 * What may go has gone: when it is the send buffer that holds the user back, and not cwnd, it grows to
 * a few cwnds (Linux: tcp_new_space, tcp_should_expand_sndbuf, tcp_sndbuf_expand). It never shrinks, and
 * stays as it is if the user has set its size.
 */
export function growSendBuffer(tcb: Tcb): void {
  const { config, recovery, sendBuffer, shared, snd } = tcb;
  if (!tcb.writeBlocked || config.sendBuffer > 0 || shared.underPressure) return;
  const cwnd = cwndSegments(tcb);
  if (inFlight(tcb) >= cwnd) return;
  const segments = Math.max(INITIAL_WINDOW_SEGMENTS, cwnd, recovery.reordering + 1);
  const windows = tcb.congestion.ownsCwnd ? WINDOWS_OF_ITS_OWN : WINDOWS;
  sendBuffer.grow(Math.min(windows * segments * snd.mss, config.wmemMax));
  tellOfRoom(tcb);
}
