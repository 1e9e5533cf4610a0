import { diff } from '../../base/seq.ts';
import { Event, type Tcb, unsentText } from '../tcb.ts';
import { chunkGoal } from './burst.ts';
import { roomToSend } from './sendRoom.ts';

/**
 * How much of what the user writes is taken: what the send buffer has room for, and not much more than
 * {@link TcpConfig.notSentLowWater} octets that wait to be sent. Text that waits here cannot be
 * replaced by newer text any more.
 */

/** A buffer that was full has room again when this share of it is free (Linux: a third). */
const WRITABLE_SHARE = 3;

/**
 * Octets that are taken now. As in Linux the last chunk is filled up, and another one begun as long as
 * fewer octets wait than the mark says (tcp_stream_memory_free).
 */
export function roomToWrite(tcb: Tcb): number {
  const { sendBuffer, writeQueue, snd, config } = tcb;
  const free = roomToSend(tcb);
  if (config.notSentLowWater === 0) return free;
  const goal = chunkGoal(tcb);
  const laidOut = writeQueue.roomInLast(snd.nxt, goal) - diff(sendBuffer.end, writeQueue.end);
  const inLast = laidOut >= 0 ? laidOut : goal - 1 - ((-laidOut - 1) % goal);
  const left = config.notSentLowWater - unsentText(tcb) - inLast;
  return Math.min(free, inLast + Math.max(0, Math.ceil(left / goal)) * goal);
}

/** Is there so much room that the user is told? (Linux: sk_stream_is_writeable, tcp_stream_memory_free) */
export function hasRoomToWrite(tcb: Tcb): boolean {
  const { sendBuffer, config } = tcb;
  if (sendBuffer.free * WRITABLE_SHARE < sendBuffer.limit) return false;
  return config.notSentLowWater === 0 || unsentText(tcb) * 2 < config.notSentLowWater;
}

/** Text was acknowledged or sent: the user who waits for room may have it now (Linux: tcp_check_space). */
export function tellOfRoom(tcb: Tcb): void {
  if (!tcb.writeBlocked || !hasRoomToWrite(tcb)) return;
  tcb.writeBlocked = false;
  tcb.events |= Event.WRITABLE;
}
