import type { Seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import type { CongestionControlName, EcnBackoff } from '../config.ts';

/** What is being repaired: nothing, what ACKs have shown to be lost, or all since a timeout. */
export type Repair = 'nothing' | 'loss' | 'timeout';

/** What became of what was sent. */
export interface DeliveryCounts {
  /** Segments that were delivered, and lost, in the life of the connection. */
  deliveredInAll: number;
  lostInAll: number;
  /** When one was delivered last. */
  deliveredAt: Micros;
}

/** What the sender knows at this moment. */
export interface Situation extends DeliveryCounts {
  now: Micros;
  /** SND.UNA and SND.NXT: what counts rounds. */
  una: Seq;
  nxt: Seq;
  /** Smoothed and shortest round-trip time in µs; 0: not known. */
  srtt: Micros;
  minRtt: Micros;
  /** Segments in flight. */
  flight: number;
  /** The user has had too little to send, and what was sent since is still in flight. */
  isStarved: boolean;
  repair: Repair;
  /** When text may leave next, if it is paced; with fractions. */
  nextSendAt: Micros;
  /** Octets a second, at most; Infinity: there is no bound. */
  maxPacingRate: number;
}

/** What one ACK told the sender. One record is reused per connection: copy what you keep. */
export interface AckSample extends Situation {
  /** Segments that it delivered: by SND.UNA, or by reports of the peer for the first time. */
  acked: number;
  /** Segments in flight before it was processed. */
  inFlight: number;
  /** Round-trip time of the segment that was sent last among those; µs; 0: none was measured. */
  rtt: Micros;
  /** It may have been delayed by the peer, since it is for a single small segment. */
  isDelayed: boolean;
  /**
   * The rate that it shows: so many segments were delivered in an interval of µs; -1: it shows none.
   * `isAppLimited`: the user had too little to send, so the path may be faster.
   */
  delivered: number;
  interval: Micros;
  isAppLimited: boolean;
  /** Segments that had been delivered when the one was sent that it delivers. */
  priorDelivered: number;
  /** Segments that it shows to be lost. */
  lost: number;
  /** Sending is paced. */
  isPaced: boolean;
}

export function newAckSample(iss: Seq): AckSample {
  return {
    now: 0,
    una: iss,
    nxt: iss,
    srtt: 0,
    minRtt: 0,
    flight: 0,
    deliveredInAll: 0,
    lostInAll: 0,
    deliveredAt: 0,
    isStarved: false,
    repair: 'nothing',
    nextSendAt: 0,
    maxPacingRate: Number.POSITIVE_INFINITY,
    acked: 0,
    inFlight: 0,
    rtt: 0,
    isDelayed: false,
    delivered: -1,
    interval: -1,
    isAppLimited: false,
    priorDelivered: 0,
    lost: 0,
    isPaced: false,
  };
}

/** What a controller believes of the path (Linux: tcp_bbr_info). */
export interface PathModel {
  /** Octets of text that it takes in a second. */
  readonly bw: number;
  /** Its shortest round-trip time; 0: not known. */
  readonly minRtt: Micros;
  /** Sending goes at so many times that rate; so many of their products may be in flight. */
  readonly pacingGain: number;
  readonly cwndGain: number;
}

/**
 * A congestion controller: it gets numbers, and answers with `cwnd` and `ssthresh`. It knows neither
 * segments nor connections; which octets are lost, and when to send, are for others to say.
 *
 * What is true here: both are whole segments, though they are told in octets, so that the counts are
 * those of Linux, which counts segments.
 *
 * @rfc 5681
 */
export interface CongestionControl {
  readonly name: CongestionControlName;
  /** Size of a segment in octets. */
  readonly mss: number;
  /**
   * Octets that may be in flight. While a loss is repaired, recovery assigns it, unless the controller
   * `ownsCwnd`. @rfc 6937
   */
  cwnd: number;
  /**
   * Above it cwnd grows slowly. Octets; {@link NO_THRESHOLD}: there was no loss. Recovery assigns it
   * when a reduction is taken back.
   */
  ssthresh: number;
  /** It assigns cwnd at every ACK, be something lost or not; nobody else does (Linux: cong_control). */
  readonly ownsCwnd: boolean;
  /** It keeps few segments in flight on purpose: how fast they are delivered says little of the path. */
  readonly holdsBack: boolean;
  /** Sending must be paced for it. */
  readonly paces: boolean;
  /** Octets a second; 0: what follows from cwnd and the round-trip time. */
  readonly pacingRate: number;
  /** Fewest segments of a burst, where there is room (Linux: min_tso_segs); null: `leastBurst` says. */
  readonly minBurst: number | null;
  /** The segment size is known, or has changed: the windows keep their segments. Octets. */
  setMss(mss: number): void;
  /** The handshake is over: text begins at SND.NXT. */
  onEstablished(situation: Situation): void;
  /** A round-trip time was measured, be it in recovery; ahead of {@link onAck} for the same ACK. */
  onRtt(sample: AckSample): void;
  /**
   * Segments were delivered outside of fast recovery, or anything happened at all if the controller
   * `ownsCwnd`. `limited`: cwnd was what held the sender back.
   */
  onAck(sample: AckSample, limited: boolean): void;
  /** Loss was found by ACKs: `ssthresh` for the recovery that begins, in which others run cwnd. */
  onLoss(): void;
  /** A router has marked what it would have dropped: `ssthresh` likewise. @rfc 3168 6.1.2, 8511 3.1 */
  onEcn(backoff: EcnBackoff): void;
  /** The retransmission timer expired. `first`: not for the same text again. */
  onRto(first: boolean, situation: Situation): void;
  /** What was believed lost was not. @param prior segments of cwnd before that. @rfc 4015 3.2 */
  onUndo(prior: number, counts: DeliveryCounts): void;
  /** There is text to send after an idle time of `idle` µs with the timeout `rto`. @rfc 5681 4.1 */
  onIdle(idle: Micros, rto: Micros): void;
  /** Text is sent while none was in flight; the last had been sent `idle` µs ago. */
  onSendStart(idle: Micros, situation: Situation): void;
  /** A SYN was lost: start with one segment. @rfc 5681 3.1 */
  onSynLost(): void;
  /** null: it has no model of the path. */
  model(): PathModel | null;
}
