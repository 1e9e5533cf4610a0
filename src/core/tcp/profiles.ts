import { MS, SECOND } from '../base/time.ts';
import type { TcpConfig } from './config.ts';

/**
 * Conduct that is told apart on the wire, as settings: whoever compares this stack with another one
 * takes the profile of that.
 */
export const PROFILES = {
  /** Linux, whose conduct is this stack's default. */
  linux: {},
  /** FreeBSD 14, as far as it shows in SYNs, windows and timers. */
  freebsd: {
    optionOrder: 'freebsd',
    windowModel: 'octets',
    receiveBuffer: 65_536, // net.inet.tcp.recvspace
    rmemMax: 2_097_152, // kern.ipc.maxsockbuf, which the shift of the window follows from
    initialRto: 1 * SECOND, // net.inet.tcp.rexmit_initial
    maxRto: 64 * SECOND, // TCPTV_REXMTMAX
    synRetries: 12, // TCP_MAXRXTSHIFT
    synLinearTimeouts: 4, // tcp_syn_backoff
    dataRetries: 12,
    delayedAck: 40 * MS, // net.inet.tcp.delacktime
    keepAliveCount: 8, // net.inet.tcp.keepcnt
  },
} as const satisfies Readonly<Record<string, Partial<TcpConfig>>>;

/** The name of a profile. */
export type ProfileName = keyof typeof PROFILES;
