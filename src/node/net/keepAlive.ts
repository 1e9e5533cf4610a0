import { MS } from '../../core/base/time.ts';
import type { ProbeOctets, TcpConfig } from '../../core/tcp/config.ts';

/** Keepalive of one socket, times in milliseconds; what is not given stays as it is. */
export interface KeepAliveOptions {
  /** Default: true. */
  readonly enable?: boolean;
  /** Idle time before the first probe. */
  readonly initialDelay?: number;
  /** Time between probes that nobody answers. */
  readonly interval?: number;
  /** Unanswered probes that mean a dead peer, 1 to 127. */
  readonly count?: number;
  /** Octets of text in a probe; 1 for peers that ignore empty ones. @rfc 9293 3.8.4 MAY-6 */
  readonly probeOctets?: ProbeOctets;
}

/** The settings as TCP knows them; a delay of 0 leaves what is set, as in node:net. */
export function keepAliveConfig(options: KeepAliveOptions): Partial<TcpConfig> {
  const { initialDelay = 0, interval = 0, count = 0, probeOctets } = options;
  return {
    keepAlive: options.enable ?? true,
    ...(initialDelay > 0 && { keepAliveIdle: microseconds(initialDelay) }),
    ...(interval > 0 && { keepAliveInterval: microseconds(interval) }),
    ...(count > 0 && { keepAliveCount: count }),
    ...(probeOctets !== undefined && { keepAliveProbeOctets: probeOctets }),
  };
}

function microseconds(ms: number): number {
  return Math.max(MS, Math.round(ms * MS));
}
