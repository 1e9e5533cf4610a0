import type { ExecutionContext } from 'ava';
import {
  ANY_ADDRESS,
  type Ipv4Address,
  ipv4,
  type MacAddress,
} from '../../src/core/base/address.ts';
import { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import { type Device, NO_OFFLOAD, Protocol } from '../../src/core/base/ports.ts';
import { Xoshiro128 } from '../../src/core/base/random.ts';
import type { DropReason, SendReason } from '../../src/core/base/reasons.ts';
import { add, diff, type Seq, seq } from '../../src/core/base/seq.ts';
import { type Micros, SECOND } from '../../src/core/base/time.ts';
import type { Tracer } from '../../src/core/base/tracer.ts';
import { Stack } from '../../src/core/stack/stack.ts';
import type { TcpConfig } from '../../src/core/tcp/config.ts';
import type { Connection } from '../../src/core/tcp/connection.ts';
import { brokenInvariant } from '../../src/core/tcp/invariants.ts';
import type { Listener } from '../../src/core/tcp/listen/listener.ts';
import { Conversations } from '../../src/core/trace/conversations.ts';
import { formatDatagram, formatFrame } from '../../src/core/trace/line.ts';
import { ArpOperation, ArpPacket, parseArp, writeArp } from '../../src/core/wire/arp.ts';
import {
  EthernetHeader,
  EtherType,
  parseEthernet,
  writeEthernet,
} from '../../src/core/wire/ethernet.ts';
import { Ipv4Header, ipv4Template, parseIpv4, writeIpv4 } from '../../src/core/wire/ipv4.ts';
import { Flag, parseTcp, Segment, tcpHeaderLength, writeTcp } from '../../src/core/wire/tcp.ts';

export const US = ipv4(0x0a6b0002);
export const PEER = ipv4(0x0a6b0001);
const PEER_MAC = 0x0200000000aa as MacAddress;
const OUR_MAC = 0x0200000000bb as MacAddress;
export const OUR_PORT = 80;
export const PEER_PORT = 40_000;
/** Numbers of the peer begin just below the wrap. */
const IRS = seq(0xffff_fff0);
/** ... and so do ours: the start of the clock is chosen so that the ISN becomes this. */
const ISS = seq(0xffff_ff80);

/** Flags in tcpdump's letters. */
const LETTERS: Readonly<Record<string, number>> = {
  S: Flag.SYN,
  F: Flag.FIN,
  R: Flag.RST,
  P: Flag.PSH,
  '.': Flag.ACK,
  U: Flag.URG,
  E: Flag.ECE,
  W: Flag.CWR,
  A: Flag.AE,
};

/** Where a test names one of these reasons, it need not say how much text there is. */
const CARRY_TEXT: ReadonlySet<SendReason> = new Set<SendReason>([
  'data',
  'rto',
  'fast-retransmit',
  'rack-retransmission',
  'tail-loss-probe',
  'tail-loss-probe',
  'partial-ack',
  'limited-transmit',
  'loss-retransmission',
]);

/** A segment as a test writes it; numbers are relative: the first octet of text has number 1. */
export interface Written {
  readonly flags?: string;
  readonly seq?: number;
  readonly ack?: number;
  /** Octets of text. */
  readonly len?: number;
  /** Text itself, where it matters. */
  readonly text?: Uint8Array;
  readonly wnd?: number;
  readonly mss?: number;
  readonly windowShift?: number;
  readonly tsVal?: number;
  readonly tsEcr?: number;
  readonly up?: number;
  readonly sackPermitted?: boolean;
  /** ECN codepoint of the datagram; default: Not-ECT. */
  readonly ecn?: number;
  /** Blocks of the SACK option, a D-SACK first: left edge, and right edge excluded. */
  readonly sack?: readonly (readonly [number, number])[];
}

/** ... and what is compared of one that the stack sent. */
export interface Expected extends Written {
  readonly reason?: SendReason;
  /** When, relative to the moment of the last {@link Transcript.mark}. */
  readonly at?: Micros;
}

interface Sent {
  readonly segment: Segment;
  readonly text: Uint8Array;
  readonly reason: SendReason;
  readonly at: Micros;
  readonly line: string;
}

/** A device on which a test stands for the rest of the world. */
class ScriptedDevice implements Device {
  readonly name = 'scripted0';
  readonly mtu: number;
  readonly macAddress = OUR_MAC;
  readonly offload = NO_OFFLOAD;
  writable = true;
  onReadable: (() => void) | null = null;
  onWritable: (() => void) | null = null;
  readonly inbox: Uint8Array[] = [];

  constructor(mtu: number) {
    this.mtu = mtu;
  }

  receive(packet: PacketBuffer): boolean {
    const frame = this.inbox.shift();
    if (frame === undefined) return false;
    packet.setFrame(frame);
    return true;
  }

  send(): boolean {
    return this.writable;
  }

  close(): void {}
}

export interface TranscriptOptions {
  readonly config?: Partial<TcpConfig>;
  readonly mtu?: number;
  readonly backlog?: number;
  readonly seed?: number;
}

/**
 * One stack, and a test that plays its peer, segment by segment. What the stack sends must be
 * expected by {@link sends}, all of it and in order, before the next thing happens.
 */
export class Transcript implements Tracer {
  readonly t: ExecutionContext;
  readonly stack: Stack;
  readonly device: ScriptedDevice;
  now: Micros;
  listener: Listener<Connection> | null = null;
  connection: Connection | null = null;
  /** The verdict about each segment that was received last. */
  lastDrop: DropReason | null = null;
  readonly transitions: string[] = [];
  /** Everything so far, in tcpdump's notation. */
  readonly lines: string[] = [];
  localPort = OUR_PORT;
  remotePort = PEER_PORT;
  iss: Seq = ISS;
  irs: Seq = IRS;
  #sent: Sent[] = [];
  #mark: Micros;
  readonly #conversations = new Conversations();
  readonly #packet = new PacketBuffer(65_549);

  constructor(t: ExecutionContext, options: TranscriptOptions, start: Micros) {
    this.t = t;
    this.now = start;
    this.#mark = start;
    this.device = new ScriptedDevice(options.mtu ?? 1500);
    this.stack = new Stack({
      random: new Xoshiro128(options.seed ?? 7),
      tracer: this,
      config: { timestamps: false, windowScaling: false, ...options.config },
    });
    this.stack.addInterface(this.device, { address: US, prefixLength: 24 }, null, this.now);
    this.#tellOurMac();
    this.turn();
    this.#sent = [];
  }

  // ---- what happens -------------------------------------------------------------------------

  /** The peer sends a segment; the stack has one turn. */
  receives(written: Written): this {
    return this.receivesAll([written]);
  }

  /** The peer's segments arrive together: one turn for all. */
  receivesAll(all: readonly Written[]): this {
    this.nothing();
    for (const written of all) this.device.inbox.push(this.#frameOf(written));
    this.turn();
    return this;
  }

  /** A frame as it is, from its Ethernet header on. */
  receivesFrame(frame: Uint8Array): this {
    this.nothing();
    this.device.inbox.push(frame);
    this.turn();
    return this;
  }

  /** The user does something; the stack has one turn. */
  user(act: (connection: Connection, now: Micros) => void): this {
    this.nothing();
    act(this.established, this.now);
    this.turn();
    return this;
  }

  /** Time passes; what the stack sends meanwhile must be expected afterwards. */
  passes(time: Micros): this {
    this.nothing();
    const until = this.now + time;
    for (let next = this.stack.nextDeadline(); next <= until; next = this.stack.nextDeadline()) {
      this.now = Math.max(this.now, next);
      this.turn();
    }
    this.now = until;
    return this;
  }

  /** {@link Expected.at} counts from now on. */
  mark(): this {
    this.#mark = this.now;
    return this;
  }

  turn(): void {
    for (let i = 0; this.stack.turn(this.now) || this.device.inbox.length > 0; i++) {
      if (i > 1000) throw new Error('no end of turns');
    }
    for (const connection of this.stack.tcp.connections()) {
      const broken = brokenInvariant(connection.tcb);
      if (broken !== null) this.fail(`invariant: ${broken}`);
    }
  }

  // ---- what is expected ---------------------------------------------------------------------

  /** The next segment that the stack sent, exactly as far as it is written here. */
  sends(expected: Expected): this {
    const sent = this.#sent.shift();
    if (sent === undefined) return this.fail(`nothing was sent; expected ${inspect(expected)}`);
    const actual: Record<string, unknown> = {
      flags: lettersOf(sent.segment.flags),
      seq: diff(sent.segment.seq, this.iss),
      ack: sent.segment.has(Flag.ACK) ? diff(sent.segment.ack, this.irs) : undefined,
      len: sent.segment.textLength,
      wnd: sent.segment.wnd,
      mss: sent.segment.mss,
      windowShift: sent.segment.windowShift,
      tsVal: sent.segment.tsVal,
      tsEcr: sent.segment.tsEcr,
      up: sent.segment.up,
      sackPermitted: sent.segment.sackPermitted,
      ecn: sent.segment.ecn,
      sack: blocksOf(sent.segment, this.irs),
      reason: sent.reason,
      at: sent.at - this.#mark,
      text: sent.text,
    };
    const bare = expected.text === undefined && !CARRY_TEXT.has(expected.reason ?? 'ack-now');
    const whole = { ...(bare && { len: 0 }), ...expected };
    for (const [name, value] of Object.entries(whole)) {
      const equal =
        value instanceof Uint8Array
          ? Buffer.compare(value, sent.text) === 0
          : name === 'flags'
            ? sameLetters(String(value), String(actual[name]))
            : isSame(value, actual[name]);
      if (!equal) this.fail(`${name}: sent ${inspect(actual[name])}, expected ${inspect(value)}`);
    }
    this.t.pass();
    return this;
  }

  /** Nothing has been sent that was not expected. */
  nothing(): this {
    const [sent] = this.#sent;
    if (sent !== undefined) this.fail(`sent, and not expected: ${sent.line} (${sent.reason})`);
    return this;
  }

  /** The state of the connection, and nothing else was sent. */
  is(state: Connection['state']): this {
    this.nothing();
    if (this.established.state !== state) {
      this.fail(`the state is ${this.established.state}, expected ${state}`);
    }
    this.t.pass();
    return this;
  }

  /** Why the last segment received was dropped; null: it was not. */
  dropped(reason: DropReason | null): this {
    if (this.lastDrop !== reason) this.fail(`drop: ${this.lastDrop}, expected ${reason}`);
    this.t.pass();
    return this;
  }

  /** How many segments wait to be expected. */
  get unexpected(): number {
    return this.#sent.length;
  }

  /** Forgets what was sent. */
  skip(): this {
    this.#sent = [];
    return this;
  }

  fail(what: string): this {
    throw new Error(`${what}\n${this.lines.join('\n')}`);
  }

  get established(): Connection {
    if (this.connection === null) throw new Error('there is no connection');
    return this.connection;
  }

  /** Everything that the user can read now. */
  read(count = 1 << 20): Uint8Array {
    const octets = new Uint8Array(Math.min(count, this.established.readable));
    this.established.receive(octets);
    return octets;
  }

  // ---- Tracer -------------------------------------------------------------------------------

  sent(packet: PacketBuffer, reason: SendReason, now: Micros): void {
    const line = formatFrame(packet, this.#conversations);
    this.lines.push(`${stamp(now - this.#mark)} > ${line} — ${reason}`);
    if (reason === 'arp-request') this.#tellOurMac();
    if (packet.view.getUint16(packet.link + 12) !== EtherType.IPV4) return;
    const segment = new Segment();
    const copy = new PacketBuffer(65_549);
    copy.setFrame(packet.frame());
    const header = new Ipv4Header();
    const malformed =
      parseEthernet(copy, new EthernetHeader()) ??
      parseIpv4(copy, header) ??
      (header.protocol === Protocol.TCP
        ? parseTcp(copy, header.source, header.destination, segment, true)
        : 'ip-protocol-unknown');
    if (malformed !== null) return;
    const text = copy.octets.slice(segment.textStart, segment.textStart + segment.textLength);
    this.#sent.push({ segment, text, reason, at: now, line });
  }

  received(packet: PacketBuffer, drop: DropReason | null, now: Micros): void {
    if (packet.view.getUint16(packet.link + 12) === EtherType.ARP) return;
    this.lastDrop = drop;
    const line = formatFrame(packet, this.#conversations);
    this.lines.push(`${stamp(now - this.#mark)} < ${line} — ${drop ?? 'accepted'}`);
  }

  unsent(packet: PacketBuffer, drop: DropReason, now: Micros): void {
    this.lines.push(`${stamp(now - this.#mark)} ! ${formatDatagram(packet)} — ${drop}`);
  }

  transition(_connection: number, from: string, to: string, now: Micros): void {
    this.transitions.push(`${from} -> ${to}`);
    this.lines.push(`${stamp(now - this.#mark)}   ${from} -> ${to}`);
  }

  // -------------------------------------------------------------------------------------------

  /** The last segment that the stack sent, whole. For the handshake. */
  takeSent(): Segment {
    const sent = this.#sent.shift();
    if (sent === undefined) throw new Error(`nothing was sent\n${this.lines.join('\n')}`);
    return sent.segment;
  }

  #frameOf(written: Written): Uint8Array {
    const packet = this.#packet;
    packet.clear();
    const segment = new Segment();
    segment.sourcePort = this.remotePort;
    segment.destinationPort = this.localPort;
    segment.seq = add(this.irs, written.seq ?? 0);
    segment.flags = flagsOf(written.flags ?? '.');
    segment.ack = segment.has(Flag.ACK) ? add(this.iss, written.ack ?? 0) : seq(0);
    segment.wnd = written.wnd ?? 65_535;
    segment.mss = written.mss ?? 0;
    segment.windowShift = written.windowShift ?? -1;
    segment.up = written.up ?? 0;
    segment.sackPermitted = written.sackPermitted ?? false;
    for (const [left, right] of written.sack ?? []) {
      segment.sackLeft[segment.sackCount] = add(this.iss, left);
      segment.sackRight[segment.sackCount++] = add(this.iss, right);
    }
    if (written.tsVal !== undefined) {
      segment.hasTimestamps = true;
      segment.tsVal = written.tsVal;
      segment.tsEcr = written.tsEcr ?? 0;
    }
    const text = written.text ?? pattern(Math.max(0, (written.seq ?? 1) - 1), written.len ?? 0);
    segment.textLength = text.length;
    packet.octets.set(text, packet.transport + tcpHeaderLength(segment));
    writeTcp(packet, segment, PEER, US);
    writeIpv4(packet, ipv4Template(PEER, US, Protocol.TCP, 64, written.ecn ?? 0), 1);
    writeEthernet(packet, OUR_MAC, PEER_MAC, EtherType.IPV4);
    return packet.frame().slice();
  }

  /** A frame with any IPv4 payload from the peer. */
  datagram(protocol: number, payload: Uint8Array, source: Ipv4Address = PEER): Uint8Array {
    const packet = this.#packet;
    packet.clear();
    packet.octets.set(payload, packet.transport);
    packet.end = packet.transport + payload.length;
    writeIpv4(packet, ipv4Template(source, US, protocol, 64, 0), 1);
    writeEthernet(packet, OUR_MAC, PEER_MAC, EtherType.IPV4);
    return packet.frame().slice();
  }

  /** The frame of a segment, for tests that change some octets of it. */
  frame(written: Written): Uint8Array {
    return this.#frameOf(written);
  }

  #tellOurMac(): void {
    const packet = new PacketBuffer(128);
    const arp = new ArpPacket();
    arp.operation = ArpOperation.REQUEST;
    arp.senderMac = PEER_MAC;
    arp.senderIp = PEER;
    arp.targetIp = US;
    writeArp(packet, arp);
    writeEthernet(packet, OUR_MAC, PEER_MAC, EtherType.ARP);
    if (parseArp(packet, new ArpPacket()) !== null) throw new Error('ARP');
    this.device.inbox.push(packet.frame().slice());
  }
}

/** A listening stack on port 80. */
export function listening(t: ExecutionContext, options: TranscriptOptions = {}): Transcript {
  const isn = (start: Micros): Seq => {
    const probe = new Transcript(t, options, start);
    probe.stack.listen(ANY_ADDRESS, OUR_PORT, 1);
    probe.receives({ flags: 'S', mss: 1460 });
    return probe.takeSent().seq;
  };
  const c = new Transcript(t, options, startFor(isn));
  c.listener = c.stack.listen(ANY_ADDRESS, OUR_PORT, options.backlog ?? 8);
  return c;
}

/** A connection that the peer opened, with one MSS of 1460 and neither scaling nor timestamps. */
export function established(
  t: ExecutionContext,
  options: TranscriptOptions = {},
  syn: Written = {},
): Transcript {
  const c = listening(t, options);
  const mss = (options.mtu ?? 1500) - 40;
  const ts = syn.tsVal === undefined ? {} : { tsVal: syn.tsVal + 1 };
  c.receives({ flags: 'S', mss: 1460, ...syn }).sends({ flags: 'S.', seq: 0, ack: 1, mss });
  c.receives({ flags: '.', seq: 1, ack: 1, ...(syn.wnd !== undefined && { wnd: syn.wnd }), ...ts });
  c.nothing();
  c.connection = c.listener?.accept() ?? null;
  c.is('ESTABLISHED').mark();
  return c;
}

/** A connection that the user is opening: the SYN is sent. */
export function opening(t: ExecutionContext, options: TranscriptOptions = {}): Transcript {
  const open = (c: Transcript): Connection =>
    c.stack.connect(
      {
        remoteAddress: PEER,
        remotePort: PEER_PORT,
        localPort: OUR_PORT,
        ...(options.config && { config: options.config }),
      },
      c.now,
    );
  const isn = (start: Micros): Seq => {
    const probe = new Transcript(t, options, start);
    open(probe);
    probe.turn();
    return probe.takeSent().seq;
  };
  const c = new Transcript(t, options, startFor(isn));
  c.connection = open(c);
  c.turn();
  c.mark();
  return c;
}

/** The ISN is a clock of 4 µs and a hash: the start at which it becomes {@link ISS}. */
function startFor(isn: (start: Micros) => Seq): Micros {
  const start = 10 * SECOND;
  return start + ((ISS - isn(start)) >>> 0) * 4;
}

const PATTERN = Uint8Array.from({ length: 1 << 19 }, (_, n) => n * 31 + (n >>> 8));

/** Octets that a receiver can check: octet `n` of every stream is the same. */
export function pattern(from: number, count: number): Uint8Array {
  if (from + count > PATTERN.length)
    throw new RangeError(`the pattern has ${PATTERN.length} octets`);
  return PATTERN.subarray(from, from + Math.max(0, count));
}

function flagsOf(letters: string): number {
  let flags = 0;
  for (const letter of letters) flags |= LETTERS[letter] ?? 0;
  return flags;
}

function lettersOf(flags: number): string {
  return Object.entries(LETTERS)
    .filter(([, bit]) => (flags & bit) !== 0)
    .map(([letter]) => letter)
    .join('');
}

function sameLetters(a: string, b: string): boolean {
  return flagsOf(a) === flagsOf(b);
}

/** SACK blocks of a segment of ours, in numbers of the peer. */
function blocksOf(segment: Segment, irs: Seq): readonly (readonly [number, number])[] {
  const blocks: [number, number][] = [];
  for (let i = 0; i < segment.sackCount; i++) {
    const left = diff(seq(segment.sackLeft[i] ?? 0), irs);
    blocks.push([left, diff(seq(segment.sackRight[i] ?? 0), irs)]);
  }
  return blocks;
}

function isSame(a: unknown, b: unknown): boolean {
  return Array.isArray(a) ? JSON.stringify(a) === JSON.stringify(b) : a === b;
}

function inspect(value: unknown): string {
  return value instanceof Uint8Array ? `${value.length} octets` : JSON.stringify(value);
}

function stamp(time: Micros): string {
  return (time / SECOND).toFixed(6).padStart(12);
}
