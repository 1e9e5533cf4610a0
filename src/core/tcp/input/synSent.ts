import type { DropReason } from '../../base/reasons.ts';
import { add, le, lt } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { Flag, type Segment } from '../../wire/tcp.ts';
import { decideAck } from '../receive/ackPolicy.ts';
import { holdSynText } from '../receive/synText.ts';
import { checkUrgent } from '../receive/urgent.ts';
import { onSynAckOfFastOpen } from '../send/fastOpenClient.ts';
import { onAck, setWindow, timestampAt } from '../send/sender.ts';
import { closeTcb, oweAck, type Tcb, Timer, transition } from '../tcb.ts';
import { settleEcn } from './ecnSetup.ts';
import { checkFin } from './fin.ts';
import { beginControl, onEstablished, takeSyn } from './handshake.ts';
import { processText } from './text.ts';

/**
 * SEGMENT ARRIVES in SYN-SENT: first the ACK bit, second RST, fourth SYN, fifth neither.
 *
 * @returns 'bad-ack' and 'wrong-echo' ask the caller to answer with <SEQ=SEG.ACK><CTL=RST>
 * @rfc 9293 3.10.7.3
 */
export function segmentArrivesInSynSent(
  tcb: Tcb,
  seg: Segment,
  octets: Uint8Array,
  now: Micros,
): DropReason | null {
  const { snd } = tcb;
  const acks = seg.has(Flag.ACK);
  if (acks && (le(seg.ack, snd.iss) || lt(snd.nxt, seg.ack))) {
    repeatSynSoon(tcb, now);
    return seg.has(Flag.RST) ? 'blind-reset' : 'bad-ack';
  }
  if (acks && isWrongEcho(tcb, seg, now)) {
    tcb.shared.counters.PAWSActive++;
    return seg.has(Flag.RST) ? 'blind-reset' : 'wrong-echo';
  }
  if (seg.has(Flag.RST)) {
    if (!acks) return 'blind-reset';
    closeTcb(tcb, 'ECONNREFUSED', now);
    return 'reset-accepted';
  }
  if (!seg.has(Flag.SYN)) return 'no-syn';
  takeSyn(tcb, seg, now);
  settleEcn(tcb, seg);
  setWindow(tcb, seg);
  if (acks) {
    transition(tcb, 'ESTABLISHED', now);
    onAck(tcb, seg, now);
    onEstablished(tcb, now);
    beginControl(tcb, now);
    onSynAckOfFastOpen(tcb, seg, now);
    oweAck(tcb, 'handshake-ack');
    return takeRest(tcb, seg, octets, now);
  }
  // "Otherwise, enter SYN-RECEIVED, form a SYN,ACK segment": simultaneous open. MUST-10
  transition(tcb, 'SYN-RECEIVED', now);
  tcb.synOwed = 'handshake';
  if (tcb.config.synText === 'kept') holdSynText(tcb, seg, octets);
  return null;
}

/**
 * It echoes a timestamp that is not that of any SYN of ours: it answers an older incarnation, whatever
 * it acknowledges (Linux: PAWSActiveRejected).
 */
function isWrongEcho(tcb: Tcb, seg: Segment, now: Micros): boolean {
  if (!tcb.ts.on || !seg.hasTimestamps || seg.tsEcr === 0) return false;
  const { recovery, retransmitQueue: queue } = tcb;
  const first = timestampAt(tcb, recovery.retries === 0 ? queue.sentAt(0) : recovery.since);
  return (seg.tsEcr - first) >>> 0 > (timestampAt(tcb, now) - first) >>> 0;
}

/**
 * The ACK is for an older incarnation of the connection, which the RST in answer ends: the SYN that
 * follows soon will be heard, if it is the first repetition (tcp_rcv_synsent_state_process).
 */
function repeatSynSoon({ recovery, deadlines, config }: Tcb, now: Micros): void {
  if (recovery.retries > 0 || config.synAgain === 0) return;
  deadlines[Timer.RETRANSMISSION] = now + config.synAgain;
}

/** "If there are other controls or text in the segment, then continue processing at the sixth step". */
function takeRest(tcb: Tcb, seg: Segment, octets: Uint8Array, now: Micros): DropReason | null {
  seg.flags &= ~Flag.SYN;
  seg.seq = add(seg.seq, 1);
  seg.up--;
  checkUrgent(tcb, seg);
  const end = add(seg.seq, seg.textLength);
  const drop = processText(tcb, seg, octets, now) ?? checkFin(tcb, seg, end, now);
  decideAck(tcb, now);
  return drop;
}
