import type { Ipv4Address } from '../../base/address.ts';
import type { DropReason } from '../../base/reasons.ts';
import { type Micros, NEVER, SECOND } from '../../base/time.ts';
import { Flag, type Segment } from '../../wire/tcp.ts';
import type { TcpConfig } from '../config.ts';
import type { AcceptGate } from '../tcb.ts';

/** Half-open connections that are never too many to let each take its time. */
const LEAST_PRUNED = 8;

/** How long a connection that was reset counts as a pending one (Linux: reqsk_fastopen_remove). */
const RESET_PENALTY: Micros = 60 * SECOND;

/** A connection, as far as a listener knows it: who holds it until it is accepted. */
export interface Acceptable {
  listener: unknown;
}

/**
 * A passive OPEN without a foreign socket: it decides which SYN becomes a half-open connection, and
 * holds those that are open until the user takes them.
 *
 * @rfc 9293 3.9.1.1, 3.10.7.2
 */
export class Listener<C extends Acceptable> implements AcceptGate {
  /** 0.0.0.0: any address of ours. */
  readonly address: Ipv4Address;
  readonly port: number;
  /** Most connections that wait to be accepted, and most that are half open. */
  readonly backlog: number;
  /** For the connections to come; may be replaced. */
  config: TcpConfig;
  /** Connections in SYN-RECEIVED, and those of them whose SYN-ACK was sent once. Kept by the stack. */
  halfOpen = 0;
  young = 0;
  /** Connections that the user has, or may take, before the ACK of their SYN-ACK. Kept by the stack. */
  fastOpens = 0;
  /** Until when those of them count that ended with a RST, the oldest first. @rfc 7413 5.1 */
  readonly fastOpenResets: Micros[] = [];
  /** When a SYN was last answered with a cookie. Kept by the stack. */
  cookieAt: Micros = -NEVER;
  /** Told that {@link accept} has something to give. */
  onAcceptable: (() => void) | null = null;
  #pending: C[] = [];
  /** Open, and not yet among the pending ones: the turn is not over. */
  #reserved = 0;
  #closed = false;

  constructor(address: Ipv4Address, port: number, backlog: number, config: TcpConfig) {
    this.address = address;
    this.port = port;
    this.backlog = backlog;
    this.config = config;
  }

  /** May one more connection become open? */
  get hasRoom(): boolean {
    return this.#pending.length + this.#reserved < this.backlog;
  }

  /** One more is open: {@link enqueue} follows at the end of the turn. */
  reserve(): void {
    this.#reserved++;
  }

  /**
   * Repetitions of a SYN-ACK after which a half-open connection is given up. Half of the room is for
   * young ones: the fuller it is of old ones, the sooner these go (Linux: reqsk_timer_handler).
   */
  synAckRetries(most: number): number {
    if (2 * this.halfOpen <= Math.max(LEAST_PRUNED, this.backlog)) return most;
    let left = most;
    for (let young = 2 * this.young; left > 2 && this.halfOpen >= young; young *= 2) left--;
    return left;
  }

  /** Has {@link accept} something to give? */
  get isAcceptable(): boolean {
    return this.#pending.length > 0;
  }

  /**
   * May one more be opened by Fast Open? "The server must limit the number of total pending TFO
   * connection requests", and one that ends with a RST, as if its SYN were forged, counts for a minute.
   *
   * @rfc 7413 5.1
   */
  mayFastOpen(now: Micros): boolean {
    const { fastOpenServer, fastOpenBacklog: most } = this.config;
    if (!fastOpenServer || most === 0) return false;
    if (this.fastOpens + this.fastOpenResets.length < most) return true;
    const [oldest] = this.fastOpenResets;
    if (oldest === undefined || now < oldest) return false;
    this.fastOpenResets.shift();
    return true;
  }

  onFastOpenEnd(reset: boolean, now: Micros): void {
    this.fastOpens--;
    if (reset) this.fastOpenResets.push(now + RESET_PENALTY);
  }

  /** Takes the oldest open connection; null: none waits. */
  accept(): C | null {
    const connection = this.#pending.shift() ?? null;
    if (connection !== null) connection.listener = null;
    return connection;
  }

  /** An open connection waits for {@link accept} from now on. */
  enqueue(connection: C): void {
    if (this.#reserved > 0) this.#reserved--;
    if (!this.#closed) this.#pending.push(connection);
  }

  /** Nothing will be accepted any more. */
  close(): void {
    this.#closed = true;
    this.#pending = [];
    this.onAcceptable = null;
  }

  /**
   * SEGMENT ARRIVES in LISTEN: first RST, second ACK, third SYN.
   *
   * @returns null: open a connection; 'syn-queue-full' lets the caller answer with a cookie,
   *   'listen-ack' asks it to look for one, and to answer with a RST if there is none
   * @rfc 9293 3.10.7.2
   */
  segmentArrives(seg: Segment): DropReason | null {
    if (seg.has(Flag.RST)) return 'listen-rst';
    if (seg.has(Flag.ACK)) return 'listen-ack';
    if (!seg.has(Flag.SYN)) return 'listen-no-syn';
    if (seg.has(Flag.FIN) && !this.config.synFin) return 'syn-fin';
    if (!this.hasRoom) return 'accept-queue-full';
    return this.halfOpen < this.backlog ? null : 'syn-queue-full';
  }
}
