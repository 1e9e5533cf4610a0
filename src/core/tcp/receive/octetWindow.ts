import { isSynchronized } from '../states.ts';
import type { Tcb } from '../tcb.ts';

/**
 * The window as FreeBSD reckons it: in octets of text. What is true here: what the user has not read is
 * all that makes it smaller; the buffer is a multiple of the segment size once that is known.
 *
 * @rfc 9293 3.8.6.2.2
 */

const MAX_UNSCALED = 65_535;
const MAX_SHIFT = 14;

/** The window and the shift of our SYN: the smallest shift that lets the largest buffer be announced. */
export function openOctetWindow(tcb: Tcb): void {
  const { rcv, window, config } = tcb;
  let shift = 0;
  while (shift < MAX_SHIFT && MAX_UNSCALED << shift < config.rmemMax) shift++;
  rcv.shift = tcb.windowScaling ? shift : 0;
  rcv.wnd = Math.min(MAX_UNSCALED, config.receiveBuffer);
  window.announced = rcv.wnd;
  window.ssthresh = rcv.wnd;
  window.clamp = MAX_UNSCALED << rcv.shift;
}

/** What the buffer has room for now (tcp_output): nothing rather than a little. */
export function selectOctetWindow(tcb: Tcb): number {
  const buffer = bufferOf(tcb);
  const free = Math.max(0, buffer - tcb.receiveBuffer.length);
  const isLittle = free < buffer / 4 && free < segmentOf(tcb);
  return isLittle ? 0 : Math.min(free, MAX_UNSCALED << tcb.rcv.shift);
}

/** Two segments more than the peer knows, and a quarter of the buffer; or half of it. */
export function isOctetUpdateDue(tcb: Tcb): boolean {
  const buffer = bufferOf(tcb);
  const mss = segmentOf(tcb);
  const open = selectOctetWindow(tcb);
  const more = open - tcb.rcv.wnd;
  if (2 * more >= buffer) return true;
  return more >= 2 * mss && (more >= buffer / 4 || open <= buffer / 8 || buffer <= 8 * mss);
}

/**
 * What may arrive: all that there is room for, even where 16 bits could not announce so much; of a
 * connection that a listener has half open, what was announced (tcp_syncache.c).
 */
export function octetRoom(tcb: Tcb): number {
  if (tcb.state === 'SYN-RECEIVED' && tcb.gate !== null) return tcb.rcv.wnd;
  return Math.max(tcb.rcv.wnd, bufferOf(tcb) - tcb.receiveBuffer.length);
}

/** Octets of the receive buffer: a multiple of the segment size, once that is known. */
export function octetBuffer(tcb: Tcb): number {
  const isKnown = isSynchronized(tcb.state) || (tcb.state === 'SYN-RECEIVED' && tcb.gate === null);
  return isKnown ? bufferOf(tcb) : tcb.config.receiveBuffer;
}

function segmentOf({ snd, rcv }: Tcb): number {
  return Math.min(snd.peerMss, rcv.mss);
}

function bufferOf(tcb: Tcb): number {
  const mss = segmentOf(tcb);
  return Math.ceil(tcb.config.receiveBuffer / mss) * mss;
}
