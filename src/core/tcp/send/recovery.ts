import type { SendReason } from '../../base/reasons.ts';
import { type Seq, seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { DUPLICATE_ACK_THRESHOLD } from '../config.ts';

/**
 * The records of loss recovery: what lasts, what RACK knows, and what one ACK has said. Names of
 * Linux's variables stand in brackets.
 */

/**
 * Where loss recovery stands, with Linux's names: `disorder`: something was reported beyond a hole,
 * and nothing is lost yet; `cwr`: cwnd is being reduced without a loss to repair; `recovery`: fast
 * retransmit began it; `loss`: a timeout did.
 */
export type CaState = 'open' | 'disorder' | 'cwr' | 'recovery' | 'loss';

/** Where loss recovery stands. @rfc 5681 3.2, 6675 5, 8985 6 */
export interface Recovery {
  phase: CaState;
  /** SND.NXT when the phase began: an ACK of this ends it (high_seq). */
  point: Seq;
  /** Segments that duplicate ACKs of a peer without SACK say have left the network (sacked_out). */
  duplicateAcks: number;
  /** End of the highest segment that the peer has reported; SND.UNA: none (highest_sack). */
  highestSack: Seq;
  /** Segments by which one may be late without being lost, as far as was seen. */
  reordering: number;
  /** How often reordering was seen (reord_seen). */
  reorderings: number;
  /** What this turn may send: what is lost, or new text before that (REXMIT_LOST, REXMIT_NEW). */
  rexmit: 'none' | 'lost' | 'new';
  /** The first lost segment goes out whatever cwnd says, and why. */
  force: SendReason | null;
  /** When the segment whose timeout began this was first repeated. For R2. */
  since: Micros;
  /** Expiries in a row. */
  retries: number;
  /** F-RTO: the timeout may have been spurious. @rfc 5682 3 */
  frto: boolean;
  /** The peer has taken back what it reported, until this loss is repaired (is_sack_reneg). */
  reneged: boolean;

  /** SND.UNA when the window was reduced, while that may be undone; null: it may not. */
  undoMarker: Seq | null;
  /** Repetitions since that D-SACK has not reported as needless; -1: none was sent yet. */
  undoRetrans: number;
  /** TSval of the first repetition of this episode; 0: none (retrans_stamp). */
  retransStamp: number;
  /** Segments of cwnd and octets of ssthresh before the reduction; ssthresh 0: not to be undone. */
  priorCwnd: number;
  priorSsthresh: number;

  /** Segments delivered, and sent, since the reduction began. @rfc 6937 3.1 */
  prrDelivered: number;
  prrOut: number;

  /** SND.NXT when a tail loss probe was sent, while its answer is open; null: none. @rfc 8985 7.1 */
  tlpEnd: Seq | null;
  /** That probe was a repetition. */
  tlpRetrans: boolean;
  /** A probe is to be sent in this turn. */
  tlpOwed: boolean;

  /** Segments delivered to the peer, by ACK or SACK, in the life of the connection. */
  delivered: number;
  /** Segments that were marked lost, and that were sent again, in the life of the connection. */
  lost: number;
  totalRetrans: number;
  /** Segments that D-SACK has reported. */
  dsackDups: number;
}

/** What RACK knows of the segment that was sent last of those delivered. @rfc 8985 5.2 */
export interface Rack {
  /** When it was sent, where it ends, and its round-trip time. */
  sentAt: Micros;
  end: Seq;
  rtt: Micros;
  /** A later one was delivered since the queue was last searched. */
  advanced: boolean;
  /** A D-SACK came in this round. */
  dsackSeen: boolean;
  /** The reordering window, in quarters of the shortest round-trip time. */
  steps: number;
  /** Recoveries after which it is one quarter again. */
  persist: number;
  /** Segments delivered when it changed last. */
  lastDelivered: number;
}

/** What one ACK has said: Linux's flags of tcp_ack. One record per connection. */
export interface AckNews {
  /** It advanced SND.UNA, to this from `una`. */
  advanced: boolean;
  una: Seq;
  /** It carries text, or changes the window. */
  hasText: boolean;
  newWindow: boolean;
  /** It covers text or FIN; our SYN. */
  textAcked: boolean;
  synAcked: boolean;
  /** ... some of which was sent twice. */
  resentAcked: boolean;
  /** Something at or before the recovery point that was sent once has arrived. For F-RTO. */
  originalArrived: boolean;
  /** It reports segments for the first time; a segment that arrived twice; that of our probe. */
  sacked: boolean;
  dsack: boolean;
  dsackOfProbe: boolean;
  /** What lies at SND.UNA was reported before: the peer has taken it back. */
  reneging: boolean;
  /** The timer is to be set anew. */
  setTimer: boolean;
  /** A repetition was found lost. */
  resentLost: boolean;
  /** TSecr; 0: none. */
  tsEcr: number;
  /** Something that was sent is marked: it has ECE. @rfc 3168 6.1.2 */
  marked: boolean;
  /** When the first segment was sent that it covers and that was sent once; -1: there is none. */
  firstAckedAt: Micros;
  /** ... and the last one of them. */
  lastAckedAt: Micros;
  /** When the first and the last segment of those newly reported were sent; 0: there is none. */
  firstSackAt: Micros;
  lastSackAt: Micros;
  /** Lowest number of a segment that was not sent twice and arrived late. */
  lateSeq: Seq;
  /** The highest reported number before this ACK. */
  priorFack: Seq;
  /** Counts before this ACK. */
  deliveredBefore: number;
  lostBefore: number;
}

export function newRecovery(iss: Seq): Recovery {
  return {
    phase: 'open',
    point: iss,
    duplicateAcks: 0,
    highestSack: iss,
    reordering: DUPLICATE_ACK_THRESHOLD,
    reorderings: 0,
    rexmit: 'none',
    force: null,
    since: 0,
    retries: 0,
    frto: false,
    reneged: false,
    undoMarker: null,
    undoRetrans: 0,
    retransStamp: 0,
    priorCwnd: 0,
    priorSsthresh: 0,
    prrDelivered: 0,
    prrOut: 0,
    tlpEnd: null,
    tlpRetrans: false,
    tlpOwed: false,
    delivered: 0,
    lost: 0,
    totalRetrans: 0,
    dsackDups: 0,
  };
}

export function newRack(iss: Seq): Rack {
  return {
    sentAt: 0,
    end: iss,
    rtt: 0,
    advanced: false,
    dsackSeen: false,
    steps: 1,
    persist: 0,
    lastDelivered: 0,
  };
}

export function newAckNews(): AckNews {
  return {
    advanced: false,
    una: seq(0),
    hasText: false,
    newWindow: false,
    textAcked: false,
    synAcked: false,
    resentAcked: false,
    originalArrived: false,
    sacked: false,
    dsack: false,
    dsackOfProbe: false,
    reneging: false,
    setTimer: false,
    resentLost: false,
    tsEcr: 0,
    marked: false,
    firstAckedAt: -1,
    lastAckedAt: -1,
    firstSackAt: 0,
    lastSackAt: 0,
    lateSeq: seq(0),
    priorFack: seq(0),
    deliveredBefore: 0,
    lostBefore: 0,
  };
}
