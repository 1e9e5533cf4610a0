import { add, lt } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import type { Segment } from '../../wire/tcp.ts';
import { HEADERS } from '../config.ts';
import type { FastOpenServer } from '../fastOpenCache.ts';
import { type Tcb, unsentText } from '../tcb.ts';
import { sendStamp } from './deliveryRate.ts';
import { FastOpenFailure } from './fastOpenState.ts';
import { repairUnreduced } from './lossRecovery.ts';
import { markLost } from './rack.ts';

/**
 * The client's half of TCP Fast Open: what goes along with the SYN, what the SYN-ACK makes of it, and
 * when it is better not to try, as in Linux's tcp_send_syn_data, tcp_rcv_fastopen_synack and
 * tcp_fastopen.c.
 *
 * What is true here: the text of a SYN lies behind the SYN in the retransmission queue, as a record of its
 * own; a SYN that is repeated has neither the option nor text.
 *
 * @rfc 7413 4.2
 */

/** Octets of all the options that there could be: those in the way may add some. */
const OPTION_SPACE = 40;

/**
 * The user wants Fast Open. Where text may go with the SYN, that waits for it; else it goes at once
 * (tcp_fastopen_defer_connect).
 */
export function wishFastOpen(tcb: Tcb, now: Micros): void {
  if (tcb.config.fastOpenClient) tcb.fastOpen.wish = mayTakeText(tcb, now) ? 'wait' : 'now';
}

/** The SYN that waited for text goes out, with what there is. */
export function sendSynNow(tcb: Tcb): void {
  if (tcb.fastOpen.wish !== 'wait') return;
  tcb.fastOpen.wish = 'now';
  tcb.synOwed = 'handshake';
}

/** Octets of text that a SYN sent now could take along. */
export function roomOnSyn(tcb: Tcb, now: Micros): number {
  if (!tcb.config.fastOpenClient || !mayTakeText(tcb, now)) return 0;
  const { mss } = knownServer(tcb);
  const announced = Math.min(mss || tcb.rcv.mss, tcb.config.mss || mss || tcb.rcv.mss);
  return Math.max(0, Math.min(announced, tcb.flow.mtu - HEADERS) - OPTION_SPACE);
}

function mayTakeText(tcb: Tcb, now: Micros): boolean {
  const { config } = tcb;
  if (isHopeless(tcb, now)) return false;
  return config.fastOpenClientNoCookie || knownServer(tcb).cookie.length > 0;
}

/** The network swallows it, or the server has refused it. */
function isHopeless({ config, shared, localAddress, remoteAddress }: Tcb, now: Micros): boolean {
  const { fastOpenCache: cache } = shared;
  if (cache.isPaused(config.fastOpenPause, now)) return true;
  return cache.isRefused(
    { local: localAddress, remote: remoteAddress },
    config.fastOpenRefusal,
    now,
  );
}

function knownServer({ shared, localAddress, remoteAddress }: Tcb): FastOpenServer {
  return shared.fastOpenCache.find(localAddress, remoteAddress);
}

/** The SYN goes out, for the first time: with a cookie and text, or to ask for a cookie. @rfc 7413 4.2.1 */
export function prepareSyn(tcb: Tcb, now: Micros): void {
  const { fastOpen, config, shared } = tcb;
  fastOpen.wish = 'none';
  const text = Math.min(roomOnSyn(tcb, now), unsentText(tcb));
  if (isHopeless(tcb, now)) return;
  fastOpen.isTrial = config.fastOpenPause > 0 && shared.fastOpenCache.hasPaused;
  if (!config.fastOpenClientNoCookie) {
    const { cookie, isExperiment, vain } = knownServer(tcb);
    fastOpen.cookie = cookie;
    fastOpen.isExperiment = cookie.length > 0 ? isExperiment : vain === 1;
    fastOpen.optionSent = true;
    if (cookie.length === 0) fastOpen.failure = FastOpenFailure.NO_COOKIE;
  }
  if (text > 0) addText(tcb, text, now);
}

function addText(tcb: Tcb, octets: number, now: Micros): void {
  const { fastOpen, snd } = tcb;
  const from = snd.nxt;
  snd.nxt = add(from, octets);
  tcb.writeQueue.takeForSyn(snd.nxt);
  tcb.retransmitQueue.push(from, snd.nxt, now, sendStamp(tcb, now));
  tcb.shared.counters.TCPOrigDataSent++;
  tcb.sentTextAt = now;
  fastOpen.text = octets;
  fastOpen.textSent = true;
}

/**
 * A datagram was too long for the path: was it the SYN with its text? Then the SYN goes out again, alone
 * (tcp_simple_retransmit).
 */
export function isSynTooLong({ state, fastOpen }: Tcb): boolean {
  return state === 'SYN-SENT' && fastOpen.textSent;
}

/**
 * The SYN-ACK: its cookie and segment size are remembered, and of the text what it does not acknowledge is
 * sent again at once: "If ... the server acknowledges only the SYN ... resend the data".
 *
 * @rfc 7413 4.2.2
 */
export function onSynAckOfFastOpen(tcb: Tcb, seg: Segment, now: Micros): void {
  const { fastOpen, recovery, retransmitQueue: queue, shared } = tcb;
  const { optionSent, textSent, synRepeated } = fastOpen;
  if (!optionSent && !textSent) return;
  remember(tcb, seg, now);
  if (textSent && queue.count > 0) {
    fastOpen.failure = synRepeated ? FastOpenFailure.SYN_REPEATED : FastOpenFailure.TEXT_NOT_ACKED;
    shared.counters.TCPFastOpenActiveFail++;
    for (let i = 0; i < queue.count; i++) markLost(tcb, i);
    repairUnreduced(tcb);
    tcb.recovery.force = 'fast-open-retransmission';
    return;
  }
  if (textSent) {
    fastOpen.textAcked = true;
    shared.counters.TCPFastOpenActive++;
    recovery.delivered = Math.max(1, recovery.delivered - 1); // SYN and text were one segment
  }
  if (seg.len > 1) fastOpen.textAcked = true;
}

/** A cookie that was not asked for is none. Who gives none is asked in the other format next time. */
function remember(tcb: Tcb, seg: Segment, now: Micros): void {
  const { fastOpen, shared, config, localAddress: local, remoteAddress: remote } = tcb;
  const { optionSent, textSent, synRepeated, isExperiment } = fastOpen;
  const hasCookie = seg.fastOpenLength > 0;
  const isTaken = textSent && tcb.retransmitQueue.count === 0;
  if (config.fastOpenRefusal > 0 && !hasCookie && !isTaken && !synRepeated) {
    shared.fastOpenCache.refuse({ local, remote }, shared.limits.fastOpenServers, now);
    return;
  }
  const length = optionSent ? Math.max(0, seg.fastOpenLength) : 0;
  const isVain = optionSent && !textSent && !synRepeated && seg.fastOpenLength < 0;
  const news = {
    mss: seg.mss,
    cookie: seg.fastOpenCookie.slice(0, length),
    isExperiment: seg.isFastOpenExperiment,
    vain: isVain ? (isExperiment ? 2 : 1) : 0,
  } as const;
  shared.fastOpenCache.remember({ local, remote }, news, shared.limits.fastOpenServers);
}

// ---- networks that swallow it -----------------------------------------------------------------

/**
 * A timeout: the third in a row, or the last one, may mean that something on the way does not let a
 * connection of Fast Open live (tcp_fastopen_active_detect_blackhole).
 * @param isLast the connection is given up
 */
export function suspectBlackhole(tcb: Tcb, isLast: boolean, now: Micros): void {
  const { optionSent, textSent, textAcked } = tcb.fastOpen;
  const { retries } = tcb.recovery;
  if (!optionSent && !textSent && !textAcked) return;
  if (retries !== 2 && !(retries < 2 && isLast)) return;
  pause(tcb, now);
  tcb.shared.counters.TCPFastOpenActiveFail++;
}

/** A RST out of place, before any text arrived: what lay between was swallowed. */
export function onMisplacedReset(tcb: Tcb, now: Micros): void {
  if (tcb.fastOpen.optionSent && tcb.state === 'ESTABLISHED' && isSilent(tcb)) pause(tcb, now);
}

/**
 * The connection is over. If all that arrived is a FIN out of place, the text before it was swallowed; if
 * text arrived, Fast Open works (tcp_fastopen_active_disable_ofo_check).
 */
export function onFastOpenOver(tcb: Tcb, now: Micros): void {
  const { fastOpen, rcv, shared } = tcb;
  if (!fastOpen.optionSent) return;
  fastOpen.optionSent = false;
  if (isSilent(tcb)) {
    if (rcv.finSeen && lt(rcv.nxt, rcv.fin)) pause(tcb, now);
  } else if (fastOpen.isTrial) shared.fastOpenCache.resume();
}

/** No text has arrived. */
function isSilent({ rcv, receiveBuffer }: Tcb): boolean {
  return receiveBuffer.ranges.count === 0 && (rcv.nxt === add(rcv.irs, 1) || isFinTaken(rcv));
}

function isFinTaken({ nxt, irs, finSeen }: Tcb['rcv']): boolean {
  return finSeen && nxt === add(irs, 2);
}

function pause({ config, shared }: Tcb, now: Micros): void {
  if (config.fastOpenPause === 0) return;
  shared.fastOpenCache.pause(now);
  shared.counters.TCPFastOpenBlackhole++;
}
