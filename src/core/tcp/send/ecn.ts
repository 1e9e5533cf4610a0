import { Ecn, Flag, type Segment } from '../../wire/tcp.ts';
import type { Tcb } from '../tcb.ts';

/**
 * What our segments say of congestion. Those of the handshake ask for ECN and answer; new text is
 * ECN-capable, and says CWR once after each reduction; all segments echo a mark of the peer's text until
 * its CWR comes.
 *
 * @rfc 3168 6.1
 */

/** The bits of a SYN of ours, or of a SYN-ACK. @rfc 3168 6.1.1 */
export function ecnOfSyn({ ecn, state, recovery, config }: Tcb): number {
  if (!ecn.on) return 0;
  if (state !== 'SYN-SENT') return Flag.ECE;
  return config.ecnFallback && recovery.retries > 0 ? 0 : Flag.ECE | Flag.CWR;
}

/**
 * A mark of the peer's text is echoed; for the last time by the ACK with which TIME-WAIT begins (Linux:
 * what is left of a connection there knows of no marks). @rfc 3168 6.1.3
 */
export function echoMark({ ecn, state }: Tcb, segment: Segment): void {
  if (!ecn.echoes) return;
  segment.flags |= Flag.ECE;
  if (state === 'TIME-WAIT') ecn.echoes = false;
}

/**
 * The traffic class of a segment that is no new text: "the ECT codepoint ... MUST NOT be set" on bare
 * ACKs, on what is sent again, and on probes of a window.
 *
 * @rfc 3168 6.1.4, 6.1.5, 6.1.6
 */
export function notCapable({ flow, config }: Tcb): void {
  flow.trafficClass = config.trafficClass & ~Ecn.CE;
}

/** ... and of new text, the first of which after a reduction says so. @rfc 3168 6.1.2 */
export function capable(tcb: Tcb, segment: Segment): void {
  const { ecn, flow, config } = tcb;
  if (!ecn.on) {
    notCapable(tcb);
    return;
  }
  flow.trafficClass = (config.trafficClass & ~Ecn.CE) | Ecn.ECT_0;
  if (!ecn.cwrOwed) return;
  ecn.cwrOwed = false;
  segment.flags |= Flag.CWR;
}
