import type { Seq } from '../../base/seq.ts';
import type { CapturedSegment } from '../../capture/capturedSegment.ts';
import type { CapturedIcmpError } from '../../capture/parseIcmpError.ts';
import type { Part } from '../../replay/part.ts';
import { isSameEnd } from '../../replay/recording.ts';
import { Flag } from '../../wire/tcp.ts';
import type { EcnCodepoint, IcmpPacket, IpInfo, ScriptTcpOption, TcpPacket } from '../ast.ts';
import { icmpNamesOf } from '../icmpNames.ts';
import { optionsOn } from '../run/actual.ts';
import { parseOptionOctets } from '../run/optionOctets.ts';

/**
 * Packets of a capture in the words and numbers of a script: both ends count from their own SYN,
 * which has the number 0.
 */

const NOWHERE = { line: 0, column: 0 } as const;
const NOTHING_SAID: IpInfo = {
  ecn: null,
  trafficClass: null,
  dscp: null,
  ttl: null,
  flowLabel: null,
};
const CODEPOINTS: readonly EcnCodepoint[] = ['noecn', 'ect1', 'ect0', 'ce'];

/** What of sent packets is expected, besides what is always. */
export interface Expectations {
  /** The window field. */
  readonly windows: boolean;
}

/** Numbers of the capture as the script counts them, and what is to be written of packets. */
export class CapturePackets {
  readonly #part: Part;
  readonly #expectations: Expectations;
  /** Some packet of the own end is ECN-capable, so the codepoint of each says something. */
  readonly #speaksEcn: boolean;

  constructor(part: Part, expectations: Expectations) {
    this.#part = part;
    this.#expectations = expectations;
    this.#speaksEcn = part.events.some(
      (event) => event.from === 'own' && (event.segment.trafficClass & 3) !== 0,
    );
  }

  /** A segment that the own end sent: the script expects it. */
  sent(segment: CapturedSegment): TcpPacket {
    const { iss, irs } = this.#part;
    const ecn = this.#speaksEcn ? (CODEPOINTS[segment.trafficClass & 3] ?? null) : null;
    return {
      ...packetOf(segment, iss, irs),
      direction: 'outbound',
      ip: { ...NOTHING_SAID, ecn },
      window: this.#expectations.windows ? segment.window : null,
    };
  }

  /** A segment that arrived: the script injects it. */
  received(segment: CapturedSegment): TcpPacket {
    const { iss, irs } = this.#part;
    const { trafficClass } = segment;
    const ecn = CODEPOINTS[trafficClass & 3] ?? null;
    const ip: IpInfo = {
      ...NOTHING_SAID,
      trafficClass: trafficClass > 3 ? trafficClass : null,
      ecn: trafficClass > 3 || trafficClass === 0 ? null : ecn,
    };
    return { ...packetOf(segment, irs, iss), direction: 'inbound', ip, window: segment.window };
  }

  /** An ICMP error about a segment of the own end; null: it is about another. */
  error(error: CapturedIcmpError): IcmpPacket | null {
    const { quoted, nextHopMtu } = error;
    const about = { address: quoted.source, port: quoted.sourcePort };
    if (!isSameEnd(about, this.#part.own)) return null;
    return {
      kind: 'icmp',
      position: NOWHERE,
      direction: 'inbound',
      ip: NOTHING_SAID,
      ...icmpNamesOf(error.type, error.code, error.ipVersion),
      mtu: nextHopMtu,
      id: null,
      // how long it was is not quoted
      echoed: {
        protocol: 'tcp',
        seq: { start: relative(quoted.seq, this.#part.iss), length: 0, isAbsolute: false },
      },
    };
  }
}

type Common = Omit<TcpPacket, 'direction' | 'ip' | 'window'>;

/** @param base ISS of the sender @param peerBase ISS of the receiver */
function packetOf(segment: CapturedSegment, base: Seq, peerBase: Seq): Common {
  const { flags, length, urgentPointer } = segment;
  const hasAck = (flags & Flag.ACK) !== 0;
  // without the ACK bit the field is not mapped, and is 0 if nothing is written
  const bare = segment.ack === 0 ? null : segment.ack;
  return {
    kind: 'tcp',
    position: NOWHERE,
    ports: null,
    flags,
    ace: null,
    seq: { start: relative(segment.seq, base), length, isAbsolute: false },
    ack: hasAck ? relative(segment.ack, peerBase) : bare,
    urgentPointer,
    options: optionsOf(segment, peerBase),
  };
}

function relative(number: number, base: Seq): number {
  return (number - base) >>> 0;
}

/** The options as the wire had them, padding included. */
function optionsOf(segment: CapturedSegment, peerBase: Seq): ScriptTcpOption[] {
  return parseOptionOctets(optionsOn(segment), {
    edge: (live) => relative(live, peerBase),
    echo: (live) => live,
  });
}
