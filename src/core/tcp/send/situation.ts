import type { Micros } from '../../base/time.ts';
import type { DeliveryCounts, Repair, Situation } from '../congestion/congestionControl.ts';
import type { Tcb } from '../tcb.ts';
import { inFlight } from './inFlight.ts';
import { UNLIMITED } from './pace.ts';

/** What congestion control is told of the connection at this moment, in the one record that it has. */
export function situation(tcb: Tcb, now: Micros): Situation {
  const { sample, snd, rtt, config, pace, delivery } = tcb;
  sample.now = now;
  sample.una = snd.una;
  sample.nxt = snd.nxt;
  sample.srtt = rtt.srtt;
  sample.minRtt = rtt.minRtt;
  sample.flight = inFlight(tcb);
  sample.isStarved = delivery.bubbleEnd !== 0;
  sample.repair = repairOf(tcb);
  sample.nextSendAt = pace.next;
  sample.maxPacingRate = config.maxPacingRate > 0 ? config.maxPacingRate : UNLIMITED;
  deliveryCounts(tcb);
  return sample;
}

/** ... of which these are a part. */
export function deliveryCounts({ sample, recovery, delivery }: Tcb): DeliveryCounts {
  sample.deliveredInAll = recovery.delivered;
  sample.lostInAll = recovery.lost;
  sample.deliveredAt = delivery.deliveredAt;
  return sample;
}

function repairOf({ recovery: { phase } }: Tcb): Repair {
  if (phase === 'recovery') return 'loss';
  return phase === 'loss' ? 'timeout' : 'nothing';
}
