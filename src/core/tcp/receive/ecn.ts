import { Ecn, Flag, type Segment } from '../../wire/tcp.ts';
import type { Tcb } from '../tcb.ts';
import { enterQuickAcks } from './ackPolicy.ts';

/** ACKs that go out at once when the peer's window may have become small (Linux: tcp_data_ecn_check). */
const QUICK_ACKS_OF_MARK = 2;

/**
 * How routers have marked the text of a segment (tcp_data_ecn_check). Text that is not ECN-capable,
 * among other text that is, is probably one that was lost and sent again.
 *
 * @rfc 3168 6.1.3
 */
export function noticeMark(tcb: Tcb, seg: Segment): void {
  const { ecn } = tcb;
  if (!ecn.on) return;
  if (seg.ecn === Ecn.NOT_ECT) {
    if (ecn.seen) enterQuickAcks(tcb, QUICK_ACKS_OF_MARK);
    return;
  }
  ecn.seen = true;
  if (seg.ecn !== Ecn.CE || ecn.echoes) return;
  enterQuickAcks(tcb, QUICK_ACKS_OF_MARK);
  ecn.echoes = true;
}

/**
 * The peer has reduced its window: it has heard our ECE. With so little in flight it may wait for the
 * ACK of this very text (tcp_ecn_accept_cwr).
 *
 * Deviates from RFC 3168 6.1.2, where CWR stands on new text alone, as Linux does: others send it with
 * bare ACKs.
 */
export function takeCwr({ ecn, ack }: Tcb, seg: Segment): void {
  if (!ecn.on || !seg.has(Flag.CWR)) return;
  ecn.echoes = false;
  if (seg.len > 0) ack.atOnce = true;
}
