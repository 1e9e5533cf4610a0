import type { Ipv4Address } from '../base/address.ts';
import type { ConnectionErrorCode } from '../base/errors.ts';
import type { Flow } from '../base/ports.ts';
import type { SendReason } from '../base/reasons.ts';
import { add, diff, type Seq, seq } from '../base/seq.ts';
import { type Micros, NEVER } from '../base/time.ts';
import type { Tracer } from '../base/tracer.ts';
import {
  DEFAULT_MSS,
  MAX_DUPLICATE_ACKS_OWED,
  MIN_RECEIVE_MEMORY,
  SCALING_RATIO,
  type TcpConfig,
} from './config.ts';
import {
  type AckSample,
  type CongestionControl,
  newAckSample,
} from './congestion/congestionControl.ts';
import { ReceiveBuffer } from './receive/receiveBuffer.ts';
import { SackBlocks } from './receive/sackBlocks.ts';
import type { TuningState, WindowState } from './receive/windowState.ts';
import { CwndUsage } from './send/cwndUsage.ts';
import { type DeliveryRate, newDeliveryRate } from './send/delivery.ts';
import { type EcnState, newEcnState } from './send/ecnState.ts';
import { type FastOpenState, newFastOpenState } from './send/fastOpenState.ts';
import { type MtuSearch, newMtuSearch } from './send/mtuSearch.ts';
import { newPace, type Pace } from './send/pace.ts';
import {
  type AckNews,
  newAckNews,
  newRack,
  newRecovery,
  type Rack,
  type Recovery,
} from './send/recovery.ts';
import { RetransmitQueue } from './send/retransmitQueue.ts';
import { RttEstimator } from './send/rttEstimator.ts';
import { SendBuffer } from './send/sendBuffer.ts';
import { WriteQueue } from './send/writeQueue.ts';
import { type AcceptGate, Shared } from './shared.ts';
import { type State, TRANSITIONS } from './states.ts';

/** Octets of the largest datagram: windows are rounded up, and a segment may reach beyond one. */
const LARGEST_SEGMENT = 65_536;

/**
 * The transmission control block: all that is known of one connection, as a record. The variables
 * have the RFC's names, with their dot. Functions of `input`, `send` and `receive` work on it; it
 * decides nothing itself.
 *
 * @rfc 9293 3.3.1
 */

/**
 * ```
 *        1         2          3          4
 *   ----------|----------|----------|----------
 *          SND.UNA    SND.NXT    SND.UNA
 *                               +SND.WND
 *
 *   1  old sequence numbers that have been acknowledged
 *   2  sequence numbers of unacknowledged data
 *   3  sequence numbers allowed for new data transmission
 *   4  future sequence numbers that are not yet allowed
 * ```
 *
 * @rfc 9293 3.3.1 figure 3
 */
export interface SendSpace {
  /** Oldest unacknowledged sequence number. */
  una: Seq;
  /** Next sequence number to be sent; nothing at or beyond it has ever been sent. */
  nxt: Seq;
  /** Window of the peer, in octets (shift applied). */
  wnd: number;
  /** Largest window that the peer has ever offered. @rfc 9293 3.8.6.2.1 */
  maxWnd: number;
  /** SEG.SEQ and SEG.ACK of the last window update. */
  wl1: Seq;
  wl2: Seq;
  iss: Seq;
  /** Shift of the windows that the peer announces, 0 to 14. @rfc 7323 2 */
  shift: number;
  /** Largest segment that the peer takes, its option; {@link DEFAULT_MSS} without one. */
  peerMss: number;
  /** Text octets of a full segment now: options and path MTU taken off. @rfc 9293 3.7.1 MUST-16 */
  mss: number;
  /** End of the last segment sent that was not full. For Nagle's rule. */
  smallEnd: Seq;
  /** What was written before this goes even if it fills no segment (Linux: TCP_NAGLE_PUSH). */
  pushTo: Seq;
  /** End of urgent text (SND.UP); not beyond SND.UNA: there is none. @rfc 9293 3.8.5, 6093 3.1 */
  up: Seq;
}

/**
 * ```
 *          1          2          3
 *      ----------|----------|----------
 *             RCV.NXT    RCV.NXT
 *                       +RCV.WND
 * ```
 *
 * @rfc 9293 3.3.1 figure 4
 */
export interface ReceiveSpace {
  nxt: Seq;
  /** Octets that the peer may send beyond RCV.NXT, as it was told last. Its edge never moves left. */
  wnd: number;
  irs: Seq;
  /** Shift of the windows that we announce. */
  shift: number;
  /** Largest segment that we announced. */
  mss: number;
  /** End of urgent text (RCV.UP), and whether the user has still to read some of it. */
  up: Seq;
  urgent: boolean;
  /** The FIN of the peer has been seen, perhaps beyond a hole; `fin` is its number. */
  finSeen: boolean;
  fin: Seq;
}

/** RFC 7323 timestamps. */
export interface Timestamps {
  /** We offer the option, or both ends do. */
  on: boolean;
  /** TS.Recent and when it was taken. */
  recent: number;
  recentAt: Micros;
  /** Added to the clock of milliseconds, random per connection. */
  offset: number;
}

/** State of the decision when to acknowledge. @rfc 9293 3.8.6.3 */
export interface AckState {
  /** An ACK must go out in this turn, and why. */
  owed: SendReason | null;
  /** ... and so many copies of it before: one for each out-of-order segment. @rfc 5681 4.2 */
  duplicates: number;
  /** Something arrived that no ACK has covered yet, and what (ICSK_ACK_SCHED). */
  scheduled: boolean;
  cause: SendReason;
  /** It is to be acknowledged whatever else holds (ICSK_ACK_NOW). */
  atOnce: boolean;
  /** Small segments, or pushed ones, since the last ACK: 0, 1, or 2 and more (ICSK_ACK_PUSHED, 2). */
  pushed: number;
  /** ACKs that still go out without delay, if the user does not answer what it receives. */
  quick: number;
  /** The user answers what it receives, so an ACK can wait for the answer (Linux: pingpong). */
  interactive: boolean;
  /** Expected time between segments, the delay of an ACK; 0: nothing has arrived (ato). */
  ato: Micros;
  /** Estimate of the peer's segment size, in octets of text (rcv_mss). */
  segment: number;
  /** Size of the last segment that was smaller (last_seg_size). */
  lastSize: number;
  /** RCV.NXT of the last ACK sent (rcv_wup). */
  last: Seq;
  /** ACKs of out-of-order segments that wait to become one (compressed_ack). */
  compressed: number;
  /** Duplicate ACKs that went out at once since RCV.NXT was this (dup_ack_counter). */
  duplicatesSent: number;
  duplicatesAt: Seq;
  /** When an ACK last answered something out of the window (last_oow_ack_time). */
  invalidAt: Micros;
}

/** The timers, as positions in {@link Tcb.deadlines}. */
export const Timer = {
  RETRANSMISSION: 0,
  PERSIST: 1,
  DELAYED_ACK: 2,
  KEEPALIVE: 3,
  /** TIME-WAIT, and FIN-WAIT-2 of a connection that the user has left. */
  TIME_WAIT: 4,
  /** ACKs of out-of-order segments wait for one another. */
  COMPRESSED_ACK: 5,
  /** The end of what is in flight may be lost. @rfc 8985 7 */
  LOSS_PROBE: 6,
  /** What is late may be lost. @rfc 8985 6.3 */
  REORDERING: 7,
  /** Text waits for its pace. */
  PACING: 8,
} as const;
export const TIMER_COUNT = 9;

/** What the user of a connection is told, as bits. */
export const Event = {
  OPEN: 1,
  READABLE: 2,
  WRITABLE: 4,
  END: 8,
  CLOSED: 16,
  /** Repetitions have reached R1: the peer may be gone. @rfc 9293 3.8.3 SHLD-9 */
  UNANSWERED: 32,
  /** ICMP brought bad news, which is kept. @rfc 9293 3.9.1.8 MUST-47 */
  SOFT_ERROR: 64,
  /** Urgent text is on its way, or more of it. @rfc 9293 3.8.5 MUST-32 */
  URGENT: 128,
} as const;

export type { AcceptGate } from './shared.ts';

/** The four-tuple and how it came about. */
export interface TcbOptions {
  readonly id: number;
  readonly localAddress: Ipv4Address;
  readonly localPort: number;
  readonly remoteAddress: Ipv4Address;
  readonly remotePort: number;
  readonly flow: Flow;
  readonly config: TcpConfig;
  readonly congestion: CongestionControl;
  readonly iss: Seq;
  readonly timestampOffset: number;
  readonly tracer: Tracer | null;
  readonly gate: AcceptGate | null;
  /** Default: it shares nothing with others. */
  readonly shared?: Shared;
}

export class Tcb {
  readonly id: number;
  readonly localAddress: Ipv4Address;
  readonly localPort: number;
  readonly remoteAddress: Ipv4Address;
  readonly remotePort: number;
  readonly flow: Flow;
  /** May be replaced while the connection lives (keepalive, Nagle). */
  config: TcpConfig;
  readonly tracer: Tracer | null;
  /** What it has in common with the other connections of the stack. */
  readonly shared: Shared;
  /** Not null: opened passively. @rfc 9293 3.5 MUST-11 */
  readonly gate: AcceptGate | null;

  /** Assigned by {@link transition} alone. */
  state: State;
  /** Why it ended; null: normally, or not yet. */
  error: ConnectionErrorCode | null;
  /** The last ICMP error that was not believed at once. @rfc 9293 3.9.2.2, 5461 */
  softError: ConnectionErrorCode | null;

  readonly snd: SendSpace;
  readonly rcv: ReceiveSpace;
  readonly window: WindowState;
  readonly tuning: TuningState;
  readonly ts: Timestamps;
  readonly recovery: Recovery;
  readonly rack: Rack;
  /** What the present ACK says. */
  readonly news: AckNews;
  readonly ack: AckState;
  readonly fastOpen: FastOpenState;
  /** Text of the SYN that opened both ends; it waits for the end of the handshake. */
  synText: Uint8Array | null;
  readonly ecn: EcnState;
  readonly rtt: RttEstimator;
  congestion: CongestionControl;
  readonly delivery: DeliveryRate;
  readonly pace: Pace;
  readonly mtuSearch: MtuSearch;
  /** How far cwnd is used. */
  readonly cwndUsage: CwndUsage;
  /** The one record in which ACKs are told to congestion control. */
  readonly sample: AckSample;
  readonly sendBuffer: SendBuffer;
  /** How the text of the send buffer is divided, and where PSH stands. */
  readonly writeQueue: WriteQueue;
  readonly receiveBuffer: ReceiveBuffer;
  readonly retransmitQueue: RetransmitQueue;
  readonly deadlines: Float64Array;
  /** We offer window scaling, or both ends do. @rfc 7323 2.2 */
  windowScaling: boolean;
  /** We offer selective acknowledgments, or both ends do. @rfc 2018 2 */
  sackPermitted: boolean;
  /** What we report of text beyond a hole. */
  readonly sackBlocks: SackBlocks;

  /** A SYN is to be sent, and why. */
  synOwed: SendReason | null;
  /** A RST is to be sent, and why. */
  resetOwed: SendReason | null;
  /** A probe at SND.UNA - 1 is to be sent, and why. */
  probeOwed: 'keepalive-probe' | 'window-probe' | null;
  /** Expiry of the persist timer: what the window allows goes out, however small. */
  overrideOwed: boolean;
  /** The user closed the send side. */
  sendClosed: boolean;
  finSent: boolean;
  /** The user will read no more. */
  receiveClosed: boolean;
  /** ... and it counts among the orphans of the stack (`orphans.ts`). */
  orphan: boolean;
  /** Octets of its buffers that are on the account of the stack. */
  charged: number;
  /** The user wants no more text, but may read what there is. */
  readShut: boolean;
  /** The user wrote less than wanted and waits for room. */
  writeBlocked: boolean;
  /** The user has read since the last turn: the window may have opened. */
  userRead: boolean;
  /** The path MTU fell: segments in flight may be too long. */
  mtuFell: boolean;

  /** Probes, of either kind, since the peer answered last. */
  probesOut: number;
  persistBackoff: number;
  /** When the window or the user made the first unanswered probe necessary. For the user timeout. */
  probesSince: Micros;
  /** When a segment last arrived, when text last arrived. */
  heardAt: Micros;
  textAt: Micros;
  /** When a segment was last sent, and when text was. */
  sentAt: Micros;
  sentTextAt: Micros;
  /** Bits of {@link Event}, until the user has been told. */
  events: number;

  constructor(options: TcbOptions) {
    const { config, iss } = options;
    this.id = options.id;
    this.localAddress = options.localAddress;
    this.localPort = options.localPort;
    this.remoteAddress = options.remoteAddress;
    this.remotePort = options.remotePort;
    this.flow = options.flow;
    this.config = config;
    this.tracer = options.tracer;
    this.shared = options.shared ?? new Shared();
    this.gate = options.gate;
    this.state = 'CLOSED';
    this.error = null;
    this.softError = null;
    this.snd = newSendSpace(iss);
    this.rcv = newReceiveSpace();
    this.window = newWindowState(config);
    this.tuning = { space: 0, seq: seq(0), at: 0, rtt: 0, rttSeq: seq(0), rttAt: 0, lastEcho: 0 };
    this.ts = {
      on: config.timestamps && !config.noOptions,
      recent: 0,
      recentAt: 0,
      offset: options.timestampOffset,
    };
    this.recovery = newRecovery(iss);
    this.rack = newRack(iss);
    this.news = newAckNews();
    this.ack = newAckState();
    this.fastOpen = newFastOpenState();
    this.synText = null;
    this.ecn = newEcnState();
    this.rtt = new RttEstimator(config);
    this.congestion = options.congestion;
    this.delivery = newDeliveryRate();
    this.pace = newPace(config.maxPacingRate > 0);
    this.mtuSearch = newMtuSearch(options.flow.mtu, iss);
    this.cwndUsage = new CwndUsage();
    this.sample = newAckSample(iss);
    this.sendBuffer = new SendBuffer(config.sendBuffer || config.wmemDefault, add(iss, 1));
    this.writeQueue = new WriteQueue(add(iss, 1));
    this.receiveBuffer = new ReceiveBuffer(mostReceived(config), config.segmentLayout);
    this.retransmitQueue = new RetransmitQueue();
    this.deadlines = new Float64Array(TIMER_COUNT).fill(NEVER);
    this.windowScaling = config.windowScaling && !config.noOptions;
    this.sackPermitted = config.sack && !config.noOptions;
    this.sackBlocks = new SackBlocks();
    this.synOwed = null;
    this.resetOwed = null;
    this.probeOwed = null;
    this.overrideOwed = false;
    this.sendClosed = false;
    this.finSent = false;
    this.receiveClosed = false;
    this.orphan = false;
    this.charged = 0;
    this.readShut = false;
    this.writeBlocked = false;
    this.userRead = false;
    this.mtuFell = false;
    this.probesOut = 0;
    this.persistBackoff = 0;
    this.probesSince = 0;
    this.heardAt = 0;
    this.textAt = -NEVER;
    this.sentAt = 0;
    this.sentTextAt = 0;
    this.events = 0;
  }
}

function newSendSpace(iss: Seq): SendSpace {
  return {
    una: iss,
    nxt: iss,
    wnd: 0,
    maxWnd: 0,
    wl1: seq(0),
    wl2: seq(0),
    iss,
    shift: 0,
    peerMss: DEFAULT_MSS,
    mss: DEFAULT_MSS,
    smallEnd: iss,
    pushTo: iss,
    up: iss,
  };
}

function newReceiveSpace(): ReceiveSpace {
  return {
    nxt: seq(0),
    wnd: 0,
    irs: seq(0),
    shift: 0,
    mss: DEFAULT_MSS,
    up: seq(0),
    urgent: false,
    finSeen: false,
    fin: seq(0),
  };
}

function newWindowState(config: TcpConfig): WindowState {
  const locked = config.receiveBuffer > 0;
  const asked = Math.max(MIN_RECEIVE_MEMORY, 2 * config.receiveBuffer);
  return {
    buffer: locked ? asked : Math.min(config.rmemDefault, config.rmemMax),
    locked,
    scalingRatio: SCALING_RATIO,
    clamp: 0,
    ssthresh: 0,
    announced: 0,
  };
}

/** More octets than any window of the connection can let in, whatever part of the memory is text. */
function mostReceived(config: TcpConfig): number {
  const memory = config.receiveBuffer > 0 ? 2 * config.receiveBuffer : config.rmemMax;
  return Math.max(MIN_RECEIVE_MEMORY, memory) + LARGEST_SEGMENT;
}

function newAckState(): AckState {
  return {
    owed: null,
    duplicates: 0,
    scheduled: false,
    cause: 'ack-now',
    atOnce: false,
    pushed: 0,
    quick: 0,
    interactive: false,
    ato: 0,
    segment: DEFAULT_MSS,
    lastSize: 0,
    last: seq(0),
    compressed: 0,
    duplicatesSent: 0,
    duplicatesAt: seq(0),
    invalidAt: -NEVER,
  };
}

/**
 * The one way from state to state.
 * @throws Error if figure 5 has no such way: a defect of this stack
 * @rfc 9293 3.3.2
 */
export function transition(tcb: Tcb, to: State, now: Micros): void {
  const from = tcb.state;
  if (!TRANSITIONS[from].includes(to)) {
    throw new Error(`connection ${tcb.id}: no way from ${from} to ${to}`);
  }
  tcb.state = to;
  tcb.shared.onTransition(from, to);
  if (tcb.tracer !== null) tcb.tracer.transition(tcb.id, from, to, now);
}

/**
 * The user is told that nothing more will happen; the four-tuple stays taken. Beyond the limit of
 * the stack it lasts until the last ACK is sent (Linux: tcp_max_tw_buckets).
 *
 * @rfc 9293 3.6.1
 */
export function enterTimeWait(tcb: Tcb, now: Micros): void {
  const { shared } = tcb;
  const isOverflow = shared.timeWaits >= shared.limits.timeWaits;
  if (isOverflow) shared.counters.TCPTimeWaitOverflow++;
  tcb.shared.endOrphan(tcb);
  transition(tcb, 'TIME-WAIT', now);
  tcb.deadlines.fill(NEVER);
  tcb.deadlines[Timer.TIME_WAIT] = now + (isOverflow ? 0 : tcb.config.timeWait);
  tcb.sendBuffer.release();
  tcb.events |= Event.CLOSED;
}

/** Ends the connection: no timer runs, nothing is owed but a RST. `error` null: a normal end. */
export function closeTcb(tcb: Tcb, error: ConnectionErrorCode | null, now: Micros): void {
  if (tcb.state === 'CLOSED') return;
  tcb.shared.endOrphan(tcb);
  transition(tcb, 'CLOSED', now);
  tcb.error = error;
  tcb.deadlines.fill(NEVER);
  tcb.ack.owed = null;
  tcb.ack.scheduled = false;
  tcb.ack.duplicates = 0;
  tcb.synOwed = null;
  tcb.probeOwed = null;
  tcb.retransmitQueue.clear();
  tcb.sendBuffer.release();
  if (tcb.receiveClosed) tcb.receiveBuffer.release();
  tcb.events |= Event.CLOSED;
}

/** Nobody answers: the connection ends, with what ICMP said of it if it did (tcp_write_err). */
export function giveUp(tcb: Tcb, now: Micros): void {
  tcb.shared.counters.TCPAbortOnTimeout++;
  closeTcb(tcb, tcb.softError ?? 'ETIMEDOUT', now);
}

/** Octets, SYN and FIN sent and not acknowledged: FlightSize. @rfc 5681 2 */
export function outstanding(tcb: Tcb): number {
  return diff(tcb.snd.nxt, tcb.snd.una);
}

/** Number of the FIN, when the user has closed the send side. */
export function finSeq(tcb: Tcb): Seq {
  return tcb.sendBuffer.end;
}

/** Has the FIN been sent, and acknowledged? */
export function isFinAcknowledged(tcb: Tcb): boolean {
  return tcb.finSent && diff(tcb.snd.una, finSeq(tcb)) === 1;
}

/** Text octets not yet sent. */
export function unsentText(tcb: Tcb): number {
  return Math.max(0, diff(tcb.sendBuffer.end, tcb.snd.nxt));
}

/** Is there text or a FIN that has not been sent? */
export function hasUnsent(tcb: Tcb): boolean {
  return !tcb.finSent && (unsentText(tcb) > 0 || tcb.sendClosed);
}

/** Owes an ACK in this turn; the first reason stands. */
export function oweAck(tcb: Tcb, reason: SendReason): void {
  if (tcb.ack.owed === null) tcb.ack.owed = reason;
}

/** Owes an ACK for this very segment, even if another one is owed: the peer counts them. @rfc 5681 4.2 */
export function oweDuplicateAck(tcb: Tcb, reason: SendReason): void {
  if (tcb.ack.owed === null) tcb.ack.owed = reason;
  else if (tcb.ack.duplicates < MAX_DUPLICATE_ACKS_OWED) tcb.ack.duplicates++;
}
