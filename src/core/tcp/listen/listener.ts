import type { Ipv4Address } from '../../base/address.ts';
import type { DropReason } from '../../base/reasons.ts';
import { Flag, type Segment } from '../../wire/tcp.ts';
import type { TcpConfig } from '../config.ts';
import type { AcceptGate } from '../tcb.ts';

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
  /** Connections in SYN-RECEIVED. Kept by the stack. */
  halfOpen = 0;
  /** Told that {@link accept} has something to give. */
  onAcceptable: (() => void) | null = null;
  readonly #pending: C[] = [];

  constructor(address: Ipv4Address, port: number, backlog: number, config: TcpConfig) {
    this.address = address;
    this.port = port;
    this.backlog = backlog;
    this.config = config;
  }

  /** May one more connection become open? */
  get hasRoom(): boolean {
    return this.#pending.length < this.backlog;
  }

  /** Has {@link accept} something to give? */
  get isAcceptable(): boolean {
    return this.#pending.length > 0;
  }

  /** Takes the oldest open connection; null: none waits. */
  accept(): C | null {
    const connection = this.#pending.shift() ?? null;
    if (connection !== null) connection.listener = null;
    return connection;
  }

  /** An open connection waits for {@link accept} from now on. */
  enqueue(connection: C): void {
    this.#pending.push(connection);
  }

  /**
   * SEGMENT ARRIVES in LISTEN: first RST, second ACK, third SYN.
   *
   * @returns null: open a connection; 'listen-ack' asks the caller to answer with a RST
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
