import { le, type Seq } from '../base/seq.ts';
import type { Flow, SeenSegment } from './flow.ts';

/** The states of RFC 9293 figure 5, as far as a capture can show them. */
export type EndState =
  | 'unknown'
  | 'CLOSED'
  | 'SYN-SENT'
  | 'SYN-RECEIVED'
  | 'ESTABLISHED'
  | 'FIN-WAIT-1'
  | 'FIN-WAIT-2'
  | 'CLOSE-WAIT'
  | 'CLOSING'
  | 'LAST-ACK'
  | 'TIME-WAIT';

/**
 * What is known of one end, from which its state follows. What was captured and lies behind no gap
 * counts as received by the other end, so where a capture was made far from an end, that end gets
 * there a little later.
 */
export class EndFacts {
  /** Behind its SYN; null: not seen. */
  synEnd: Seq | null = null;
  /** It has sent text or a FIN, which needs an open connection. */
  wasOpen = false;
  /** Its FIN acknowledged that of the other end, when it was first sent: it closed second. */
  closedSecond = false;
  /** A RST has closed it. */
  wasReset = false;

  /** Counts in what this end sends. @param peer what the other end has sent @rfc 9293 3.3.2 */
  onSent(s: SeenSegment, own: Flow, peer: Flow): void {
    // who goes on has not believed the RST, or has not sent it
    if (!s.isReset) this.wasReset = false;
    if (s.isSyn) this.synEnd = s.end;
    else if (s.length > 0) this.wasOpen = true;
    if (!s.isFin || own.finEnd !== null) return;
    this.wasOpen = true;
    this.closedSecond = peer.finEnd !== null && s.ack !== null && le(peer.finEnd, s.ack);
  }
}

/**
 * The state of an end.
 * @param own what it has sent
 * @param peer the same of the other end
 * @rfc 9293 3.3.2 figure 5
 */
export function stateOf(facts: EndFacts, own: Flow, peerFacts: EndFacts, peer: Flow): EndState {
  if (facts.wasReset) return 'CLOSED';
  if (facts.synEnd !== null) {
    const opening = openingState(facts.synEnd, own, peerFacts, peer);
    if (opening !== null) return opening;
  } else if (!facts.wasOpen || !peerFacts.wasOpen) return 'unknown';
  const isPeerClosed = hasArrived(peer.finEnd, peer, own);
  if (own.finEnd === null) return isPeerClosed ? 'CLOSE-WAIT' : 'ESTABLISHED';
  const isFinAcknowledged = isAcknowledged(own.finEnd, peer);
  if (!isPeerClosed) return isFinAcknowledged ? 'FIN-WAIT-2' : 'FIN-WAIT-1';
  if (facts.closedSecond) return isFinAcknowledged ? 'CLOSED' : 'LAST-ACK';
  return isFinAcknowledged ? 'TIME-WAIT' : 'CLOSING';
}

/** @returns null: its SYN is acknowledged, or it has gone on to its FIN before that */
function openingState(
  synEnd: Seq,
  own: Flow,
  peerFacts: EndFacts,
  peer: Flow,
): 'SYN-SENT' | 'SYN-RECEIVED' | null {
  // an ACK alone does not synchronize @rfc 9293 3.5.1
  if (peerFacts.synEnd === null && !peerFacts.wasOpen) return 'SYN-SENT';
  if (isAcknowledged(synEnd, peer) || own.finEnd !== null) return null;
  return peerFacts.synEnd === null ? 'SYN-SENT' : 'SYN-RECEIVED';
}

function isAcknowledged(end: Seq | null, { highestAck }: Flow): boolean {
  return end !== null && highestAck !== null && le(end, highestAck);
}

/** Has a FIN come, with nothing missing before it? */
function hasArrived(finEnd: Seq | null, sender: Flow, receiver: Flow): boolean {
  if (finEnd === null) return false;
  if (isAcknowledged(finEnd, receiver)) return true;
  return sender.continuous !== null && le(finEnd, sender.continuous);
}
