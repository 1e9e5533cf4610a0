import { type Ipv4Address, ipv4, parseIpv4 } from '../../base/address.ts';
import type { Micros } from '../../base/time.ts';
import type { Script } from '../ast.ts';
import { Unsupported } from '../host/calls.ts';

/** What the options of a script, and of the command line, say about a run. */
export interface Settings {
  readonly toleranceMicros: Micros;
  /** Of the time between two events. */
  readonly tolerancePercent: number;
  /** 0: TSval is not compared. */
  readonly timestampTick: Micros;
  readonly scalesEcho: boolean;
  readonly strictSegments: boolean;
  /** Octets of text of the segments that a longer injected one stands for; 0: each is what it is. */
  readonly mss: number;
  readonly mtu: number;
  readonly local: Ipv4Address;
  readonly prefixLength: number;
  readonly remote: Ipv4Address;
  readonly bindPort: number;
  readonly connectPort: number;
  /** Of a mismatch of these kinds the script is told only. */
  readonly nonFatal: ReadonlySet<string>;
}

type Writable = { -readonly [K in keyof Settings]: Settings[K] };

const DEFAULTS: Omit<Settings, 'tolerancePercent'> = {
  toleranceMicros: 4000,
  timestampTick: 0,
  scalesEcho: false,
  strictSegments: false,
  mss: 0,
  mtu: 1500,
  local: ipv4(0xc0a80001), // 192.168.0.1/16
  prefixLength: 16,
  remote: ipv4(0xc0000201), // 192.0.2.1
  bindPort: 8080,
  connectPort: 8080,
  nonFatal: new Set(),
};

/** Symbols that google's own harness defines, and scripts rely on. */
const HARNESS_DEFINES: Readonly<Record<string, string>> = {
  TFO_COOKIE: '3021b9d889017eeb',
  TFO_COOKIE_ZERO: 'b7c12350a90dc8f5',
  CODE: 'host_unreachable',
  CMSG_LEVEL_IP: 'SOL_IP',
  CMSG_TYPE_RECVERR: 'IP_RECVERR',
};

/**
 * The system whose conduct is expected. nplab's packetdrill defines its name as a symbol, for `#ifdef`,
 * and allows timers of FreeBSD less slack.
 */
export type System = 'Linux' | 'FreeBSD';

/** The symbols that a script finds defined. */
export function definesFor(system: System): Readonly<Record<string, string>> {
  return { ...HARNESS_DEFINES, [system]: system };
}

/** They concern the harness of other implementations. */
const IGNORED = new Set([
  'gateway_ip',
  'netmask_ip',
  'init_scripts',
  'speed',
  'send_omit_free',
  'is_anyip',
  'dry_run',
  'verbose',
  'debug',
  'code_command',
  'code_format',
  'code_sockopt',
  'define',
  'D',
]);

/** A name and its value, as in `--name=value`. */
export interface NamedValue {
  readonly name: string;
  readonly value: string | null;
}

/** Of the time between two events. */
const TOLERANCE_PERCENT: Readonly<Record<System, number>> = { Linux: 12.5, FreeBSD: 5 };

/**
 * @param overrides of the command line: they win
 * @throws Unsupported
 */
export function settingsFor(
  script: Script,
  overrides: readonly NamedValue[],
  system: System,
): Settings {
  const settings: Writable = { ...DEFAULTS, tolerancePercent: TOLERANCE_PERCENT[system] };
  for (const { name, value } of [...script.options, ...overrides]) set(settings, name, value);
  return settings;
}

/** Options whose value is a number, not negative. */
const NUMBERS = new Set([
  'tolerance_usecs',
  'tolerance_percent',
  'tcp_ts_tick_usecs',
  'mss',
  'mtu',
  'bind_port',
  'connect_port',
]);

function set(settings: Writable, name: string, value: string | null): void {
  const number = value === null ? Number.NaN : Number(value);
  if (NUMBERS.has(name) && !(number >= 0)) throw new Unsupported(`option --${name}=${value}`);
  switch (name) {
    case 'tolerance_usecs':
      settings.toleranceMicros = number;
      return;
    case 'tolerance_percent':
      settings.tolerancePercent = number;
      return;
    case 'tcp_ts_tick_usecs':
      settings.timestampTick = number;
      return;
    case 'tcp_ts_ecr_scaled':
      settings.scalesEcho = true;
      return;
    case 'strict_segments':
      settings.strictSegments = true;
      return;
    case 'mss':
      settings.mss = number;
      return;
    case 'mtu':
      settings.mtu = Math.max(68, Math.min(number, 65_535));
      return;
    case 'bind_port':
      settings.bindPort = number;
      return;
    case 'connect_port':
      settings.connectPort = number;
      return;
    case 'non_fatal':
      settings.nonFatal = new Set((value ?? '').split(','));
      return;
    default:
      setAddress(settings, name, value);
  }
}

function setAddress(settings: Writable, name: string, value: string | null): void {
  if (name === 'ip_version') {
    if (value !== 'ipv4') throw new Unsupported(value === 'ipv6' ? 'IPv6' : `IP version ${value}`);
    return;
  }
  if (name === 'local_ip' || name === 'remote_ip') {
    const [text = ''] = (value ?? '').split('/');
    const address = parseIpv4(text);
    if (address === null) throw new Unsupported(text.includes(':') ? 'IPv6' : `address ${value}`);
    if (name === 'local_ip') settings.local = address;
    else settings.remote = address;
    return;
  }
  if (!IGNORED.has(name)) throw new Unsupported(`option --${name}`);
}
