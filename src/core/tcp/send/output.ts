import type { SendReason } from '../../base/reasons.ts';
import { add, diff, lt } from '../../base/seq.ts';
import { type Micros, NEVER } from '../../base/time.ts';
import { Flag } from '../../wire/tcp.ts';
import { onTextSent } from '../receive/ackPolicy.ts';
import { isWindowUpdateDue } from '../receive/window.ts';
import { isSynchronized } from '../states.ts';
import {
  effectiveMss,
  finSeq,
  hasUnsent,
  outstanding,
  type Tcb,
  Timer,
  unsentText,
} from '../tcb.ts';
import { onMtuFell, pipe } from './lossRecovery.ts';
import type { SegmentWriter } from './segmentWriter.ts';

/**
 * The one place that decides to send a segment of a connection. Input, timers and the user only
 * leave in the TCB what is owed and what there is; once in a turn this asks, in a fixed order: a
 * RST? a SYN? what was lost? a probe? new text or a FIN? an ACK?
 *
 * @rfc 9293 3.7.4, 3.8.6.2.1
 */
export function output(tcb: Tcb, now: Micros, writer: SegmentWriter): void {
  if (tcb.resetOwed !== null) {
    sendReset(tcb, tcb.resetOwed, now, writer);
    return;
  }
  if (tcb.state === 'CLOSED' || tcb.state === 'LISTEN') return;
  if (tcb.synOwed !== null) sendSyn(tcb, tcb.synOwed, now, writer);
  if (isSynchronized(tcb.state)) {
    updateMss(tcb);
    sendLost(tcb, now, writer);
    sendProbe(tcb, now, writer);
    sendNew(tcb, now, writer);
    tcb.overrideOwed = false;
    armPersist(tcb, now);
  }
  if (tcb.state !== 'SYN-SENT') sendAcks(tcb, now, writer);
}

/** <SEQ=SND.NXT><ACK=RCV.NXT><CTL=RST,ACK>, and nothing else. @rfc 9293 3.10.5 */
function sendReset(tcb: Tcb, reason: SendReason, now: Micros, writer: SegmentWriter): void {
  tcb.resetOwed = null;
  writer.send(tcb, tcb.snd.nxt, 0, Flag.RST | Flag.ACK, reason, now);
}

/** The SYN or SYN-ACK, for the first time or again. @rfc 9293 3.5 */
function sendSyn(tcb: Tcb, reason: SendReason, now: Micros, writer: SegmentWriter): void {
  const { snd, retransmitQueue: queue } = tcb;
  tcb.synOwed = null;
  if (snd.nxt === snd.iss) {
    snd.nxt = add(snd.iss, 1);
    queue.push(snd.iss, snd.nxt, now);
  } else {
    queue.resent(0, now);
    writer.segmentsRetransmitted++;
  }
  const flags = tcb.state === 'SYN-SENT' ? Flag.SYN : Flag.SYN | Flag.ACK;
  writer.syn(tcb, flags, reason, now);
  armRetransmission(tcb, now);
}

/** The path MTU may have changed since the last turn. @rfc 1191 6.4 */
function updateMss(tcb: Tcb): void {
  const { snd } = tcb;
  const mss = effectiveMss(tcb);
  if (mss !== snd.mss) {
    snd.mss = mss;
    tcb.congestion.setMss(mss);
  }
  if (tcb.mtuFell) {
    tcb.mtuFell = false;
    onMtuFell(tcb);
  }
}

/** What is marked lost, as far as cwnd allows; the first of it even beyond, if recovery says so. */
function sendLost(tcb: Tcb, now: Micros, writer: SegmentWriter): void {
  const { retransmitQueue: queue, recovery, snd } = tcb;
  for (let i = queue.nextLost(); i >= 0 && writer.ready; i = queue.nextLost()) {
    if (queue.octets(i) > snd.mss) queue.split(i, snd.mss);
    const octets = queue.octets(i);
    if (recovery.force === null) {
      if (pipe(tcb) + octets > tcb.congestion.cwnd) return;
      // SHLD-16: "should retransmit normally the old data between SND.UNA and SND.UNA+SND.WND".
      if (i > 0 && diff(queue.end(i), snd.una) > snd.wnd) return;
    }
    const reason = recovery.force ?? 'loss-retransmission';
    recovery.force = null;
    resend(tcb, i, reason, now, writer);
  }
}

function resend(tcb: Tcb, i: number, reason: SendReason, now: Micros, writer: SegmentWriter): void {
  const { retransmitQueue: queue } = tcb;
  const from = queue.seq(i);
  const fin = tcb.finSent && diff(queue.end(i), finSeq(tcb)) === 1;
  const length = queue.octets(i) - (fin ? 1 : 0);
  const push = length > 0 && add(from, length) === tcb.sendBuffer.end;
  queue.resent(i, now);
  writer.segmentsRetransmitted++;
  writer.send(tcb, from, length, flagsOf(push, fin), reason, now);
  // Only what SND.UNA waits for restarts the timer: it must not be put off by what follows.
  if (i === 0) armRetransmission(tcb, now);
}

/** A keepalive or window probe: an old sequence number, so that the peer answers. @rfc 9293 3.8.4 */
function sendProbe(tcb: Tcb, now: Micros, writer: SegmentWriter): void {
  const reason = tcb.probeOwed;
  if (reason === null) return;
  tcb.probeOwed = null;
  const octets = reason === 'keepalive-probe' ? tcb.config.keepAliveProbeOctets : 0;
  writer.probe(tcb, octets, reason, now);
}

/** New text, and the FIN behind it. */
function sendNew(tcb: Tcb, now: Micros, writer: SegmentWriter): void {
  const { snd, retransmitQueue: queue } = tcb;
  while (hasUnsent(tcb) && writer.ready && !queue.full) {
    if (queue.lostOctets > queue.resentOctets) return; // what was lost goes first
    const unsent = unsentText(tcb);
    const room = snd.wnd - outstanding(tcb);
    const length = sendableText(tcb, unsent, room);
    const fin = tcb.sendClosed && length === unsent && room > length;
    if (length <= 0 && !(fin && unsent === 0)) return;
    if (length > 0 && outstanding(tcb) === 0) onIdleEnd(tcb, now);
    transmit(tcb, length, fin, now, writer);
  }
}

/**
 * How much text the next segment may carry; 0: it must wait.
 *
 * "Send data: (1) if a maximum-sized segment can be sent ... (2) or if the data is pushed and all
 * queued data can be sent now ... (3) or if at least a fraction Fs of the maximum window can be
 * sent ... (4) or if the override timeout occurs".
 *
 * @rfc 9293 3.8.6.2.1
 */
function sendableText(tcb: Tcb, unsent: number, room: number): number {
  const { snd } = tcb;
  const length = Math.min(unsent, snd.mss, room);
  if (length <= 0) return 0;
  const inFlight = pipe(tcb);
  if (inFlight > 0 && inFlight + length > tcb.congestion.cwnd) return 0;
  if (length === snd.mss || tcb.overrideOwed) return length;
  if (length < unsent) return length * 2 >= snd.maxWnd ? length : 0;
  return mustWaitForAck(tcb) ? 0 : length;
}

/**
 * The Nagle algorithm in Minshall's form, which Linux has: a segment that is not full waits only for
 * the ACK of another one that was not full.
 *
 * @rfc 9293 3.7.4
 */
function mustWaitForAck(tcb: Tcb): boolean {
  const { snd } = tcb;
  return !tcb.config.noDelay && !tcb.sendClosed && lt(snd.una, snd.smallEnd);
}

function onIdleEnd(tcb: Tcb, now: Micros): void {
  const idle = now - tcb.sentTextAt;
  if (tcb.sentTextAt > 0 && idle > tcb.rtt.rto) tcb.congestion.onIdle(idle, tcb.rtt.rto);
}

function transmit(
  tcb: Tcb,
  length: number,
  fin: boolean,
  now: Micros,
  writer: SegmentWriter,
): void {
  const { snd } = tcb;
  const from = snd.nxt;
  const end = add(from, length);
  snd.nxt = fin ? add(end, 1) : end;
  tcb.retransmitQueue.push(from, snd.nxt, now);
  if (fin) tcb.finSent = true;
  if (length > 0) {
    if (length < snd.mss) snd.smallEnd = snd.nxt;
    tcb.sentTextAt = now;
    onTextSent(tcb, now);
  }
  const push = length > 0 && end === tcb.sendBuffer.end;
  writer.send(tcb, from, length, flagsOf(push, fin), reasonToSend(tcb, length), now);
  if (tcb.deadlines[Timer.RETRANSMISSION] === NEVER) armRetransmission(tcb, now);
}

function reasonToSend(tcb: Tcb, length: number): SendReason {
  if (length === 0) return 'fin';
  const { phase, duplicateAcks } = tcb.recovery;
  return phase === 'open' && duplicateAcks > 0 ? 'limited-transmit' : 'data';
}

/** PSH on the last octet that the user has written. @rfc 9293 3.9.1.2 MUST-61 */
function flagsOf(push: boolean, fin: boolean): number {
  return Flag.ACK | (push ? Flag.PSH : 0) | (fin ? Flag.FIN : 0);
}

/** What is still owed when nothing carried it: one ACK, and its copies for out-of-order segments. */
function sendAcks(tcb: Tcb, now: Micros, writer: SegmentWriter): void {
  const { ack, snd } = tcb;
  let copies = ack.duplicates;
  ack.duplicates = 0;
  const reason = ack.owed ?? (isSynchronized(tcb.state) ? windowUpdate(tcb) : null);
  if (reason === null && copies === 0) return;
  if (reason !== null) writer.send(tcb, snd.nxt, 0, Flag.ACK, reason, now);
  for (; copies > 0; copies--) {
    writer.send(tcb, snd.nxt, 0, Flag.ACK, 'ack-out-of-order', now);
  }
}

/** Is the peer to be told that the user has read? Not if it will send no more. */
function windowUpdate(tcb: Tcb): SendReason | null {
  if (!tcb.userRead) return null;
  tcb.userRead = false;
  return !tcb.rcv.finSeen && isWindowUpdateDue(tcb) ? 'window-update' : null;
}

/** The next expiry, or the end of the user timeout if that comes before it (Linux clamps so too). */
function armRetransmission(tcb: Tcb, now: Micros): void {
  const { recovery, config } = tcb;
  const limited = config.userTimeout > 0 && recovery.retries > 0;
  const left = limited ? recovery.since + config.userTimeout - now : NEVER;
  tcb.deadlines[Timer.RETRANSMISSION] = now + Math.max(1, Math.min(tcb.rtt.rto, left));
  tcb.deadlines[Timer.PERSIST] = NEVER;
}

/**
 * Text waits, and no ACK will come to let it go: only a probe can find out that the window has
 * opened, or that a small segment must do.
 *
 * @rfc 9293 3.8.6.1 MUST-36, SHLD-29
 */
function armPersist(tcb: Tcb, now: Micros): void {
  if (outstanding(tcb) > 0 || !hasUnsent(tcb)) {
    tcb.deadlines[Timer.PERSIST] = NEVER;
  } else if (tcb.deadlines[Timer.PERSIST] === NEVER) {
    if (tcb.persistBackoff === 0) tcb.probesOut = 0; // those of keepalive do not count here
    const { userTimeout, maxRto } = tcb.config;
    const limited = userTimeout > 0 && tcb.probesOut > 0;
    const left = limited ? Math.max(1, tcb.probesSince + userTimeout - now) : NEVER;
    const delay = tcb.rtt.rto * 2 ** Math.min(tcb.persistBackoff, 30);
    tcb.deadlines[Timer.PERSIST] = now + Math.min(delay, maxRto, left);
  }
}
