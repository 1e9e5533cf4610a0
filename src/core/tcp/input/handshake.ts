import { add } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import type { Segment } from '../../wire/tcp.ts';
import { DEFAULT_MSS, HEADERS } from '../config.ts';
import { beginTuning } from '../receive/bufferTuning.ts';
import { beginRcvMss } from '../receive/rcvMss.ts';
import { MAX_UNSCALED, openWindow } from '../receive/window.ts';
import { advertisedMss } from '../receive/windowSpace.ts';
import { effectiveMss } from '../segmentSize.ts';
import { armKeepAlive } from '../send/keepAlive.ts';
import { beginMtuSearch } from '../send/mtuProbing.ts';
import { beginPace } from '../send/pacing.ts';
import { situation } from '../send/situation.ts';
import { Event, type Tcb, transition } from '../tcb.ts';
import { onHandshakeComplete } from '../timers.ts';

/** What we announce of ourselves, before the first SYN. @param mtu of the interface, octets */
export function prepareOffer(tcb: Tcb, mtu: number): void {
  const most = Math.min(65_535, mtu) - HEADERS;
  tcb.rcv.mss = tcb.config.mss === 0 ? most : Math.min(most, tcb.config.mss);
  openWindow(tcb, tcb.rcv.mss);
}

/** We have seen the SYN of the peer before we sent ours: what we announce suits its options. */
export function prepareAnswer(tcb: Tcb): void {
  openWindow(tcb, advertisedMss(tcb));
}

/**
 * The SYN of the peer: its number, and of the options those that both ends want.
 *
 * @rfc 9293 3.7.1, 7323 2.2 and 3.2
 */
export function takeSyn(tcb: Tcb, seg: Segment, now: Micros): void {
  const { rcv, snd, ts } = tcb;
  rcv.irs = seg.seq;
  rcv.nxt = add(seg.seq, 1);
  tcb.ack.last = rcv.nxt;
  const { noOptions, leastMss } = tcb.config;
  snd.peerMss = Math.max(leastMss, seg.mss === 0 || noOptions ? DEFAULT_MSS : seg.mss);
  // MUST-16: an announced size counts the fixed headers alone.
  tcb.windowScaling = tcb.windowScaling && seg.windowShift >= 0;
  snd.shift = tcb.windowScaling ? seg.windowShift : 0;
  if (!tcb.windowScaling) withoutShift(tcb);
  tcb.sackPermitted = tcb.sackPermitted && seg.sackPermitted;
  ts.on = ts.on && seg.hasTimestamps;
  if (ts.on) {
    ts.recent = seg.tsVal;
    ts.recentAt = now;
  }
  snd.mss = effectiveMss(tcb);
  tcb.congestion.setMss(snd.mss);
}

/** The peer does not scale: no window is larger than its 16 bits say. */
function withoutShift(tcb: Tcb): void {
  tcb.rcv.shift = 0;
  tcb.window.clamp = Math.min(tcb.window.clamp, MAX_UNSCALED);
}

/**
 * The connection is synchronized: the user may know, and what it did in advance happens now.
 * {@link beginControl} is to follow, when the ACK is understood.
 */
export function onEstablished(tcb: Tcb, now: Micros): void {
  onHandshakeComplete(tcb);
  onOpen(tcb, now);
  if (tcb.sendClosed) transition(tcb, 'FIN-WAIT-1', now);
}

/** Text can be sent and received; with Fast Open before the connection is synchronized. */
export function onOpen(tcb: Tcb, now: Micros): void {
  beginRcvMss(tcb);
  beginTuning(tcb, now);
  beginMtuSearch(tcb, now);
  tcb.heardAt = now;
  tcb.textAt = now; // as Linux has it: from here on the time without text counts
  tcb.events |= Event.OPEN | Event.WRITABLE;
  armKeepAlive(tcb, now);
}

/** Congestion control begins, with the round-trip time of the handshake if that was measured. */
export function beginControl(tcb: Tcb, now: Micros): void {
  tcb.congestion.onEstablished(situation(tcb, now));
  beginPace(tcb);
}

/** Synchronized at last: the user has the connection already. @rfc 7413 4.2.2 */
export function onFastOpenComplete(tcb: Tcb): void {
  onHandshakeComplete(tcb);
}
