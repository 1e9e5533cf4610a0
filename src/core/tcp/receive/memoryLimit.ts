import { GUARANTEED_MEMORY } from '../limits.ts';
import type { Tcb } from '../tcb.ts';
import { truesize } from './segmentMemory.ts';

/**
 * What happens when the buffers of all connections hold as much as the stack may: text that came out of
 * order goes first, since nobody can read it yet and the peer still has it (RFC 2018 8 allows to
 * take back what SACK has reported); then new text is not taken. A connection whose user has nothing to
 * read gets a segment all the same, so each one makes progress (tcp_try_rmem_schedule).
 */

/** May so many octets of text be kept? */
export function hasMemoryFor(tcb: Tcb, octets: number): boolean {
  const { shared, receiveBuffer } = tcb;
  const size = truesize(tcb.config.segmentLayout, octets);
  if (shared.hasRoom(size)) return true;
  if (receiveBuffer.ranges.count > 0) dropOutOfOrder(tcb);
  if (shared.hasRoom(size)) return true;
  return receiveBuffer.memory.total + size <= GUARANTEED_MEMORY;
}

function dropOutOfOrder(tcb: Tcb): void {
  tcb.shared.counters.OfoPruned++;
  tcb.receiveBuffer.dropOutOfOrder();
  tcb.sackBlocks.clear();
  tcb.sackBlocks.hasDuplicate = false;
  chargeBuffers(tcb);
}

/** What the buffers hold now goes on the account of the stack. */
export function chargeBuffers(tcb: Tcb): void {
  const held = tcb.sendBuffer.length + tcb.receiveBuffer.memory.total;
  if (held === tcb.charged) return;
  tcb.shared.charge(held - tcb.charged);
  tcb.charged = held;
}
