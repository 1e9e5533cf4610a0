import { add, type Seq, seq } from '../../base/seq.ts';

/** How far a TS value may be from what the script says, in microseconds. */
export interface TimestampRule {
  /** Microseconds of a tick of TSval; 0: it is not compared. */
  readonly tick: number;
  readonly tolerance: number;
}

/**
 * The connection that a script speaks of, and what its numbers mean on the wire: the script counts
 * from the initial numbers that it writes, a host from those that it chose.
 */
export class Conversation {
  /** null: not known before the first SYN is sent. */
  localPort: number | null;
  readonly remotePort: number;
  /** The host's initial number, and what the script writes for it; null: not seen yet. */
  #localIsn: Seq | null = null;
  #scriptIsn = 0;
  /** Of the script's SYN, which is used as it is. */
  #remoteIsn: Seq | null = null;
  /** TSval on the wire, by the value that the script writes for it. */
  readonly #timestamps = new Map<number, number>();
  #timestampOffset: number | null = null;

  constructor(localPort: number | null, remotePort: number) {
    this.localPort = localPort;
    this.remotePort = remotePort;
  }

  /** The script sends a SYN: the last one counts that was sent before the host's own was seen. */
  onRemoteSyn(number: number): void {
    if (this.#remoteIsn === null || this.#localIsn === null) this.#remoteIsn = seq(number);
  }

  /** The host's first SYN was seen, where the script expects one with this number. */
  onLocalSyn(live: number, script: number): void {
    if (this.#localIsn !== null) return;
    this.#localIsn = seq(live);
    this.#scriptIsn = script;
  }

  // ---- from the script to the wire ----------------------------------------------------------

  /** A number of the remote end. */
  remoteToLive(number: number, isSyn: boolean): Seq {
    return isSyn ? seq(number) : add(this.#remoteIsn ?? seq(0), number);
  }

  /** A number of the host: an acknowledgment, a SACK edge, what an ICMP error quotes. */
  localToLive(number: number): Seq {
    return add(this.#localIsn ?? seq(0), number);
  }

  /** TSecr that stands for what the script writes; null: the host has sent no such TSval. */
  echoToLive(script: number, mayScale: boolean): number | null {
    const live = this.#timestamps.get(script);
    if (live !== undefined) return live;
    if (!mayScale || this.#timestampOffset === null) return null;
    return (script + this.#timestampOffset) >>> 0;
  }

  // ---- from the wire to the script ----------------------------------------------------------

  localToScript(live: number, isSyn: boolean): number {
    const relative = (live - (this.#localIsn ?? 0)) >>> 0;
    return isSyn ? (relative + this.#scriptIsn) >>> 0 : relative;
  }

  /** What the host acknowledges: with its SYN in the numbers of the wire, as those of SYNs are. */
  remoteToScript(live: number, isSyn = false): number {
    return isSyn ? live >>> 0 : (live - (this.#remoteIsn ?? 0)) >>> 0;
  }

  /** TSval as the script would write it; null: nothing is known of it yet. */
  timestampToScript(live: number): number | null {
    return this.#timestampOffset === null ? null : (live - this.#timestampOffset) >>> 0;
  }

  /** Is it what the script says, as far as that is compared? */
  isTimestampRight(live: number, script: number, { tick, tolerance }: TimestampRule): boolean {
    const own = this.timestampToScript(live);
    if (own === null || tick === 0) return true;
    return Math.abs((own - script) | 0) * tick <= tolerance;
  }

  /** A segment with this TSval was what the script expected. */
  onTimestamp(script: number, live: number): void {
    this.#timestamps.set(script, live);
    this.#timestampOffset ??= (live - script) >>> 0;
  }
}
