import type { Micros } from '../base/time.ts';
import { TcpCounters } from './counters.ts';

/**
 * What all connections of a stack have in common. Each TCB holds it; none holds another one's TCB.
 */
export class Shared {
  readonly counters = new TcpCounters();
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
