import type { SendReason } from '../../base/reasons.ts';
import { add } from '../../base/seq.ts';
import { type Micros, NEVER } from '../../base/time.ts';
import { Flag } from '../../wire/tcp.ts';
import { HEADERS, MIN_MSS } from '../config.ts';
import { ackAfterRead } from '../receive/ackPolicy.ts';
import { adjustSpace } from '../receive/bufferTuning.ts';
import { effectiveMss } from '../segmentSize.ts';
import { isSynchronized } from '../states.ts';
import { hasUnsent, outstanding, oweAck, type Tcb, Timer } from '../tcb.ts';
import { NO_STAMP } from './delivery.ts';
import { sendStamp } from './deliveryRate.ts';
import { ecnOfSyn } from './ecn.ts';
import { prepareSyn } from './fastOpenClient.ts';
import { repeatTooLong } from './lossRecovery.ts';
import { followPathMtu } from './mtuProbing.ts';
import { sendNew } from './newText.ts';
import { afterNewText, sendLost, sendTailProbe } from './retransmit.ts';
import type { SegmentWriter } from './segmentWriter.ts';
import { armRetransmission } from './transmitTimer.ts';

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
  if (tcb.userRead) onUserRead(tcb, now);
  if (tcb.synOwed !== null) sendSyn(tcb, tcb.synOwed, now, writer);
  if (isSynchronized(tcb.state) || tcb.fastOpen.pending) {
    updateMss(tcb);
    sendLost(tcb, now, writer);
    sendProbe(tcb, now, writer);
    sendTailProbe(tcb, now, writer);
    sendNew(tcb, now, writer);
    if (tcb.recovery.rexmit === 'new') {
      afterNewText(tcb);
      sendLost(tcb, now, writer);
    }
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
    // Of a SYN-ACK Linux knows no time of sending.
    queue.push(snd.iss, snd.nxt, now, tcb.gate === null ? sendStamp(tcb, now) : NO_STAMP);
    if (tcb.fastOpen.wish !== 'none' && tcb.state === 'SYN-SENT') prepareSyn(tcb, now);
  } else {
    queue.resent(0, now);
    writer.noteRepetition();
    tcb.shared.counters.TCPSynRetrans++;
    if (tcb.state === 'SYN-SENT') tcb.fastOpen.synRepeated = true;
    if (tcb.config.synMssOfPath) {
      tcb.rcv.mss = Math.min(tcb.rcv.mss, Math.max(MIN_MSS, tcb.flow.mtu - HEADERS));
    }
  }
  tcb.fastOpen.wish = 'none';
  const flags = tcb.state === 'SYN-SENT' ? Flag.SYN : Flag.SYN | Flag.ACK;
  writer.syn(tcb, flags | ecnOfSyn(tcb), reason, now);
  armRetransmission(tcb, now);
}

/** The path MTU may have changed since the last turn. @rfc 1191 6.4 */
function updateMss(tcb: Tcb): void {
  const { snd } = tcb;
  followPathMtu(tcb);
  const mss = effectiveMss(tcb);
  if (mss !== snd.mss) {
    snd.mss = mss;
    tcb.congestion.setMss(mss);
  }
  if (tcb.mtuFell) {
    tcb.mtuFell = false;
    repeatTooLong(tcb);
  }
}

/** A keepalive or window probe: an old sequence number, so that the peer answers. @rfc 9293 3.8.4 */
function sendProbe(tcb: Tcb, now: Micros, writer: SegmentWriter): void {
  const reason = tcb.probeOwed;
  if (reason === null) return;
  tcb.probeOwed = null;
  if (reason === 'keepalive-probe') tcb.shared.counters.TCPKeepAlive++;
  else tcb.shared.counters.TCPWinProbe++;
  const octets = reason === 'keepalive-probe' ? tcb.config.keepAliveProbeOctets : 0;
  writer.probe(tcb, octets, reason, now);
}

/** What is still owed when nothing carried it: one ACK, and its copies for out-of-order segments. */
function sendAcks(tcb: Tcb, now: Micros, writer: SegmentWriter): void {
  const { ack, snd } = tcb;
  let copies = ack.duplicates;
  ack.duplicates = 0;
  const reason = ack.owed;
  if (reason === null && copies === 0) return;
  if (reason !== null) {
    countAck(tcb, reason);
    const again = reason !== 'challenge-ack' && isFinRepeated(tcb);
    const from = again ? add(snd.nxt, -1) : snd.nxt;
    writer.send(tcb, from, 0, again ? Flag.ACK | Flag.FIN : Flag.ACK, reason, now);
  }
  for (; copies > 0; copies--) {
    writer.send(tcb, snd.nxt, 0, Flag.ACK, 'ack-out-of-order', now);
  }
}

function countAck({ shared: { counters } }: Tcb, reason: SendReason): void {
  if (reason === 'challenge-ack') counters.TCPChallengeACK++;
  else if (reason === 'delayed-ack') counters.DelayedACKs++;
}

/** FreeBSD says again that nothing follows, for as long as the peer does not say that it knows. */
function isFinRepeated({ config, finSent, snd, state }: Tcb): boolean {
  const isClosing = state === 'FIN-WAIT-1' || state === 'CLOSING' || state === 'LAST-ACK';
  return config.finWithAcks && isClosing && finSent && snd.una !== snd.nxt;
}

/** The user has read: the buffer may grow, and the peer may have to be told. */
function onUserRead(tcb: Tcb, now: Micros): void {
  tcb.userRead = false;
  if (!isSynchronized(tcb.state)) return;
  adjustSpace(tcb, now);
  const reason = ackAfterRead(tcb);
  if (reason !== null) oweAck(tcb, reason);
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
