import type { Micros } from '../../base/time.ts';

/** What one ACK told the sender. One record is reused per stack: copy what you keep. */
export interface AckSample {
  /** Octets that it newly acknowledged. */
  ackedOctets: number;
  /** Octets in flight before it was processed. */
  inFlight: number;
  /** Measured round-trip time in µs; 0: none. */
  rtt: Micros;
  now: Micros;
}

/**
 * A congestion controller: it gets numbers, and answers with `cwnd`. It knows neither segments nor
 * connections; which octets are lost, and when to send, are for others to say.
 *
 * @rfc 5681
 */
export interface CongestionControl {
  readonly name: string;
  /** Octets that may be in flight. */
  readonly cwnd: number;
  /** Above it cwnd grows linearly. Octets. */
  readonly ssthresh: number;
  /** The segment size is known, or has changed. Octets. */
  setMss(mss: number): void;
  /** Text was acknowledged outside of fast recovery. `limited`: cwnd was what held the sender back. */
  onAck(sample: AckSample, limited: boolean): void;
  /** Loss was found by ACKs: fast recovery begins. `inFlight`: FlightSize in octets. */
  onLoss(inFlight: number, now: Micros): void;
  /** Fast recovery is over. */
  onRecovered(inFlight: number, now: Micros): void;
  /** The retransmission timer expired. `first`: not for the same text again. */
  onRto(inFlight: number, first: boolean, now: Micros): void;
  /** Sending starts again after an idle time of `idle` µs with the timeout `rto`. @rfc 5681 4.1 */
  onIdle(idle: Micros, rto: Micros): void;
  /** A SYN was lost: start with one segment. @rfc 5681 3.1 */
  onSynLost(): void;
}
