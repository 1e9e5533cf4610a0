import test from 'ava';
import fc from 'fast-check';
import { type Ipv4Address, ipv4 } from '../../src/core/base/address.ts';
import type { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import type { DatagramSink, Flow } from '../../src/core/base/ports.ts';
import type { SendReason } from '../../src/core/base/reasons.ts';
import { add, seq } from '../../src/core/base/seq.ts';
import { TcpCounters } from '../../src/core/tcp/counters.ts';
import { ResetWriter } from '../../src/core/tcp/reset.ts';
import { Flag, parseTcp, Segment } from '../../src/core/wire/tcp.ts';

const US = ipv4(0x0a000002);
const PEER = ipv4(0x0a000001);

/** IP that keeps the last segment. */
class FakeIp implements DatagramSink {
  readonly writable = true;
  hasRoute = true;
  last: Segment | null = null;
  /** SEG.SEQ of all so far. */
  readonly seqs: number[] = [];
  reason: SendReason | null = null;

  sourceFor(): Ipv4Address {
    return US;
  }

  isLocal(address: Ipv4Address): boolean {
    return address === US;
  }

  isBroadcastOrMulticast(): boolean {
    return false;
  }

  receiveMtu(): number {
    return 1500;
  }

  openFlow(source: Ipv4Address, destination: Ipv4Address): Flow | null {
    return this.hasRoute
      ? { source, destination, mtu: 1500, ttl: 64, trafficClass: 0, suspect() {} }
      : null;
  }

  send(packet: PacketBuffer, flow: Flow, reason: SendReason): void {
    const segment = new Segment();
    const malformed = parseTcp(packet, flow.source, flow.destination, segment, true);
    if (malformed !== null) throw new Error(malformed);
    this.last = segment;
    this.seqs.push(segment.seq);
    this.reason = reason;
  }
}

/** The answer to a segment that was sent to us; null: there was none. */
function answerTo(written: Partial<Segment>, ip = new FakeIp()): Segment | null {
  const seg = Object.assign(new Segment(), { sourcePort: 40_000, destinationPort: 80 }, written);
  const writer = new ResetWriter(ip, new TcpCounters());
  writer.answer(seg, PEER, US, 'reset');
  writer.flush(0);
  return ip.last;
}

test('RFC 9293 3.5.2: without ACK: <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>', (t) => {
  const cases = [
    { flags: Flag.SYN, textLength: 0, length: 1 },
    { flags: Flag.SYN | Flag.FIN, textLength: 10, length: 12 },
    { flags: Flag.FIN, textLength: 5, length: 6 },
    { flags: 0, textLength: 100, length: 100 },
    { flags: 0, textLength: 0, length: 0 },
  ];
  for (const { flags, textLength, length } of cases) {
    const reset = answerTo({ flags, textLength, seq: seq(0xffff_fff8) });
    t.is(reset?.flags, Flag.RST | Flag.ACK);
    t.is(reset?.seq, seq(0));
    t.is(reset?.ack, add(seq(0xffff_fff8), length));
  }
});

test('RFC 9293 3.5.2: with ACK: <SEQ=SEG.ACK><CTL=RST>', (t) => {
  for (const flags of [Flag.ACK, Flag.ACK | Flag.SYN, Flag.ACK | Flag.FIN | Flag.PSH]) {
    const reset = answerTo({ flags, textLength: 10, seq: seq(5), ack: seq(0xdead_beef) });
    t.is(reset?.flags, Flag.RST);
    t.is(reset?.seq, seq(0xdead_beef));
    t.is(reset?.ack, seq(0));
  }
});

test('RFC 9293 3.5.2: a RST is not answered, whatever else is on', (t) => {
  for (const flags of [0, Flag.ACK, Flag.SYN, Flag.FIN])
    t.is(answerTo({ flags: flags | Flag.RST }), null);
});

test('RFC 9293 3.5.2: the answer goes back the way that the segment came, bare and with its reason', (t) => {
  const ip = new FakeIp();
  const reset = answerTo({ flags: Flag.SYN, mss: 1460, windowShift: 7, hasTimestamps: true }, ip);
  t.is(reset?.sourcePort, 80);
  t.is(reset?.destinationPort, 40_000);
  t.deepEqual(
    [reset?.textLength, reset?.wnd, reset?.mss, reset?.windowShift, reset?.hasTimestamps],
    [0, 0, 0, -1, false],
  );
  t.is(ip.reason, 'reset');
});

test('RFC 9293 3.5.2: where no route leads there is no answer', (t) => {
  const ip = new FakeIp();
  ip.hasRoute = false;
  const counters = new TcpCounters();
  const writer = new ResetWriter(ip, counters);
  writer.answer(Object.assign(new Segment(), { flags: Flag.SYN }), PEER, US, 'reset');
  writer.flush(0);
  t.is(ip.last, null);
  t.is(counters.tcpOutRsts, 0);
});

test('RFC 9293 3.5.2: one writer answers any segments, one after the other', (t) => {
  const ip = new FakeIp();
  const counters = new TcpCounters();
  const writer = new ResetWriter(ip, counters);
  const any = fc.record({ flags: fc.nat(63), seq: fc.nat(0xffff_ffff), ack: fc.nat(0xffff_ffff) });
  const expected: number[] = [];
  fc.assert(
    fc.property(any, ({ flags, ...numbers }) => {
      const seg = new Segment();
      seg.flags = flags;
      seg.seq = seq(numbers.seq);
      seg.ack = seq(numbers.ack);
      writer.answer(seg, PEER, US, 'reset');
      writer.flush(0);
      if (!seg.has(Flag.RST)) expected.push(seg.has(Flag.ACK) ? seg.ack : 0);
      t.deepEqual(ip.seqs, expected);
    }),
  );
  t.is(counters.tcpOutRsts, expected.length);
});

test('RFC 9293 3.5.2: input owes RSTs, and the end of the turn sends them in their order', (t) => {
  const ip = new FakeIp();
  const writer = new ResetWriter(ip, new TcpCounters());
  for (const ack of [1, 2, 3]) {
    const seg = Object.assign(new Segment(), { flags: Flag.ACK, ack: seq(ack) });
    writer.answer(seg, PEER, US, 'reset');
  }
  t.deepEqual(ip.seqs, []);
  t.true(writer.pending);
  writer.flush(0);
  t.deepEqual(ip.seqs, [1, 2, 3]);
  t.false(writer.pending);
});
