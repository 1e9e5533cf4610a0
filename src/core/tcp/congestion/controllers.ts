import type { Random } from '../../base/random.ts';
import type { TcpConfig } from '../config.ts';
import { Bbr } from './bbr.ts';
import type { CongestionControl, Situation } from './congestionControl.ts';
import { Cubic } from './cubic.ts';
import { NewReno } from './newReno.ts';

/** What of the settings a controller is made by. */
type ControllerConfig = Pick<TcpConfig, 'congestionControl' | 'slowStart'>;

/**
 * A controller at the beginning of a connection.
 * @param mss octets
 * @param random for the one that draws (BBR); null: nothing is left to chance
 */
export function newController(
  { congestionControl: name, slowStart }: ControllerConfig,
  mss: number,
  random: Random | null,
): CongestionControl {
  switch (name) {
    case 'bbr':
      return new Bbr(mss, random);
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
 */
export function successor(
  config: ControllerConfig,
  { mss, cwnd, ssthresh }: CongestionControl,
  random: Random | null,
  situation: Situation,
): CongestionControl {
  const next = newController(config, mss, random);
  next.cwnd = cwnd;
  next.ssthresh = ssthresh;
  next.onEstablished(situation);
  return next;
}
