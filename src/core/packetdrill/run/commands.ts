import { type Micros, SECOND } from '../../base/time.ts';
import { Unsupported } from '../host/calls.ts';
import { QDISC, ROUTE, SERVERS } from '../host/numbers.ts';

/** What a line for the shell asks for, as far as it is known. No shell ever gets it. */
export type Command =
  | { readonly kind: 'sysctl'; readonly name: string; readonly value: string }
  | { readonly kind: 'sleep'; readonly time: Micros }
  /** How many connections (of a local port, if given) are in a state; the count must be this one. */
  | {
      readonly kind: 'count';
      readonly state: string;
      readonly localPort: number | null;
      /** null: any but none. */
      readonly expected: number | null;
    }
  /** What was counted so far counts no more. */
  | { readonly kind: 'restart counters' }
  /** How often something was counted, by the name that nstat has for it. */
  | {
      readonly kind: 'counter';
      readonly name: string;
      /** null: any but none. */
      readonly expected: number | null;
    }
  /** Ends all connections, of a state. */
  | { readonly kind: 'drop' /** null: of any. */; readonly state: string | null };

/** What `defaults.sh` of google's scripts and of the kernel's own sets. */
const DEFAULTS_SH: Readonly<Record<string, string>> = {
  tcp_rmem: '4096 540000 15728640',
  tcp_wmem: '4096 262144 4194304',
  tcp_timestamps: '1',
  tcp_syn_retries: '5',
  tcp_synack_retries: '5',
  tcp_sack: '1',
  tcp_dsack: '1',
  tcp_reordering: '3',
  tcp_congestion_control: 'cubic',
  tcp_slow_start_after_idle: '0',
  tcp_early_retrans: '4',
  tcp_recovery: '1',
  tcp_tso_win_divisor: '3',
  tcp_ecn: '0',
  tcp_notsent_lowat: '4294967295',
  tcp_fastopen_key: 'a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4',
  tcp_syncookies: '1',
};
/** What they set differently: google's lets every listener use Fast Open. */
const FAST_OPEN = { google: '0x70403', kernel: '0x3' } as const;

const QDISC_COMMAND = /^tc qdisc (?:add|replace|change) dev \S+ root (\w+)$/;

/** Commands that change nothing a script can see here. */
const HARMLESS = [
  /^tc qdisc del(ete)? dev \S+ root$/,
  /^ethtool -K/,
  /^(\/tmp\/)?sysctl_restore/,
  /^\$\{?TMPDIR/,
  /^\/tmp\/sysctl_restore_/,
  /^true$/,
  /^:$/,
  /^kldload/,
  /^(kldunload|cp|rm -f) /,
  /^exit 0$/,
  /^sync$/,
  /^dmesg( -c)?$/,
];

/**
 * Reads the text of a command.
 * @throws Unsupported
 */
export function parseCommand(text: string): Command[] {
  const commands: Command[] = [];
  for (const line of withProducts(text.replaceAll(/\\\n/g, ' ')).split(/\n|;|&&/)) {
    const plain = line
      .replace(/(^|\s)#.*$/, '')
      .replaceAll(/\s*\d?>>?\s*(\/dev\/null|&\d)/g, '')
      .trim();
    if (plain !== '') commands.push(...simpleCommand(plain));
  }
  return commands;
}

/** `$((15*1024*1024))` as the number that a shell makes of it. */
function withProducts(text: string): string {
  return text.replaceAll(/\$\(\(([\d\s*]+)\)\)/g, (_, factors: string) =>
    String(factors.split('*').reduce((product, factor) => product * Number(factor), 1)),
  );
}

function simpleCommand(text: string): Command[] {
  if (/(^|\/|\s)defaults\.sh$/.test(text)) {
    return defaultSysctls(text.endsWith('common/defaults.sh') ? 'google' : 'kernel');
  }
  if (/set_sysctls\.py\s/.test(text)) return assignments(text.replace(/^.*set_sysctls\.py\s+/, ''));
  const qdisc = QDISC_COMMAND.exec(text)?.[1];
  if (qdisc !== undefined) return [{ kind: 'sysctl', name: QDISC, value: qdisc }];
  if (/^(sudo )?ip tcp_metrics flush/.test(text)) {
    return [{ kind: 'sysctl', name: SERVERS, value: 'flush' }];
  }
  if (HARMLESS.some((pattern) => pattern.test(text))) return [];
  const sysctl = /^(?:sudo )?sysctl\s+((?:-\w+\s+)*)(.*)$/.exec(text);
  if (sysctl !== null) return assignments(sysctl[2] ?? '');
  const sleep = /^sleep (\d*\.?\d+)$/.exec(text);
  if (sleep !== null) return [{ kind: 'sleep', time: Math.round(Number(sleep[1]) * SECOND) }];
  const echo = /^echo "?([^">]*)"?\s*>\s*(\/(?:proc\/sys|sys\/module)\/\S+)$/.exec(text);
  if (echo !== null) return [{ kind: 'sysctl', name: echo[2] ?? '', value: echo[1] ?? '' }];
  if (text.startsWith('nstat')) return [nstat(text)];
  const drop = /^tcpdrop (?:-s (\w+)|-a)$/.exec(text);
  if (drop !== null) {
    return [{ kind: 'drop', state: drop[1] === undefined ? null : freebsdState(drop[1]) }];
  }
  if (text.startsWith('sockstat')) return [sockstat(text)];
  const route = /^(?:sudo )?ip (?:-4 )?(?:route|ro|r) (?:change|replace) (.*)$/.exec(text);
  if (route !== null) return routeMetrics(route[1] ?? '');
  throw new Unsupported(`command ${text.split(/\s/).slice(0, 3).join(' ')}`);
}

function defaultSysctls(of: keyof typeof FAST_OPEN): Command[] {
  const settings = { ...DEFAULTS_SH, tcp_fastopen: FAST_OPEN[of] };
  return Object.entries(settings).map(([name, value]) => ({
    kind: 'sysctl',
    name: `net.ipv4.${name}`,
    value,
  }));
}

/** `name=value`s, of which a value may be quoted. */
function assignments(text: string): Command[] {
  const commands: Command[] = [];
  const pattern = /\s*([^\s=]+)\s*=\s*("[^"]*"|'[^']*'|\S*)/y;
  let at = 0;
  for (;;) {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match === null) break;
    at = pattern.lastIndex;
    const value = (match[2] ?? '').replaceAll(/^["']|["']$/g, '');
    commands.push({ kind: 'sysctl', name: match[1] ?? '', value });
  }
  if (text.slice(at).trim() !== '') throw new Unsupported(`command sysctl ${text.slice(0, 40)}`);
  return commands;
}

/** Words of a route that say where it leads; a value follows. */
const ROUTE_PLACES = new Set(['via', 'dev', 'src', 'proto', 'scope', 'table', 'metric']);

/** `192.0.2.1 via 192.168.0.2 dev tun0 rto_min 50ms`: what the route says about its connections. */
function routeMetrics(text: string): Command[] {
  const commands: Command[] = [];
  const words = text.split(/\s+/);
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? '';
    if (ROUTE_PLACES.has(word)) i++;
    else if (/^[a-z]\w*$/.test(word) && word !== 'default') {
      // a lock keeps others from changing it, and nobody does here
      if (words[i + 1] === 'lock') i++;
      i++;
      commands.push({ kind: 'sysctl', name: `${ROUTE}${word}`, value: words[i] ?? '' });
    }
  }
  return commands;
}

/** `nstat -n`, and `nstat | grep 'TcpExtTCPTimeouts *2'`. */
function nstat(text: string): Command {
  const [query = '', grep, ...others] = text.split('|').map((stage) => stage.trim());
  if (!/^nstat(\s+-\w+)*$/.test(query) || others.length > 0) throw new Unsupported('command nstat');
  if (grep === undefined) return { kind: 'restart counters' };
  const pattern =
    /^grep\s+(?:-\w+\s+)*["']?\^?((?:Tcp|IpExt)\w+)(?:[ .*+]+(\d+))?\b[ .*]*["']?$/.exec(grep);
  if (pattern === null) throw new Unsupported(`command nstat | ${grep}`);
  const [, name = '', count] = pattern;
  return { kind: 'counter', name, expected: count === undefined ? null : Number(count) };
}

/** `sockstat -4 -P tcp -s ... | grep -c STATE | grep N` and its like. */
function sockstat(text: string): Command {
  const stages = text.split('|').map((stage) => stage.trim());
  let state: string | null = null;
  let localPort: number | null = null;
  let expected: number | null = null;
  for (const stage of stages.slice(1)) {
    const pattern = /^grep\s+(?:-\w+\s+)*["']?:?([\w-]+)["']?$/.exec(stage)?.[1];
    if (pattern === undefined) throw new Unsupported(`command ${stage}`);
    if (/^packetdril/.test(pattern)) continue; // whose sockets: there are no others
    if (/^[A-Z]/.test(pattern)) state = pattern;
    else if (/^\d+$/.test(pattern) && state === null) localPort = Number(pattern);
    else if (/^\d+$/.test(pattern)) expected = Number(pattern);
    else throw new Unsupported(`command ${stage}`);
  }
  const port = /-p (\d+)/.exec(stages[0] ?? '')?.[1];
  if (port !== undefined) localPort = Number(port);
  if (state === null) throw new Unsupported('command sockstat');
  return { kind: 'count', state: freebsdState(state), localPort, expected };
}

/** FreeBSD's names of states are those of RFC 793 with underscores, and some shorter. */
function freebsdState(name: string): string {
  const plain = name.replaceAll('_', '-');
  return plain === 'SYN-RCVD' ? 'SYN-RECEIVED' : plain;
}
