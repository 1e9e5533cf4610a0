import { Ecn, Flag, type Segment } from '../../wire/tcp.ts';
import type { Tcb } from '../tcb.ts';

/**
 * Whether both ends want ECN: the SYN asks with ECE and CWR, the SYN-ACK answers with ECE alone.
 *
 * @rfc 3168 6.1.1
 */

const BOTH = Flag.ECE | Flag.CWR;

/**
 * The SYN that a listener answers (tcp_ecn_create_request). No SYN of RFC 3168 is ECN-capable: one that
 * is shows that something on the way does what it wants with these bits, and is refused. One with AE
 * asks for accurate ECN, may be capable, and is content with this (RFC 9768 3.1.1).
 */
export function answerEcn({ ecn, config }: Tcb, syn: Segment): void {
  const asks = config.ecn !== 'off' && (syn.flags & BOTH) === BOTH;
  ecn.on = asks && (syn.ecn === Ecn.NOT_ECT || syn.has(Flag.AE));
}

/**
 * The answer to our SYN (tcp_ecn_rcv_synack): one with both bits is a mere reflection of it. In a
 * simultaneous open it is a SYN that asks as ours did (tcp_ecn_rcv_syn).
 */
export function settleEcn({ ecn }: Tcb, seg: Segment): void {
  const wanted = seg.has(Flag.ACK) ? Flag.ECE : BOTH;
  if ((seg.flags & BOTH) !== wanted) ecn.on = false;
}
