import type { DropReason } from '../../base/reasons.ts';
import type { Micros } from '../../base/time.ts';
import { Flag, type Segment } from '../../wire/tcp.ts';
import { closeTcb, type Tcb } from '../tcb.ts';
import { challenge } from './acceptability.ts';

/**
 * "Second, check the RST bit". Only a RST at RCV.NXT exactly is believed; one elsewhere in the
 * window is answered, and a peer that did reset sends it again where the answer says.
 *
 * @rfc 9293 3.10.7.4 Second, 5961 3.2
 */
export function checkReset(tcb: Tcb, seg: Segment, now: Micros): DropReason | null {
  if (!seg.has(Flag.RST)) return null;
  if (seg.seq !== tcb.rcv.nxt) {
    challenge(tcb, now);
    return 'reset-not-exact';
  }
  switch (tcb.state) {
    case 'SYN-RECEIVED':
      tcb.shared.counters.EmbryonicRsts++;
      // Passive: back to LISTEN, that is, this half-open connection is forgotten. MUST-11
      closeTcb(tcb, 'ECONNREFUSED', now);
      break;
    case 'CLOSING':
    case 'LAST-ACK':
    case 'TIME-WAIT':
      closeTcb(tcb, null, now);
      break;
    case 'CLOSE-WAIT':
      // The user has read everything; only what it writes is lost (Linux: tcp_reset).
      closeTcb(tcb, 'EPIPE', now);
      break;
    default:
      closeTcb(tcb, 'ECONNRESET', now);
  }
  return 'reset-accepted';
}

/**
 * "Fourth, check the SYN bit": in a synchronized state it is answered with a challenge ACK, whatever
 * its number. A passive connection that is only half open returns to LISTEN.
 *
 * @rfc 9293 3.10.7.4 Fourth, 5961 4.2
 */
export function checkSyn(tcb: Tcb, seg: Segment, now: Micros): DropReason | null {
  if (!seg.has(Flag.SYN)) return null;
  if (tcb.state === 'SYN-RECEIVED' && tcb.gate !== null) {
    closeTcb(tcb, 'ECONNREFUSED', now);
  } else {
    tcb.shared.counters.TCPSYNChallenge++;
    challenge(tcb, now);
  }
  return 'syn-in-window';
}
