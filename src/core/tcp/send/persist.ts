import type { Micros } from '../../base/time.ts';
import { isOutOfResources, orphanRetries } from '../orphans.ts';
import { giveUp, hasUnsent, outstanding, type Tcb } from '../tcb.ts';

/**
 * The persist timer expired: text waits for the window of the peer to open. Where the window has
 * room for part of it, that part is sent, however small; where it has none, a probe goes out.
 *
 * Deviates from RFC 9293 3.8.6.1 ("at least one octet of new data") as Linux does: the probe is an
 * empty segment at SND.UNA - 1, which the peer must answer as well, and which cannot be delivered
 * by accident. Probes go on for as long as the peer answers them (MUST-37).
 *
 * @rfc 9293 3.8.6.1
 */
export function onPersistTimer(tcb: Tcb, now: Micros): void {
  if (outstanding(tcb) > 0 || !hasUnsent(tcb)) return;
  if (isGivenUp(tcb, now)) {
    giveUp(tcb, now);
    return;
  }
  if (tcb.orphan && isOutOfResources(tcb, true, now)) return;
  if (tcb.snd.wnd > 0) {
    tcb.overrideOwed = true;
    return;
  }
  if (tcb.probesOut === 0) tcb.probesSince = now;
  tcb.probesOut++;
  tcb.persistBackoff++;
  tcb.probeOwed = 'window-probe';
}

/**
 * Nobody can end a connection that its user has left: answers alone keep it only until the probes are
 * as rare as they get (tcp_probe_timer). @rfc 6429 3
 */
function isOrphanGivenUp(tcb: Tcb): boolean {
  const { persistBackoff, probesOut, rtt, config } = tcb;
  const alive = rtt.rto * 2 ** Math.min(persistBackoff, 30) < config.maxRto;
  const most = orphanRetries(tcb, alive);
  return (!alive && persistBackoff >= most) || probesOut >= most;
}

function isGivenUp(tcb: Tcb, now: Micros): boolean {
  const { userTimeout, dataRetries } = tcb.config;
  if (userTimeout > 0 && tcb.probesOut > 0 && now - tcb.probesSince >= userTimeout) return true;
  return tcb.orphan ? isOrphanGivenUp(tcb) : tcb.probesOut >= dataRetries;
}
