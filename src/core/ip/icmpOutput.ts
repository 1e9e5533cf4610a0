import type { Ipv4Address } from '../base/address.ts';
import { PacketBuffer } from '../base/packetBuffer.ts';
import { Protocol } from '../base/ports.ts';
import type { Micros } from '../base/time.ts';
import { IcmpHeader, IcmpType, writeIcmp } from '../wire/icmpv4.ts';
import type { Ipv4Header } from '../wire/ipv4.ts';
import { ICMP_ERROR_BURST, ICMP_ERROR_INTERVAL, MAX_FRAME, MAX_ICMP_ERROR } from './config.ts';
import type { IpOutput, Ipv4Flow } from './ipOutput.ts';
import type { Journal } from './journal.ts';

const IPV4_HEADER = 20;
const ICMP_HEADER = 8;

/** Precedence Internetwork Control, TOS bits zero, as Linux sends its errors. @rfc 1812 4.3.2.5 */
const ERROR_TRAFFIC_CLASS = 0xc0;

/** The kinds of ICMP error that a host sends, with type and code. @rfc 1122 3.2.2 */
export const HOST_ERRORS = {
  'protocol-unreachable': { type: IcmpType.UNREACHABLE, code: 2 },
  'port-unreachable': { type: IcmpType.UNREACHABLE, code: 3 },
  'reassembly-time-exceeded': { type: IcmpType.TIME_EXCEEDED, code: 1 },
} as const;

export type HostError = keyof typeof HOST_ERRORS;

/** Is it one of the messages about which no error is ever sent? @rfc 1122 3.2.2 */
export function isIcmpError(type: number): boolean {
  switch (type) {
    case IcmpType.UNREACHABLE:
    case IcmpType.SOURCE_QUENCH:
    case IcmpType.REDIRECT:
    case IcmpType.TIME_EXCEEDED:
    case IcmpType.PARAMETER_PROBLEM:
      return true;
    default:
      return false;
  }
}

/** What this host says by ICMP: echo replies, and errors about datagrams it could not deliver. */
export class IcmpOutput {
  readonly #output: IpOutput;
  readonly #journal: Journal;
  readonly #packet = new PacketBuffer(MAX_FRAME);
  readonly #icmp = new IcmpHeader();
  /** Time that is saved up for errors: each costs {@link ICMP_ERROR_INTERVAL}. */
  #credit: Micros = ICMP_ERROR_BURST * ICMP_ERROR_INTERVAL;
  #creditAt: Micros = 0;

  constructor(output: IpOutput, journal: Journal) {
    this.#output = output;
    this.#journal = journal;
  }

  /**
   * Answers an echo request with the same octets, identifier, sequence number and TOS, however
   * long it is.
   *
   * @param request the datagram, `transport` at the ICMP header
   * @rfc 1122 3.2.2.6
   */
  echoReply(request: PacketBuffer, ip: Ipv4Header, icmp: IcmpHeader, now: Micros): void {
    this.#write(IcmpType.ECHO_REPLY, 0, icmp.rest);
    this.#append(request, request.transport + ICMP_HEADER, request.end);
    this.#finish();
    const flow = this.#openFlow(ip.destination, ip.source, now);
    if (flow === null) return;
    flow.trafficClass = ip.trafficClass;
    this.#output.sendFragmentable(this.#packet, flow, 'echo-reply', now);
  }

  /**
   * Tells the source of a datagram that it was not delivered, from the address that it was sent to.
   * Never about an ICMP error or a fragment other than the first; that the datagram was for this
   * host alone and came from one other host, its caller has made sure.
   *
   * @param datagram the datagram with its header as it arrived, from `network` to `end`
   * @rfc 1122 3.2.2
   */
  error(kind: HostError, datagram: PacketBuffer, ip: Ipv4Header, now: Micros): void {
    if (ip.fragmentOffset !== 0) return;
    if (ip.protocol === Protocol.ICMP && isIcmpError(datagram.octets[datagram.transport] ?? 0)) {
      return;
    }
    const { type, code } = HOST_ERRORS[kind];
    this.#write(type, code, 0);
    const room = MAX_ICMP_ERROR - IPV4_HEADER - ICMP_HEADER;
    this.#append(datagram, datagram.network, Math.min(datagram.end, datagram.network + room));
    this.#finish();
    const flow = this.#openFlow(ip.destination, ip.source, now);
    if (flow === null) return;
    if (!this.#mayTell(now)) {
      this.#unsent('icmp-rate-limit', now);
      return;
    }
    flow.trafficClass = ERROR_TRAFFIC_CLASS;
    this.#output.sendFragmentable(this.#packet, flow, 'icmp-error', now);
  }

  #write(type: number, code: number, rest: number): void {
    this.#packet.clear();
    this.#packet.end = this.#packet.transport + ICMP_HEADER;
    this.#icmp.type = type;
    this.#icmp.code = code;
    this.#icmp.rest = rest;
  }

  #append(from: PacketBuffer, start: number, end: number): void {
    this.#packet.octets.set(from.octets.subarray(start, end), this.#packet.end);
    this.#packet.end += end - start;
  }

  #finish(): void {
    writeIcmp(this.#packet, this.#icmp);
  }

  #openFlow(source: Ipv4Address, destination: Ipv4Address, now: Micros): Ipv4Flow | null {
    const flow = this.#output.openFlow(source, destination, Protocol.ICMP);
    if (flow === null) this.#unsent('no-route', now);
    return flow;
  }

  #unsent(drop: 'no-route' | 'icmp-rate-limit', now: Micros): void {
    this.#journal.unsent(this.#packet, drop, now);
  }

  /** A token bucket over all errors. @rfc 1812 4.3.2.8 */
  #mayTell(now: Micros): boolean {
    const saved = this.#credit + Math.max(0, now - this.#creditAt);
    this.#credit = Math.min(saved, ICMP_ERROR_BURST * ICMP_ERROR_INTERVAL);
    this.#creditAt = now;
    if (this.#credit < ICMP_ERROR_INTERVAL) return false;
    this.#credit -= ICMP_ERROR_INTERVAL;
    return true;
  }
}
