import { add } from '../base/seq.ts';
import type { EndState } from './endStates.ts';
import { type Finding, finding } from './findings.ts';
import type { Flow, SeenSegment } from './flow.ts';

/** What is known when a RST comes. */
interface ResetContext {
  /** What its sender has sent so far, and in which state it is. */
  readonly from: Flow;
  readonly fromState: EndState;
  /** The other end. */
  readonly to: Flow;
  readonly toState: EndState;
}

/**
 * Does the receiver of a RST believe it? In SYN-SENT its SEG.ACK must acknowledge the SYN, in
 * other states its SEG.SEQ must be RCV.NXT, which is the last SEG.ACK of the receiver, or what
 * was captured since.
 *
 * @rfc 5961 3.2
 */
export function isBelieved(s: SeenSegment, { from, to, toState }: ResetContext): boolean {
  if (toState === 'SYN-SENT') return s.ack !== null && s.ack === to.next;
  if (from.continuous === null && to.lastAck === null) return true;
  return s.seq === to.lastAck || s.seq === from.continuous || s.seq === from.next;
}

/** Why a RST was sent: what it answered, or that its sender gave up. @rfc 9293 3.5.2 */
export function explainReset(s: SeenSegment, context: ResetContext): Finding {
  const { from, fromState, to, toState } = context;
  const answered = to.lastPacket === 0 ? null : to.lastPacket;
  if (!isBelieved(s, context)) {
    const isOpening = toState === 'SYN-SENT';
    const what = isOpening ? 'SEG.ACK does not acknowledge the SYN' : 'SEG.SEQ is not RCV.NXT';
    return finding('reset-not-believed', `${what}: it closes nothing`, answered);
  }
  if (toState === 'SYN-SENT' && from.next === null) {
    return finding(
      'reset',
      `connection refused: it answers the SYN of packet ${answered}`,
      answered,
    );
  }
  if (fromState === 'SYN-SENT' || fromState === 'SYN-RECEIVED') {
    return finding('reset', 'its sender gives up before the connection is open', answered);
  }
  // <SEQ=SEG.ACK><CTL=RST>: what a closed socket answers to a segment with an ACK
  const isAnswer = s.ack === null || (to.lastAck === s.seq && from.next !== s.seq);
  if (isAnswer && to.probe?.name === 'keep-alive') {
    return finding(
      'reset',
      `it answers the keepalive of packet ${answered}: no such connection`,
      answered,
    );
  }
  if (isAnswer && from.finEnd !== null) {
    return finding('reset', `its sender has closed: it answers packet ${answered}`, answered);
  }
  if (isAnswer) {
    return finding(
      'reset',
      `it answers packet ${answered}: no such connection, or aborted`,
      answered,
    );
  }
  if (from.probe !== null) {
    return finding('reset', 'its sender gives up: probes were not answered', from.probe.packet);
  }
  const isUnread = from.lastAck !== null && to.next !== null && from.lastAck !== to.next;
  if (from.finEnd !== null && s.seq === add(from.finEnd, 0)) {
    return finding('reset', 'its sender has closed, and wants nothing more', answered);
  }
  return finding(
    'reset',
    `its sender aborts${isUnread ? ', with text not acknowledged' : ''}`,
    answered,
  );
}
