import { MAX_WINDOW_SHIFT } from '../config.ts';
import type { Tcb } from '../tcb.ts';

/**
 * Which window to announce. What is true here: the right edge RCV.NXT + RCV.WND never moves left
 * (SHLD-14), and moves right only by steps that are worth a segment (MUST-39).
 *
 * @rfc 9293 3.8.6.2.2
 */

/** Largest window in a SYN, which carries no shift. @rfc 7323 2.2 */
const MAX_UNSCALED = 65_535;

/** The smallest shift with which the whole buffer can be announced, 0 to 14. @rfc 7323 2.3 */
export function windowShiftFor(buffer: number): number {
  let shift = 0;
  while (shift < MAX_WINDOW_SHIFT && MAX_UNSCALED << shift < buffer) shift++;
  return shift;
}

/** The window of a SYN: whole segments, unscaled. */
export function initialWindow(tcb: Tcb): number {
  const most = Math.min(MAX_UNSCALED, tcb.receiveBuffer.free);
  const { mss } = tcb.rcv;
  return most > mss ? most - (most % mss) : most;
}

/**
 * The window that the next segment carries, in octets; a multiple of the unit of the shift unless
 * the old edge does not lie on one. Never less than RCV.WND rounded down.
 */
export function windowToAnnounce(tcb: Tcb): number {
  const { rcv } = tcb;
  const { free, limit } = room(tcb);
  const { shift } = rcv;
  const open = Math.min((free >>> shift) << shift, MAX_UNSCALED << shift);
  if (open > rcv.wnd && open - rcv.wnd >= Math.min(limit >>> 1, rcv.mss)) return open;
  const rounded = ((rcv.wnd + (1 << shift) - 1) >>> shift) << shift;
  return rounded <= free ? rounded : rcv.wnd;
}

/**
 * A user that has left reads nothing, but the window stays open: text that arrives is answered by a
 * RST, which tells the peer so (SHLD-3).
 */
function room(tcb: Tcb): { readonly free: number; readonly limit: number } {
  if (!tcb.receiveClosed) return tcb.receiveBuffer;
  const { receiveBuffer } = tcb.config;
  return { free: receiveBuffer, limit: receiveBuffer };
}

/** Is the window so much larger than the peer knows that it should be told? (Linux's rule: twice.) */
export function isWindowUpdateDue(tcb: Tcb): boolean {
  const { wnd } = tcb.rcv;
  const open = windowToAnnounce(tcb);
  return open > wnd && wnd * 2 <= tcb.receiveBuffer.limit && open >= wnd * 2;
}
