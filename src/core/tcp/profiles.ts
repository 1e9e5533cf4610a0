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
    minRto: 1 * MS, // a tick
    rtoFloor: 230 * MS, // net.inet.tcp.rexmit_min and rexmit_slop
    rtoSlop: 200 * MS, // net.inet.tcp.rexmit_slop
    maxRto: 64 * SECOND, // TCPTV_REXMTMAX
    synRetries: 12, // TCP_MAXRXTSHIFT
    synLinearTimeouts: 0, // tcp_backoff
    synAgain: 0,
    leastMss: 216, // net.inet.tcp.minmss
    synMssOfPath: false,
    fastOpenRefusal: 900 * SECOND, // net.inet.tcp.fastopen.path_disable_time
    synAckRetries: 3, // net.inet.tcp.syncache.rexmtlimit
    dataRetries: 12,
    earlyRetransmit: 0,
    lossDetection: 'count',
    givingUp: 'count',
    connectTimeout: 75 * SECOND, // net.inet.tcp.keepinit
    finWait2: 600 * SECOND, // net.inet.tcp.keepcnt times keepintvl
    delayedAck: 40 * MS, // net.inet.tcp.delacktime
    ackRule: 'second-segment',
    compressedAcks: 0,
    keepAliveCount: 8, // net.inet.tcp.keepcnt
    pushRule: 'buffer',
    finWithAcks: true,
    resetUnread: false,
    timeWaitResets: false,
    timeWaitCheck: 'repetition',
    synText: 'kept',
    sackFin: false,
    invalidAckInterval: 0,
    openingErrors: 'hard',
    errorCodes: 'freebsd',
  },
} as const satisfies Readonly<Record<string, Partial<TcpConfig>>>;

/** The name of a profile. */
export type ProfileName = keyof typeof PROFILES;
