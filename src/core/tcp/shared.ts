import { TcpCounters } from './counters.ts';

/**
 * What all connections of a stack have in common. Each TCB holds it; none holds another one's TCB.
 */
export class Shared {
  readonly counters = new TcpCounters();
}
