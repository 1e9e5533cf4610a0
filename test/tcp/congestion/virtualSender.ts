import { add, type Seq, seq } from '../../../src/core/base/seq.ts';
import { type Micros, MS, SECOND } from '../../../src/core/base/time.ts';
import {
  type CongestionControl,
  newAckSample,
} from '../../../src/core/tcp/congestion/congestionControl.ts';

/** A sender without segments: it fills the window, and has it acknowledged a round trip later. */
export class VirtualSender {
  readonly control: CongestionControl;
  readonly rtt: Micros;
  now: Micros = 10 * SECOND;
  isPaced = false;
  /** SND.UNA and SND.NXT: across the wrap before long. */
  #una: Seq = seq(0xffff_0000);
  #nxt: Seq = seq(0xffff_0000);

  constructor(control: CongestionControl, rtt: Micros = 100 * MS) {
    this.control = control;
    this.rtt = rtt;
    control.onEstablished(this.#nxt, this.now);
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
    this.control.cwnd = this.control.ssthresh;
  }

  expire(first: boolean): void {
    this.control.onRto(first, this.#nxt, this.now);
  }

  /** cwnd of so many segments in congestion avoidance, after a loss: slow start is over. */
  avoidAt(segments: number): void {
    this.control.onLoss();
    this.control.ssthresh = segments * this.control.mss;
    this.control.cwnd = this.control.ssthresh;
  }

  #tell(acked: number, rtt: Micros, limited: boolean): void {
    const { control, now } = this;
    this.#una = add(this.#una, acked * control.mss);
    const sample = newAckSample(this.#una);
    sample.acked = acked;
    sample.inFlight = this.segments;
    sample.rtt = rtt;
    sample.srtt = this.rtt;
    sample.nxt = this.#nxt;
    sample.now = now;
    sample.isPaced = this.isPaced;
    control.onRtt(sample);
    control.onAck(sample, limited);
  }
}
