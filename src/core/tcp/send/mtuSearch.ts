import type { Seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';

/**
 * What packetization layer path MTU discovery knows of a connection. Sizes are octets of datagrams;
 * names of Linux's variables (icsk_mtup) stand in brackets.
 *
 * @rfc 4821 7.1
 */
export interface MtuSearch {
  /** It is under way (enabled). */
  on: boolean;
  /** A datagram of this size gets through (search_low). */
  low: number;
  /** None that is larger is tried (search_high). */
  high: number;
  /** None that is larger is sent but as a probe; Infinity: what the path MTU says holds alone. */
  limit: number;
  /** Of the probe that is in flight; 0: there is none (probe_size). */
  size: number;
  /** Its text (probe_seq_start, probe_seq_end). */
  from: Seq;
  to: Seq;
  /** When the range was found last (probe_timestamp). */
  since: Micros;
  /** Path MTU that all of this is about (icsk_pmtu_cookie). */
  pathMtu: number;
}

export function newMtuSearch(pathMtu: number, iss: Seq): MtuSearch {
  return {
    on: false,
    low: 0,
    high: pathMtu,
    limit: Number.POSITIVE_INFINITY,
    size: 0,
    from: iss,
    to: iss,
    since: 0,
    pathMtu,
  };
}
