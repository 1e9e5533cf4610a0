import { add, lt } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { Segment } from '../../wire/tcp.ts';
import type { Tcb } from '../tcb.ts';
import { onText } from './receiver.ts';

/**
 * Text that the SYN of the peer brings in a simultaneous open: "queue them for processing after the
 * ESTABLISHED state has been reached". Until then it is not acknowledged. A FIN behind it is not kept.
 *
 * @rfc 9293 3.10.7.3 Fourth
 */
export function holdSynText(tcb: Tcb, syn: Segment, octets: Uint8Array): void {
  const count = Math.min(syn.textLength, tcb.rcv.wnd);
  if (count > 0) tcb.synText = octets.slice(syn.textStart, syn.textStart + count);
}

/**
 * The handshake is over: the user may have the text.
 *
 * @param seg what has ended the handshake; if it brings the text again, that is taken in its place
 */
export function releaseSynText(tcb: Tcb, seg: Segment, now: Micros): void {
  const { synText, rcv } = tcb;
  tcb.synText = null;
  if (synText === null) return;
  if (seg.textLength > 0 && lt(seg.seq, add(rcv.nxt, synText.length))) return;
  const held = new Segment();
  held.seq = rcv.nxt;
  held.textLength = synText.length;
  onText(tcb, held, synText, now);
}
