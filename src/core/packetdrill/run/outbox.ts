import type { Micros } from '../../base/time.ts';
import type { CapturedSegment } from '../../capture/capturedSegment.ts';
import type { IcmpPacket, TcpPacket } from '../ast.ts';
import type { Host, SentDatagram } from '../host/host.ts';
import { icmpOf, segmentOf } from './actual.ts';
import type { Conversation } from './conversation.ts';

/** FIN, PSH and CWR may differ between segments that count as one. */
const MERGEABLE = ~(0x01 | 0x08 | 0x80);
const CWR = 0x80;
const SYN = 0x02;

/** What a host has sent, as one packet of the script. */
export interface TakenSegment {
  readonly at: Micros;
  readonly segment: CapturedSegment;
  readonly reason: string | null;
  /** Why the segments that were sent do not make the one that is expected; null: they do. */
  readonly problem: string | null;
}

/**
 * The next segment of the conversation, made of several where the script expects a longer one, as
 * a sender with segmentation offload would have sent it. Packets of other conversations are skipped.
 *
 * @param strict segments are never merged
 * @returns null: nothing was sent until `limit`
 */
export async function takeSegment(
  host: Host,
  conversation: Conversation,
  expected: TcpPacket,
  { limit, strict }: { readonly limit: Micros; readonly strict: boolean },
): Promise<TakenSegment | null> {
  let taken: TakenSegment | null = null;
  for (;;) {
    const next = await nextSegment(host, conversation, expected, limit);
    if (next === null) return taken;
    taken = taken === null ? next : merged(taken, next);
    if (strict || taken.problem !== null) return taken;
    if (taken.segment.length >= expected.seq.length || taken.segment.length === 0) return taken;
  }
}

async function nextSegment(
  host: Host,
  conversation: Conversation,
  expected: TcpPacket,
  limit: Micros,
): Promise<TakenSegment | null> {
  for (;;) {
    const datagram = await host.takeDatagram(limit);
    if (datagram === null) return null;
    const segment = segmentOf(datagram);
    if (segment === null || !belongs(segment, conversation, expected)) continue;
    return { at: datagram.at, segment, reason: datagram.reason, problem: null };
  }
}

/** Is it a segment of this conversation, or between the ports that the script names? */
function belongs(
  { sourcePort, destinationPort, flags }: CapturedSegment,
  conversation: Conversation,
  { ports }: TcpPacket,
): boolean {
  if (ports !== null && sourcePort === ports.source && destinationPort === ports.destination) {
    return true;
  }
  if (destinationPort !== conversation.remotePort) return false;
  if (conversation.localPort !== null) return sourcePort === conversation.localPort;
  if ((flags & SYN) === 0) return false;
  conversation.localPort = sourcePort;
  return true;
}

/** Sequence number and CWR of the first, everything else of the last. */
function merged(first: TakenSegment, next: TakenSegment): TakenSegment {
  const [one, two] = [first.segment, next.segment];
  const problem = whyNotOne(one, two, first.segment.options);
  const flags = (two.flags & ~CWR) | (one.flags & CWR);
  const text = new Uint8Array(one.length + two.length);
  text.set(one.text);
  text.set(two.text, one.length);
  const segment = { ...two, seq: one.seq, flags, length: one.length + two.length, text };
  return { at: next.at, segment, reason: next.reason, problem };
}

function whyNotOne(
  one: CapturedSegment,
  two: CapturedSegment,
  options: CapturedSegment['options'],
): string | null {
  if (two.length === 0) return 'a segment without text follows one that is too short';
  if (two.seq !== (one.seq + one.length) >>> 0) return 'the next segment does not continue it';
  if (two.ack !== one.ack) return 'the next segment has another ACK';
  if (two.window !== one.window) return 'the next segment has another window';
  if ((two.flags & MERGEABLE) !== (one.flags & MERGEABLE)) return 'the next one has other flags';
  const kinds = (of: CapturedSegment['options']): string => of.kinds.join(',');
  return kinds(two.options) === kinds(options) ? null : 'the next segment has other options';
}

/** The next ICMP message. @returns null: none was sent until `limit` */
export async function takeIcmp(
  host: Host,
  limit: Micros,
): Promise<{ readonly datagram: SentDatagram; readonly packet: IcmpPacket } | null> {
  for (;;) {
    const datagram = await host.takeDatagram(limit);
    if (datagram === null) return null;
    const packet = icmpOf(datagram);
    if (packet !== null) return { datagram, packet };
  }
}
