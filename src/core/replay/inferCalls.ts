import { type Micros, MS, NEVER } from '../base/time.ts';
import type { ProbeOctets } from '../tcp/config.ts';
import type { Guess } from './guess.ts';
import { inferOptions } from './inferOptions.ts';
import { inferReads } from './inferReads.ts';
import { AT_ONCE, type Inferred } from './inferred.ts';
import { inferWrites } from './inferWrites.ts';
import { hasAck, isFin, isReset, isSyn, lengthOf } from './numbers.ts';
import type { Part } from './part.ts';

/** What the application evidently did, and how its stack probes. */
export interface InferredApplication {
  /** In the order of time. */
  readonly calls: readonly Inferred[];
  readonly probeOctets: ProbeOctets;
}

/** Before a connection begins, its application has said what it wants. */
const BEFORE: Micros = 1 * MS;
const BACKLOG = 128;

/**
 * Reads off a recording what the application at one end did: how it opened, when it wrote and read,
 * and how it ended. @param mss octets of text in a full segment
 */
export function inferApplication(part: Part, mss: number, guess: Guess): InferredApplication {
  const openedAt = openingAt(part);
  if (openedAt === NEVER) return { calls: [], probeOctets: 0 };
  const options = inferOptions(part, mss);
  const writes = inferWrites(part, mss, guess.clockedWithin);
  const calls: Inferred[] = [
    ...options.calls.map((act) => ({ at: openedAt - BEFORE, act })),
    ...opening(part, openedAt),
    ...writes.calls,
    ...inferReads(part, guess.wakingTime),
    ...ending(part, writes.finAt, options.isProbedToDeath),
  ];
  return { calls: calls.sort((a, b) => a.at - b.at), probeOctets: options.probeOctets };
}

/** When it called connect or listen; {@link NEVER}: it did neither, and the peer was refused. */
function openingAt(part: Part): Micros {
  const first = part.events[0]?.at ?? 0;
  if (part.isMidway) return first - 2 * MS;
  const syn = part.events.find((e) => e.from === 'own' && isSyn(e.segment));
  if (!part.opens) return syn === undefined ? NEVER : first - (part.lacksSyn ? 2 : 1) * BEFORE;
  // the answer may have been captured in front of what it answers, or alone
  const answer = part.events.find((e) => e.from === 'peer' && isSyn(e.segment));
  const isAsked = syn !== undefined && syn.at <= (answer?.at ?? NEVER);
  return isAsked ? syn.at : (answer?.at ?? first) - BEFORE;
}

function opening(part: Part, at: Micros): Inferred[] {
  if (part.opens) return [{ at, act: { call: 'connect' } }];
  const answered = part.events.find(
    (e) => e.from === 'peer' && !isSyn(e.segment) && hasAck(e.segment) && !e.isLost,
  );
  const calls: Inferred[] = [{ at, act: { call: 'listen', backlog: BACKLOG } }];
  if (answered !== undefined) calls.push({ at: answered.at, act: { call: 'accept' } });
  return calls;
}

/**
 * A FIN is a shutdown of the send side, unless text that arrives later is answered by a RST: then
 * nobody was there to read it. A RST that nothing asked for, or with an ACK, is an abort.
 */
function ending(part: Part, finAt: Micros, isProbedToDeath: boolean): Inferred[] {
  let heardAt: Micros = -NEVER;
  let occupies = false;
  let finSent = false;
  for (const event of part.events) {
    if (event.from === 'peer') {
      heardAt = event.at;
      occupies = lengthOf(event.segment) > 0;
    }
    if (event.from !== 'own') continue;
    const { segment, at } = event;
    // one in an impossible place is none
    if (isFin(segment) && finAt !== NEVER) finSent = true;
    if (!isReset(segment)) continue;
    const isAnswer = occupies && at - heardAt <= AT_ONCE;
    if (finSent) return endingAfterFin(finAt, at, hasAck(segment), isAnswer);
    return isProbedToDeath || !hasAck(segment) ? shutdown(finAt) : abort(at);
  }
  return shutdown(finAt);
}

/** Only a socket that is there puts an ACK into its RST (Linux: tcp_send_active_reset). */
function endingAfterFin(
  finAt: Micros,
  resetAt: Micros,
  isActive: boolean,
  isAnswer: boolean,
): Inferred[] {
  if (isActive) return [...shutdown(finAt), ...abort(resetAt)];
  return isAnswer ? [{ at: finAt, act: { call: 'close' } }] : shutdown(finAt);
}

function abort(at: Micros): Inferred[] {
  return [
    { at, act: { call: 'setsockopt', option: 'SO_LINGER', value: 0 } },
    { at, act: { call: 'close' } },
  ];
}

function shutdown(at: Micros): Inferred[] {
  return at === NEVER ? [] : [{ at, act: { call: 'shutdown', how: 'write' } }];
}
