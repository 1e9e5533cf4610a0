import { MS } from '../../base/time.ts';
import { always, flag, HARMLESS, type Meaning, number } from './meaning.ts';

/** net.inet.tcp.rexmit_min, in ms: the least timeout, before rexmit_slop is added. */
const LEAST = 30;
/** More memory than any shift of the window can announce. */
const MOST_MEMORY = 1 << 29;

/** What a `sysctl` of FreeBSD changes. */
export const FREEBSD: Readonly<Record<string, Meaning>> = {
  'net.inet.tcp.rfc1323': flag((on) => ({ timestamps: on, windowScaling: on })),
  'net.inet.tcp.sack.enable': flag((on) => ({ sack: on })),
  'net.inet.tcp.ecn.enable': always('0', '2'),
  'net.inet.tcp.rexmit_initial': number((n) => ({ initialRto: n * MS })),
  'net.inet.tcp.delacktime': number((n) => ({ delayedAck: n * MS })),
  'net.inet.tcp.rexmit_slop': number((n) => ({ rtoSlop: n * MS, rtoFloor: (LEAST + n) * MS })),
  'net.inet.tcp.rexmit_drop_options': flag((on) => ({ synPlainAfter: on ? 3 : 0 })),
  'net.inet.tcp.keepinit': number((n) => ({ connectTimeout: n * MS })),
  'net.inet.tcp.finwait2_timeout': number((n) => ({ finWait2: n * MS })),
  'net.inet.tcp.msl': number((n) => ({ timeWait: 2 * n * MS })),
  'net.inet.tcp.syncache.rexmtlimit': number((n) => ({ synAckRetries: n })),
  'net.inet.tcp.tolerate_missing_ts': flag((on) => ({
    missingTimestamps: on ? 'taken' : 'dropped',
  })),
  'net.inet.tcp.nolocaltimewait': HARMLESS,
  'net.inet.tcp.log_debug': HARMLESS,
  'net.inet.icmp.icmplim': HARMLESS,
  'net.inet.tcp.keepidle': number((n) => ({ keepAliveIdle: n * MS })),
  'net.inet.tcp.keepintvl': number((n) => ({ keepAliveInterval: n * MS })),
  'net.inet.tcp.keepcnt': number((n) => ({ keepAliveCount: n })),
  'net.inet.tcp.always_keepalive': flag((on) => ({ keepAlive: on })),
  'net.inet.tcp.recvspace': number((n) => ({ receiveBuffer: n })),
  'net.inet.tcp.sendspace': HARMLESS,
  'net.inet.tcp.recvbuf_auto': HARMLESS,
  'net.inet.tcp.sendbuf_auto': HARMLESS,
  'net.inet.tcp.hostcache.purgenow': HARMLESS,
  'net.inet.tcp.hostcache.purge': HARMLESS,
  'net.inet.tcp.hostcache.enable': HARMLESS,
  'net.inet.tcp.syncookies': HARMLESS,
  'net.inet.tcp.syncookies_only': always('0'),
  'net.inet.tcp.insecure_rst': flag((on) => ({ resetCheck: on ? 'window' : 'exact' })),
  'net.inet.tcp.insecure_syn': flag((on) => ({ synCheck: on ? 'reset' : 'challenge' })),
  'net.inet.tcp.insecure_ack': always('0'),
  'net.inet.tcp.drop_synfin': flag((on) => ({ synFin: !on })),
  'net.inet.tcp.blackhole': always('0'),
  'net.inet.tcp.delayed_ack': always('1'),
  'net.inet.tcp.icmp_may_rst': flag((on) => ({ openingErrors: on ? 'hard' : 'none' })),
  'net.inet.tcp.functions_default': always('freebsd'),
  'net.inet.tcp.cc.algorithm': always('newreno', 'cubic'),
  'net.inet.tcp.initcwnd_segments': always('10'),
  'net.inet.tcp.fastopen.server_enable': always('0'),
  'net.inet.tcp.fastopen.client_enable': always('0'),
  'kern.ipc.maxsockbuf': number((n) => ({ rmemMax: Math.min(n, MOST_MEMORY) })),
};
