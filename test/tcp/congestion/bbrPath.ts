import { seq } from '../../../src/core/base/seq.ts';
import { type Micros, MS, SECOND } from '../../../src/core/base/time.ts';
import type { Bbr } from '../../../src/core/tcp/congestion/bbr.ts';
import {
  type AckSample,
  newAckSample,
} from '../../../src/core/tcp/congestion/congestionControl.ts';

export const RTT: Micros = 40 * MS;

/** What an ACK is like, where it is not as usual. */
export interface AckOptions {
  /** Segments that it delivers. */
  readonly acked?: number;
  readonly rtt?: Micros;
  /** Segments in flight, before it and after it. */
  readonly flight?: number;
  readonly lost?: number;
  readonly isAppLimited?: boolean;
  readonly repair?: AckSample['repair'];
  /** It delivers what was sent before the round began. */
  readonly isLate?: boolean;
}

/** A path whose rate is what a test says: one ACK ends each round. */
export class BbrPath {
  readonly control: Bbr;
  now: Micros = 100 * SECOND;
  readonly sample: AckSample = newAckSample(seq(1));

  constructor(control: Bbr) {
    this.control = control;
    this.sample.now = this.now;
    this.sample.deliveredAt = this.now;
    this.sample.srtt = RTT;
    this.sample.minRtt = RTT;
    this.sample.deliveredInAll = 1;
    control.onEstablished(this.sample);
  }

  /** cwnd in segments. */
  get cwnd(): number {
    return this.control.cwnd / this.control.mss;
  }

  get mode(): string {
    return this.control.model().mode;
  }

  /** Segments a second that the controller believes in, rounded. */
  get rate(): number {
    return Math.round(this.control.model().bw / this.control.mss);
  }

  /** A round trip later an ACK shows a rate of so many segments a second. */
  round(rate: number, options: AckOptions = {}): void {
    this.now += RTT;
    this.ack(rate, options);
  }

  rounds(count: number, rate: number, options: AckOptions = {}): void {
    for (let i = 0; i < count; i++) this.round(rate, options);
  }

  /** ... or at once. */
  ack(rate: number, options: AckOptions = {}): void {
    const { acked = 1, flight = this.cwnd, lost = 0 } = options;
    const { sample } = this;
    sample.priorDelivered = options.isLate === true ? 0 : sample.deliveredInAll;
    sample.now = this.now;
    sample.acked = acked;
    sample.inFlight = flight;
    sample.flight = Math.max(0, flight - acked);
    sample.deliveredInAll += acked;
    sample.lostInAll += lost;
    if (acked > 0) sample.deliveredAt = this.now;
    sample.rtt = options.rtt ?? RTT;
    sample.delivered = Math.round((rate * RTT) / SECOND);
    sample.interval = RTT;
    sample.isAppLimited = options.isAppLimited ?? false;
    sample.lost = lost;
    sample.repair = options.repair ?? 'nothing';
    this.control.onAck(sample);
  }

  /** Until the path is full at this rate, and the queue is gone. */
  fill(rate: number): void {
    this.rounds(5, rate, { flight: 1000 });
    this.round(rate, { flight: 0 });
  }
}
