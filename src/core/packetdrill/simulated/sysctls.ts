import { MS, SECOND } from '../../base/time.ts';
import {
  CONGESTION_CONTROLS,
  DEFAULT_CONFIG,
  MIN_MSS,
  MTU_PROBING,
  SYN_COOKIES,
  type TcpConfig,
} from '../../tcp/config.ts';
import { Unsupported } from '../host/calls.ts';
import { QDISC, ROUTE, SERVERS } from '../host/numbers.ts';
import { FREEBSD } from './freebsdSysctls.ts';
import { always, ecnUse, flag, HARMLESS, type Meaning, number } from './meaning.ts';

const numberTo =
  (most: number, changes: (n: number) => Partial<TcpConfig>): Meaning =>
  (value) =>
    /^\d+$/.test(value) && Number(value) <= most ? changes(Number(value)) : null;

const LINUX: Readonly<Record<string, Meaning>> = {
  tcp_rmem: receiveMemory,
  tcp_wmem: sendMemory,
  tcp_timestamps: flag((on) => ({ timestamps: on })),
  tcp_sack: flag((on) => ({ sack: on })),
  tcp_window_scaling: flag((on) => ({ windowScaling: on })),
  tcp_syn_retries: number((n) => ({ synRetries: n })),
  tcp_synack_retries: number((n) => ({ synAckRetries: n })),
  tcp_retries2: number((n) => ({ dataRetries: n })),
  tcp_retries1: HARMLESS,
  tcp_orphan_retries: number((n) => ({ orphanRetries: n })),
  tcp_fin_timeout: number((n) => ({ finWait2: n * SECOND })),
  tcp_keepalive_time: number((n) => ({ keepAliveIdle: n * SECOND })),
  tcp_keepalive_intvl: number((n) => ({ keepAliveInterval: n * SECOND })),
  tcp_keepalive_probes: number((n) => ({ keepAliveCount: n })),
  tcp_rto_min_us: number((n) => ({ minRto: n })),
  tcp_rto_max_ms: number((n) => ({ maxRto: n * MS })),
  tcp_dsack: always('1'),
  tcp_frto: HARMLESS,
  tcp_fack: HARMLESS,
  tcp_reordering: always('3'),
  tcp_congestion_control: congestionControl,
  tcp_slow_start_after_idle: flag((on) => ({ slowStartAfterIdle: on })),
  tcp_early_retrans: numberTo(4, (n) => ({ earlyRetransmit: n })),
  tcp_recovery: HARMLESS,
  tcp_tso_win_divisor: numberTo(255, (n) => ({ windowDivisor: n })),
  tcp_min_tso_segs: numberTo(65_535, (n) => ({ leastBurst: Math.max(1, n) })),
  tcp_pacing_ss_ratio: HARMLESS,
  tcp_pacing_ca_ratio: HARMLESS,
  tcp_notsent_lowat: notSentLowWater,
  tcp_fastopen: fastOpen,
  tcp_fastopen_key: fastOpenKey,
  tcp_fastopen_blackhole_timeout_sec: number((n) => ({ fastOpenPause: n * SECOND })),
  tcp_syncookies: numberTo(2, (n) => ({ synCookies: SYN_COOKIES[n] ?? 'overflow' })),
  tcp_no_metrics_save: HARMLESS,
  tcp_autocorking: HARMLESS,
  tcp_moderate_rcvbuf: always('1'),
  tcp_abort_on_overflow: always('0'),
  tcp_mtu_probing: numberTo(2, (n) => ({ mtuProbing: MTU_PROBING[n] ?? 'off' })),
  tcp_base_mss: numberTo(65_495, (n) => ({ mtuBaseMss: Math.max(MIN_MSS, n) })),
  tcp_mtu_probe_floor: numberTo(65_495, (n) => ({ mtuProbeFloor: Math.max(MIN_MSS, n) })),
  tcp_probe_threshold: numberTo(65_495, (n) => ({ mtuProbeThreshold: Math.max(1, n) })),
  tcp_probe_interval: number((n) => ({ mtuProbeInterval: n * SECOND })),
  tcp_ecn: ecnUse,
  tcp_ecn_fallback: flag((on) => ({ ecnFallback: on })),
  tcp_rfc1337: flag((on) => ({ timeWaitResets: !on })),
  tcp_stdurg: HARMLESS,
  tcp_tw_reuse: HARMLESS,
  tcp_max_syn_backlog: HARMLESS,
  tcp_invalid_ratelimit: number((n) => ({ invalidAckInterval: n * MS })),
  tcp_limit_output_bytes: HARMLESS,
  tcp_thin_linear_timeouts: always('0'),
  tcp_workaround_signed_windows: always('0'),
  tcp_migrate_req: HARMLESS,
  tcp_shrink_window: always('0'),
  tcp_backlog_ack_defer: HARMLESS,
  tcp_comp_sack_delay_ns: HARMLESS,
  tcp_comp_sack_nr: numberTo(255, (n) => ({ compressedAcks: n })),
  tcp_syn_linear_timeouts: numberTo(127, (n) => ({ synLinearTimeouts: n })),
  ip_local_port_range: HARMLESS,
  ip_no_pmtu_disc: always('0'),
  icmp_ratelimit: HARMLESS,
  icmp_msgs_per_sec: HARMLESS,
};

/**
 * What a `sysctl` of Linux or FreeBSD changes, by its last name: `net.ipv4.tcp_sack`.
 * @throws Unsupported
 */
export function settingsOf(name: string, value: string): Partial<TcpConfig> {
  const plain = value.trim();
  if (name.startsWith(ROUTE)) return routeSettings(name.slice(ROUTE.length), plain);
  const linux = /^(?:\/proc\/sys\/)?net[./]ipv[46][./](\w+)$/.exec(name)?.[1];
  const meaning = linux === undefined ? OTHERS[name] : LINUX[linux];
  const changes = meaning?.(plain) ?? null;
  if (changes === null) throw new Unsupported(`sysctl ${name}=${plain}`);
  return changes;
}

/** What `ip route` says about the connections of a route; there is one here. @throws Unsupported */
function routeSettings(name: string, value: string): Partial<TcpConfig> {
  const changes = ROUTE_METRICS[name]?.(value) ?? null;
  if (changes === null) throw new Unsupported(`ip route ${name} ${value}`);
  return changes;
}

const ROUTE_METRICS: Readonly<Record<string, Meaning>> = {
  rto_min: shortestRto,
  congctl: congestionControl,
  initcwnd: always('10'),
  quickack: always('0'),
  fastopen_no_cookie: flag((on) => ({ fastOpenNoCookie: on, fastOpenClientNoCookie: on })),
};

/** `50ms`, `0.2s` or a number of milliseconds. */
function shortestRto(value: string): Partial<TcpConfig> | null {
  const match = /^(\d*\.?\d+)(s|secs?|ms|msecs?|us|usecs?)?$/.exec(value);
  if (match === null) return null;
  const unit = match[2] ?? 'ms';
  const scale = unit.startsWith('s') ? SECOND : unit.startsWith('m') ? MS : 1;
  const minRto = Math.round(Number(match[1]) * scale);
  return minRto >= MS && minRto <= DEFAULT_CONFIG.maxRto ? { minRto } : null;
}

function congestionControl(value: string): Partial<TcpConfig> | null {
  const name = CONGESTION_CONTROLS.find((known) => known === value);
  return name === undefined ? null : { congestionControl: name };
}

/** Bits of tcp_fastopen: active opens, with text without a cookie; and listeners, the same, all of them. */
const FastOpenBit = {
  CLIENT: 1,
  CLIENT_NO_COOKIE: 4,
  SERVER: 2,
  NO_COOKIE: 0x200,
  IMPLICIT: 0x400,
} as const;
/** Every listener uses Fast Open, as far as its backlog goes. */
export const IMPLICIT_BACKLOG = 65_535;

function fastOpen(value: string): Partial<TcpConfig> | null {
  const bits = Number(value);
  if (!Number.isInteger(bits) || bits < 0) return null;
  return {
    fastOpenClient: (bits & FastOpenBit.CLIENT) !== 0,
    fastOpenClientNoCookie: (bits & FastOpenBit.CLIENT_NO_COOKIE) !== 0,
    fastOpenServer: (bits & FastOpenBit.SERVER) !== 0,
    fastOpenNoCookie: (bits & FastOpenBit.NO_COOKIE) !== 0,
    fastOpenBacklog: (bits & FastOpenBit.IMPLICIT) !== 0 ? IMPLICIT_BACKLOG : 0,
  };
}

/** One key or two, each as four words: `a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4`; a word's low octet is first. */
function fastOpenKey(value: string): Partial<TcpConfig> | null {
  if (!/^[0-9a-f]{1,8}(-[0-9a-f]{1,8}){3}(,[0-9a-f]{1,8}(-[0-9a-f]{1,8}){3})?$/i.test(value)) {
    return null;
  }
  const words = value.toLowerCase().split(/[-,]/);
  const octets = words.flatMap((word) => word.padStart(8, '0').match(/../g)?.reverse() ?? []);
  return { fastOpenKey: octets.join('') };
}

/** 2^32 - 1, also as -1: no mark. */
function notSentLowWater(value: string): Partial<TcpConfig> | null {
  if (!/^(\d+|-1)$/.test(value)) return null;
  const mark = Number(value) >>> 0;
  return { notSentLowWater: mark === 0xffff_ffff ? 0 : mark };
}

/** tcp_rmem: least, first and most memory of a receive buffer. */
function receiveMemory(value: string): Partial<TcpConfig> | null {
  const [, first, most] = value.split(/\s+/).map(Number);
  if (first === undefined || most === undefined || !(first > 0) || !(most > 0)) return null;
  return { rmemDefault: first, rmemMax: Math.max(first, most) };
}

/** tcp_wmem: this stack takes what Linux's buffer would grow to. */
function sendMemory(value: string): Partial<TcpConfig> | null {
  const [, , most] = value.split(/\s+/).map(Number);
  if (most === undefined || !(most > 0)) return null;
  return { sendBuffer: Math.max(DEFAULT_CONFIG.wmemDefault, Math.floor(most / 2)) };
}

/** By their whole names: the queue of the device, parameters of Linux's modules, FreeBSD's. */
const OTHERS: Readonly<Record<string, Meaning>> = {
  [SERVERS]: HARMLESS, // done by the host, once
  [QDISC]: (value) => ({ pacing: value === 'fq' }),
  '/sys/module/tcp_cubic/parameters/hystart': always('1'),
  '/sys/module/tcp_cubic/parameters/hystart_detect': always('3'),
  ...FREEBSD,
};
