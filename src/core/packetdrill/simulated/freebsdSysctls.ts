import { MS, SECOND } from '../../base/time.ts';
import { MIN_MSS, type TcpConfig } from '../../tcp/config.ts';
import { always, ecnUse, flag, HARMLESS, type Meaning, number } from './meaning.ts';

/** net.inet.tcp.rexmit_min, in ms: the least timeout, before rexmit_slop is added. */
const LEAST = 30;
const MINUTE = 60 * SECOND;
/** Whether active opens may use Fast Open; when they may not any more, the cookies are forgotten. */
export const CLIENT_ENABLE = 'net.inet.tcp.fastopen.client_enable';
/** More memory than any shift of the window can announce. */
const MOST_MEMORY = 1 << 29;

/**
 * What a `sysctl` of FreeBSD changes. What is not named here is unsupported, and so is a value other
 * than those that are named where it stands for conduct that this stack has not got.
 */
export const FREEBSD: Readonly<Record<string, Meaning>> = {
  // options and buffers
  'net.inet.tcp.rfc1323': flag((on) => ({ timestamps: on, windowScaling: on })),
  'net.inet.tcp.sack.enable': flag((on) => ({ sack: on })),
  'net.inet.tcp.tolerate_missing_ts': flag((on) => ({
    missingTimestamps: on ? 'taken' : 'dropped',
  })),
  'net.inet.tcp.ts_offset_per_conn': HARMLESS,
  'net.inet.tcp.ecn.enable': ecnUse,
  'net.inet.tcp.cc.abe': flag((on) => ({ ecnBackoff: on ? 'abe' : 'loss' })),
  'net.inet.tcp.recvspace': number((n) => ({ receiveBuffer: n })),
  'net.inet.tcp.recvbuf_auto': HARMLESS,
  'net.inet.tcp.recvbuf_max': HARMLESS,
  'net.inet.tcp.sendspace': always('32768'),
  'net.inet.tcp.sendbuf_auto': HARMLESS,
  'net.inet.tcp.sendbuf_inc': HARMLESS,
  'net.inet.tcp.sendbuf_max': HARMLESS,
  'kern.ipc.maxsockbuf': number((n) => ({ rmemMax: Math.min(n, MOST_MEMORY) })),
  'net.inet.tcp.mssdflt': always('536'),
  'net.inet.tcp.minmss': number((n) => ({ leastMss: Math.max(n, MIN_MSS) })),
  // timers
  'net.inet.tcp.rexmit_initial': number((n) => ({ initialRto: n * MS })),
  'net.inet.tcp.rexmit_min': always(String(LEAST)),
  'net.inet.tcp.rexmit_slop': number((n) => ({ rtoSlop: n * MS, rtoFloor: (LEAST + n) * MS })),
  'net.inet.tcp.rexmit_drop_options': flag((on) => ({ synPlainAfter: on ? 3 : 0 })),
  'net.inet.tcp.retries': number((n) => ({ synRetries: n, dataRetries: n })),
  'net.inet.tcp.delacktime': number((n) => ({ delayedAck: n * MS })),
  'net.inet.tcp.delayed_ack': (value) => delayedAck(value),
  'net.inet.tcp.msl': number((n) => ({ timeWait: 2 * n * MS })),
  'net.inet.tcp.finwait2_timeout': always('60000'),
  'net.inet.tcp.fast_finwait2_recycle': flag((on) => ({ finWait2: on ? MINUTE : 10 * MINUTE })),
  'net.inet.tcp.nolocaltimewait': HARMLESS, // the peer is never local
  'net.inet.tcp.keepinit': number((n) => ({ connectTimeout: n * MS })),
  'net.inet.tcp.keepidle': number((n) => ({ keepAliveIdle: n * MS })),
  'net.inet.tcp.keepintvl': number((n) => ({ keepAliveInterval: n * MS })),
  'net.inet.tcp.keepcnt': number((n) => ({ keepAliveCount: n })),
  'net.inet.tcp.always_keepalive': flag((on) => ({ keepAlive: on })),
  // what peers and others may do
  'net.inet.tcp.insecure_rst': flag((on) => ({ resetCheck: on ? 'window' : 'exact' })),
  'net.inet.tcp.insecure_syn': flag((on) => ({ synCheck: on ? 'reset' : 'challenge' })),
  'net.inet.tcp.insecure_ack': always('0'),
  'net.inet.tcp.drop_synfin': flag((on) => ({ synFin: !on })),
  'net.inet.tcp.blackhole': always('0'),
  'net.inet.tcp.icmp_may_rst': flag((on) => ({ openingErrors: on ? 'hard' : 'none' })),
  'net.inet.icmp.icmplim': HARMLESS,
  'net.inet.icmp.icmplim_output': HARMLESS,
  'net.inet.tcp.syncache.rexmtlimit': number((n) => ({ synAckRetries: n })),
  'net.inet.tcp.syncookies': HARMLESS,
  'net.inet.tcp.syncookies_only': always('0'),
  'net.inet.tcp.fastopen.server_enable': always('0'),
  [CLIENT_ENABLE]: flag((on) => ({ fastOpenClient: on })),
  'net.inet.tcp.fastopen.path_disable_time': number((n) => ({ fastOpenRefusal: n * SECOND })),
  'net.inet.tcp.udp_tunneling_port': always('0'),
  'net.inet.tcp.path_mtu_discovery': always('1'),
  'net.inet.tcp.pmtud_blackhole_detection': always('0'),
  // congestion control and loss recovery
  'net.inet.tcp.functions_default': always('freebsd'),
  'net.inet.tcp.cc.algorithm': (value) => CONGESTION_CONTROL[value] ?? null,
  'net.inet.tcp.initcwnd_segments': always('10'),
  'net.inet.tcp.abc_l_var': always('2'),
  'net.inet.tcp.rfc3042': always('1'),
  'net.inet.tcp.rfc3390': always('1'),
  'net.inet.tcp.rfc3465': always('1'),
  'net.inet.tcp.rfc6675_pipe': always('1'),
  'net.inet.tcp.sack.revised': always('1'),
  // the host itself
  'net.inet.tcp.tso': HARMLESS,
  'net.inet.tcp.hostcache.enable': HARMLESS,
  'net.inet.tcp.hostcache.purge': HARMLESS,
  'net.inet.tcp.hostcache.purgenow': HARMLESS,
  'net.inet.tcp.log_debug': HARMLESS,
  'net.inet.tcp.log_in_vain': HARMLESS,
};

const CONGESTION_CONTROL: Readonly<Record<string, Partial<TcpConfig>>> = {
  newreno: { congestionControl: 'reno' },
  cubic: { congestionControl: 'cubic' },
};

/** Not at all, or for net.inet.tcp.delacktime. */
function delayedAck(value: string): Partial<TcpConfig> | null {
  if (value === '0') return { delayedAck: 0 };
  return value === '1' ? {} : null;
}
