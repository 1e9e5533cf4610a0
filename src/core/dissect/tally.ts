import type { Micros } from '../base/time.ts';
import { Flag } from '../wire/tcp.ts';
import type { WindowShift } from './acknowledgments.ts';
import type { Direction, RecordedConversation, RecordedEnd } from './conversations.ts';
import { other } from './conversations.ts';
import type { EndState } from './endStates.ts';
import type { Finding, FindingName } from './findings.ts';
import { FINDINGS } from './findings.ts';
import type { Flow, SeenSegment } from './flow.ts';
import type { RttSummary } from './rttSamples.ts';

/** How a conversation began, as recorded. */
export type Opening = 'not recorded' | 'unanswered' | 'refused' | 'simultaneous' | 'handshake';

/** How it ended: by both FINs, that of one end alone, a RST, or not at all. */
export type Ending = 'open' | 'half-closed' | 'closed' | 'reset';

/** One end of a conversation in its summary. */
export interface EndSummary extends RecordedEnd {
  readonly packets: number;
  /** Octets of text that it sent, those sent again included. */
  readonly octets: number;
  /** At the end of the capture. */
  readonly state: EndState;
  /** How long it took until what it sent was acknowledged. */
  readonly rtt: RttSummary | null;
  /** What its SYN announced; null: absent, or not seen. */
  readonly mss: number | null;
  readonly windowShift: number | null;
}

/** What can be said of a whole conversation. */
export interface ConversationSummary {
  readonly stream: number;
  /** Time of its first packet, and from there to the last one. */
  readonly start: Micros;
  readonly duration: Micros;
  readonly firstPacket: number;
  /** Who opened (or was seen first) comes first. */
  readonly ends: readonly [EndSummary, EndSummary];
  readonly opened: Opening;
  readonly ended: Ending;
  /** Who sent the first FIN, or the RST. */
  readonly endedBy: Direction | null;
  /** Options that both SYNs had. */
  readonly agreed: readonly ('window scale' | 'SACK' | 'timestamps' | 'ECN')[];
  /** How often each finding was made. */
  readonly findings: Readonly<Partial<Record<FindingName, number>>>;
}

/** What the SYN of an end announced. */
interface Announced {
  readonly mss: number | null;
  readonly windowShift: number | null;
  readonly sack: boolean;
  readonly timestamps: boolean;
  readonly ecn: boolean;
}

/** Counts what happens in one conversation. */
export class Tally {
  readonly #conversation: RecordedConversation;
  readonly #announced: [Announced | null, Announced | null] = [null, null];
  readonly #packets: [number, number] = [0, 0];
  readonly #octets: [number, number] = [0, 0];
  readonly #counts = new Map<FindingName, number>();
  #start: Micros | null = null;
  #last: Micros = 0;
  #firstPacket = 0;
  #lastSyn: Micros | null = null;
  #handshakeRtt: Micros | null = null;
  #synsAlone = 0;
  #resetBy: Direction | null = null;
  #wasRefused = false;
  #firstFin: Direction | null = null;

  constructor(conversation: RecordedConversation) {
    this.#conversation = conversation;
  }

  /** From the last SYN to the ACK that ended the handshake; null: not (yet) seen. */
  get handshakeRtt(): Micros | null {
    return this.#handshakeRtt;
  }

  /** The shift of the windows that an end announces; null: not known. @rfc 7323 2.2 */
  shiftOf(direction: Direction): WindowShift {
    const own = this.#announced[direction];
    const peer = this.#announced[other(direction)];
    if (own === null || peer === null) return null;
    if (own.windowShift === null || peer.windowShift === null) return 0;
    return Math.min(own.windowShift, 14);
  }

  add(s: SeenSegment, direction: Direction, findings: readonly Finding[]): void {
    this.#start ??= s.time;
    if (this.#firstPacket === 0) this.#firstPacket = s.number;
    this.#last = s.time;
    this.#packets[direction]++;
    this.#octets[direction] += s.length;
    for (const { name } of findings) this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1);
    if (s.isSyn) this.#addSyn(s, direction);
    else if (s.ack !== null && this.#lastSyn !== null) {
      this.#handshakeRtt ??= s.time - this.#lastSyn;
    }
    if (s.isFin) this.#firstFin ??= direction;
    const isReset = findings.some(({ name }) => name === 'reset');
    if (!isReset) return;
    this.#resetBy ??= direction;
    this.#wasRefused ||= this.#announced[direction] === null && this.#packets[direction] === 1;
  }

  summary(
    flows: readonly [Flow, Flow],
    states: readonly [EndState, EndState],
  ): ConversationSummary {
    const start = this.#start ?? 0;
    return {
      stream: this.#conversation.stream,
      start,
      duration: this.#last - start,
      firstPacket: this.#firstPacket,
      ends: [this.#end(0, flows, states), this.#end(1, flows, states)],
      opened: this.#opening(),
      ended: this.#ending(flows),
      endedBy: this.#resetBy ?? this.#firstFin,
      agreed: this.#agreed(),
      findings: this.#findings(),
    };
  }

  #addSyn(s: SeenSegment, direction: Direction): void {
    const { options } = s.segment;
    if (s.ack === null) {
      this.#lastSyn = s.time;
      if (this.#announced[direction] === null) this.#synsAlone++;
    }
    this.#announced[direction] = {
      mss: options.mss,
      windowShift: options.windowShift,
      sack: options.sackPermitted,
      timestamps: options.timestamps !== null,
      // of several SYNs the first may have been answered
      ecn: saysEcn(s) || this.#announced[direction]?.ecn === true,
    };
  }

  #end(
    direction: Direction,
    flows: readonly [Flow, Flow],
    states: readonly [EndState, EndState],
  ): EndSummary {
    return {
      ...this.#conversation.ends[direction],
      packets: this.#packets[direction],
      octets: this.#octets[direction],
      state: states[direction],
      rtt: flows[direction].rtts.summary(),
      mss: this.#announced[direction]?.mss ?? null,
      windowShift: this.#announced[direction]?.windowShift ?? null,
    };
  }

  #opening(): Opening {
    const [one, two] = this.#announced;
    if (one === null && two === null) return 'not recorded';
    if (this.#synsAlone === 2) return 'simultaneous';
    if (one !== null && two !== null) return 'handshake';
    if (this.#wasRefused) return 'refused';
    return this.#packets[0] === 0 || this.#packets[1] === 0 ? 'unanswered' : 'not recorded';
  }

  #ending([one, two]: readonly [Flow, Flow]): Ending {
    if (this.#resetBy !== null) return 'reset';
    if (one.finEnd !== null && two.finEnd !== null) return 'closed';
    return one.finEnd !== null || two.finEnd !== null ? 'half-closed' : 'open';
  }

  #agreed(): ConversationSummary['agreed'] {
    const [one, two] = this.#announced;
    if (one === null || two === null) return [];
    const agreed: ConversationSummary['agreed'][number][] = [];
    if (one.windowShift !== null && two.windowShift !== null) agreed.push('window scale');
    if (one.sack && two.sack) agreed.push('SACK');
    if (one.timestamps && two.timestamps) agreed.push('timestamps');
    if (one.ecn && two.ecn) agreed.push('ECN');
    return agreed;
  }

  #findings(): Partial<Record<FindingName, number>> {
    const names = Object.keys(FINDINGS).filter(isFindingName);
    const counted = names.filter((name) => this.#counts.has(name));
    return Object.fromEntries(counted.map((name) => [name, this.#counts.get(name) ?? 0]));
  }
}

/** A SYN asks by both bits, and a SYN-ACK answers by one. @rfc 3168 6.1.1 */
function saysEcn({ segment: { flags }, ack }: SeenSegment): boolean {
  const both = Flag.ECE | Flag.CWR;
  return (flags & both) === (ack === null ? both : Flag.ECE);
}

function isFindingName(name: string): name is FindingName {
  return name in FINDINGS;
}
