import type { Duplex } from 'node:stream';
import { heartbeatCostPerHour } from './livenessCost.ts';
import { checkDelayMs, HOST_TIMERS, type Timers } from './netLike.ts';

/** Is a reply among these octets? It is called for every chunk, and may remember earlier ones. */
export type ReplyMatcher = (chunk: Uint8Array) => boolean;

/** What a {@link Heartbeat} is made with. */
export interface HeartbeatOptions {
  /** Time from one beat to the next, in milliseconds. */
  readonly intervalMs: number;
  /** How long a reply may take, in milliseconds; at most `intervalMs`. */
  readonly timeoutMs: number;
  /** Beats in a row without a reply that mean a dead peer. */
  readonly missed: number;
  /** What to send as the next beat, 1 octet at least: a message that the peer's program answers. */
  readonly payload: () => Uint8Array;
  /**
   * Finds replies in what arrives; the stream then flows from now on. Without it the user reads the
   * stream alone, and calls {@link Heartbeat.answered}.
   */
  readonly isReply?: ReplyMatcher;
  readonly timers?: Timers;
  /** The peer is dead. Called once; it is for the user to reset the connection, or not. */
  readonly onDead: () => void;
}

/**
 * Asks the program at the other end, again and again, whether it still answers.
 *
 * Keepalive asks the peer's TCP, which acknowledges as long as its host runs, whatever has become of
 * the program; and it does not ask at all while octets wait to be acknowledged. A heartbeat finds
 * out about both. A peer that stops answering is found dead after
 * `missed` * `intervalMs` + `timeoutMs` at most. It stops by itself when either side has ended.
 *
 * @throws RangeError for times and numbers that cannot be
 */
export function heartbeat(duplex: Duplex, options: HeartbeatOptions): Heartbeat {
  return new Heartbeat(duplex, options);
}

/** See {@link heartbeat}. */
export class Heartbeat {
  readonly #duplex: Duplex;
  readonly #options: HeartbeatOptions;
  readonly #timers: Timers;
  #state: 'running' | 'stopped' | 'dead' = 'running';
  /** For the next beat. */
  #nextBeat: unknown;
  /** For the reply to the last beat; null: it has come, or is given up. */
  #deadline: unknown = null;
  #beats = 0;
  #missed = 0;
  #payloadOctets = 0;
  #replyOctets = 0;

  constructor(duplex: Duplex, options: HeartbeatOptions) {
    const { intervalMs, timeoutMs, missed, isReply, timers = HOST_TIMERS } = options;
    checkDelayMs(intervalMs, 'intervalMs');
    checkDelayMs(timeoutMs, 'timeoutMs');
    if (timeoutMs > intervalMs) {
      throw new RangeError(
        `timeoutMs is ${timeoutMs}: more than intervalMs, which is ${intervalMs}`,
      );
    }
    if (!Number.isInteger(missed) || missed < 1) {
      throw new RangeError(`missed is ${missed}: it must be an integer from 1 on`);
    }
    this.#duplex = duplex;
    this.#options = options;
    this.#timers = timers;
    this.#nextBeat = timers.setTimeout(this.#beat, intervalMs);
    for (const event of ['end', 'finish', 'close']) duplex.on(event, this.#stop);
    if (isReply !== undefined) duplex.on('data', this.#onData);
  }

  /** Something arrived that only a working program sends. */
  answered(): void {
    this.#missed = 0;
    this.#forgive();
  }

  /** Sends no more, and gives its place on the stream back. */
  stop(): void {
    this.#stop();
  }

  get state(): 'running' | 'stopped' | 'dead' {
    return this.#state;
  }

  /** Beats that were sent. */
  get beats(): number {
    return this.#beats;
  }

  /** Beats without a reply since the last reply. */
  get missed(): number {
    return this.#missed;
  }

  /** Octets of IP per hour that this costs, both directions, by the sizes of the last beat and reply. */
  costPerHour({ timestamps = true }: { readonly timestamps?: boolean } = {}): number {
    return heartbeatCostPerHour({
      intervalMs: this.#options.intervalMs,
      payloadOctets: this.#payloadOctets,
      replyOctets: this.#replyOctets,
      timestamps,
    });
  }

  readonly #beat = (): void => {
    // With a timeout as long as the interval, which of the two comes first is chance.
    if (this.#deadline !== null) this.#onMissed();
    if (this.#state !== 'running') return;
    if (!this.#duplex.writable) {
      this.#stop();
      return;
    }
    const { intervalMs, timeoutMs, payload } = this.#options;
    const octets = payload();
    this.#beats++;
    this.#payloadOctets = octets.length;
    this.#deadline = this.#timers.setTimeout(this.#onMissed, timeoutMs);
    this.#nextBeat = this.#timers.setTimeout(this.#beat, intervalMs);
    this.#duplex.write(octets);
  };

  readonly #onMissed = (): void => {
    this.#forgive();
    if (this.#state !== 'running') return;
    this.#missed++;
    if (this.#missed < this.#options.missed) return;
    this.#stop();
    this.#state = 'dead';
    this.#options.onDead();
  };

  readonly #onData = (chunk: unknown): void => {
    if (!(chunk instanceof Uint8Array) || !this.#options.isReply?.(chunk)) return;
    this.#replyOctets = chunk.length;
    this.answered();
  };

  readonly #stop = (): void => {
    if (this.#state !== 'running') return;
    this.#state = 'stopped';
    this.#forgive();
    this.#timers.clearTimeout(this.#nextBeat);
    for (const event of ['end', 'finish', 'close']) this.#duplex.off(event, this.#stop);
    this.#duplex.off('data', this.#onData);
  };

  /** Waits for no reply any more. */
  #forgive(): void {
    if (this.#deadline !== null) this.#timers.clearTimeout(this.#deadline);
    this.#deadline = null;
  }
}

/** Finds a sequence of octets in a stream, also where it is cut into chunks. */
export function containing(pattern: Uint8Array): ReplyMatcher {
  const wanted = Buffer.from(pattern);
  let tail = Buffer.alloc(0);
  return (chunk) => {
    const octets = Buffer.concat([tail, chunk]);
    tail = Buffer.from(octets.subarray(Math.max(0, octets.length - wanted.length + 1)));
    return octets.includes(wanted);
  };
}
