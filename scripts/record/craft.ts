import { parseIpv4 } from '../../src/core/base/address.ts';
import { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import { Protocol } from '../../src/core/base/ports.ts';
import {
  EthernetHeader,
  EtherType,
  parseEthernet,
  writeEthernet,
} from '../../src/core/wire/ethernet.ts';
import { IcmpHeader, IcmpType, writeIcmp } from '../../src/core/wire/icmpv4.ts';
import {
  Ipv4Header,
  ipv4Template,
  parseIpv4 as parseHeader,
  writeIpv4,
} from '../../src/core/wire/ipv4.ts';
import { parseTcp, Segment, tcpHeaderLength, writeTcp } from '../../src/core/wire/tcp.ts';

/** Frames that no end has sent, made of one that an end has. */

/** Codes of "destination unreachable". @rfc 792 */
export const UnreachableCode = { HOST: 1, FRAGMENTATION_NEEDED: 4 } as const;

const ROUTER = parseIpv4('10.107.0.254');
const MAX_FRAME = 2048;
const TTL = 64;
/** Octets of the quoted datagram in an ICMP error: its header and eight more. @rfc 792 */
const QUOTED = 28;
const IDENTIFICATION = 0x6c67;
const CONGESTION_EXPERIENCED = 3;

interface Parsed {
  readonly packet: PacketBuffer;
  readonly ethernet: EthernetHeader;
  readonly ip: Ipv4Header;
}

function parse(frame: Uint8Array): Parsed {
  const packet = new PacketBuffer(MAX_FRAME);
  packet.setFrame(frame);
  const ethernet = new EthernetHeader();
  const ip = new Ipv4Header();
  const wrong = parseEthernet(packet, ethernet) ?? parseHeader(packet, ip);
  if (wrong !== null) throw new Error(`no datagram to make another of: ${wrong}`);
  return { packet, ethernet, ip };
}

/** A segment like that of `frame`, which `change` may alter, with `text` instead of its own. */
export function altered(
  frame: Uint8Array,
  change: (segment: Segment) => void,
  text: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const { packet, ethernet, ip } = parse(frame);
  const segment = new Segment();
  const wrong = parseTcp(packet, ip.source, ip.destination, segment, false);
  if (wrong !== null) throw new Error(`no segment to make another of: ${wrong}`);
  change(segment);
  const out = new PacketBuffer(MAX_FRAME);
  out.octets.set(text, out.transport + tcpHeaderLength(segment));
  segment.textLength = text.length;
  writeTcp(out, segment, ip.source, ip.destination);
  const template = ipv4Template(ip.source, ip.destination, Protocol.TCP, TTL, 0);
  writeIpv4(out, template, IDENTIFICATION);
  writeEthernet(out, ethernet.destination, ethernet.source, EtherType.IPV4);
  return out.frame().slice();
}

/** What a router tells the sender of `frame`, which it cannot forward. @param rest its second word */
export function unreachable(frame: Uint8Array, code: number, rest = 0): Uint8Array {
  const { packet, ethernet, ip } = parse(frame);
  if (ROUTER === null) throw new Error('the router has no address');
  const out = new PacketBuffer(MAX_FRAME);
  const quoted = packet.octets.subarray(packet.network, packet.network + QUOTED);
  out.octets.set(quoted, out.transport + 8);
  out.end = out.transport + 8 + quoted.length;
  const icmp = new IcmpHeader();
  icmp.type = IcmpType.UNREACHABLE;
  icmp.code = code;
  icmp.rest = rest;
  writeIcmp(out, icmp);
  writeIpv4(out, ipv4Template(ROUTER, ip.source, Protocol.ICMP, TTL, 0), IDENTIFICATION);
  writeEthernet(out, ethernet.source, ethernet.destination, EtherType.IPV4);
  return out.frame().slice();
}

/** The same datagram, marked by a router whose queue grows. @rfc 3168 5 */
export function congestionMarked(frame: Uint8Array): Uint8Array {
  const { packet, ethernet, ip } = parse(frame);
  const flags = packet.view.getUint16(packet.network + 6);
  const { source, destination, protocol, ttl, identification } = ip;
  const marked = ip.trafficClass | CONGESTION_EXPERIENCED;
  const template = ipv4Template(source, destination, protocol, ttl, marked);
  writeIpv4(packet, template, identification, flags);
  writeEthernet(packet, ethernet.destination, ethernet.source, EtherType.IPV4);
  return packet.frame().slice();
}
