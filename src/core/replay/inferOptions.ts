import { diff, lt, max, type Seq, seq } from '../base/seq.ts';
import { type Micros, NEVER, SECOND } from '../base/time.ts';
import type { CapturedSegment } from '../capture/capturedSegment.ts';
import type { ProbeOctets } from '../tcp/config.ts';
import type { Act } from './inferred.ts';
import { endOf, hasAck, isFin, isReset, isSyn, lengthOf } from './numbers.ts';
import type { Part } from './part.ts';

/** Which socket options the application had set, as what was sent shows. */
export interface InferredOptions {
  readonly calls: readonly Act[];
  readonly probeOctets: ProbeOctets;
  /** The connection ended because its last probes were not answered. */
  readonly isProbedToDeath: boolean;
}

/** Probes come whole seconds apart, and the timer is late by an eighth at most. */
const LATE: Micros = 10_000;

/** @param mss octets of text in a full segment */
export function inferOptions(part: Part, mss: number): InferredOptions {
  const probes = new Probes(part);
  let small: Seq | null = null;
  let una = seq(part.iss);
  let noDelay = false;
  let sentTo = seq(part.iss + 1);
  for (const event of part.events) {
    if (event.from === 'network') continue;
    const { segment, at } = event;
    if (event.from === 'peer') {
      if (hasAck(segment) && lt(una, seq(segment.ack))) una = seq(segment.ack);
      probes.onReceived(segment, at);
      continue;
    }
    probes.onSent(segment, at);
    const isNew = lt(sentTo, endOf(segment)) && !lt(seq(segment.seq), sentTo);
    if (isNew && segment.length > 0 && segment.length % mss !== 0 && !isSyn(segment)) {
      // Nagle's rule, as Linux has it: one small segment in flight, no more
      if (small !== null && lt(una, small) && !isFin(segment)) noDelay = true;
      small = endOf(segment);
    }
    sentTo = max(sentTo, endOf(segment));
  }
  const calls: Act[] = probes.calls();
  if (noDelay) calls.push({ call: 'setsockopt', option: 'TCP_NODELAY', value: 1 });
  return { calls, probeOctets: probes.octets, isProbedToDeath: probes.endedByThem };
}

/** The keepalive probes of the end that is played. */
class Probes {
  octets: ProbeOctets = 0;
  endedByThem = false;
  #sentTo: Seq;
  #una: Seq;
  /** The number behind all that the peer has sent. */
  #peerTo: Seq;
  #window = 1;
  #isOpen: boolean;
  #heardAt: Micros = -NEVER;
  #lastProbeAt: Micros = -NEVER;
  #unanswered = 0;
  #idle: Micros = NEVER;
  #interval: Micros = NEVER;
  #count = 0;

  constructor(part: Part) {
    this.#sentTo = seq(part.iss + 1);
    this.#una = seq(part.iss + 1);
    this.#peerTo = seq(part.irs + 1);
    this.#isOpen = part.isMidway;
  }

  onReceived(segment: CapturedSegment, at: Micros): void {
    if (hasAck(segment) && lt(this.#una, seq(segment.ack))) this.#una = seq(segment.ack);
    this.#window = segment.window;
    // a probe of the peer's is no news of it: Linux counts idle time from text and from ACKs
    const isProbe = lt(seq(segment.seq), this.#peerTo) && segment.length <= 1 && !isFin(segment);
    this.#peerTo = max(this.#peerTo, endOf(segment));
    if (isProbe) return;
    this.#heardAt = at;
    this.#unanswered = 0;
  }

  onSent(segment: CapturedSegment, at: Micros): void {
    if (isReset(segment)) {
      this.endedByThem = this.#unanswered > 0;
      if (this.endedByThem) this.#count = this.#unanswered;
      return;
    }
    if (this.#isProbe(segment)) this.#onProbe(segment, at);
    if (hasAck(segment)) this.#isOpen = true;
    if (lengthOf(segment) > 1 || isSyn(segment)) this.#sentTo = max(this.#sentTo, endOf(segment));
    else if (!this.#isProbe(segment)) this.#sentTo = max(this.#sentTo, endOf(segment));
  }

  calls(): Act[] {
    if (this.#idle === NEVER) return [];
    const calls: Act[] = [
      { call: 'setsockopt', option: 'SO_KEEPALIVE', value: 1 },
      { call: 'setsockopt', option: 'TCP_KEEPIDLE', value: asSeconds(this.#idle) },
    ];
    if (this.#interval !== NEVER) {
      const value = asSeconds(this.#interval);
      calls.push({ call: 'setsockopt', option: 'TCP_KEEPINTVL', value });
    }
    if (this.#count > 0) {
      calls.push({ call: 'setsockopt', option: 'TCP_KEEPCNT', value: this.#count });
    }
    return calls;
  }

  /** An old number, and nothing in flight; at a closed window it is a probe of that. */
  #isProbe(segment: CapturedSegment): boolean {
    const isOld = diff(seq(segment.seq), this.#sentTo) === -1 && this.#una === this.#sentTo;
    return this.#isOpen && isOld && segment.length <= 1 && !isFin(segment) && this.#window > 0;
  }

  #onProbe(segment: CapturedSegment, at: Micros): void {
    if (segment.length === 1) this.octets = 1;
    if (this.#unanswered === 0) this.#idle = Math.min(this.#idle, at - this.#heardAt);
    // the next look is after an interval in any case, so probes that are answered bound it as well
    this.#interval = Math.min(this.#interval, at - this.#lastProbeAt);
    this.#unanswered++;
    this.#lastProbeAt = at;
  }
}

/** Whole seconds, where there is at least one. */
function asSeconds(time: Micros): number {
  const seconds = Math.floor((time + LATE) / SECOND);
  return seconds >= 1 ? seconds : Math.round(time / 1000) / 1000;
}
