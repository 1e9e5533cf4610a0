import { add, diff, lt, type Seq } from '../../base/seq.ts';
import { type Micros, MS } from '../../base/time.ts';
import { INITIAL_WINDOW_SEGMENTS, MIN_RECEIVE_MEMORY } from '../config.ts';
import type { Tcb } from '../tcb.ts';
import { advertisedMss, fullSpace, memoryFor, textIn } from './windowSpace.ts';

/**
 * The receive buffer grows with what the user reads in a round trip (Linux: dynamic right-sizing).
 * What is true here: it only grows, never beyond `rmemMax`, and not at all if the user has set it.
 */

/** The number of the octet that the user reads next (copied_seq). */
function nextToRead(tcb: Tcb): Seq {
  return add(tcb.rcv.nxt, -tcb.receiveBuffer.length);
}

/** The connection is synchronized: bounds of the window, and the first measure (tcp_init_buffer_space). */
export function beginTuning(tcb: Tcb, now: Micros): void {
  const { window, tuning, rcv } = tcb;
  const mss = advertisedMss(tcb);
  const most = fullSpace(tcb);
  if (window.clamp >= most) window.clamp = most;
  // "Force reservation of one segment."
  if (window.clamp > 2 * mss && window.clamp + mss > most) {
    window.clamp = Math.max(2 * mss, most - mss);
  }
  window.ssthresh = Math.min(window.ssthresh, window.clamp);
  tuning.seq = nextToRead(tcb);
  tuning.at = now;
  tuning.space = Math.min(window.ssthresh, rcv.wnd, INITIAL_WINDOW_SEGMENTS * mss);
}

/** The user has set the size of the receive buffer: it stays as it is. @param octets not 0 */
export function lockReceiveBuffer({ window }: Tcb, octets: number): void {
  window.locked = true;
  window.buffer = Math.max(MIN_RECEIVE_MEMORY, 2 * octets);
}

/**
 * The user has read: how much was it in the last round trip? (tcp_rcv_space_adjust) What waits to be
 * read is taken off. The moment is that when the first buffer of it was read.
 */
export function adjustSpace(tcb: Tcb, now: Micros): void {
  const { tuning, receiveBuffer } = tcb;
  const { rtt } = tuning;
  const unread = Math.max(0, receiveBuffer.unreadAtFirst);
  receiveBuffer.unreadAtFirst = -1;
  if (rtt === 0 || now - tuning.at < Math.floor(rtt / 8)) return;
  const next = add(tcb.rcv.nxt, -unread);
  const read = diff(next, tuning.seq) - unread;
  if (read > tuning.space) growBuffer(tcb, read);
  tuning.seq = next;
  tuning.at = now;
}

/**
 * Makes room for twice what is read in a round trip, since the measure is always one late, and for
 * more while it grows; text beyond a hole waits and needs room too (tcp_rcvbuf_grow).
 */
export function growBuffer(tcb: Tcb, space: number): void {
  const { tuning, window, config } = tcb;
  const before = tuning.space;
  tuning.space = space;
  if (window.locked || before === 0 || tcb.shared.underPressure) return;
  const { ranges } = tcb.receiveBuffer;
  let open = 2 * space;
  open += 2 * Math.floor((open * (space - before)) / before);
  if (ranges.count > 0) open += diff(ranges.right(ranges.count - 1), tcb.rcv.nxt);
  const buffer = Math.min(memoryFor(tcb, open), config.rmemMax);
  if (buffer <= window.buffer) return;
  window.buffer = buffer;
  window.clamp = textIn(tcb, buffer);
}

/** Text is about to be taken: how long does a window of text take to arrive? (tcp_rcv_rtt_measure) */
export function measureByWindow(tcb: Tcb, now: Micros): void {
  const { tuning, rcv, window } = tcb;
  if (tuning.rttAt !== 0) {
    if (lt(rcv.nxt, tuning.rttSeq)) return;
    updateRtt(tcb, Math.max(1, now - tuning.rttAt), 'window');
  }
  tuning.rttSeq = add(rcv.nxt, window.announced);
  tuning.rttAt = now;
}

/**
 * A full segment that echoes another timestamp of ours (tcp_rcv_rtt_measure_ts). @param clock TSval now
 */
export function measureByTimestamp(tcb: Tcb, echo: number, octets: number, clock: number): void {
  const { tuning } = tcb;
  if (echo === tuning.lastEcho) return;
  tuning.lastEcho = echo;
  const elapsed = (clock - echo) | 0;
  if (octets >= tcb.ack.segment && elapsed > 0) updateRtt(tcb, elapsed * MS, 'timestamp');
}

/**
 * tcp_rcv_rtt_update: the shortest is believed at once, and longer ones, smoothed, only of timestamps
 * while the user keeps up.
 */
function updateRtt(tcb: Tcb, sample: Micros, by: 'window' | 'timestamp'): void {
  const { tuning } = tcb;
  if (tuning.rtt === 0 || sample * 8 < tuning.rtt) {
    tuning.rtt = sample * 8;
  } else if (by === 'timestamp' && tcb.receiveBuffer.length === 0) {
    tuning.rtt = tuning.rtt - Math.floor(tuning.rtt / 8) + sample;
  }
}
