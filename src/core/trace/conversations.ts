/** From where the numbers of one direction, and of the other, are counted. */
export interface Bases {
  /** Of the sender: subtracted from SEG.SEQ. */
  readonly own: number;
  /** Of the receiver: subtracted from SEG.ACK and from the edges of SACK blocks. */
  readonly peer: number;
  /** The conversation begins with this segment, whose own numbers are therefore shown in full. */
  readonly begins: boolean;
}

/** One end of a conversation, as far as it matters here. */
export interface Endpoints {
  /** Address as text. */
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
}

interface Conversation {
  readonly low: number;
  readonly high: number;
}

const DEFAULT_LIMIT = 1024;

/**
 * The first sequence numbers of the conversations seen last, so that lines can count from there,
 * as tcpdump's do: a conversation begins with a SYN that has an ACK, or with the first segment
 * that has one.
 */
export class Conversations {
  readonly #limit: number;
  /** Least recently used first. */
  readonly #known = new Map<string, Conversation>();

  /** @param limit conversations that are remembered */
  constructor(limit = DEFAULT_LIMIT) {
    this.#limit = limit;
  }

  /** The bases for a segment with the ACK bit on. */
  basesOf(ends: Endpoints, seq: number, ack: number, syn: boolean): Bases {
    const from = `${ends.source} ${ends.sourcePort}`;
    const to = `${ends.destination} ${ends.destinationPort}`;
    const isLow = from < to;
    const key = isLow ? `${from}, ${to}` : `${to}, ${from}`;
    const known = syn ? undefined : this.#known.get(key);
    const own = seq;
    const peer = (ack - 1) >>> 0;
    const current = known ?? (isLow ? { low: own, high: peer } : { low: peer, high: own });
    this.#remember(key, current);
    const begins = known === undefined;
    return isLow
      ? { own: current.low, peer: current.high, begins }
      : { own: current.high, peer: current.low, begins };
  }

  #remember(key: string, conversation: Conversation): void {
    this.#known.delete(key);
    this.#known.set(key, conversation);
    if (this.#known.size <= this.#limit) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      return;
    }
  }
}
