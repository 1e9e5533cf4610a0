import { INITIAL_WINDOW_SEGMENTS } from '../config.ts';
import type { Tcb } from '../tcb.ts';
import { cwndSegments, inFlight } from './inFlight.ts';
import { tellOfRoom } from './writable.ts';

/** What is in flight is kept until it is acknowledged, and as much again may be waiting behind it. */
const WINDOWS = 2;

/**
 * What may go has gone: when it is the send buffer that holds the user back, and not cwnd, it grows to
 * two cwnds (Linux: tcp_new_space, tcp_should_expand_sndbuf, tcp_sndbuf_expand). It never shrinks, and
 * stays as it is if the user has set its size.
 */
export function growSendBuffer(tcb: Tcb): void {
  const { config, recovery, sendBuffer, shared, snd } = tcb;
  if (!tcb.writeBlocked || config.sendBuffer > 0 || shared.underPressure) return;
  const cwnd = cwndSegments(tcb);
  if (inFlight(tcb) >= cwnd) return;
  const segments = Math.max(INITIAL_WINDOW_SEGMENTS, cwnd, recovery.reordering + 1);
  sendBuffer.grow(Math.min(WINDOWS * segments * snd.mss, config.wmemMax));
  tellOfRoom(tcb);
}
