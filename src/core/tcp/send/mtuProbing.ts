import { diff, le } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import { HEADERS, MIN_MSS } from '../config.ts';
import { datagramOfText, largestSegment, textOfDatagram } from '../segmentSize.ts';
import type { Tcb } from '../tcb.ts';
import { cwndSegments, inFlight, setCwnd } from './inFlight.ts';
import { currentSsthresh } from './windowReduction.ts';

/**
 * Packetization layer path MTU discovery: routers that drop large datagrams without a word are found
 * out by TCP itself. New text is sent once in a larger segment; when that is acknowledged, all may be
 * as large. When repetitions remain unanswered, segments become small first. The steps and numbers are
 * Linux's (tcp_mtu_probing).
 *
 * ```
 *    0 ------------ low ------------ size ------------ high ----- octets of a datagram
 *      gets through          probed, in the middle          not tried
 * ```
 *
 * What is true here: while a probe is in flight, `size` is not 0, and nothing of it was sent again.
 *
 * @rfc 4821 7
 */

/** Fewest segments that cwnd must have for a probe, which takes the place of two (Linux). @rfc 4821 7.4 */
const LEAST_CWND = 11;

/** The connection can send: the range is known (tcp_mtup_init). @rfc 4821 7.2 */
export function beginMtuSearch(tcb: Tcb, now: Micros): void {
  const { config, mtuSearch: search } = tcb;
  search.on = config.mtuProbing === 'always';
  search.high = largestSegment(tcb) + HEADERS;
  search.low = datagramOfText(tcb, config.mtuBaseMss);
  search.size = 0;
  search.since = now;
  // Linux asks once more how large segments are when it has opened a connection itself.
  if (tcb.gate === null) synchronize(tcb);
}

/** The path MTU is another one than before. @rfc 4821 7.1 */
export function followPathMtu(tcb: Tcb): void {
  if (tcb.flow.mtu !== tcb.mtuSearch.pathMtu) synchronize(tcb);
}

/** What the search has found holds from now on (tcp_sync_mss). */
function synchronize({ flow, mtuSearch: search }: Tcb): void {
  search.pathMtu = flow.mtu;
  search.high = Math.min(search.high, flow.mtu);
  if (search.on) search.limit = search.low;
}

/**
 * A segment is repeated again and again: perhaps it is too large. The first time the size becomes the
 * one that the search begins with, then it is halved (tcp_mtu_probing).
 *
 * @rfc 4821 7.7
 */
export function suspectBlackHole(tcb: Tcb, now: Micros): void {
  const { config, mtuSearch: search } = tcb;
  if (config.mtuProbing === 'off') return;
  if (search.on) {
    const half = Math.min(config.mtuBaseMss, textOfDatagram(tcb, search.low) >>> 1);
    search.low = datagramOfText(tcb, Math.max(half, config.mtuProbeFloor, MIN_MSS));
  } else {
    search.on = true;
    search.since = now;
  }
  synchronize(tcb);
}

/**
 * Octets of text of a probe that may be sent now; 0: none; -1: none yet, and nothing else either, so
 * that there is room for it soon (tcp_mtu_probe).
 *
 * @param unsent octets of text that were not yet sent
 * @rfc 4821 7.3, 7.4
 */
export function probeToSend(tcb: Tcb, unsent: number, now: Micros): number {
  const { mtuSearch: search, config, recovery, snd } = tcb;
  if (!search.on || search.size > 0 || recovery.phase !== 'open') return 0;
  if (cwndSegments(tcb) < LEAST_CWND || tcb.sackBlocks.optionLength(0) > 0) return 0;
  const octets = textOfDatagram(tcb, (search.high + search.low) >>> 1);
  const range = search.high - search.low;
  if (range < config.mtuProbeThreshold || octets > textOfDatagram(tcb, search.high)) {
    searchAgain(tcb, now);
    return 0;
  }
  // As many full segments behind it as let duplicate ACKs tell of its loss.
  const needed = octets + (recovery.reordering + 1) * snd.mss;
  if (unsent < needed || snd.wnd < needed) return 0;
  if (diff(snd.nxt, snd.una) + needed > snd.wnd) return -1;
  const flight = inFlight(tcb);
  if (flight + 2 > cwndSegments(tcb)) return flight === 0 ? 0 : -1;
  return octets;
}

/** The path may have become wider since (tcp_mtu_check_reprobe). @rfc 4821 7.1 */
function searchAgain(tcb: Tcb, now: Micros): void {
  const { config, flow, mtuSearch: search } = tcb;
  if (now - search.since < config.mtuProbeInterval) return;
  search.high = Math.min(largestSegment(tcb) + HEADERS, flow.mtu);
  search.low = datagramOfText(tcb, tcb.snd.mss);
  search.since = now;
}

/** The segment from SND.NXT on is a probe of so many octets of text: cwnd counts it twice. @rfc 4821 7.5 */
export function onMtuProbeSent(tcb: Tcb, octets: number): void {
  const { mtuSearch: search, snd } = tcb;
  setCwnd(tcb, cwndSegments(tcb) - 1);
  search.size = datagramOfText(tcb, octets);
  search.to = snd.nxt;
  search.from = tcb.retransmitQueue.seq(tcb.retransmitQueue.count - 1);
}

/** SND.UNA has advanced, perhaps over the probe (tcp_mtup_probe_success). @rfc 4821 7.6.1 */
export function onMtuProbeAcked(tcb: Tcb): void {
  const { mtuSearch: search, snd, congestion, shared } = tcb;
  if (search.size === 0 || !le(search.to, snd.una)) return;
  const before = datagramOfText(tcb, snd.mss);
  setCwnd(tcb, Math.floor((cwndSegments(tcb) * before) / search.size));
  congestion.ssthresh = currentSsthresh(tcb);
  search.low = search.size;
  search.size = 0;
  synchronize(tcb);
  shared.counters.TCPMTUPSuccess++;
}

/**
 * The first segment that is lost is the probe: it was too large, which is no congestion.
 *
 * @returns false: something else is lost (tcp_mtup_probe_failed)
 * @rfc 4821 7.6.2
 */
export function failMtuProbe(tcb: Tcb): boolean {
  const { mtuSearch: search, recovery, snd, shared } = tcb;
  if (search.size === 0 || snd.una !== search.from) return false;
  if (recovery.phase !== 'open' && recovery.phase !== 'disorder') return false;
  search.high = search.size - 1;
  search.size = 0;
  setCwnd(tcb, cwndSegments(tcb) + 1);
  shared.counters.TCPMTUPFail++;
  return true;
}
