import { formatIpv4, formatMac, ipv4, readMac } from '../base/address.ts';
import type { PacketBuffer } from '../base/packetBuffer.ts';
import { Protocol } from '../base/ports.ts';
import type { Conversations } from './conversations.ts';
import { formatIcmp } from './icmpLine.ts';
import { formatIpv6Datagram } from './ipv6Line.ts';
import { behind, holds, type Layer } from './layer.ts';
import { type Between, formatTcp } from './tcpLine.ts';
import { formatUdp } from './udpLine.ts';

/**
 * Frames as lines in the notation of `tcpdump -n -t`. It reads the octets by itself rather than by
 * the codecs of `wire`: those stop at the first thing that is wrong, and here that is what a person
 * wants to see. No octets make it throw.
 *
 * Equal to tcpdump 4.99 are ARP requests and replies, all of TCP with the options of RFC 9293,
 * 2018, 7323, 7413 and 6994, UDP, the ICMP messages of RFC 792 and 4443 that IP and TCP use,
 * neighbour discovery, fragments, and IPv4 datagrams with impossible lengths. Different on
 * purpose: what a payload says is not decoded; an option of wrong length is shown as an unknown
 * one, and neither it nor an option that was cut off hides the length; MD5, user timeout, TCP-AO and MPTCP options are shown as octets; a routing
 * header of IPv6 by its name alone; what is neither ARP nor IP by its station addresses and type.
 */

const ETHERNET_HEADER_LENGTH = 14;
const IPV4_HEADER_LENGTH = 20;
const ARP_LENGTH = 28;
const ETHERTYPE_IPV4 = 0x0800;
const ETHERTYPE_ARP = 0x0806;
const ETHERTYPE_IPV6 = 0x86dd;

/**
 * The frame from `packet.link` to `packet.end` as a line.
 * @param conversations what sequence numbers are counted from; null: they are shown in full
 * @param wireLength octets that the frame had on the wire, where a capture kept fewer
 */
export function formatFrame(
  packet: PacketBuffer,
  conversations: Conversations | null = null,
  wireLength = packet.end - packet.link,
): string {
  const { view, link, end } = packet;
  const kept = Math.min(end, view.byteLength);
  return formatEthernet({ view, at: link, kept, end: link + wireLength }, conversations);
}

/** An Ethernet frame as a line. */
export function formatEthernet(frame: Layer, conversations: Conversations | null): string {
  const { view, at, end } = frame;
  if (!holds(frame, ETHERNET_HEADER_LENGTH)) return '[|ether]';
  const type = view.getUint16(at + 12);
  const text = formatNetwork(behind(frame, ETHERNET_HEADER_LENGTH), type, conversations);
  if (text !== null) return text;
  const macs = `${formatMac(readMac(view, at + 6))} > ${formatMac(readMac(view, at))}`;
  return `${macs}, ethertype 0x${type.toString(16).padStart(4, '0')}, length ${end - at}`;
}

/**
 * What a frame of any kind of link carries, as a line.
 * @param type of Ethernet
 * @returns null: neither ARP nor IP
 */
export function formatNetwork(
  layer: Layer,
  type: number,
  conversations: Conversations | null,
): string | null {
  switch (type) {
    case ETHERTYPE_IPV4:
      return formatIp(layer, conversations);
    case ETHERTYPE_IPV6:
      return formatIpv6Datagram(layer, conversations);
    case ETHERTYPE_ARP:
      return formatArp(layer);
    default:
      return null;
  }
}

/** The datagram from `packet.network` to `packet.end`, which has no link header yet, as a line. */
export function formatDatagram(
  packet: PacketBuffer,
  conversations: Conversations | null = null,
): string {
  const { view, network, end } = packet;
  return formatIp({ view, at: network, kept: Math.min(end, view.byteLength), end }, conversations);
}

function formatArp(layer: Layer): string {
  const { view, at } = layer;
  if (!holds(layer, ARP_LENGTH)) return 'ARP, [|arp]';
  const length = `length ${layer.end - at}`;
  if (view.getUint16(at + 2) !== ETHERTYPE_IPV4 || view.getUint16(at + 4) !== 0x0604) {
    return `ARP, not for Ethernet and IPv4, ${length}`;
  }
  const sender = formatIpv4(ipv4(view.getUint32(at + 14)));
  const target = formatIpv4(ipv4(view.getUint32(at + 24)));
  const operation = view.getUint16(at + 6);
  if (operation === 2) {
    return `ARP, Reply ${sender} is-at ${formatMac(readMac(view, at + 8))}, ${length}`;
  }
  if (operation !== 1) return `ARP, operation ${operation}, ${length}`;
  const targetMac = readMac(view, at + 18);
  const known = targetMac === 0 ? '' : ` (${formatMac(targetMac)})`;
  return `ARP, Request who-has ${target}${known} tell ${sender}, ${length}`;
}

function formatIp(layer: Layer, conversations: Conversations | null): string {
  const { view, at } = layer;
  if (!holds(layer, IPV4_HEADER_LENGTH)) return 'IP [|ip]';
  const version = view.getUint8(at) >>> 4;
  if (version !== 4) return `IP version ${version} (invalid), length ${layer.end - at}`;
  const headerLength = (view.getUint8(at) & 15) * 4;
  if (headerLength < IPV4_HEADER_LENGTH) return `IP bad-hlen ${headerLength}`;
  const total = view.getUint16(at + 2);
  if (total < headerLength) return `IP bad-len ${total}`;
  const end = at + total;
  const missing = end - layer.end;
  const truncated = missing > 0 ? `truncated-ip - ${missing} bytes missing! ` : '';
  const payload = { view, at: at + headerLength, kept: Math.min(layer.kept, end), end };
  return `IP ${truncated}${formatPayload(payload, at, conversations)}`;
}

/** @param header where the IPv4 header begins */
function formatPayload(
  payload: Layer,
  header: number,
  conversations: Conversations | null,
): string {
  const { view } = payload;
  const from = formatIpv4(ipv4(view.getUint32(header + 12)));
  const to = formatIpv4(ipv4(view.getUint32(header + 16)));
  const protocol = view.getUint8(header + 9);
  const fragmentOffset = view.getUint16(header + 6) & 0x1fff;
  if (fragmentOffset !== 0) return `${from} > ${to}: ip-proto-${protocol}`;
  const between: Between = { from, to };
  switch (protocol) {
    case Protocol.TCP:
      return formatTcp(payload, between, conversations);
    case Protocol.UDP:
      return formatUdp(payload, between);
    case Protocol.ICMP:
      return `${from} > ${to}: ${formatIcmp(payload)}`;
    default:
      return `${from} > ${to}: ip-proto-${protocol} ${payload.end - payload.at}`;
  }
}
