import { GUARANTEED_MEMORY } from '../limits.ts';
import type { Tcb } from '../tcb.ts';

/** Octets that the user may write now: where the stack is full, no more than each connection has for sure. */
export function roomToSend({ sendBuffer, shared }: Tcb): number {
  const { free, length } = sendBuffer;
  const most = Math.max(GUARANTEED_MEMORY - length, shared.limits.memoryHigh - shared.memory);
  return Math.max(0, Math.min(free, most));
}
