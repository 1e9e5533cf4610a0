import { MAX_WINDOW_SHIFT } from '../config.ts';
import type { Tcb } from '../tcb.ts';
import { isOctetUpdateDue, octetRoom, openOctetWindow, selectOctetWindow } from './octetWindow.ts';
import { advertisedMss, freeSpace, fullSpace } from './windowSpace.ts';

/**
 * Which window to announce: Linux's rules, number by number. What is true here: the right edge
 * RCV.NXT + RCV.WND never moves left (SHLD-14), and a window is not opened by less than a segment
 * (MUST-39).
 *
 * @rfc 9293 3.8.6.2.2
 */

/** Segments in a window when memory is short (tcp_adjust_rcv_ssthresh). */
const PRESSED_SEGMENTS = 4;

/** Largest window in a SYN, which carries no shift. @rfc 7323 2.2 */
export const MAX_UNSCALED = 65_535;

/** The shift with which the largest window can be announced, 0 to 14: ilog2(space) - 15, as Linux. */
export function windowShiftFor(space: number): number {
  const shift = 31 - Math.clz32(Math.max(1, Math.min(space, 2 ** 31 - 1))) - 15;
  return Math.min(MAX_WINDOW_SHIFT, Math.max(0, shift));
}

/**
 * The window and the shift of our SYN (tcp_select_initial_window): whole segments of what the buffer
 * holds, and a shift for what it may come to hold.
 *
 * @param mss octets of text in a segment of the peer, as far as known now
 * @rfc 7323 2.2
 */
export function openWindow(tcb: Tcb, mss: number): void {
  if (tcb.config.windowModel === 'octets') {
    openOctetWindow(tcb);
    return;
  }
  const { rcv, window, config } = tcb;
  const space = fullSpace(tcb);
  const largest = MAX_UNSCALED << MAX_WINDOW_SHIFT;
  const clamp = window.locked ? Math.min(space, largest) : largest;
  const open = Math.min(clamp, space);
  rcv.wnd = open > mss ? open - (open % mss) : open;
  rcv.shift = tcb.windowScaling
    ? windowShiftFor(Math.min(Math.max(open, config.rmemMax), clamp))
    : 0;
  window.announced = rcv.wnd;
  window.ssthresh = rcv.wnd;
  window.clamp = Math.min(MAX_UNSCALED << rcv.shift, clamp);
}

/**
 * The window that the buffer allows now, in octets (__tcp_select_window). If less than half of the
 * buffer is free, the quick ACKs are over; with less than a segment, or a 16th, the window closes.
 */
export function selectWindow(tcb: Tcb): number {
  if (tcb.config.windowModel === 'octets') return selectOctetWindow(tcb);
  const { rcv, window, ack } = tcb;
  const allowed = fullSpace(tcb);
  let free = freeSpace(tcb);
  const full = Math.min(window.clamp, allowed);
  const mss = Math.min(ack.segment, full);
  if (mss <= 0) return 0;
  const unit = 1 << rcv.shift;
  if (free < full >> 1) {
    ack.quick = 0;
    if (tcb.shared.underPressure) {
      window.ssthresh = Math.min(window.ssthresh, PRESSED_SEGMENTS * advertisedMss(tcb));
    }
    free -= ((free % unit) + unit) % unit;
    if (free < allowed >> 4 || free < mss) return 0;
  }
  free = Math.min(free, window.ssthresh);
  if (rcv.shift > 0) return roundUp(free, unit);
  const { announced } = window;
  if (announced <= free - mss || announced > free) return free - (free % mss);
  return mss === full && free > announced + (full >> 1) ? free : announced;
}

/**
 * The window that the next segment carries, in octets (tcp_select_window). Never less than RCV.WND:
 * "a TCP receiver SHOULD NOT shrink the window"; rounded up to the unit of the shift. The header field
 * may have room for less of it.
 */
export function windowToAnnounce(tcb: Tcb): number {
  const { rcv } = tcb;
  const selected = selectWindow(tcb);
  if (tcb.config.windowModel === 'octets') return Math.max(selected, rcv.wnd);
  if (selected >= rcv.wnd) return selected;
  if (selected === 0) tcb.shared.counters.TCPWantZeroWindowAdv++;
  return roundUp(rcv.wnd, 1 << rcv.shift);
}

/** Is the window so much larger than the peer knows that it is told? "Lots" means "at least twice". */
export function isWindowUpdateDue(tcb: Tcb): boolean {
  if (tcb.config.windowModel === 'octets') return isOctetUpdateDue(tcb);
  const { wnd } = tcb.rcv;
  if (2 * wnd > tcb.window.clamp) return false; // as Linux: to look closely is not cheap
  const open = selectWindow(tcb);
  return open > 0 && open >= 2 * wnd;
}

function roundUp(n: number, unit: number): number {
  return Math.ceil(n / unit) * unit;
}

/** Octets from RCV.NXT on that a segment may lie in: what was announced, or with FreeBSD what there is room for. */
export function acceptedWindow(tcb: Tcb): number {
  return tcb.config.windowModel === 'octets' ? octetRoom(tcb) : tcb.rcv.wnd;
}
