import { DUPLICATE_ACK_THRESHOLD } from '../config.ts';
import type { Tcb } from '../tcb.ts';
import { markLost } from './rack.ts';
import { Mark } from './retransmitQueue.ts';

/**
 * "IsLost (SeqNum): ... returns true when either DupThresh discontiguous SACKed sequences have arrived
 * above SeqNum or more than (DupThresh - 1) * SMSS bytes with sequence numbers greater than SeqNum have
 * been SACKed": marks all of which that is true. What was sent again is lost by timeout alone. Segments
 * are counted, whether or not they lie together: each has brought a duplicate ACK.
 *
 * It looks at all that is in flight, so it is slower than RACK.
 *
 * @rfc 6675 4
 */
export function markLostByCount(tcb: Tcb): void {
  const { retransmitQueue: queue, snd } = tcb;
  let octets = 0;
  let segments = 0;
  for (let i = queue.count - 1; i >= 0; i--) {
    if (queue.isSacked(i)) {
      octets += queue.octets(i);
      segments++;
    } else {
      const isLost =
        segments >= DUPLICATE_ACK_THRESHOLD || octets > (DUPLICATE_ACK_THRESHOLD - 1) * snd.mss;
      if (isLost && (queue.marks(i) & (Mark.LOST | Mark.RESENT)) === 0) markLost(tcb, i);
    }
  }
}
