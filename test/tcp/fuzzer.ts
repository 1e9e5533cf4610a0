import { readdirSync, readFileSync } from 'node:fs';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { ExecutionContext } from 'ava';
import { ANY_ADDRESS, ipv4, type MacAddress } from '../../src/core/base/address.ts';
import { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import { type Device, NO_OFFLOAD, Protocol } from '../../src/core/base/ports.ts';
import { fill, fraction, type Random, uniform, Xoshiro128 } from '../../src/core/base/random.ts';
import { DROP_REASONS, type DropReason } from '../../src/core/base/reasons.ts';
import { add, type Seq, seq } from '../../src/core/base/seq.ts';
import { MS, SECOND } from '../../src/core/base/time.ts';
import type { Tracer } from '../../src/core/base/tracer.ts';
import type { CapturedSegment } from '../../src/core/capture/capturedSegment.ts';
import { readPackets } from '../../src/core/capture/captureReader.ts';
import { parseSegment } from '../../src/core/capture/parseSegment.ts';
import { Stack } from '../../src/core/stack/stack.ts';
import type { Connection } from '../../src/core/tcp/connection.ts';
import { brokenInvariant } from '../../src/core/tcp/invariants.ts';
import { maySend, type State } from '../../src/core/tcp/states.ts';
import { ArpPacket, writeArp } from '../../src/core/wire/arp.ts';
import { EtherType, writeEthernet } from '../../src/core/wire/ethernet.ts';
import { ipv4Template, writeIpv4 } from '../../src/core/wire/ipv4.ts';
import {
  Flag,
  fillTcpChecksum,
  parseTcp,
  Segment,
  tcpHeaderLength,
  writeTcp,
} from '../../src/core/wire/tcp.ts';

const US = ipv4(0x0a6b0002);
const PEER = ipv4(0x0a6b0001);
const OUR_MAC = 0x02000a6b0002 as MacAddress;
const PEER_MAC = 0x02000a6b0001 as MacAddress;
const PORT = 80;
const SYNCHRONIZED: readonly State[] = [
  'CLOSE-WAIT',
  'CLOSING',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'LAST-ACK',
  'TIME-WAIT',
];
/** Heap that half of the frames may add. They were 30 MB and more. */
const MOST_GROWTH = 6 << 20;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** What the fuzzer stands on: the device, the tracer, and what it learns of the stack's replies. */
class Fuzz implements Device, Tracer {
  readonly name = 'fuzz0';
  readonly mtu = 1500;
  readonly macAddress = OUR_MAC;
  readonly offload = NO_OFFLOAD;
  readonly writable = true;
  onReadable: (() => void) | null = null;
  onWritable: (() => void) | null = null;
  readonly stack: Stack;
  readonly random: Random;
  readonly verdicts = new Map<DropReason | 'accepted', number>();
  now = 10 * SECOND;
  octetsIn = 0;
  octetsOut = 0;
  /** The last number that we sent in the established connection, and its window. */
  next: Seq = seq(0);
  expected: Seq = seq(0);
  #frame: Uint8Array | null = null;
  readonly #packet = new PacketBuffer(65_549);
  readonly #segment = new Segment();

  constructor(seed: number) {
    this.random = new Xoshiro128(seed);
    this.stack = new Stack({ random: new Xoshiro128(seed + 1), tracer: this });
    this.stack.addInterface(this, { address: US, prefixLength: 24 }, null, this.now);
  }

  receive(packet: PacketBuffer): boolean {
    if (this.#frame === null) return false;
    packet.setFrame(this.#frame);
    this.octetsIn += this.#frame.length;
    this.#frame = null;
    return true;
  }

  send(packet: PacketBuffer): boolean {
    this.octetsOut += packet.end - packet.link;
    if (packet.view.getUint16(packet.link + 12) !== EtherType.IPV4) return true;
    const copy = packet; // the offsets stand as the stack has set them
    if (parseTcp(copy, US, PEER, this.#segment, true) === null) this.next = this.#segment.seq;
    return true;
  }

  close(): void {}

  sent(): void {}

  received(_packet: PacketBuffer, drop: DropReason | null): void {
    const verdict = drop ?? 'accepted';
    this.verdicts.set(verdict, (this.verdicts.get(verdict) ?? 0) + 1);
  }

  unsent(): void {}

  transition(): void {}

  /** One frame, one turn; now and then time passes. */
  feed(frame: Uint8Array): void {
    this.#frame = frame;
    if (uniform(this.random, 50) === 0) this.now += uniform(this.random, 300 * MS);
    this.now += 10;
    this.turn();
  }

  turn(): void {
    for (let i = 0; this.stack.turn(this.now); i++) if (i > 100) throw new Error('no end of turns');
  }

  /** A well-formed segment, with numbers near to where it matters. */
  segment(from: Partial<Pick<Segment, 'flags' | 'seq' | 'ack' | 'textLength'>> = {}): Uint8Array {
    const { random } = this;
    const segment = this.#segment;
    segment.clear();
    segment.sourcePort = 40_000 + uniform(random, 4);
    segment.destinationPort = uniform(random, 8) === 0 ? uniform(random, 65_536) : PORT;
    segment.flags = uniform(random, 4) === 0 ? uniform(random, 256) : Flag.ACK;
    segment.seq = add(this.expected, uniform(random, 4000) - 2000);
    segment.ack = add(this.next, uniform(random, 400) - 200);
    segment.wnd = uniform(random, 65_536);
    segment.up = uniform(random, 10);
    segment.textLength = uniform(random, 3) === 0 ? 0 : uniform(random, 1400);
    if (uniform(random, 3) === 0) segment.mss = uniform(random, 65_536);
    if (uniform(random, 3) === 0) segment.windowShift = uniform(random, 16);
    if (uniform(random, 3) === 0) segment.sackPermitted = true;
    if (uniform(random, 2) === 0) {
      segment.hasTimestamps = true;
      segment.tsVal = random.u32();
      segment.tsEcr = random.u32();
    }
    Object.assign(segment, from);
    if (from.seq !== undefined) segment.sourcePort = 40_000;
    if (from.seq !== undefined) segment.hasTimestamps = false;
    if (from.seq !== undefined) segment.destinationPort = PORT;
    const packet = this.#packet;
    packet.clear();
    fill(random, packet.octets.subarray(packet.transport, packet.transport + 40));
    packet.end = packet.transport + tcpHeaderLength(segment) + segment.textLength;
    writeTcp(packet, segment, PEER, US);
    writeIpv4(packet, ipv4Template(PEER, US, Protocol.TCP, 64, 0), uniform(random, 65_536));
    writeEthernet(packet, OUR_MAC, PEER_MAC, EtherType.IPV4);
    return packet.frame().slice();
  }

  /** A segment as it was captured, but for its ports, and its numbers, which fit the connection. */
  captured({ seq: number, datagram, length, text }: CapturedSegment, first: number): Uint8Array {
    const { random } = this;
    const packet = this.#packet;
    packet.clear();
    const header = (datagram[0] ?? 0) & 15;
    const octets = datagram.subarray(header * 4, header * 4 + 60 + text.length);
    packet.octets.set(octets, packet.transport);
    packet.end = packet.transport + octets.length;
    const { view, transport: at } = packet;
    view.setUint16(at, 40_000 + (uniform(random, 8) === 0 ? 1 : 0));
    view.setUint16(at + 2, PORT);
    const near = uniform(random, 4) === 0 ? number - first : uniform(random, 3) - length;
    view.setUint32(at + 4, add(this.expected, near));
    view.setUint32(at + 8, add(this.next, uniform(random, 200) - 100));
    for (let n = uniform(random, 4); n > 0; n--) {
      view.setUint8(at + uniform(random, octets.length), uniform(random, 256));
    }
    if (uniform(random, 8) > 0) fillTcpChecksum(packet, PEER, US);
    writeIpv4(packet, ipv4Template(PEER, US, Protocol.TCP, 64, 0), uniform(random, 65_536));
    writeEthernet(packet, OUR_MAC, PEER_MAC, EtherType.IPV4);
    return packet.frame().slice();
  }

  /** Any frame: well-formed, mutated, cut off, another protocol, noise. */
  any(): Uint8Array {
    const { random } = this;
    switch (uniform(random, 6)) {
      case 0:
      case 1:
        return this.segment();
      case 2:
        return mutated(this.segment(), random);
      case 3: {
        const frame = this.segment();
        return frame.slice(0, uniform(random, frame.length));
      }
      case 4:
        return this.#otherProtocol();
      default: {
        const frame = new Uint8Array(uniform(random, 200));
        fill(random, frame);
        return frame;
      }
    }
  }

  #otherProtocol(): Uint8Array {
    const { random } = this;
    const packet = this.#packet;
    packet.clear();
    if (uniform(random, 4) === 0) {
      const arp = new ArpPacket();
      arp.operation = uniform(random, 3);
      arp.senderIp = ipv4((PEER & 0xffffff00) | uniform(random, 256));
      arp.senderMac = PEER_MAC;
      arp.targetIp = US;
      writeArp(packet, arp);
      writeEthernet(packet, OUR_MAC, PEER_MAC, EtherType.ARP);
      return mutated(packet.frame().slice(), random, 0.3);
    }
    const length = uniform(random, 200);
    fill(random, packet.octets.subarray(packet.transport, packet.transport + length));
    packet.end = packet.transport + length;
    const protocols = [Protocol.ICMP, Protocol.UDP, Protocol.TCP, uniform(random, 256)];
    const protocol = protocols[uniform(random, 4)] ?? 0;
    const flags = uniform(random, 2) === 0 ? 0x4000 : uniform(random, 65_536);
    writeIpv4(packet, ipv4Template(PEER, US, protocol, 64, 0), uniform(random, 16), flags);
    writeEthernet(packet, OUR_MAC, PEER_MAC, EtherType.IPV4);
    return packet.frame().slice();
  }
}

/** Some octets of it are others. */
function mutated(frame: Uint8Array, random: Random, probability = 1): Uint8Array {
  if (fraction(random) > probability) return frame;
  for (let n = 1 + uniform(random, 4); n > 0; n--) {
    frame[uniform(random, frame.length)] = uniform(random, 256);
  }
  return frame;
}

function checkAll(t: ExecutionContext, fuzz: Fuzz, frames: number): void {
  let total = 0;
  for (const [verdict, count] of fuzz.verdicts) {
    t.true(verdict === 'accepted' || verdict in DROP_REASONS, verdict);
    total += count;
  }
  t.is(total, frames, 'each frame has one verdict');
  for (const { tcb } of fuzz.stack.tcp.connections()) t.is(brokenInvariant(tcb), null);
}

/** Feeds the frames, half of them before the heap is measured for the first time. */
function feedAll(t: ExecutionContext, fuzz: Fuzz, frames: number, next: () => Uint8Array): void {
  let before = 0;
  for (let i = 0; i < frames; i++) {
    if (i === frames >> 1) {
      collectGarbage();
      before = process.memoryUsage().heapUsed;
    }
    fuzz.feed(next());
  }
  collectGarbage();
  const growth = process.memoryUsage().heapUsed - before;
  t.true(growth < MOST_GROWTH, `the heap grew by ${growth} octets`);
}

/** Frames for a stack that only listens: no throw, each drop named, no amplification. */
export function fuzzListening(t: ExecutionContext, seed: number, frames: number): void {
  const fuzz = new Fuzz(seed);
  const listener = fuzz.stack.listen(ANY_ADDRESS, PORT, 64);
  feedAll(t, fuzz, frames, () => {
    listener.accept()?.abort(fuzz.now);
    return fuzz.any();
  });
  checkAll(t, fuzz, frames);
  t.true(fuzz.verdicts.size > 30, `${fuzz.verdicts.size} different verdicts`);
  t.true(fuzz.octetsOut < 3 * fuzz.octetsIn, 'no amplification');
  t.true(fuzz.stack.tcp.connectionCount < 500);
}

/** The next step of a handshake from port 40000: SYN, or the ACK of the SYN-ACK. */
function handshake(fuzz: Fuzz): Uint8Array {
  for (const { tcb } of fuzz.stack.tcp.connections()) {
    if (tcb.state !== 'SYN-RECEIVED' || tcb.remotePort !== 40_000) continue;
    return fuzz.segment({ flags: Flag.ACK, seq: tcb.rcv.nxt, ack: tcb.snd.nxt, textLength: 0 });
  }
  return fuzz.segment({ flags: Flag.SYN, seq: seq(fuzz.random.u32()), textLength: 0 });
}

/** What a user may do with a connection. */
function use(fuzz: Fuzz, connection: Connection): void {
  const { random, now } = fuzz;
  const into = new Uint8Array(2000);
  connection.receive(into);
  if (uniform(random, 4) === 0 && maySend(connection.state)) connection.send(into);
  if (uniform(random, 400) === 0) connection.close(now);
  if (uniform(random, 1000) === 0) connection.release(now);
  const lasts = connection.state === 'TIME-WAIT' || connection.state === 'FIN-WAIT-2';
  if (uniform(random, lasts ? 50 : 1000) === 0) connection.abort(now);
}

/** Frames for a connection that is used, and closed in any way; then for the next one. */
function fuzzConnection(
  t: ExecutionContext,
  seed: number,
  frames: number,
  next: (fuzz: Fuzz) => Uint8Array,
): void {
  const fuzz = new Fuzz(seed);
  const listener = fuzz.stack.listen(ANY_ADDRESS, PORT, 8);
  let connection: Connection | null = null;
  let opened = 0;
  const states = new Set<State>();
  feedAll(t, fuzz, frames, () => {
    const accepted = listener.accept();
    if (accepted !== null) {
      connection?.abort(fuzz.now);
      connection = accepted;
      opened++;
    }
    if (connection === null || connection.state === 'CLOSED') return handshake(fuzz);
    states.add(connection.state);
    use(fuzz, connection);
    fuzz.expected = connection.tcb.rcv.nxt;
    fuzz.next = connection.tcb.snd.nxt;
    return next(fuzz);
  });
  checkAll(t, fuzz, frames);
  t.true(opened > 100, `${opened} connections were opened`);
  t.true(fuzz.verdicts.size > 20, `${fuzz.verdicts.size} different verdicts`);
  t.deepEqual([...states].sort(), SYNCHRONIZED, 'each state has had its share');
}

/** ... made from a grammar: half of them are near to what the connection expects. */
export function fuzzEstablished(t: ExecutionContext, seed: number, frames: number): void {
  fuzzConnection(t, seed, frames, (fuzz) =>
    uniform(fuzz.random, 2) === 0
      ? fuzz.any()
      : fuzz.segment({ seq: add(fuzz.expected, uniform(fuzz.random, 3000) - 1000) }),
  );
}

/** ... from real captures, with octets of their headers changed. */
export function fuzzCaptured(t: ExecutionContext, seed: number, frames: number): void {
  const segments = capturedSegments();
  let at = 0;
  fuzzConnection(t, seed, frames, (fuzz) => {
    if (uniform(fuzz.random, 100) === 0) at = uniform(fuzz.random, segments.length);
    const segment = segments[at++ % segments.length];
    if (segment === undefined) throw new Error('no segments');
    return fuzz.captured(segment.segment, segment.first);
  });
}

/** Segments of the fixtures, with the first number of the way that each is on. */
function capturedSegments(): { segment: CapturedSegment; first: number }[] {
  const segments: { segment: CapturedSegment; first: number }[] = [];
  for (const name of readdirSync('pcaps').filter((file) => file.endsWith('.pcap'))) {
    const firsts = new Map<number, number>();
    for (const packet of readPackets(readFileSync(`pcaps/${name}`)).packets.slice(0, 200)) {
      const segment = parseSegment(packet);
      if (segment === null || segment.ipVersion !== 4) continue;
      const first = firsts.get(segment.sourcePort) ?? segment.seq;
      firsts.set(segment.sourcePort, first);
      segments.push({ segment, first });
    }
  }
  return segments;
}
