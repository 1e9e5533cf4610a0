import { add, le, lt, max, min, type Seq } from '../base/seq.ts';
import type { CapturedSegment } from '../capture/capturedSegment.ts';
import { findProbe, findRepeatedAck, findSack, findWindow } from './acknowledgments.ts';
import {
  ConversationTable,
  type Direction,
  other,
  type Placement,
  type RecordedEnd,
} from './conversations.ts';
import { EndFacts, type EndState, stateOf } from './endStates.ts';
import { type Finding, finding } from './findings.ts';
import { Flow, type RttSample, type SeenSegment, type SentOrder, seen } from './flow.ts';
import { classifyRepeat, isTimeout } from './repeats.ts';
import { explainReset, isBelieved } from './resets.ts';
import { type ConversationSummary, Tally } from './tally.ts';

/** What a segment is in its conversation. */
export interface Analysis {
  readonly placement: Placement;
  readonly findings: readonly Finding[];
  /** How long the acknowledgment of an earlier packet took; null: it gives no sample. @rfc 6298 3 */
  readonly rtt: RttSample | null;
  /** Octets in flight in its direction, of a segment with text; null: not known. */
  readonly inFlight: number | null;
  /** Of both ends after it, by {@link Direction}. */
  readonly states: readonly [EndState, EndState];
}

/** One conversation: what both ends have sent. */
class Tracked {
  readonly flows: readonly [Flow, Flow] = [new Flow(), new Flow()];
  readonly facts: readonly [EndFacts, EndFacts] = [new EndFacts(), new EndFacts()];
  readonly tally: Tally;
  /** By direction: text that went on after the FIN of the other end was noticed. */
  readonly wentOn: [boolean, boolean] = [false, false];

  constructor(placement: Placement) {
    this.tally = new Tally(placement.conversation);
  }

  states(): [EndState, EndState] {
    const { flows, facts } = this;
    return [
      stateOf(facts[0], flows[0], facts[1], flows[1]),
      stateOf(facts[1], flows[1], facts[0], flows[0]),
    ];
  }
}

/** What an {@link Analyser} may be told. */
export interface AnalyserOptions {
  /** Conversations that are known at the same time. */
  readonly limit?: number;
}

/**
 * Says of each segment of a capture what it is: sent again, out of order, a probe, and so on, by
 * what its conversation has shown before. It looks at no segment twice, so it serves captures of
 * any length; what it keeps of a conversation is bounded, and so is how many it knows.
 */
export class Analyser {
  /** Conversations that were forgotten because there were too many. */
  forgotten = 0;
  readonly #table: ConversationTable;
  readonly #tracked = new Map<number, Tracked>();

  constructor({ limit }: AnalyserOptions = {}) {
    this.#table = new ConversationTable({
      ...(limit !== undefined && { limit }),
      onForgotten: ({ stream }) => {
        this.#tracked.delete(stream);
        this.forgotten++;
      },
    });
  }

  /** Conversations that have begun, forgotten ones included. */
  get count(): number {
    return this.#table.count;
  }

  /** Number of the conversation between two sockets that was last; null: none is known. */
  streamOf(from: RecordedEnd, to: RecordedEnd): number | null {
    return this.#table.find(from, to)?.stream ?? null;
  }

  /** What can be said of each conversation that is known, in the order of their numbers. */
  conversations(): ConversationSummary[] {
    return [...this.#tracked.values()].map((t) => t.tally.summary(t.flows, t.states()));
  }

  /** The next segment of the capture. */
  add(segment: CapturedSegment): Analysis {
    const placement = this.#table.add(segment);
    const { stream } = placement.conversation;
    const tracked = this.#tracked.get(stream) ?? new Tracked(placement);
    this.#tracked.set(stream, tracked);
    const s = seen(segment);
    const findings = findAll(s, placement, tracked);
    const rtt = countIn(s, placement.direction, tracked, findings);
    const states = tracked.states();
    tracked.tally.add(s, placement.direction, findings);
    return {
      placement,
      findings,
      rtt,
      inFlight: inFlight(s, placement.direction, tracked),
      states,
    };
  }
}

/** All that the rules say, by what was known before the segment. */
function findAll(s: SeenSegment, placement: Placement, tracked: Tracked): Finding[] {
  const { direction, begins, conversation } = placement;
  const { flows, tally } = tracked;
  const from = flows[direction];
  const to = flows[other(direction)];
  const found: (Finding | null)[] = [];
  if (begins && conversation.isReuse) found.push(finding('port-reuse'));
  if (s.segment.checksum === 'bad') found.push(finding('bad-checksum'));
  const copyOf = from.originalOfCopy(s);
  if (copyOf !== null) {
    // nobody has sent it, so it means nothing
    const what = `the same datagram as packet ${copyOf}: duplicated on its way`;
    return [finding('duplicated', what, copyOf)];
  }
  if (s.isReset) {
    found.push(findReset(s, direction, tracked));
  } else {
    const probe = findProbe(s, from, to);
    if (probe === null)
      found.push(classifyRepeat(s, from, to, tally.handshakeRtt), findGap(s, from));
    found.push(probe, ...findWindow(s, from, to, tally.shiftOf(other(direction))));
    found.push(findRepeatedAck(s, from, to), findPaws(s, from));
    found.push(...findLateText(s, direction, tracked));
  }
  found.push(findUnseen(s, to), findNeedless(s, to));
  found.push(findSack(s, to, conversation.bases[other(direction)] ?? 0));
  return found.filter((f) => f !== null);
}

function findReset(s: SeenSegment, direction: Direction, tracked: Tracked): Finding {
  const { flows } = tracked;
  const states = tracked.states();
  return explainReset(s, {
    from: flows[direction],
    fromState: states[direction],
    to: flows[other(direction)],
    toState: states[other(direction)],
  });
}

/** Is there something between it and what was seen before? */
function findGap(s: SeenSegment, from: Flow): Finding | null {
  if (from.next === null || le(s.seq, from.next)) return null;
  const octets = (s.seq - from.next) >>> 0;
  const what = `${octets} octets between packet ${from.nextPacket} and this one are missing`;
  return finding('previous-segment-missing', what, from.nextPacket);
}

function findUnseen(s: SeenSegment, to: Flow): Finding | null {
  const { continuous } = to;
  if (s.ack === null || continuous === null || le(s.ack, continuous)) return null;
  if (to.ackedUnseen !== null && le(s.ack, to.ackedUnseen)) return null; // that was told before
  const octets = (s.ack - continuous) >>> 0;
  // the octet of a probe counts only when it has been taken
  if (to.probe?.name === 'zero-window-probe' && octets === 1) return null;
  return finding('acked-unseen', `of what it acknowledges, ${octets} octets were not captured`);
}

/** By its timestamp: did it arrive before it was sent again? @rfc 3522 3.2 */
function findNeedless(s: SeenSegment, to: Flow): Finding | null {
  if (s.ack === null || to.una === null || le(s.ack, to.una)) return null;
  const again = to.needlessBefore(to.una, s.ack, s.tsEcr);
  if (again === null) return null;
  const what = `the timestamp is that of the original: packet ${again} was not needed`;
  return finding('retransmission-not-needed', what, again);
}

/** @rfc 7323 5.2 */
function findPaws(s: SeenSegment, from: Flow): Finding | null {
  const { tsRecent } = from;
  if (s.tsVal === null || tsRecent === null || !lt(s.tsVal, tsRecent)) return null;
  const what = `the timestamp is ${(tsRecent - s.tsVal) >>> 0} older than in packet ${from.tsRecentPacket}`;
  return finding('paws', what, from.tsRecentPacket);
}

/** Text after a FIN: of the other end, or even of its own. */
function findLateText(s: SeenSegment, direction: Direction, tracked: Tracked): Finding[] {
  const from = tracked.flows[direction];
  const to = tracked.flows[other(direction)];
  if (s.length === 0) return [];
  if (from.finEnd !== null && lt(from.finEnd, s.end)) {
    return [finding('text-after-fin', undefined, from.finPacket)];
  }
  // text that was sent before its sender knew of the FIN does not count
  const isKnown = to.finEnd !== null && s.ack !== null && le(to.finEnd, s.ack);
  const isNew = from.next === null || lt(from.next, s.end);
  if (!isKnown || !isNew || tracked.wentOn[direction]) return [];
  return [
    finding('half-close', `text goes on after the FIN of packet ${to.finPacket}`, to.finPacket),
  ];
}

/** Everything that is to be remembered of the segment. @returns what its ACK measured */
function countIn(
  s: SeenSegment,
  direction: Direction,
  tracked: Tracked,
  findings: readonly Finding[],
): RttSample | null {
  const from = tracked.flows[direction];
  const to = tracked.flows[other(direction)];
  const facts = tracked.facts[direction];
  const names = new Set(findings.map(({ name }) => name));
  if (names.has('duplicated')) return null;
  from.remember(s);
  const statesBefore = tracked.states();
  facts.onSent(s, from, to);
  if (s.isReset) return countReset(s, direction, tracked, statesBefore);

  const isProbe = names.has('keep-alive') || names.has('zero-window-probe');
  if (names.has('retransmission') && isTimeout(s, from, to)) {
    from.timeoutEnd = from.next;
    from.timeoutPacket = s.number;
  }
  if (!isProbe) from.onSent(s, orderOf(names));
  if (s.isFin && from.finEnd === null) {
    from.finEnd = s.end;
    from.finPacket = s.number;
  }
  if (names.has('half-close')) tracked.wentOn[direction] = true;
  if (names.has('keep-alive')) from.probe = { name: 'keep-alive', packet: s.number };
  else if (names.has('zero-window-probe')) {
    from.probe = { name: 'zero-window-probe', packet: s.number };
  } else {
    // it answers; and text of its own is another question
    to.probe = null;
    if (s.end !== s.seq) from.probe = null;
  }
  const toState = statesBefore[other(direction)];
  from.isChallenged = s.isSyn && isOpen(toState);
  const rtt = s.ack === null ? null : countAck(s, s.ack, from, to, names);
  from.isWindowOfSyn = s.isSyn;
  from.window = s.segment.window;
  from.sackBlocks = s.segment.options.sackBlocks;
  countTimestamp(s, from, to);
  from.lastPacket = s.number;
  return rtt;
}

function orderOf(names: ReadonlySet<Finding['name']>): SentOrder {
  if (names.has('out-of-order')) return 'late';
  const isAgain =
    names.has('retransmission') ||
    names.has('fast-retransmission') ||
    names.has('spurious-retransmission');
  return isAgain ? 'again' : 'new';
}

function isOpen(state: EndState): boolean {
  return (
    state !== 'unknown' && state !== 'CLOSED' && state !== 'SYN-SENT' && state !== 'SYN-RECEIVED'
  );
}

function countReset(
  s: SeenSegment,
  direction: Direction,
  { flows, facts }: Tracked,
  states: readonly [EndState, EndState],
): RttSample | null {
  const from = flows[direction];
  const to = flows[other(direction)];
  const context = {
    from,
    fromState: states[direction],
    to,
    toState: states[other(direction)],
  };
  const believed = isBelieved(s, context);
  if (believed) facts[other(direction)].wasReset = true;
  facts[direction].wasReset = believed;
  from.isChallenged = !believed;
  from.lastPacket = s.number;
  // a refusal acknowledges the SYN
  const isRefusal = believed && context.toState === 'SYN-SENT' && s.ack !== null;
  return isRefusal ? to.onAcked(s.ack, s.time, s.tsEcr) : null;
}

function countAck(
  s: SeenSegment,
  ack: Seq,
  from: Flow,
  to: Flow,
  names: ReadonlySet<Finding['name']>,
): RttSample | null {
  const { window } = s.segment;
  if (window !== 0) to.hasFilledWindow = false;
  else if (from.window !== null && from.window !== 0 && ack !== from.lastAck) {
    to.hasFilledWindow = true;
  }
  if (ack !== from.lastAck) {
    from.lastAckPacket = s.number;
    from.duplicateAcks = 0;
  } else if (names.has('duplicate-ack')) from.duplicateAcks++;
  from.lastAck = ack;
  from.lastAckTime = s.time;
  const isTaken = to.next !== null && names.has('zero-window-probe-ack') && ack === add(to.next, 1);
  if (isTaken) to.onProbeTaken();
  if (names.has('acked-unseen')) to.ackedUnseen = ack;
  // it may acknowledge what was not captured, or what was never sent
  const known = to.next === null ? ack : min(ack, to.next);
  from.highestAck = from.highestAck === null ? known : max(from.highestAck, known);
  return to.onAcked(known, s.time, s.tsEcr);
}

/** TS.Recent of the receiver. @rfc 7323 4.3 */
function countTimestamp(s: SeenSegment, from: Flow, to: Flow): void {
  if (s.tsVal === null) return;
  const isOlder = from.tsRecent !== null && lt(s.tsVal, from.tsRecent);
  const isBeyond = to.lastAck !== null && lt(to.lastAck, s.seq);
  if (isOlder || isBeyond) return;
  if (from.tsRecent !== s.tsVal) from.tsRecentPacket = s.number;
  from.tsRecent = s.tsVal;
}

function inFlight(s: SeenSegment, direction: Direction, { flows }: Tracked): number | null {
  if (s.length === 0) return null;
  return flows[direction].inFlight();
}
