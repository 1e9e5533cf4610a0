import { type Micros, MS, NEVER } from '../base/time.ts';
import type { State } from './states.ts';
import { outstanding, type Tcb, Timer, unsentText } from './tcb.ts';

/**
 * What can be seen of a connection while it runs, with the names and units of Linux's `tcp_info` in
 * camelCase: times in µs unless they are said to be in ms, sizes in octets, counts in segments.
 */
export interface TcpInfo {
  readonly state: State;
  /** Where loss recovery stands; `disorder`: duplicate ACKs, and no loss yet. */
  readonly caState: 'open' | 'disorder' | 'recovery' | 'loss';
  /** Expiries of the retransmission timer in a row. */
  readonly retransmits: number;
  /** Keepalive or window probes that nobody has answered. */
  readonly probes: number;
  readonly backoff: number;
  /** Both ends use timestamps. */
  readonly timestamps: boolean;
  /** Shifts of the windows that the peer announces, and that we announce. */
  readonly sndWscale: number;
  readonly rcvWscale: number;
  readonly rto: Micros;
  readonly sndMss: number;
  /** Largest segment that the peer has sent. */
  readonly rcvMss: number;
  /** Largest segment that we announced. */
  readonly advmss: number;
  readonly pmtu: number;
  /** Segments sent and not acknowledged; those of them that are lost; those sent again. */
  readonly unacked: number;
  readonly lost: number;
  readonly retrans: number;
  /** Milliseconds since text was sent last, text arrived last, anything arrived last. */
  readonly lastDataSent: number;
  readonly lastDataRecv: number;
  readonly lastAckRecv: number;
  readonly rtt: Micros;
  readonly rttvar: Micros;
  readonly minRtt: Micros;
  /** Segments. Infinity: no loss yet. */
  readonly sndSsthresh: number;
  readonly sndCwnd: number;
  /** Octets that the peer lets us send, and that we let it. */
  readonly sndWnd: number;
  readonly rcvWnd: number;
  /** Octets that the user has written and that were not sent yet. */
  readonly notsentBytes: number;
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
  const disorder = recovery.phase === 'open' && recovery.duplicateAcks > 0;
  const { ssthresh } = congestion;
  return {
    state: tcb.state,
    caState: disorder ? 'disorder' : recovery.phase,
    retransmits: recovery.retries,
    probes: tcb.probesOut,
    backoff: Math.max(rtt.backoff, tcb.persistBackoff),
    timestamps: tcb.ts.on,
    sndWscale: snd.shift,
    rcvWscale: rcv.shift,
    rto: rtt.rto,
    sndMss: snd.mss,
    rcvMss: tcb.ack.segment,
    advmss: rcv.mss,
    pmtu: tcb.flow.mtu,
    unacked: outstanding(tcb) > 0 ? queue.count : 0,
    lost: segments(queue.lostOctets),
    retrans: segments(queue.resentOctets),
    lastDataSent: since(tcb.sentTextAt),
    lastDataRecv: since(tcb.textAt),
    lastAckRecv: since(tcb.heardAt),
    rtt: Math.round(rtt.srtt),
    rttvar: Math.round(rtt.rttvar),
    minRtt: rtt.minRtt,
    sndSsthresh:
      ssthresh === Number.MAX_SAFE_INTEGER ? Number.POSITIVE_INFINITY : segments(ssthresh),
    sndCwnd: segments(congestion.cwnd),
    sndWnd: snd.wnd,
    rcvWnd: rcv.wnd,
    notsentBytes: unsentText(tcb),
    keepAliveTimer: keepAlive === NEVER ? null : Math.max(0, keepAlive - now),
  };
}
