import { Flag, type Segment } from '../../wire/tcp.ts';
import { DEFAULT_MSS, MIN_MSS, MIN_RECEIVE_MEMORY, TIMESTAMP_OPTION } from '../config.ts';
import type { Tcb } from '../tcb.ts';
import { truesize } from './segmentMemory.ts';
import { advertisedMss, setWindowClamp, textIn } from './windowSpace.ts';

/** Headers without options. */
const TCP_HEADER = 20;
/** Text of the smallest full segment that is believed (Linux: TCP_MIN_MSS). */
const MIN_FULL = 88;

/** Before anything has arrived, a full segment is taken to be small (tcp_initialize_rcv_mss). */
export function beginRcvMss(tcb: Tcb): void {
  const most = Math.min(advertisedMss(tcb), tcb.snd.mss, tcb.rcv.wnd >> 1, DEFAULT_MSS);
  tcb.ack.segment = Math.max(most, MIN_FULL, MIN_MSS);
}

/**
 * How large are the peer's full segments? (tcp_measure_rcv_mss) The ACK policy counts in them. A
 * larger one than any before is believed; smaller ones only if two of one size follow each other and
 * look full: that is, large, or not pushed.
 *
 * @param seg its text not cut
 * @rfc 9293 3.8.6.3
 */
export function measureRcvMss(tcb: Tcb, seg: Segment): void {
  const { ack } = tcb;
  const text = seg.textLength;
  // More than a segment may hold is several that the interface has joined (GRO), of a size it may tell.
  const full = Math.min(seg.segmentSize > 0 ? seg.segmentSize : text, advertisedMss(tcb));
  const last = ack.lastSize;
  ack.lastSize = 0;
  if (full >= ack.segment) {
    if (full !== ack.segment) measureScalingRatio(tcb, text);
    ack.segment = full;
    if (seg.has(Flag.PSH)) ack.pushed = Math.max(1, ack.pushed);
    return;
  }
  const whole = text + seg.headerLength;
  const unpushed = (seg.flags & (Flag.PSH | Flag.FIN | Flag.URG | Flag.SYN)) === 0;
  if (whole >= DEFAULT_MSS + TCP_HEADER || (unpushed && whole >= MIN_FULL + TCP_HEADER)) {
    const size = whole - TCP_HEADER - (tcb.ts.on ? TIMESTAMP_OPTION : 0);
    ack.lastSize = size;
    if (size === last) {
      ack.segment = size;
      return;
    }
  }
  ack.pushed = ack.pushed > 0 ? 2 : 1;
}

/** The largest segments tell best what part of the memory is text. */
function measureScalingRatio(tcb: Tcb, text: number): void {
  const { window, tuning } = tcb;
  const size = truesize(tcb.config.segmentLayout, text);
  const ratio = Math.min(255, Math.max(1, Math.floor((text * 256) / size)));
  if (ratio === window.scalingRatio) return;
  window.scalingRatio = ratio;
  setWindowClamp(tcb, textIn(tcb, window.buffer), MIN_RECEIVE_MEMORY / 2);
  if (window.clamp < tuning.space) tuning.space = window.clamp;
}
