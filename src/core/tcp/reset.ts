import type { Ipv4Address } from '../base/address.ts';
import { PacketBuffer } from '../base/packetBuffer.ts';
import { type DatagramSink, Protocol } from '../base/ports.ts';
import type { SendReason } from '../base/reasons.ts';
import { add, seq } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import { Flag, Segment, writeTcp } from '../wire/tcp.ts';

/** Octets of a RST with its IP header, and some to spare. */
const CAPACITY = 128;

/**
 * RSTs that answer a segment without a connection's help: there is none, or it has nothing to do
 * with the segment.
 *
 * @rfc 9293 3.5.2
 */
export class ResetWriter {
  readonly #sink: DatagramSink;
  readonly #packet = new PacketBuffer(CAPACITY);
  readonly #segment = new Segment();
  segmentsOut = 0;

  constructor(sink: DatagramSink) {
    this.#sink = sink;
  }

  /**
   * "If the ACK bit is off, sequence number zero is used, <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>.
   * If the ACK bit is on, <SEQ=SEG.ACK><CTL=RST>." A RST is never answered.
   *
   * @param source whom the segment came from
   * @param destination our address, which it was sent to
   */
  answer(
    seg: Segment,
    source: Ipv4Address,
    destination: Ipv4Address,
    reason: SendReason,
    now: Micros,
  ): void {
    if (seg.has(Flag.RST)) return;
    const flow = this.#sink.openFlow(destination, source, Protocol.TCP);
    if (flow === null) return;
    const reset = this.#segment;
    reset.clear();
    this.#packet.clear();
    reset.sourcePort = seg.destinationPort;
    reset.destinationPort = seg.sourcePort;
    if (seg.has(Flag.ACK)) {
      reset.seq = seg.ack;
      reset.flags = Flag.RST;
    } else {
      reset.seq = seq(0);
      reset.ack = add(seg.seq, seg.len);
      reset.flags = Flag.RST | Flag.ACK;
    }
    writeTcp(this.#packet, reset, destination, source);
    this.segmentsOut++;
    this.#sink.send(this.#packet, flow, reason, now);
  }
}
