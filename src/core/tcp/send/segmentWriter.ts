import { PacketBuffer } from '../../base/packetBuffer.ts';
import type { DatagramSink } from '../../base/ports.ts';
import type { SendReason } from '../../base/reasons.ts';
import { add, diff, type Seq, seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { Flag, Segment, tcpHeaderLength, writeTcp } from '../../wire/tcp.ts';
import type { ProbeOctets } from '../config.ts';
import type { TcpCounters } from '../counters.ts';
import { onAckSent } from '../receive/ackPolicy.ts';
import { MAX_UNSCALED, windowToAnnounce } from '../receive/window.ts';
import type { Tcb } from '../tcb.ts';
import { capable, echoMark, notCapable } from './ecn.ts';
import { timestampAt } from './sender.ts';

/** Octets of the largest segment that is ever built: a full datagram. */
const CAPACITY = 65_535;
/** An end of urgent text that is further away is told as being here. @rfc 9293 3.1 */
const MAX_URGENT = 0xffff;

/**
 * Builds segments in the stack's one packet for output, and hands them to IP. Every segment of a
 * connection carries the newest acknowledgment and window, so each one but a probe settles an owed
 * ACK.
 *
 * @rfc 9293 3.1
 */
export class SegmentWriter {
  readonly #sink: DatagramSink;
  readonly #packet = new PacketBuffer(CAPACITY);
  readonly #segment = new Segment();
  readonly #counters: TcpCounters;
  /** The next segment repeats octets. */
  #repeats = false;

  constructor(sink: DatagramSink, counters: TcpCounters) {
    this.#sink = sink;
    this.#counters = counters;
  }

  /** May anything be sent now that can wait? */
  get ready(): boolean {
    return this.#sink.writable;
  }

  /** The segment that follows repeats octets, and nothing else. @rfc 4022 4 */
  noteRepetition(): void {
    this.#counters.tcpRetransSegs++;
    this.#counters.tcpOutSegs--;
    this.#repeats = true;
  }

  /**
   * SYN or SYN-ACK with the options that we offer, or that both ends want, and the text of Fast Open.
   * @rfc 9293 3.5, 7413 4.2.1
   */
  syn(tcb: Tcb, flags: number, reason: SendReason, now: Micros): void {
    const segment = this.#begin(tcb, tcb.snd.iss, flags);
    segment.mss = tcb.config.noOptions ? 0 : tcb.rcv.mss;
    segment.hasFreebsdOrder = tcb.config.optionOrder === 'freebsd';
    if (tcb.windowScaling) segment.windowShift = tcb.rcv.shift;
    segment.sackPermitted = tcb.sackPermitted;
    segment.wnd = Math.min(MAX_UNSCALED, tcb.rcv.wnd);
    notCapable(tcb);
    this.#timestamps(tcb, now);
    this.#cookie(tcb);
    if (tcb.fastOpen.text > 0) this.#text(tcb, add(tcb.snd.iss, 1), tcb.fastOpen.text);
    tcb.fastOpen.text = 0;
    this.#settleAck(tcb);
    this.#finish(tcb, reason, now);
  }

  /** A segment of `length` octets of text from number `from` on; none: a bare ACK, FIN or RST. */
  send(tcb: Tcb, from: Seq, length: number, flags: number, reason: SendReason, now: Micros): void {
    const segment = this.#begin(tcb, from, flags);
    if ((flags & Flag.RST) === 0 || tcb.config.windowModel === 'memory') this.#window(tcb);
    if (length > 0 && tcb.config.pushRule === 'buffer') {
      segment.flags &= ~Flag.PSH;
      if (add(from, length) === tcb.sendBuffer.end) segment.flags |= Flag.PSH;
    }
    this.#timestamps(tcb, now);
    if ((flags & Flag.RST) === 0) tcb.sackBlocks.fill(segment);
    this.#urgent(tcb);
    echoMark(tcb, segment);
    if (length > 0 && !this.#repeats) capable(tcb, segment);
    else notCapable(tcb);
    if (length > 0) this.#text(tcb, from, length);
    this.#settleAck(tcb);
    this.#finish(tcb, reason, now);
  }

  /**
   * A probe at SND.UNA - 1 with no octet, or with one that the peer has had before (MAY-6). The peer
   * drops it after it has looked at the number, so it settles no owed ACK, and RCV.WND stays what
   * the peer was told last.
   *
   * @rfc 9293 3.8.4
   */
  probe(tcb: Tcb, octets: ProbeOctets, reason: SendReason, now: Micros): void {
    const segment = this.#begin(tcb, add(tcb.snd.una, -1), Flag.ACK);
    segment.wnd = onWire(tcb, windowToAnnounce(tcb));
    this.#timestamps(tcb, now);
    this.#packet.octets[this.#packet.transport + tcpHeaderLength(segment)] = 0;
    segment.textLength = octets;
    echoMark(tcb, segment);
    notCapable(tcb);
    this.#finish(tcb, reason, now);
  }

  /** Behind the header, whose options are known by now. */
  #text(tcb: Tcb, from: Seq, length: number): void {
    const at = this.#packet.transport + tcpHeaderLength(this.#segment);
    tcb.sendBuffer.peek(from, this.#packet.octets, at, length);
    this.#segment.textLength = length;
  }

  #begin(tcb: Tcb, from: Seq, flags: number): Segment {
    const segment = this.#segment;
    this.#packet.clear();
    segment.clear();
    segment.sourcePort = tcb.localPort;
    segment.destinationPort = tcb.remotePort;
    segment.seq = from;
    segment.ack = (flags & Flag.ACK) !== 0 ? tcb.rcv.nxt : seq(0);
    segment.flags = flags;
    return segment;
  }

  /** The window, scaled; the peer may from now on send up to its edge. @rfc 7323 2.3 */
  #window(tcb: Tcb): void {
    const before = tcb.rcv.wnd;
    tcb.rcv.wnd = windowToAnnounce(tcb);
    if (before === 0 || tcb.rcv.wnd === 0) this.#countZero(before, tcb.rcv.wnd);
    tcb.window.announced = tcb.rcv.wnd;
    this.#segment.wnd = onWire(tcb, tcb.rcv.wnd);
  }

  #countZero(before: number, after: number): void {
    if (before > 0) this.#counters.TCPToZeroWindowAdv++;
    else if (after > 0) this.#counters.TCPFromZeroWindowAdv++;
  }

  /** Urgent text ends ahead of this segment's number. @rfc 9293 3.8.5, 6093 3.1 */
  #urgent(tcb: Tcb): void {
    const segment = this.#segment;
    const ahead = diff(tcb.snd.up, segment.seq);
    if (ahead <= 0 || segment.has(Flag.RST)) return;
    segment.flags |= Flag.URG;
    segment.up = Math.min(ahead, MAX_URGENT);
  }

  /** The Fast Open option, once: a SYN that is repeated has none. @rfc 7413 4.2.2 */
  #cookie({ fastOpen }: Tcb): void {
    const { cookie } = fastOpen;
    if (cookie === null) return;
    this.#segment.fastOpenCookie.set(cookie);
    this.#segment.fastOpenLength = cookie.length;
    this.#segment.isFastOpenExperiment = fastOpen.isExperiment;
    fastOpen.cookie = null;
  }

  #timestamps(tcb: Tcb, now: Micros): void {
    if (!tcb.ts.on) return;
    this.#segment.hasTimestamps = true;
    this.#segment.tsVal = timestampAt(tcb, now);
    this.#segment.tsEcr = this.#segment.has(Flag.ACK) ? tcb.ts.recent : 0;
  }

  /** The segment carries the newest ACK: none is owed any more. */
  #settleAck(tcb: Tcb): void {
    if (this.#segment.has(Flag.ACK)) onAckSent(tcb);
  }

  #finish(tcb: Tcb, reason: SendReason, now: Micros): void {
    const segment = this.#segment;
    writeTcp(this.#packet, segment, tcb.localAddress, tcb.remoteAddress);
    this.#counters.tcpOutSegs++;
    if (segment.has(Flag.RST)) this.#counters.tcpOutRsts++;
    this.#repeats = false;
    tcb.sentAt = now;
    this.#sink.send(this.#packet, tcb.flow, reason, now);
  }
}

/** SEG.WND for a window of so many octets. @rfc 7323 2.3 */
function onWire(tcb: Tcb, wnd: number): number {
  return Math.min(0xffff, wnd >>> tcb.rcv.shift);
}
