import type { ConnectionErrorCode } from '../../base/errors.ts';
import type { DropReason } from '../../base/reasons.ts';
import type { Micros } from '../../base/time.ts';
import { Flag, type Segment } from '../../wire/tcp.ts';
import { onMisplacedReset } from '../send/fastOpenClient.ts';
import { closeTcb, type Tcb } from '../tcb.ts';
import { challenge } from './acceptability.ts';

/**
 * "Second, check the RST bit". Only a RST at RCV.NXT exactly is believed, unless the user wants it
 * otherwise; one elsewhere in the window is answered, and a peer that did reset sends it again where
 * the answer says.
 *
 * @rfc 9293 3.10.7.4 Second, 5961 3.2
 */
export function checkReset(tcb: Tcb, seg: Segment, now: Micros): DropReason | null {
  if (!seg.has(Flag.RST)) return null;
  const { config } = tcb;
  if (tcb.state === 'TIME-WAIT' && !config.timeWaitResets) return 'reset-not-exact';
  if (seg.seq !== tcb.rcv.nxt && config.resetCheck === 'exact') {
    onMisplacedReset(tcb, now);
    challenge(tcb, now);
    return 'reset-not-exact';
  }
  if (tcb.state === 'SYN-RECEIVED') tcb.shared.counters.EmbryonicRsts++;
  closeTcb(tcb, resetError(tcb), now);
  return 'reset-accepted';
}

/** What the user is told, if anything. */
function resetError({ state, config, fastOpen }: Tcb): ConnectionErrorCode | null {
  switch (state) {
    case 'SYN-RECEIVED':
      // Passive: back to LISTEN, that is, this half-open connection is forgotten. MUST-11
      return fastOpen.pending ? 'ECONNRESET' : 'ECONNREFUSED';
    case 'TIME-WAIT':
      return null;
    case 'CLOSING':
    case 'LAST-ACK':
      return config.errorCodes === 'linux' ? null : 'ECONNRESET';
    case 'CLOSE-WAIT':
      // The user has read everything; only what it writes is lost (Linux: tcp_reset).
      return config.errorCodes === 'linux' ? 'EPIPE' : 'ECONNRESET';
    default:
      return 'ECONNRESET';
  }
}

/**
 * "Fourth, check the SYN bit": in a synchronized state it is answered with a challenge ACK, whatever
 * its number, unless the user wants it to end the connection. A passive connection that is only half
 * open returns to LISTEN.
 *
 * @rfc 9293 3.10.7.4 Fourth, 5961 4.2
 */
export function checkSyn(tcb: Tcb, seg: Segment, now: Micros): DropReason | null {
  if (!seg.has(Flag.SYN)) return null;
  if (tcb.state === 'SYN-RECEIVED' && tcb.gate !== null) {
    closeTcb(tcb, 'ECONNREFUSED', now);
  } else if (tcb.config.synCheck === 'reset' && tcb.state !== 'TIME-WAIT') {
    tcb.resetOwed = 'reset-syn-in-window';
    closeTcb(tcb, 'ECONNRESET', now);
  } else {
    tcb.shared.counters.TCPSYNChallenge++;
    challenge(tcb, now);
  }
  return 'syn-in-window';
}
