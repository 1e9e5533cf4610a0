import { add, type Seq, seq } from '../../../src/core/base/seq.ts';
import { type Micros, MS, SECOND } from '../../../src/core/base/time.ts';
import {
  type AckSample,
  type CongestionControl,
  newAckSample,
  type Repair,
} from '../../../src/core/tcp/congestion/congestionControl.ts';

/** A sender without segments: it fills the window, and has it acknowledged a round trip later. */
export class VirtualSender {
  readonly control: CongestionControl;
  readonly rtt: Micros;
  now: Micros = 10 * SECOND;
  isPaced = false;
  repair: Repair = 'nothing';
  /** SND.UNA and SND.NXT: across the wrap before long. */
  #una: Seq = seq(0xffff_0000);
  #nxt: Seq = seq(0xffff_0000);
  #delivered = 0;

  constructor(control: CongestionControl, rtt: Micros = 100 * MS) {
    this.control = control;
    this.rtt = rtt;
    control.onEstablished(this.situation());
  }

  /** cwnd in segments. */
  get segments(): number {
    return this.control.cwnd / this.control.mss;
  }

  /** ssthresh in segments. */
  get threshold(): number {
    return this.control.ssthresh / this.control.mss;
  }

  get nxt(): Seq {
    return this.#nxt;
  }

  /** So many segments are delivered after the round-trip time `rtt`; cwnd held the sender back. */
  ack(segments: number, rtt: Micros = this.rtt): void {
    this.#tell(segments, rtt, true);
  }

  /** ... and cwnd did not hold it back. */
  ackOfFew(segments: number): void {
    this.#tell(segments, this.rtt, false);
  }

  /** A window is sent, and acknowledged two segments at a time, evenly within a round trip. */
  round(): void {
    const window = this.segments;
    const end = this.now + this.rtt;
    this.send(window);
    for (let acked = 0; acked < window; acked += 2) {
      this.now += this.rtt / Math.ceil(window / 2);
      this.ack(Math.min(2, window - acked));
    }
    this.now = end;
  }

  rounds(count: number): void {
    for (let i = 0; i < count; i++) this.round();
  }

  /** Text goes out: SND.NXT advances. */
  send(segments: number): void {
    this.#nxt = add(this.#nxt, segments * this.control.mss);
  }

  /** A loss is found by ACKs, and repaired: cwnd is ssthresh then (RFC 6937 3). */
  lose(): void {
    this.control.onLoss();
    this.repair = 'nothing';
    if (!this.control.ownsCwnd) this.control.cwnd = this.control.ssthresh;
  }

  expire(first: boolean): void {
    this.repair = 'timeout';
    this.control.onRto(first, this.situation());
  }

  /** cwnd of so many segments in congestion avoidance, after a loss: slow start is over. */
  avoidAt(segments: number): void {
    this.control.onLoss();
    this.control.ssthresh = segments * this.control.mss;
    this.control.cwnd = this.control.ssthresh;
  }

  /** What it knows now. Each call makes another record. */
  situation(): AckSample {
    const sample = newAckSample(this.#una);
    sample.now = this.now;
    sample.nxt = this.#nxt;
    sample.srtt = this.rtt;
    sample.deliveredInAll = this.#delivered;
    sample.deliveredAt = this.now;
    sample.repair = this.repair;
    return sample;
  }

  /** The window was delivered within `rtt`, of which this ACK is for `acked` segments. */
  #tell(acked: number, rtt: Micros, limited: boolean): void {
    const { control } = this;
    this.#una = add(this.#una, acked * control.mss);
    this.#delivered += acked;
    const sample = this.situation();
    sample.acked = acked;
    sample.inFlight = this.segments;
    sample.flight = Math.max(0, this.segments - acked);
    sample.rtt = rtt;
    sample.delivered = limited ? this.segments : acked;
    sample.interval = rtt;
    sample.isAppLimited = !limited;
    sample.priorDelivered = Math.max(0, this.#delivered - sample.delivered);
    sample.isPaced = this.isPaced;
    control.onRtt(sample);
    control.onAck(sample, limited);
  }
}
