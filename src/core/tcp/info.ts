import { type Micros, MS, NEVER } from '../base/time.ts';
import { type CongestionControlName, NO_THRESHOLD } from './config.ts';
import type { PathModel } from './congestion/congestionControl.ts';
import { advertisedMss } from './receive/windowSpace.ts';
import { deliveryRate } from './send/deliveryRate.ts';
import { sackedOut } from './send/inFlight.ts';
import type { State } from './states.ts';
import { outstanding, type Tcb, Timer, unsentText } from './tcb.ts';

/**
 * What can be seen of a connection while it runs, with the names and units of Linux's `tcp_info` in
 * camelCase: times in µs unless they are said to be in ms, sizes in octets, counts in segments.
 */
export interface TcpInfo {
  readonly state: State;
  /** Where loss recovery stands. */
  readonly caState: Tcb['recovery']['phase'];
  /** Expiries of the retransmission timer in a row. */
  readonly retransmits: number;
  /** Keepalive or window probes that nobody has answered. */
  readonly probes: number;
  readonly backoff: number;
  /** Both ends use timestamps. */
  readonly timestamps: boolean;
  /** The text of a SYN was acknowledged; the connection was open before its handshake had ended. */
  readonly synData: boolean;
  readonly fastOpenChild: boolean;
  /**
   * Why an active open sent its text after the SYN: 1: no cookie was known; 2: the SYN-ACK did not
   * acknowledge it; 3: the SYN was sent again; 0: it did not, or nobody wanted it (RFC 7413).
   */
  readonly fastopenClientFail: number;
  /** Both ends use ECN; text has come that routers could have marked. */
  readonly ecn: boolean;
  readonly ecnSeen: boolean;
  /** Shifts of the windows that the peer announces, and that we announce. */
  readonly sndWscale: number;
  readonly rcvWscale: number;
  readonly rto: Micros;
  readonly sndMss: number;
  /** Largest segment that the peer has sent. */
  readonly rcvMss: number;
  /** Delay of an ACK, as it is estimated now. */
  readonly ato: Micros;
  /** Text in the largest segment that the peer may send. */
  readonly advmss: number;
  readonly pmtu: number;
  /** Segments sent and not acknowledged; those of them that the peer has; are lost; were sent again. */
  readonly unacked: number;
  readonly sacked: number;
  readonly lost: number;
  readonly retrans: number;
  /** Milliseconds since text was sent last, text arrived last, anything arrived last. */
  readonly lastDataSent: number;
  readonly lastDataRecv: number;
  readonly lastAckRecv: number;
  /** Segments by which one may be late without being lost, and how often one was. */
  readonly reordering: number;
  readonly reordSeen: number;
  /** Segments that the peer has reported to have arrived twice. */
  readonly dsackDups: number;
  /** Segments sent again, and delivered, in all. */
  readonly totalRetrans: number;
  readonly delivered: number;
  /** ... by ACKs that said that a router had marked something. */
  readonly deliveredCe: number;
  /** Octets of text delivered in a second, as of the last measurement; 0: none yet. */
  readonly deliveryRate: number;
  /** ... while the user had too little to send, so that the path may be faster. */
  readonly deliveryRateAppLimited: boolean;
  /** Octets of text that leave in a second, if it is paced, and its bound; Infinity: there is none. */
  readonly pacingRate: number;
  readonly maxPacingRate: number;
  readonly rtt: Micros;
  readonly rttvar: Micros;
  readonly minRtt: Micros;
  /** Segments. Infinity: no loss yet. */
  readonly sndSsthresh: number;
  readonly sndCwnd: number;
  /** Name of the congestion controller (`TCP_CONGESTION`). */
  readonly congestionControl: CongestionControlName;
  /** Octets that the peer lets us send, and that we let it. */
  readonly sndWnd: number;
  readonly rcvWnd: number;
  /** Bound of the window that grows with what arrives. */
  readonly rcvSsthresh: number;
  /** Octets that the user read in a round trip, at most. */
  readonly rcvSpace: number;
  /** Round-trip time as the receiver measures it; 0: not known. */
  readonly rcvRtt: Micros;
  /** Memory that received text takes, and that it may take (`ss -m`: r and rb). */
  readonly rmem: number;
  readonly rcvBuf: number;
  /** Octets that the user has written and that were not sent yet. */
  readonly notsentBytes: number;
  /** What the controller believes of the path (`tcp_bbr_info`); null: it has no model of it. */
  readonly pathModel: PathModel | null;
  /**
   * Not in `tcp_info`: µs to the next look at whether the peer still lives, which is a probe if
   * nothing is heard until then; null: keepalive is off.
   */
  readonly keepAliveTimer: Micros | null;
}

/** A snapshot of the connection. @rfc 9293 3.10.6 */
export function tcpInfo(tcb: Tcb, now: Micros): TcpInfo {
  const { snd, rcv, rtt, recovery, congestion, retransmitQueue: queue } = tcb;
  const segments = (octets: number): number => Math.floor(octets / Math.max(1, snd.mss));
  const since = (at: Micros): number => (at > 0 ? Math.floor((now - at) / MS) : 0);
  const keepAlive = tcb.deadlines[Timer.KEEPALIVE] ?? NEVER;
  const { ssthresh } = congestion;
  return {
    state: tcb.state,
    caState: recovery.phase,
    retransmits: recovery.retries,
    probes: tcb.probesOut,
    backoff: Math.max(rtt.backoff, tcb.persistBackoff),
    timestamps: tcb.ts.on,
    synData: tcb.fastOpen.textAcked,
    fastOpenChild: tcb.fastOpen.isChild,
    fastopenClientFail: tcb.fastOpen.failure,
    ecn: tcb.ecn.on,
    ecnSeen: tcb.ecn.seen,
    sndWscale: snd.shift,
    rcvWscale: rcv.shift,
    rto: rtt.rto,
    sndMss: snd.mss,
    rcvMss: tcb.ack.segment,
    ato: tcb.ack.ato,
    advmss: advertisedMss(tcb),
    pmtu: tcb.flow.mtu,
    unacked: outstanding(tcb) > 0 ? queue.count - (tcb.fastOpen.pending ? 1 : 0) : 0,
    sacked: sackedOut(tcb),
    lost: queue.lostOut,
    retrans: queue.resentOut,
    lastDataSent: since(tcb.sentTextAt),
    lastDataRecv: since(tcb.textAt),
    lastAckRecv: since(tcb.heardAt),
    reordering: recovery.reordering,
    reordSeen: recovery.reorderings,
    dsackDups: recovery.dsackDups,
    totalRetrans: recovery.totalRetrans,
    delivered: recovery.delivered,
    deliveredCe: tcb.ecn.deliveredCe,
    deliveryRate: deliveryRate(tcb),
    deliveryRateAppLimited: tcb.delivery.rateAppLimited,
    pacingRate: Math.floor(tcb.pace.rate),
    maxPacingRate: tcb.config.maxPacingRate || Number.POSITIVE_INFINITY,
    rtt: Math.round(rtt.srtt),
    rttvar: Math.round(rtt.rttvar),
    minRtt: rtt.minRtt,
    sndSsthresh: ssthresh === NO_THRESHOLD ? Number.POSITIVE_INFINITY : segments(ssthresh),
    sndCwnd: segments(congestion.cwnd),
    congestionControl: congestion.name,
    sndWnd: snd.wnd,
    rcvWnd: rcv.wnd,
    rcvSsthresh: tcb.window.ssthresh,
    rcvSpace: tcb.tuning.space,
    rcvRtt: Math.floor(tcb.tuning.rtt / 8),
    rmem: tcb.receiveBuffer.memory.total,
    rcvBuf: tcb.window.buffer,
    notsentBytes: unsentText(tcb),
    pathModel: congestion.model(),
    keepAliveTimer: keepAlive === NEVER ? null : Math.max(0, keepAlive - now),
  };
}
