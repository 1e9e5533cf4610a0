import {
  formatIpv4,
  formatMac,
  type Ipv4Address,
  type MacAddress,
  parseCidr,
  parseIpv4,
  parseMac,
  readMac,
  writeMac,
} from '../../src/core/base/address.ts';
import { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import {
  type Device,
  type Flow,
  NO_OFFLOAD,
  type Offload,
  Protocol,
  type TransportError,
  type TransportHandler,
} from '../../src/core/base/ports.ts';
import { Xoshiro128 } from '../../src/core/base/random.ts';
import type { DropReason, SendReason } from '../../src/core/base/reasons.ts';
import { type Micros, SECOND } from '../../src/core/base/time.ts';
import { TimerQueue } from '../../src/core/base/timerQueue.ts';
import type { Tracer } from '../../src/core/base/tracer.ts';
import type { IpLimits } from '../../src/core/ip/config.ts';
import type { Interface } from '../../src/core/ip/interface.ts';
import { Ip } from '../../src/core/ip/ip.ts';

/** An address that a test writes down: a typing error fails the test. */
export function address(text: string): Ipv4Address {
  const parsed = parseIpv4(text);
  if (parsed === null) throw new Error(`not an address: ${text}`);
  return parsed;
}

export function mac(text: string): MacAddress {
  const parsed = parseMac(text);
  if (parsed === null) throw new Error(`not a MAC address: ${text}`);
  return parsed;
}

export const OUR_MAC = '02:00:00:00:00:02';
export const PEER_MAC = '02:00:00:00:00:01';
export const ROUTER_MAC = '02:00:00:00:00:fe';
export const ALL = 'ff:ff:ff:ff:ff:ff';
export const US = '10.0.0.2';
export const PEER = '10.0.0.1';
export const ROUTER = '10.0.0.254';
export const FAR = '192.0.2.7';

/** A device whose frames a test puts in and takes out. */
export class FakeDevice implements Device {
  readonly name = 'fake0';
  readonly macAddress = mac(OUR_MAC);
  mtu: number;
  offload: Offload = NO_OFFLOAD;
  writable = true;
  onReadable: (() => void) | null = null;
  onWritable: (() => void) | null = null;
  readonly inbox: Uint8Array[] = [];
  sent: Uint8Array[] = [];

  constructor(mtu: number) {
    this.mtu = mtu;
  }

  receive(packet: PacketBuffer): boolean {
    const frame = this.inbox.shift();
    if (frame === undefined) return false;
    packet.setFrame(frame);
    return true;
  }

  send(packet: PacketBuffer): boolean {
    if (!this.writable) return false;
    this.sent.push(packet.frame().slice());
    return true;
  }

  close(): void {}
}

/** A transport that notes what it is told and believes the errors it is told to believe. */
export class FakeTransport implements TransportHandler {
  readonly datagrams: { source: string; destination: string; octets: Uint8Array }[] = [];
  readonly errors: string[] = [];
  verdict: DropReason | null = null;
  errorVerdict: DropReason | null = null;

  datagramArrives(packet: PacketBuffer, source: Ipv4Address, destination: Ipv4Address) {
    const octets = packet.octets.slice(packet.transport, packet.end);
    this.datagrams.push({
      source: formatIpv4(source),
      destination: formatIpv4(destination),
      octets,
    });
    return this.verdict;
  }

  errorArrives(error: TransportError) {
    const from = `${formatIpv4(error.local)}:${error.localPort}`;
    const to = `${formatIpv4(error.remote)}:${error.remotePort}`;
    this.errors.push(`${error.kind} ${from}>${to} seq ${error.sequence} mtu ${error.mtu}`);
    return this.errorVerdict;
  }
}

/** Notes each verdict in words. */
class Notes implements Tracer {
  readonly received_: (DropReason | null)[] = [];
  readonly sent_: SendReason[] = [];
  readonly unsent_: DropReason[] = [];

  received(_packet: PacketBuffer, drop: DropReason | null): void {
    this.received_.push(drop);
  }
  sent(_packet: PacketBuffer, reason: SendReason): void {
    this.sent_.push(reason);
  }
  unsent(packet: PacketBuffer, drop: DropReason): void {
    if (packet.link > packet.network || packet.network > packet.transport) {
      throw new Error('offsets out of order');
    }
    this.unsent_.push(drop);
  }
  transition(): void {}
}

export interface HostOptions {
  readonly mtu?: number;
  readonly gateway?: string | null;
  readonly cidr?: string;
  readonly limits?: Partial<IpLimits>;
  readonly seed?: number;
}

/** One IP layer with a device, a TCP that is none, and a clock that the test moves. */
export class Host {
  now: Micros = 0;
  readonly timers = new TimerQueue();
  readonly notes = new Notes();
  readonly tcp = new FakeTransport();
  readonly device: FakeDevice;
  readonly ip: Ip;
  readonly iface: Interface;
  readonly #packet = new PacketBuffer(65535);

  constructor(options: HostOptions = {}) {
    this.device = new FakeDevice(options.mtu ?? 1500);
    this.ip = new Ip({
      random: new Xoshiro128(options.seed ?? 1),
      timers: this.timers,
      tracer: this.notes,
      limits: options.limits ?? {},
    });
    const cidr = parseCidr(options.cidr ?? `${US}/24`);
    if (cidr === null) throw new Error(`not a prefix: ${options.cidr}`);
    const gateway = options.gateway === undefined ? ROUTER : options.gateway;
    const router = gateway === null ? null : address(gateway);
    this.iface = this.ip.addInterface(this.device, cidr, router, this.now);
    this.ip.register(Protocol.TCP, this.tcp);
  }

  /** The announcements are over, the neighbours answered: nothing is in the way of a test. */
  static settled(options: HostOptions = {}): Host {
    const host = new Host(options);
    host.runTo(5 * SECOND);
    host.receives(arp({ from: PEER, mac: PEER_MAC, to: US }));
    host.receives(arp({ from: ROUTER, mac: ROUTER_MAC, to: US }));
    host.sends();
    return host;
  }

  /** A frame arrives. @returns its verdict */
  receives(frame: Uint8Array): DropReason | null {
    const before = this.notes.received_.length;
    this.device.inbox.push(frame);
    const taken = this.ip.receiveFrames(this.iface, 8, this.now);
    if (taken !== 1 || this.notes.received_.length !== before + 1) {
      throw new Error('not exactly one verdict');
    }
    return this.notes.received_[before] ?? null;
  }

  /** Time passes, each deadline on time. */
  runTo(end: Micros): void {
    while (this.timers.next() <= end) {
      this.now = Math.max(this.now, this.timers.next());
      this.timers.expire(this.now);
    }
    this.now = end;
  }

  /** What was sent since the last call, in words. */
  sends(): string[] {
    const sent = this.device.sent;
    this.device.sent = [];
    return sent.map(describe);
  }

  /** The same, as octets. */
  sentFrames(): Uint8Array[] {
    const sent = this.device.sent;
    this.device.sent = [];
    return sent;
  }

  flow(to = PEER): Flow {
    const flow = this.ip.openFlow(address(US), address(to), Protocol.TCP);
    if (flow === null) throw new Error(`no route to ${to}`);
    return flow;
  }

  /** A TCP segment of `length` octets goes out: ports 1000 and 80, SEG.SEQ 77. */
  sendSegment(flow: Flow, length = 20): void {
    const packet = this.#packet;
    packet.clear();
    packet.view.setUint16(packet.transport, 1000);
    packet.view.setUint16(packet.transport + 2, 80);
    packet.view.setUint32(packet.transport + 4, 77);
    packet.end = packet.transport + length;
    this.ip.send(packet, flow, 'data', this.now);
  }

  get neighbors(): string[] {
    const [iface] = this.ip.snapshot(this.now).interfaces;
    return (iface?.neighbors ?? []).map((n) => `${n.address} ${n.state} ${n.mac ?? '?'}`);
  }
}

interface ArpFields {
  readonly operation?: number;
  readonly from: string;
  readonly mac: string;
  readonly to: string;
  readonly toMac?: string;
  readonly frameTo?: string;
}

/** A frame with an ARP packet, a request unless told. */
export function arp(fields: ArpFields): Uint8Array {
  const frame = new Uint8Array(60);
  const view = new DataView(frame.buffer);
  writeMac(view, 0, mac(fields.frameTo ?? ALL));
  writeMac(view, 6, mac(fields.mac));
  view.setUint16(12, 0x0806);
  view.setUint32(14, 0x00010800);
  view.setUint16(18, 0x0604);
  view.setUint16(20, fields.operation ?? 1);
  writeMac(view, 22, mac(fields.mac));
  view.setUint32(28, address(fields.from));
  writeMac(view, 32, mac(fields.toMac ?? '00:00:00:00:00:00'));
  view.setUint32(38, address(fields.to));
  return frame;
}

export function arpReply(from: string, senderMac: string): Uint8Array {
  return arp({ operation: 2, from, mac: senderMac, to: US, toMac: OUR_MAC, frameTo: OUR_MAC });
}

interface DatagramFields {
  readonly source?: string;
  readonly destination?: string;
  readonly protocol?: number;
  readonly frameTo?: string;
  readonly id?: number;
  /** Of the fragment, in octets. */
  readonly offset?: number;
  readonly more?: boolean;
  readonly df?: boolean;
  readonly ttl?: number;
  readonly trafficClass?: number;
  readonly options?: readonly number[];
}

/** A frame with a datagram from the peer to us unless told. */
export function datagram(payload: Uint8Array, fields: DatagramFields = {}): Uint8Array {
  const options = fields.options ?? [];
  const headerLength = 20 + options.length;
  const frame = new Uint8Array(Math.max(60, 14 + headerLength + payload.length));
  const view = new DataView(frame.buffer);
  writeMac(view, 0, mac(fields.frameTo ?? OUR_MAC));
  writeMac(view, 6, mac(PEER_MAC));
  view.setUint16(12, 0x0800);
  view.setUint8(14, 0x40 | (headerLength / 4));
  view.setUint8(15, fields.trafficClass ?? 0);
  view.setUint16(16, headerLength + payload.length);
  view.setUint16(18, fields.id ?? 1);
  const flags = (fields.more ? 0x2000 : 0) | (fields.df ? 0x4000 : 0);
  view.setUint16(20, flags | ((fields.offset ?? 0) >>> 3));
  view.setUint8(22, fields.ttl ?? 64);
  view.setUint8(23, fields.protocol ?? Protocol.TCP);
  view.setUint32(26, address(fields.source ?? PEER));
  view.setUint32(30, address(fields.destination ?? US));
  frame.set(options, 34);
  frame.set(payload, 14 + headerLength);
  view.setUint16(24, checksum(frame.subarray(14, 14 + headerLength)));
  return frame;
}

/** An ICMP message with its checksum. */
export function icmp(type: number, code: number, rest: number, body = octets(0)): Uint8Array {
  const message = new Uint8Array(8 + body.length);
  const view = new DataView(message.buffer);
  view.setUint8(0, type);
  view.setUint8(1, code);
  view.setUint32(4, rest);
  message.set(body, 8);
  view.setUint16(2, checksum(message));
  return message;
}

/** An ICMP message in a frame. */
export function icmpFrame(message: Uint8Array, fields: DatagramFields = {}): Uint8Array {
  return datagram(message, { protocol: Protocol.ICMP, ...fields });
}

/** A UDP datagram without checksum. */
export function udp(length: number): Uint8Array {
  const message = new Uint8Array(8 + length);
  const view = new DataView(message.buffer);
  view.setUint16(0, 5000);
  view.setUint16(2, 53);
  view.setUint16(4, message.length);
  return message;
}

/** What an ICMP error quotes of a segment of ours. */
export function quoted(fields: DatagramFields & { readonly length?: number } = {}): Uint8Array {
  const segment = octets(fields.length ?? 20);
  const view = new DataView(segment.buffer);
  view.setUint16(0, 1000);
  view.setUint16(2, 80);
  view.setUint32(4, 77);
  const frame = datagram(segment, { source: US, destination: PEER, ...fields });
  return frame.subarray(14, 14 + 28);
}

/** Octets that count up. */
export function octets(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >>> 8)) & 0xff);
}

/** RFC 1071 in its plainest form. */
export function checksum(data: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < data.length; i += 2) sum += ((data[i] ?? 0) << 8) + (data[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

/** A frame in one line; a wrong checksum is said. */
export function describe(frame: Uint8Array): string {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const to = formatMac(readMac(view, 0));
  if (view.getUint16(12) === 0x0806) {
    const operation = view.getUint16(20) === 1 ? 'who-has' : 'is-at';
    const sender = formatIpv4(readIpv4(view, 28));
    return `arp ${operation} ${sender}>${formatIpv4(readIpv4(view, 38))} to ${to}`;
  }
  const header = frame.subarray(14, 34);
  const flags = view.getUint16(20);
  const parts = [
    `${formatIpv4(readIpv4(view, 26))}>${formatIpv4(readIpv4(view, 30))}`,
    `proto ${view.getUint8(23)}`,
    `len ${view.getUint16(16)}`,
  ];
  if (view.getUint8(15) !== 0) parts.push(`tc ${view.getUint8(15)}`);
  if ((flags & 0x4000) !== 0) parts.push('DF');
  if ((flags & 0x3fff) !== 0) {
    parts.push(`frag ${(flags & 0x1fff) * 8}${(flags & 0x2000) !== 0 ? '+' : ''}`);
  }
  if (view.getUint8(23) === Protocol.ICMP && (flags & 0x3fff) === 0) {
    parts.push(`icmp ${view.getUint8(34)}/${view.getUint8(35)}`);
    if (checksum(frame.subarray(34)) !== 0) parts.push('BAD ICMP CHECKSUM');
  }
  if (checksum(header) !== 0) parts.push('BAD CHECKSUM');
  if (frame.length !== 14 + view.getUint16(16)) parts.push('BAD LENGTH');
  return `${parts.join(' ')} to ${to}`;
}

function readIpv4(view: DataView, at: number): Ipv4Address {
  return view.getUint32(at) as Ipv4Address;
}
