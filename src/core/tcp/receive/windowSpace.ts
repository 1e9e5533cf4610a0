import { TIMESTAMP_OPTION } from '../config.ts';
import type { Tcb } from '../tcb.ts';

/**
 * From memory to text and back. A window is a promise of memory; of memory only a part is text, and
 * how large a part, the segments themselves tell (`scalingRatio`).
 */

/** Text that fits into so much memory (tcp_win_from_space); negative if memory is overdrawn. */
export function textIn(tcb: Tcb, memory: number): number {
  return Math.floor((memory * tcb.window.scalingRatio) / 256);
}

/** Memory that so much text takes (tcp_space_from_win). */
export function memoryFor(tcb: Tcb, text: number): number {
  return Math.floor((text * 256) / tcb.window.scalingRatio);
}

/** The largest window that the buffer allows, when it is empty (tcp_full_space). */
export function fullSpace(tcb: Tcb): number {
  return textIn(tcb, tcb.window.buffer);
}

/** ... and beside what is in it (tcp_space). */
export function freeSpace(tcb: Tcb): number {
  return textIn(tcb, tcb.window.buffer - tcb.receiveBuffer.memory.total);
}

/** Text in the largest segment that the peer may send (advmss): the timestamps take their part. */
export function advertisedMss(tcb: Tcb): number {
  return tcb.rcv.mss - (tcb.ts.on ? TIMESTAMP_OPTION : 0);
}

/**
 * The part of memory that is text is found to be another one: the window may become larger at once,
 * up to what was announced, or must become smaller (tcp_set_window_clamp).
 */
export function setWindowClamp(tcb: Tcb, clamp: number, least: number): void {
  const { window } = tcb;
  const after = Math.max(least, clamp);
  const before = window.clamp;
  if (after === before) return;
  window.clamp = after;
  if (after < before) window.ssthresh = Math.min(window.ssthresh, after);
  else window.ssthresh = Math.max(Math.min(window.announced, after), window.ssthresh);
}
