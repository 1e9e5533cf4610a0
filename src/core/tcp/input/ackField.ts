import type { DropReason } from '../../base/reasons.ts';
import { diff, lt } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { Flag, type Segment } from '../../wire/tcp.ts';
import { countRefusal } from '../counters.ts';
import { takeCwr } from '../receive/ecn.ts';
import { releaseSynText } from '../receive/synText.ts';
import { onAck, onAnyAck, onStaleAck, setWindow } from '../send/sender.ts';
import { closeTcb, enterTimeWait, isFinAcknowledged, type Tcb, Timer, transition } from '../tcb.ts';
import { challenge } from './acceptability.ts';
import { beginControl, onEstablished, onFastOpenComplete } from './handshake.ts';

/**
 * "Fifth, check the ACK field."
 *
 * @rfc 9293 3.10.7.4 Fifth
 */
export function checkAck(tcb: Tcb, seg: Segment, now: Micros): DropReason | null {
  if (!seg.has(Flag.ACK)) return 'no-ack';
  if (tcb.fastOpen.pending) {
    const drop = completeFastOpen(tcb, seg, now);
    if (drop !== null) return drop;
  } else if (tcb.state === 'SYN-RECEIVED') {
    const drop = completeHandshake(tcb, seg, now);
    if (drop !== null) return drop;
    onAnyAck(tcb);
    onAck(tcb, seg, now);
    beginControl(tcb, now);
    return afterAck(tcb, now);
  }
  const { snd } = tcb;
  if (lt(snd.nxt, seg.ack)) {
    // "If the ACK acks something not yet sent (SEG.ACK > SND.NXT), then send an ACK, drop".
    if (tcb.ack.owed === null) challenge(tcb, now);
    return 'ack-too-new';
  }
  // RFC 5961 5.2: acceptable from SND.UNA - MAX.SND.WND on.
  if (diff(snd.una, seg.ack) > snd.maxWnd) {
    challenge(tcb, now);
    return 'ack-too-old';
  }
  if (lt(seg.ack, snd.una)) {
    onStaleAck(tcb, seg, now);
  } else {
    onAnyAck(tcb);
    takeCwr(tcb, seg);
    onAck(tcb, seg, now);
  }
  return afterAck(tcb, now);
}

/** "If SND.UNA < SEG.ACK =< SND.NXT, then enter ESTABLISHED state". */
function completeHandshake(tcb: Tcb, seg: Segment, now: Micros): DropReason | null {
  const { snd } = tcb;
  if (!lt(snd.una, seg.ack) || lt(snd.nxt, seg.ack)) {
    // "<SEQ=SEG.ACK><CTL=RST>": sent by whoever called, who can answer without a connection.
    return 'bad-ack';
  }
  if (tcb.gate !== null && !tcb.gate.hasRoom) {
    countRefusal(tcb.shared.counters, 'accept-queue-full');
    return 'accept-queue-full';
  }
  tcb.gate?.reserve();
  transition(tcb, 'ESTABLISHED', now);
  setWindow(tcb, seg);
  onEstablished(tcb, now);
  if (tcb.synText !== null) releaseSynText(tcb, seg, now);
  return null;
}

/** The user has the connection already, and may have sent text, or closed it. @rfc 7413 4.2.2 */
function completeFastOpen(tcb: Tcb, seg: Segment, now: Micros): DropReason | null {
  const { snd } = tcb;
  if (!lt(snd.una, seg.ack) || lt(snd.nxt, seg.ack)) return 'bad-ack';
  tcb.fastOpen.pending = false;
  if (tcb.state === 'SYN-RECEIVED') transition(tcb, 'ESTABLISHED', now);
  setWindow(tcb, seg);
  onFastOpenComplete(tcb);
  return null;
}

/** Was it our FIN that has been acknowledged? */
function afterAck(tcb: Tcb, now: Micros): DropReason | null {
  if (!isFinAcknowledged(tcb)) return null;
  switch (tcb.state) {
    case 'FIN-WAIT-1':
      transition(tcb, 'FIN-WAIT-2', now);
      if (tcb.receiveClosed) tcb.deadlines[Timer.TIME_WAIT] = now + tcb.config.finWait2;
      return null;
    case 'CLOSING':
      enterTimeWait(tcb, now);
      return null;
    case 'LAST-ACK':
      closeTcb(tcb, null, now);
      return null;
    default:
      return null;
  }
}
