import type { Ipv4Address } from '../base/address.ts';
import { PacketBuffer } from '../base/packetBuffer.ts';
import { type DatagramSink, Protocol } from '../base/ports.ts';
import type { SendReason } from '../base/reasons.ts';
import { add, type Seq, seq } from '../base/seq.ts';
import type { Micros } from '../base/time.ts';
import { Flag, Segment, writeTcp } from '../wire/tcp.ts';
import type { TcpCounters } from './counters.ts';

/** Octets of a RST with its IP header, and some to spare. */
const CAPACITY = 128;
/** Answers that can wait for the end of a turn: no more segments arrive in one. */
const MAX_OWED = 256;

/** A RST that is owed, with the four-tuple as we send it. */
interface Owed {
  source: Ipv4Address;
  destination: Ipv4Address;
  sourcePort: number;
  destinationPort: number;
  seq: Seq;
  ack: Seq;
  flags: number;
  reason: SendReason;
}

/**
 * RSTs that answer a segment without a connection's help: there is none, or it has nothing to do
 * with the segment. Input owes them, the end of the turn sends them.
 *
 * @rfc 9293 3.5.2
 */
export class ResetWriter {
  readonly #sink: DatagramSink;
  readonly #packet = new PacketBuffer(CAPACITY);
  readonly #segment = new Segment();
  #owed: Owed[] = [];
  readonly #counters: TcpCounters;

  constructor(sink: DatagramSink, counters: TcpCounters) {
    this.#sink = sink;
    this.#counters = counters;
  }

  get pending(): boolean {
    return this.#owed.length > 0;
  }

  /**
   * "If the ACK bit is off, sequence number zero is used, <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>.
   * If the ACK bit is on, <SEQ=SEG.ACK><CTL=RST>." A RST is never answered.
   *
   * @param source whom the segment came from
   * @param destination our address, which it was sent to
   */
  answer(seg: Segment, source: Ipv4Address, destination: Ipv4Address, reason: SendReason): void {
    if (seg.has(Flag.RST) || this.#owed.length >= MAX_OWED) return;
    const acks = seg.has(Flag.ACK);
    this.#owed.push({
      source: destination,
      destination: source,
      sourcePort: seg.destinationPort,
      destinationPort: seg.sourcePort,
      seq: acks ? seg.ack : seq(0),
      ack: acks ? seq(0) : add(seg.seq, seg.len),
      flags: acks ? Flag.RST : Flag.RST | Flag.ACK,
      reason,
    });
  }

  /** Sends what is owed. */
  flush(now: Micros): void {
    if (this.#owed.length === 0) return;
    for (const owed of this.#owed) this.#send(owed, now);
    this.#owed = [];
  }

  #send(owed: Owed, now: Micros): void {
    const { source, destination } = owed;
    const flow = this.#sink.openFlow(source, destination, Protocol.TCP);
    if (flow === null) return;
    const reset = this.#segment;
    reset.clear();
    this.#packet.clear();
    reset.sourcePort = owed.sourcePort;
    reset.destinationPort = owed.destinationPort;
    reset.seq = owed.seq;
    reset.ack = owed.ack;
    reset.flags = owed.flags;
    writeTcp(this.#packet, reset, source, destination);
    this.#counters.tcpOutSegs++;
    this.#counters.tcpOutRsts++;
    this.#sink.send(this.#packet, flow, owed.reason, now);
  }
}
