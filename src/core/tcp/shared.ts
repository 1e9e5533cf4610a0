import { type Random, uniform } from '../base/random.ts';
import { type Micros, SECOND } from '../base/time.ts';
import { countTransition, TcpCounters } from './counters.ts';
import { FastOpenCache } from './fastOpenCache.ts';
import { DEFAULT_LIMITS, limit, NO_LIMIT, type StackLimits } from './limits.ts';
import type { State } from './states.ts';

/**
 * What all connections of a stack have in common: what was counted, and how much is held. Each TCB
 * has it; none has another one's TCB.
 *
 * What is true here: `memory` is the sum of what the TCBs were charged (`Tcb.charged`), `timeWaits` and
 * `orphans` count TCBs of that kind that are not CLOSED.
 */
export class Shared {
  readonly counters = new TcpCounters();
  readonly fastOpenCache = new FastOpenCache();
  limits: StackLimits = DEFAULT_LIMITS;
  /** Octets in all buffers. */
  memory = 0;
  /** Buffers do not grow now. */
  underPressure = false;
  timeWaits = 0;
  orphans = 0;
  /** null: nothing is left to chance. */
  readonly random: Random | null;
  /** The second that challenges are counted in, and how many more it may have. */
  #second = -1;
  #challengesLeft = 0;

  constructor(random: Random | null = null) {
    this.random = random;
  }

  /** @throws RangeError */
  configure(changes: Partial<StackLimits>): void {
    this.limits = limit(this.limits, changes);
  }

  onTransition(from: State, to: State): void {
    countTransition(this.counters, from, to);
    if (to === 'TIME-WAIT') this.timeWaits++;
    if (from === 'TIME-WAIT') this.timeWaits--;
  }

  /** A connection ends, or is in TIME-WAIT: if it was an orphan, it is none any more. */
  endOrphan(tcb: { orphan: boolean }): void {
    if (tcb.orphan) this.orphans--;
    tcb.orphan = false;
  }

  /** A connection holds so many octets more, or less. */
  charge(octets: number): void {
    const { memoryPressure, memoryLow } = this.limits;
    this.memory += octets;
    if (this.underPressure) {
      if (this.memory <= memoryLow) this.underPressure = false;
    } else if (this.memory > memoryPressure) {
      this.underPressure = true;
      this.counters.TCPMemoryPressures++;
    }
  }

  /** May `octets` more be held by a connection that is no exception? */
  hasRoom(octets: number): boolean {
    return this.memory + octets <= this.limits.memoryHigh;
  }

  /**
   * Takes one challenge ACK out of the budget of this second. The budget is a random one, half or up
   * to one and a half of the limit, so that nobody can count how many were sent to others.
   *
   * @returns false: it is used up
   * @rfc 5961 7
   */
  takeChallenge(now: Micros): boolean {
    const { challengeAcks } = this.limits;
    if (challengeAcks === NO_LIMIT) return true;
    const second = Math.floor(now / SECOND);
    if (second !== this.#second) {
      this.#second = second;
      const half = (challengeAcks + 1) >>> 1;
      const more = this.random === null ? half : uniform(this.random, Math.max(1, challengeAcks));
      this.#challengesLeft = half + more;
    }
    if (this.#challengesLeft <= 0) return false;
    this.#challengesLeft--;
    return true;
  }
}

/** What a passive connection asks of its listener. */
export interface AcceptGate {
  /** May it leave SYN-RECEIVED now? */
  readonly hasRoom: boolean;
  /** It does. */
  reserve(): void;
  /** Repetitions of its SYN-ACK, at most. @param most what is configured */
  synAckRetries(most: number): number;
  /** Its handshake, which Fast Open did not wait for, is over. @param reset by a RST, and it was accepted */
  onFastOpenEnd(reset: boolean, now: Micros): void;
}
