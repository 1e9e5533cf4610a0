import type { Micros } from '../base/time.ts';
import { closeTcb, outstanding, type Tcb } from './tcb.ts';

/**
 * Connections that their users have left while text or a FIN is still to be delivered. Nobody can end
 * them, so they do not wait as long as others for a peer that does not answer, or that answers and
 * takes nothing; and there are not too many of them.
 *
 * @rfc 6429 3
 */

/** Repetitions of a segment, or probes, for an orphan that has sent lately (Linux: tcp_orphan_retries). */
const ORPHAN_RETRIES = 8;

/** The user leaves: the connection is one more orphan, unless there are too many (tcp_check_oom). */
export function becomeOrphan(tcb: Tcb, now: Micros): void {
  if (tcb.state === 'CLOSED' || tcb.state === 'TIME-WAIT') return;
  tcb.orphan = true;
  tcb.shared.orphans++;
  if (isOneTooMany(tcb, 0)) endForWant(tcb, true, now);
}

/**
 * How often an orphan tries (tcp_orphan_retries).
 * @param alive its timeouts have not reached the longest one
 */
export function orphanRetries(tcb: Tcb, alive: boolean): number {
  const { orphanRetries: set } = tcb.config;
  if (tcb.softError !== null && !alive) return 0;
  return set === 0 && alive ? ORPHAN_RETRIES : set;
}

/**
 * A timer of an orphan expired: does it go for want of room for all of them? Those that are silent, or of
 * whom ICMP says that they will not get through, go first (tcp_out_of_resources).
 */
export function isOutOfResources(tcb: Tcb, mayReset: boolean, now: Micros): boolean {
  const silent = now - tcb.sentTextAt;
  let shift = silent > 2 * tcb.config.maxRto || !mayReset ? 1 : 0;
  if (tcb.softError !== null) shift++;
  if (!isOneTooMany(tcb, shift)) return false;
  const isRecent = silent <= tcb.config.timeWait;
  const isBlocked = tcb.snd.wnd === 0 && outstanding(tcb) === 0;
  endForWant(tcb, mayReset || isRecent || isBlocked, now);
  return true;
}

function isOneTooMany({ shared }: Tcb, shift: number): boolean {
  return shared.orphans * 2 ** shift > shared.limits.orphans || !shared.hasRoom(0);
}

function endForWant(tcb: Tcb, reset: boolean, now: Micros): void {
  tcb.shared.counters.TCPAbortOnMemory++;
  if (reset) tcb.resetOwed = 'reset-no-room';
  closeTcb(tcb, null, now);
}
