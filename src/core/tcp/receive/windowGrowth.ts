import type { Tcb } from '../tcb.ts';
import { truesize } from './segmentMemory.ts';
import { advertisedMss, freeSpace, textIn } from './windowSpace.ts';

/** Segments with less text than this do not open the window. */
const LEAST_TEXT = 128;

/**
 * Slow start of the receive window (tcp_grow_window): it opens by two segments for each one that
 * arrives and that is worth its memory, up to what the buffer has room for. So a peer that sends
 * crumbs, which cost more memory than they bring text, is not let send more than fits.
 */
export function growWindow(tcb: Tcb, text: number): void {
  if (text >= LEAST_TEXT) growWindowFor(tcb, text, heldMemory(tcb, text));
}

/** ... for a segment beyond a hole, which keeps its head (Linux: without truesize_adjust). */
export function growWindowOutOfOrder(tcb: Tcb, text: number): void {
  growWindowFor(tcb, text, truesize(tcb.config.segmentLayout, text));
}

/** Memory that stays with the text when it is put behind other text (truesize_adjust). */
function heldMemory(tcb: Tcb, text: number): number {
  const { segmentLayout } = tcb.config;
  return segmentLayout === 'paged' ? text : truesize(segmentLayout, text);
}

function growWindowFor(tcb: Tcb, text: number, memory: number): void {
  const { window } = tcb;
  const room = Math.min(window.clamp, freeSpace(tcb)) - window.ssthresh;
  if (room <= 0 || tcb.shared.underPressure) return;
  const worth = textIn(tcb, memory) <= text;
  const growth = worth ? 2 * advertisedMss(tcb) : growthOfPoor(tcb, text, memory);
  if (growth === 0) return;
  window.ssthresh += Math.min(room, Math.max(growth, 2 * text));
  tcb.ack.quick |= 1;
}

/**
 * A segment that is not worth its memory still opens a window that is far smaller than the largest
 * buffer (__tcp_grow_window).
 */
function growthOfPoor(tcb: Tcb, text: number, memory: number): number {
  let size = textIn(tcb, memory) >> 1;
  let window = textIn(tcb, tcb.config.rmemMax) >> 1;
  while (tcb.window.ssthresh <= window) {
    if (size <= text) return 2 * tcb.ack.segment;
    size >>= 1;
    window >>= 1;
  }
  return 0;
}
