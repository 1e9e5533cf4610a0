import { add, diff, le, type Seq, seq } from '../base/seq.ts';
import { type Micros, MS, NEVER } from '../base/time.ts';
import type { CapturedSegment } from '../capture/capturedSegment.ts';
import type { CapturedIcmpError } from '../capture/parseIcmpError.ts';
import type { RecordedEnd } from '../dissect/conversations.ts';
import { lostOnTheWay } from './lost.ts';
import { endOf, hasAck, isReset, isSyn, lengthOf } from './numbers.ts';
import { isSameEnd, type Recorded, type Recording } from './recording.ts';
import type { EndName, Sidecar, SidecarEnd } from './sidecar.ts';

/**
 * A recording as one of its ends saw it: what that end sent, and what reached it, each at the time
 * at which this end did or saw it.
 *
 * Where the packets were captured elsewhere, they took a while from there to this end and back. The
 * time of a replay is that of the capture for what the peer sent; what this end sent is expected
 * earlier by the whole way there and back, so that every round trip has its true length.
 */
export interface Part {
  readonly own: RecordedEnd;
  readonly peer: RecordedEnd;
  /** Of the sidecar, if there is one. */
  readonly name: EndName | null;
  /** It sent the first SYN (or the handshake was not recorded, and it is taken for who did). */
  readonly opens: boolean;
  /** No SYN of either end is there: a handshake must be made up. */
  readonly isMidway: boolean;
  /** Its SYN-ACK is there, and the SYN that it answers is not: that must be made up. */
  readonly lacksSyn: boolean;
  readonly iss: Seq;
  /** The ISS of the peer. */
  readonly irs: Seq;
  /** From the place of the capture to this end and back. */
  readonly lag: Micros;
  /** Captured at this end: times are exact. */
  readonly isNear: boolean;
  readonly events: readonly PartEvent[];
}

export type PartEvent =
  /** This end sent it. */
  | { readonly from: 'own'; readonly at: Micros; readonly segment: CapturedSegment }
  /** It arrived here; or it did not, and is shown but not played. */
  | {
      readonly from: 'peer';
      readonly at: Micros;
      readonly segment: CapturedSegment;
      readonly isLost: boolean;
    }
  | { readonly from: 'network'; readonly at: Micros; readonly error: CapturedIcmpError };

/** Shorter ways than this are those between two namespaces of one machine. */
const LEAST_LAG: Micros = 1 * MS;

/** The recording, seen by one of its ends. */
export function takePart(recording: Recording, own: RecordedEnd, sidecar: Sidecar | null): Part {
  const [a, b] = recording.ends;
  const isFirst = isSameEnd(own, a);
  const peer = isFirst ? b : a;
  const name = nameOf(own, sidecar);
  const items = withCredibleChecksums(recording.items);
  const isOwn = (s: CapturedSegment): boolean =>
    s.source === own.address && s.sourcePort === own.port;
  const segments = items.flatMap((i) => (i.kind === 'segment' ? [i.segment] : []));
  const ownSyn = segments.find((s) => isOwn(s) && isSyn(s));
  const peerSyn = segments.find((s) => !isOwn(s) && isSyn(s));
  const isMidway = ownSyn === undefined && peerSyn === undefined;
  const lag = sidecar !== null && sidecar.capturedAt === name ? 0 : shortestAnswer(items, isOwn);
  const isNear = sidecar !== null ? sidecar.capturedAt === name : lag === 0;
  const lost = lostBefore(segments, isOwn, isNear);
  return {
    own,
    peer,
    name,
    opens: isMidway || opensBy(ownSyn, peerSyn),
    isMidway,
    lacksSyn: !isMidway && peerSyn === undefined && ownSyn !== undefined && hasAck(ownSyn),
    iss: issOf(ownSyn, peerSyn) ?? firstNumber(segments, isOwn),
    irs: issOf(peerSyn, ownSyn) ?? firstNumber(segments, (s) => !isOwn(s)),
    lag,
    isNear,
    events: eventsOf(items, isOwn, lag, lost),
  };
}

/** What never reached this end: nothing did, if it never said anything. */
function lostBefore(
  segments: readonly CapturedSegment[],
  isOwn: IsOwn,
  isNear: boolean,
): ReadonlySet<CapturedSegment> {
  if (!segments.some(isOwn)) return new Set(segments);
  return isNear ? new Set() : lostOnTheWay(segments, isOwn);
}

/** Its SYN asks, or is not there and was answered. */
function opensBy(own: CapturedSegment | undefined, peer: CapturedSegment | undefined): boolean {
  return own === undefined ? peer !== undefined && hasAck(peer) : !hasAck(own);
}

/** As its SYN says, or the SYN-ACK that answers it. */
function issOf(own: CapturedSegment | undefined, peer: CapturedSegment | undefined): Seq | null {
  if (own !== undefined) return seq(own.seq);
  return peer !== undefined && hasAck(peer) ? add(seq(peer.ack), -1) : null;
}

/** Which end of the sidecar is it? */
export function nameOf(end: RecordedEnd, sidecar: Sidecar | null): EndName | null {
  if (sidecar === null) return null;
  const { client, server } = sidecar.ends;
  if (isSameEnd(client, end)) return 'client';
  if (isSameEnd(server, end)) return 'server';
  // the port of a client may not have been known
  if (client.port === 0 && client.address === end.address) return 'client';
  return server.port === 0 && server.address === end.address ? 'server' : null;
}

/** What the sidecar says about the end that is played. */
export function sidecarEnd(part: Part, sidecar: Sidecar | null): SidecarEnd | null {
  return sidecar === null || part.name === null ? null : sidecar.ends[part.name];
}

/**
 * Where most checksums are wrong, something has changed the capture (offload, anonymized addresses),
 * and says nothing about the segments.
 */
function withCredibleChecksums(items: readonly Recorded[]): readonly Recorded[] {
  const known = items.flatMap((item) =>
    item.kind === 'segment' && item.segment.checksum !== 'unknown' ? [item.segment.checksum] : [],
  );
  if (known.filter((checksum) => checksum === 'bad').length * 2 <= known.length) return items;
  return items.map((item) =>
    item.kind === 'segment' ? { ...item, segment: { ...item.segment, checksum: 'unknown' } } : item,
  );
}

type IsOwn = (segment: CapturedSegment) => boolean;

/** Without a handshake, so many answers must agree. */
const LEAST_ANSWERS = 5;

/**
 * What this end acknowledges at once shows how long the way is from the capture to it and back: the
 * shortest time from something that occupies numbers to the acknowledgment of just that. In a
 * handshake it is at once; later ACKs may be delayed.
 */
function shortestAnswer(items: readonly Recorded[], isOwn: IsOwn): Micros {
  const asked = new Map<number, { readonly at: Micros; readonly isSyn: boolean }>();
  let shortest = NEVER;
  let answers = 0;
  for (const item of items) {
    if (item.kind !== 'segment') continue;
    const { segment, at } = item;
    if (!isOwn(segment)) {
      if (lengthOf(segment) > 0) asked.set(endOf(segment), { at, isSyn: isSyn(segment) });
      continue;
    }
    if (!hasAck(segment)) continue;
    const question = asked.get(segment.ack);
    asked.clear();
    if (question === undefined) continue;
    shortest = Math.min(shortest, at - question.at);
    answers += question.isSyn ? LEAST_ANSWERS : 1;
  }
  const isKnown = answers >= LEAST_ANSWERS && shortest >= LEAST_LAG;
  return isKnown ? Math.round(shortest) : 0;
}

/** One less than the first number that is known of one end, as if its SYN had been there. */
function firstNumber(segments: readonly CapturedSegment[], isFrom: IsOwn): Seq {
  let first: Seq | null = null;
  for (const segment of segments) {
    if (isReset(segment) && segment.seq === 0) continue;
    if (!isFrom(segment) && (!hasAck(segment) || first !== null)) continue;
    const number = seq(isFrom(segment) ? segment.seq : segment.ack);
    if (first === null || (le(number, first) && diff(first, number) < 1 << 30)) first = number;
  }
  return add(first ?? seq(1), -1);
}

function eventsOf(
  items: readonly Recorded[],
  isOwn: IsOwn,
  lag: Micros,
  lost: ReadonlySet<CapturedSegment>,
): PartEvent[] {
  const events = items.map((item): PartEvent => {
    if (item.kind === 'error') return { from: 'network', at: item.at, error: item.error };
    const { segment, at } = item;
    if (isOwn(segment)) return { from: 'own', at: at - lag, segment };
    return { from: 'peer', at, segment, isLost: lost.has(segment) };
  });
  return lag === 0 ? events : events.sort((x, y) => x.at - y.at);
}
