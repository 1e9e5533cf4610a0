import type { Seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';

/**
 * What the window that we announce follows from, as Linux reckons it: in memory, of which a part is
 * text. Linux's names stand in brackets.
 */
export interface WindowState {
  /** Memory for text, in order or not (sk_rcvbuf). */
  buffer: number;
  /** The user has set it, so it stays (SOCK_RCVBUF_LOCK). */
  locked: boolean;
  /** The part of memory that is text, in 256ths (scaling_ratio). */
  scalingRatio: number;
  /** No window is larger (window_clamp). */
  clamp: number;
  /** ... nor larger than this, which grows as segments prove to be worth their memory (rcv_ssthresh). */
  ssthresh: number;
  /** RCV.WND as it was when it was announced last (rcv_wnd). */
  announced: number;
}

/** Measures by which the receive buffer grows: Linux's dynamic right-sizing. */
export interface TuningState {
  /** Octets that the user read in a round trip, at most (rcvq_space.space). */
  space: number;
  /** Where the present measure began: the next octet to be read, and when. */
  seq: Seq;
  at: Micros;
  /** Eight times the round-trip time as the receiver sees it; 0: not known (rcv_rtt_est). */
  rtt: number;
  /** The present measurement of it ends when RCV.NXT gets here; when it began, 0: not yet. */
  rttSeq: Seq;
  rttAt: Micros;
  /** TSecr of the last measurement by timestamps. */
  lastEcho: number;
}
