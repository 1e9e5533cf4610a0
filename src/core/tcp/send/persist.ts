import type { Micros } from '../../base/time.ts';
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
  if (tcb.snd.wnd > 0) {
    tcb.overrideOwed = true;
    return;
  }
  if (tcb.probesOut === 0) tcb.probesSince = now;
  tcb.probesOut++;
  tcb.persistBackoff++;
  tcb.probeOwed = 'window-probe';
}

function isGivenUp(tcb: Tcb, now: Micros): boolean {
  const { userTimeout, dataRetries } = tcb.config;
  // Nobody can end a connection that its user has left: answers alone do not keep it (RFC 6429 3).
  if (tcb.receiveClosed && tcb.persistBackoff >= dataRetries) return true;
  if (tcb.probesOut === 0) return false;
  if (userTimeout > 0 && now - tcb.probesSince >= userTimeout) return true;
  return tcb.probesOut >= dataRetries;
}
