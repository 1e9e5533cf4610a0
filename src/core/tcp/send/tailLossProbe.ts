import { le, lt } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import type { Tcb } from '../tcb.ts';
import { rearmTimeout, stopTimer } from './transmitTimer.ts';
import { beginReduction, endReduction, keepOpen } from './windowReduction.ts';

/**
 * A tail loss probe: when the last segments of a flight are lost, nothing comes back that would tell.
 * After two round trips one segment is sent again, or a new one, so that the answer shows the hole
 * long before the timeout. The steps are those of Linux's tcp_schedule_loss_probe and its kin.
 *
 * What is true here: one probe is out at most; while it is, `tlpEnd` is SND.NXT of that time.
 *
 * @rfc 8985 7
 */

/** The timer expired: a probe is owed, unless one is out already. @rfc 8985 7.3 */
export function onProbeTimer(tcb: Tcb, now: Micros): void {
  const { recovery } = tcb;
  recovery.tlpOwed = recovery.tlpEnd === null;
  if (recovery.tlpOwed) stopTimer(tcb); // the timeout begins with the probe
  rearmTimeout(tcb, now);
}

/** A probe was sent. @param kind a segment sent again, or new text */
export function onProbeSent(tcb: Tcb, kind: 'again' | 'new', now: Micros): void {
  const { recovery } = tcb;
  recovery.tlpRetrans = kind === 'again';
  tcb.shared.counters.TCPLossProbes++;
  recovery.tlpEnd = tcb.snd.nxt;
  stopTimer(tcb);
  rearmTimeout(tcb, now);
}

/** A probe is out, and an ACK arrived. @rfc 8985 7.4 */
export function onAckOfProbe(tcb: Tcb): void {
  const { recovery, snd, news } = tcb;
  const { tlpEnd } = recovery;
  if (tlpEnd === null || lt(snd.una, tlpEnd)) return;
  if (!recovery.tlpRetrans || news.dsackOfProbe) {
    recovery.tlpEnd = null; // it was new text, or it had not been necessary
  } else if (lt(tlpEnd, snd.una)) {
    // "the TLP sender MUST ... reduce": nobody reported the probe as a duplicate: it repaired a loss.
    beginReduction(tcb, 'loss');
    tcb.shared.counters.TCPLossProbeRecovery++;
    recovery.phase = 'cwr';
    endReduction(tcb);
    keepOpen(tcb);
  } else if (le(snd.una, tlpEnd) && isPureDuplicate(tcb)) {
    recovery.tlpEnd = null;
  }
}

function isPureDuplicate({ news }: Tcb): boolean {
  const { advanced, hasText, newWindow, textAcked, synAcked, sacked } = news;
  return !(advanced || hasText || newWindow || textAcked || synAcked || sacked);
}
