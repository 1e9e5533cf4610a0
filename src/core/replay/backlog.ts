import { type Micros, MS } from '../base/time.ts';
import { endOf, hasAck, isReset, isSyn } from './numbers.ts';
import type { PartEvent } from './part.ts';

/**
 * What arrives while the application is in a call on the socket waits in a backlog, and is answered
 * by one ACK when the call lets go (Linux: tcp_add_to_backlog, net.ipv4.tcp_backlog_ack_defer). When
 * that was so depends on the scheduler alone, and a capture shows it: segments close to each other,
 * none of them answered, and then, later than an answer usually comes, one ACK of all.
 */

/** Segments of one backlog follow each other within this. */
const CLOSE: Micros = 500;
/** An answer within this came from the interrupt that brought the segment, not out of a backlog. */
const INTERRUPT: Micros = 30;
/** No call holds a socket longer. */
const LONGEST: Micros = 5 * MS;

/**
 * For each event the index of the last one that came out of the backlog with it: its own, if it was
 * dealt with when it arrived.
 */
export function backlogs(events: readonly PartEvent[]): Int32Array {
  const lasts = new Int32Array(events.length);
  for (let i = 0; i < events.length; ) {
    const last = lastOfBacklog(events, i);
    lasts.fill(last, i, last + 1);
    i = last + 1;
  }
  return lasts;
}

function lastOfBacklog(events: readonly PartEvent[], first: number): number {
  let last = first;
  for (let next = events[first + 1]; next !== undefined; next = events[last + 1]) {
    const current = events[last];
    if (current === undefined || !mayWait(current) || !mayWait(next)) break;
    if (next.at - current.at > CLOSE) break;
    last++;
  }
  return last > first && isAnsweredAtOnce(events, last) ? last : first;
}

/** Text in a synchronized connection. */
function mayWait(event: PartEvent): boolean {
  if (event.from !== 'peer' || event.isLost) return false;
  const { segment } = event;
  return segment.length > 0 && !isSyn(segment) && !isReset(segment);
}

/** Is the next thing that this end says an ACK of all, and later than an interrupt would say it? */
function isAnsweredAtOnce(events: readonly PartEvent[], last: number): boolean {
  const arrived = events[last];
  const answer = events[last + 1];
  if (arrived?.from !== 'peer' || answer?.from !== 'own') return false;
  const { segment, at } = answer;
  const delay = at - arrived.at;
  if (delay < INTERRUPT || delay > LONGEST) return false;
  return hasAck(segment) && segment.ack === endOf(arrived.segment);
}
