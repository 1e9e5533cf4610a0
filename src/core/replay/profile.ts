import { diff, lt, type Seq, seq } from '../base/seq.ts';
import { type Micros, SECOND } from '../base/time.ts';
import type { CapturedSegment } from '../capture/capturedSegment.ts';
import { DEFAULT_CONFIG, MTU_PROBING, type TcpConfig } from '../tcp/config.ts';
import { Flag } from '../wire/tcp.ts';
import { recordedFastOpen } from './fastOpen.ts';
import { IPV6_EXTRA } from './feed.ts';
import { endOf, hasAck, isSyn } from './numbers.ts';
import type { Part } from './part.ts';
import type { Sidecar, SidecarEnd } from './sidecar.ts';

/**
 * What the recorded end was like, as its segments and a sidecar tell: which options it offered, how
 * large its buffers are, the link that it sat on.
 */

type Changes = { -readonly [K in keyof TcpConfig]?: TcpConfig[K] };

const HEADERS = 40;
const ETHERNET_MTU = 1500;
const LEAST_MTU = 68 + IPV6_EXTRA;
/** Times to live that hosts begin with; another one was counted down by routers. */
export const INITIAL_TTLS: readonly number[] = [64, 128, 255];
/** A SYN of Linux offers about this, whatever its buffer can grow to. */
const COMMON_INITIAL_WINDOW = 60_000;
const MAX_SHIFT = 14;
const MAX_WINDOW = 65_535;
/** Whose buffers are larger than Linux's at first: four times as large. */
const LARGE_MEMORY = 524_288;
/** A timeout of a second that fired late is shorter than this. */
const LINEAR: Micros = 1.5 * SECOND;
const ASKS_FOR_ECN = Flag.ECE | Flag.CWR;
/** Octets of options in every segment of a connection that has timestamps. */
const TIMESTAMPS = 12;
const BITS_OF_A_DIGIT = Math.log2(10);

/** Octets of the largest datagram on its link, as IPv4 needs it. */
export function mtuOf(part: Part, end: SidecarEnd | null): number {
  const segments = ownSegments(part);
  const extra = segments[0]?.ipVersion === 6 ? IPV6_EXTRA : 0;
  if (end !== null) return Math.max(LEAST_MTU, end.mtu) - extra;
  const announced = segments.find((s) => isSyn(s) && s.options.mss !== null)?.options.mss ?? 0;
  const mtu = announced > 0 ? announced + HEADERS : ETHERNET_MTU;
  return Math.min(65_535, Math.max(LEAST_MTU, mtu));
}

/** The settings of a connection that offers what the recorded end offered. */
export function configOf(part: Part, sidecar: Sidecar | null): Partial<TcpConfig> {
  const segments = ownSegments(part);
  const changes: Changes = { ...(sidecar === null ? {} : fromSysctls(sidecar.sysctls ?? {})) };
  Object.assign(changes, recordedFastOpen(part).config);
  const [first] = segments;
  if (first !== undefined) {
    if (INITIAL_TTLS.includes(first.ttl)) changes.ttl = first.ttl;
    changes.trafficClass = first.trafficClass & ~3;
  }
  const link = sidecar?.link ?? '';
  if (/^(tap|impaired)/.test(link)) changes.segmentLayout = 'linear';
  const syn = segments.find(isSyn);
  if (syn !== undefined) offer(part, syn, sidecar, changes);
  else if (part.isMidway) offerMidway(part, changes);
  return changes;
}

/** What the SYN or SYN-ACK offers; a SYN-ACK is silent about what the peer does not want either. */
function offer(part: Part, syn: CapturedSegment, sidecar: Sidecar | null, changes: Changes): void {
  const { mss, windowShift, sackPermitted, timestamps } = syn.options;
  const asked = part.events.flatMap((e) =>
    e.from === 'peer' && isSyn(e.segment) ? [e.segment.options] : [],
  )[0];
  const answers = (syn.flags & Flag.ACK) !== 0;
  askedForEcn(part, syn, changes);
  const isFree = (wanted: boolean | undefined): boolean => answers && wanted !== true;
  if (mss !== null) changes.mss = mss;
  if (windowShift === null) {
    if (!isFree(asked !== undefined && asked.windowShift !== null)) changes.windowScaling = false;
  }
  if (!sackPermitted && !isFree(asked?.sackPermitted)) changes.sack = false;
  if (timestamps === null && !isFree(asked !== undefined && asked.timestamps !== null)) {
    changes.timestamps = false;
  }
  if (sidecar === null) {
    const linear = linearTimeouts(part);
    if (linear !== null) changes.synLinearTimeouts = linear;
    const unit = (mss ?? 0) - (answers && timestamps !== null ? TIMESTAMPS : 0);
    buffers(windowShift, syn.window, changes, unit);
  } else if (windowShift !== null && windowShift > 0) grownTo(windowShift, changes);
}

/** Linux answers a SYN that asks for ECN, and does not ask for it itself, unless it is told otherwise. */
function askedForEcn(part: Part, syn: CapturedSegment, changes: Changes): void {
  const asks = ({ flags }: CapturedSegment): boolean => (flags & ASKS_FOR_ECN) === ASKS_FOR_ECN;
  const synsOf = (end: 'own' | 'peer'): CapturedSegment[] =>
    part.events.flatMap((e) => (e.from === end && isSyn(e.segment) ? [e.segment] : []));
  if (!hasAck(syn)) {
    if (asks(syn)) changes.ecn = 'on';
    if (synsOf('own').filter(asks).length > 1) changes.ecnFallback = false;
  } else if ((syn.flags & Flag.ECE) === 0 && synsOf('peer').some(asks)) changes.ecn = 'off';
}

/**
 * Which buffer announces such a shift and such a first window? (Linux: tcp_select_initial_window)
 * @param unit octets by which the window was rounded down
 */
function buffers(shift: number | null, window: number, changes: Changes, unit: number): void {
  if (shift === null && window >= COMMON_INITIAL_WINDOW) return;
  if (shift === null || shift === 0) {
    changes.receiveBuffer = roundest(Math.max(1, window), window + Math.max(1, unit));
    return;
  }
  changes.rmemMax = memoryFor(shift);
  if (window === MAX_WINDOW) changes.rmemDefault = Math.min(changes.rmemMax, LARGE_MEMORY);
  if (window < COMMON_INITIAL_WINDOW) {
    const least = DEFAULT_CONFIG.rmemDefault >>> 5;
    changes.rmemDefault = Math.max(least, roundest(window * 2, (window + Math.max(1, unit)) * 2));
  }
}

/**
 * How many timeouts of a SYN did not double (net.ipv4.tcp_syn_linear_timeouts)? null: none that did
 * was recorded. The first one lasts a second in any case.
 */
function linearTimeouts(part: Part): number | null {
  const syns = part.events.flatMap((e) =>
    e.from === 'own' && isSyn(e.segment) && !hasAck(e.segment) ? [e.at] : [],
  );
  const gaps = syns.slice(1).map((at, i) => at - (syns[i] ?? at));
  const doubled = gaps.findIndex((gap) => gap > LINEAR);
  return doubled < 1 ? null : doubled - 1;
}

/** Whoever sets a buffer sets a round number: that with the fewest digits, binary or decimal. */
function roundest(from: number, below: number): number {
  let best = from;
  let least = Number.POSITIVE_INFINITY;
  for (let size = from; size < below; size++) {
    const binary = size.toString(2).replace(/0+$/, '').length;
    const decimal = String(size).replace(/0+$/, '').length * BITS_OF_A_DIGIT;
    const digits = Math.min(binary, decimal);
    if (digits >= least) continue;
    least = digits;
    best = size;
  }
  return best;
}

/** The sysctl may not be all: net.core.rmem_max, or a shift of another namespace. */
function grownTo(shift: number, changes: Changes): void {
  const most = changes.rmemMax ?? DEFAULT_CONFIG.rmemMax;
  if (Math.floor(Math.log2(most)) - 15 !== shift) changes.rmemMax = memoryFor(shift);
}

/** Linux's own maximum where it has this shift, else the least that has it. */
function memoryFor(shift: number): number {
  if (shift === 10) return 33_554_432;
  return shift === 7 ? 6_291_456 : 2 ** (15 + Math.min(shift, MAX_SHIFT));
}

function offerMidway(part: Part, changes: Changes): void {
  const segments = ownSegments(part);
  changes.timestamps = segments.some((s) => s.options.timestamps !== null);
  changes.sack = segments.some((s) => s.options.sackBlocks.length > 0) || changes.timestamps;
  buffers(leastShift(part, 'own'), COMMON_INITIAL_WINDOW, changes, 0);
}

/** The smallest shift with which nothing that one end's peer sent was beyond that end's window. */
export function leastShift(part: Part, of: 'own' | 'peer'): number {
  let shift = 0;
  let ack: Seq | null = null;
  let window = 0;
  for (const event of part.events) {
    if (event.from === 'network') continue;
    const { segment } = event;
    if (event.from === of) {
      if (hasAck(segment) && (ack === null || !lt(seq(segment.ack), ack))) {
        ack = seq(segment.ack);
        window = segment.window;
      }
    } else if (ack !== null && segment.length > 1 && window > 0) {
      const beyond = diff(endOf(segment), ack);
      while (shift < MAX_SHIFT && beyond < 2 ** 30 && window * 2 ** shift < beyond) shift++;
    }
  }
  return shift;
}

/** The SYN-ACK that a recording which begins midway did not have. */
export function madeUpSynAck(part: Part): { window: number; options: Uint8Array } {
  const peer = part.events.flatMap((e) => (e.from === 'peer' ? [e.segment] : []));
  const longest = Math.max(0, ...ownSegments(part).map((s) => (s.length > 1500 ? 0 : s.length)));
  const stamps = peer.find((s) => s.options.timestamps !== null)?.options.timestamps;
  const mss = Math.max(1460, longest + (stamps === undefined ? 0 : 12));
  const octets = [2, 4, mss >>> 8, mss & 255, 1, 3, 3, leastShift(part, 'peer'), 1, 1, 4, 2];
  if (stamps !== undefined && stamps !== null)
    octets.push(1, 1, 8, 10, ...word(stamps.value), 0, 0, 0, 0);
  return { window: peer[0]?.window ?? 65_535, options: Uint8Array.from(octets) };
}

/** The shift of the windows of one end, if both have one. */
export function shiftOf(part: Part, of: 'own' | 'peer'): number {
  const own = shiftIn(part, 'own');
  const peer = shiftIn(part, 'peer');
  if (own === null || peer === null) return 0;
  return of === 'own' ? own : peer;
}

function shiftIn(part: Part, from: 'own' | 'peer'): number | null {
  const segments = part.events.flatMap((e) => (e.from === from ? [e.segment] : []));
  const offers = segments.find((s) => isSyn(s) && s.options.windowShift !== null);
  return offers?.options.windowShift ?? null;
}

function word(n: number): number[] {
  return [(n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255];
}

export function ownSegments(part: Part): CapturedSegment[] {
  return part.events.flatMap((e) => (e.from === 'own' ? [e.segment] : []));
}

/** Which setting a sysctl of net.ipv4 is, which of its numbers, and in which unit. */
const SYSCTLS: readonly (readonly [string, number, keyof TcpConfig, number])[] = [
  ['tcp_rmem', 1, 'rmemDefault', 1],
  ['tcp_rmem', 2, 'rmemMax', 1],
  ['tcp_syn_retries', 0, 'synRetries', 1],
  ['tcp_syn_linear_timeouts', 0, 'synLinearTimeouts', 1],
  ['tcp_synack_retries', 0, 'synAckRetries', 1],
  ['tcp_retries2', 0, 'dataRetries', 1],
  ['tcp_early_retrans', 0, 'earlyRetransmit', 1],
  ['tcp_fin_timeout', 0, 'finWait2', SECOND],
  ['tcp_keepalive_time', 0, 'keepAliveIdle', SECOND],
  ['tcp_keepalive_intvl', 0, 'keepAliveInterval', SECOND],
  ['tcp_keepalive_probes', 0, 'keepAliveCount', 1],
  ['tcp_comp_sack_nr', 0, 'compressedAcks', 1],
];

/** Linux's settings of the recorded host in those of this stack. */
function fromSysctls(sysctls: Readonly<Record<string, string>>): Changes {
  const settings = SYSCTLS.flatMap(([name, word, setting, unit]) => {
    const text = sysctls[`net.ipv4.${name}`]?.trim().split(/\s+/)[word];
    return text !== undefined && /^\d+$/.test(text) ? [[setting, Number(text) * unit]] : [];
  });
  const mtuProbing = MTU_PROBING[Number(sysctls['net.ipv4.tcp_mtu_probing'] ?? 0)] ?? 'off';
  const fastOpenServer = (Number(sysctls['net.ipv4.tcp_fastopen'] ?? 0) & 2) !== 0;
  return { ...Object.fromEntries(settings), mtuProbing, fastOpenServer };
}
