import type { Seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import type { CongestionControlName, EcnBackoff } from '../config.ts';

/** What one ACK told the sender. One record is reused per connection: copy what you keep. */
export interface AckSample {
  /** Segments that it delivered: by SND.UNA, or by reports of the peer for the first time. */
  acked: number;
  /** Segments in flight before it was processed. */
  inFlight: number;
  /** Round-trip time of the segment that was sent last among those; µs; 0: none was measured. */
  rtt: Micros;
  /** Smoothed round-trip time in µs; 0: not known. */
  srtt: Micros;
  /** SND.UNA, which the ACK has advanced, and SND.NXT: what counts rounds. */
  una: Seq;
  nxt: Seq;
  now: Micros;
  /**
   * The rate that it shows: so many segments were delivered in an interval of µs; -1: it shows none.
   * `isAppLimited`: the user had too little to send, so the path may be faster.
   */
  delivered: number;
  interval: Micros;
  isAppLimited: boolean;
  /** Segments that had been delivered when the one was sent that it delivers, and are now. */
  priorDelivered: number;
  deliveredInAll: number;
  /** Segments that it shows to be lost. */
  lost: number;
  /** Sending is paced. */
  isPaced: boolean;
}

export function newAckSample(iss: Seq): AckSample {
  return {
    acked: 0,
    inFlight: 0,
    rtt: 0,
    srtt: 0,
    una: iss,
    nxt: iss,
    now: 0,
    delivered: -1,
    interval: -1,
    isAppLimited: false,
    priorDelivered: 0,
    deliveredInAll: 0,
    lost: 0,
    isPaced: false,
  };
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
  /** Octets that may be in flight. While a loss is repaired, recovery assigns it. @rfc 6937 */
  cwnd: number;
  /**
   * Above it cwnd grows slowly. Octets; {@link NO_THRESHOLD}: there was no loss. Recovery assigns it
   * when a reduction is taken back.
   */
  ssthresh: number;
  /** Sending must be paced for it. */
  readonly paces: boolean;
  /** Octets a second; 0: what follows from cwnd and the round-trip time. */
  readonly pacingRate: number;
  /** Fewest segments of a burst, where there is room (Linux: min_tso_segs); null: `leastBurst` says. */
  readonly minBurst: number | null;
  /** The segment size is known, or has changed: the windows keep their segments. Octets. */
  setMss(mss: number): void;
  /** The handshake is over. @param nxt SND.NXT: text begins here */
  onEstablished(nxt: Seq, now: Micros): void;
  /** A round-trip time was measured, be it in recovery; ahead of {@link onAck} for the same ACK. */
  onRtt(sample: AckSample): void;
  /** Segments were delivered outside of fast recovery. `limited`: cwnd was what held the sender back. */
  onAck(sample: AckSample, limited: boolean): void;
  /** Loss was found by ACKs: `ssthresh` for the recovery that begins, in which others run cwnd. */
  onLoss(): void;
  /** A router has marked what it would have dropped: `ssthresh` likewise. @rfc 3168 6.1.2, 8511 3.1 */
  onEcn(backoff: EcnBackoff): void;
  /**
   * The retransmission timer expired. `first`: not for the same text again.
   * @param nxt SND.NXT
   */
  onRto(first: boolean, nxt: Seq, now: Micros): void;
  /** There is text to send after an idle time of `idle` µs with the timeout `rto`. @rfc 5681 4.1 */
  onIdle(idle: Micros, rto: Micros): void;
  /** Text is sent while none was in flight; the last had been sent `idle` µs ago. */
  onSendStart(idle: Micros, now: Micros): void;
  /** A SYN was lost: start with one segment. @rfc 5681 3.1 */
  onSynLost(): void;
}
