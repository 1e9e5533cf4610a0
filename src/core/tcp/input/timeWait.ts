import type { DropReason } from '../../base/reasons.ts';
import { add } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { Flag, type Segment } from '../../wire/tcp.ts';
import { isUntimed } from '../receive/timestamps.ts';
import { oweAck, type Tcb, Timer } from '../tcb.ts';
import { checkReset } from './resetAndSyn.ts';

/**
 * SEGMENT ARRIVES in TIME-WAIT as FreeBSD has it (tcp_twcheck), for those who want it so: what has no
 * ACK is dropped in silence, a SYN among it, and of the rest all is answered but a repetition of the
 * last ACK, wherever its number lies.
 *
 * @rfc 9293 3.10.7.4
 */
export function segmentArrivesInTimeWait(tcb: Tcb, seg: Segment, now: Micros): DropReason | null {
  const { rcv, snd, config } = tcb;
  if (seg.has(Flag.RST)) return checkReset(tcb, seg, now);
  if (!seg.has(Flag.ACK)) return 'no-ack';
  if (isUntimed(tcb, seg)) return 'no-timestamp';
  if (seg.has(Flag.FIN) && add(seg.seq, seg.len) === rcv.nxt) {
    // "Acknowledge it, and restart the 2 MSL timeout."
    tcb.deadlines[Timer.TIME_WAIT] = now + config.timeWait;
  }
  const isBare = seg.flags === Flag.ACK && seg.len === 0;
  if (isBare && seg.seq === rcv.nxt && seg.ack === snd.nxt) return null;
  oweAck(tcb, 'ack-unacceptable');
  return 'time-wait';
}
