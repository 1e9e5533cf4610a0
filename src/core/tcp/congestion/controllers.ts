import type { Seq } from '../../base/seq.ts';
import type { Micros } from '../../base/time.ts';
import type { TcpConfig } from '../config.ts';
import type { CongestionControl } from './congestionControl.ts';
import { Cubic } from './cubic.ts';
import { NewReno } from './newReno.ts';

/** What of the settings a controller is made by. */
type ControllerConfig = Pick<TcpConfig, 'congestionControl' | 'slowStart'>;

/** A controller at the beginning of a connection. @param mss octets */
export function newController(
  { congestionControl: name, slowStart }: ControllerConfig,
  mss: number,
): CongestionControl {
  switch (name) {
    case 'cubic':
      return new Cubic(mss, slowStart);
    case 'reno':
      return new NewReno(mss, slowStart);
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
  config: ControllerConfig,
  { mss, cwnd, ssthresh }: CongestionControl,
  nxt: Seq,
  now: Micros,
): CongestionControl {
  const next = newController(config, mss);
  next.cwnd = cwnd;
  next.ssthresh = ssthresh;
  next.onEstablished(nxt, now);
  return next;
}
