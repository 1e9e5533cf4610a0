import type { Seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import type { CongestionControlName } from '../config.ts';
import type { CongestionControl } from './congestionControl.ts';
import { Cubic } from './cubic.ts';
import { NewReno } from './newReno.ts';

/** A controller at the beginning of a connection. @param mss octets */
export function newController(name: CongestionControlName, mss: number): CongestionControl {
  switch (name) {
    case 'cubic':
      return new Cubic(mss);
    case 'reno':
      return new NewReno(mss);
    default:
      return name satisfies never;
  }
}

/**
 * Another controller for a connection that lives: the windows stay, and nothing else that was learned
 * (Linux: tcp_reinit_congestion_control).
 *
 * @param nxt SND.NXT
 */
export function successor(
  name: CongestionControlName,
  { mss, cwnd, ssthresh }: CongestionControl,
  nxt: Seq,
  now: Micros,
): CongestionControl {
  const next = newController(name, mss);
  next.cwnd = cwnd;
  next.ssthresh = ssthresh;
  next.onEstablished(nxt, now);
  return next;
}
