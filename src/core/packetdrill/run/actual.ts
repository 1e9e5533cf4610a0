import type { CapturedSegment } from '../../capture/capturedSegment.ts';
import { LinkType } from '../../capture/networkLayer.ts';
import { parseSegment } from '../../capture/parseSegment.ts';
import type { EcnCodepoint, IcmpPacket, IpInfo, TcpPacket } from '../ast.ts';
import type { SentDatagram } from '../host/host.ts';
import { icmpNamesOf } from '../icmpNames.ts';
import type { Conversation } from './conversation.ts';
import { parseOptionOctets } from './optionOctets.ts';

/** What a host has sent, in the words and numbers of a script. */

const SYN = 2;
const ACK = 0x10;
const IPV4_HEADER = 20;
const TCP_HEADER = 20;
const IPV6_HEADER = 40;
const PROTOCOL_ICMP = 1;
const PROTOCOL_TCP = 6;
const NOWHERE = { line: 0, column: 0 } as const;
const CODEPOINTS: readonly EcnCodepoint[] = ['noecn', 'ect1', 'ect0', 'ce'];

/** The segment of a datagram; null: it is none. */
export function segmentOf({ octets, at }: SentDatagram): CapturedSegment | null {
  return parseSegment({
    number: 0,
    time: at,
    nanos: 0,
    linkType: LinkType.RAW,
    octets,
    originalLength: octets.length,
    comments: [],
  });
}

/**
 * The octets of the options of a segment, as its datagram has them: of a segment that was merged of
 * several, those of the last one. Empty behind extension headers of IPv6.
 */
export function optionsOn({ datagram, ipVersion }: CapturedSegment): Uint8Array {
  const view = new DataView(datagram.buffer, datagram.byteOffset, datagram.length);
  const isPlain = ipVersion === 4 || (datagram.length > 6 && view.getUint8(6) === PROTOCOL_TCP);
  const at = ipVersion === 4 ? (view.getUint8(0) & 15) * 4 : IPV6_HEADER;
  if (!isPlain || datagram.length < at + TCP_HEADER) return new Uint8Array(0);
  const length = (view.getUint8(at + 12) >>> 4) * 4;
  return datagram.subarray(at + TCP_HEADER, Math.max(at + TCP_HEADER, at + length));
}

/** What the IP header of a segment says. */
function ipOf({ trafficClass, ttl }: CapturedSegment): IpInfo {
  return {
    ecn: CODEPOINTS[trafficClass & 3] ?? null,
    trafficClass,
    dscp: trafficClass >>> 2,
    ttl,
    flowLabel: null,
  };
}

/** A segment that was sent, in the numbers of the script. */
export function packetOf(segment: CapturedSegment, conversation: Conversation): TcpPacket {
  const { flags } = segment;
  const isSyn = (flags & SYN) !== 0;
  return {
    kind: 'tcp',
    position: NOWHERE,
    direction: 'outbound',
    ip: ipOf(segment),
    ports: { source: segment.sourcePort, destination: segment.destinationPort },
    flags,
    ace: null,
    seq: {
      start: conversation.localToScript(segment.seq, isSyn),
      length: segment.length,
      isAbsolute: false,
    },
    ack: (flags & ACK) !== 0 ? conversation.remoteToScript(segment.ack, isSyn) : segment.ack,
    window: segment.window,
    urgentPointer: segment.urgentPointer,
    options: parseOptionOctets(optionsOn(segment), {
      edge: (live) => conversation.remoteToScript(live),
      echo: (live) => live,
    }),
  };
}

/** An ICMP message that was sent; null: it is none. */
export function icmpOf({ octets }: SentDatagram): IcmpPacket | null {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const isIcmp = octets.length >= IPV4_HEADER + 4 && view.getUint8(9) === PROTOCOL_ICMP;
  if (!isIcmp || view.getUint8(0) >>> 4 !== 4) return null;
  const at = (view.getUint8(0) & 15) * 4;
  if (octets.length < at + 4) return null;
  return {
    kind: 'icmp',
    position: NOWHERE,
    direction: 'outbound',
    ip: { ecn: null, trafficClass: null, dscp: null, ttl: null, flowLabel: null },
    ...icmpNamesOf(view.getUint8(at), view.getUint8(at + 1), 4),
    mtu: null,
    id: null,
    echoed: null,
  };
}
