import { type Micros, MS, NEVER, SECOND } from '../base/time.ts';
import type { TimedCall } from '../replay/application.ts';
import { fullSegment } from '../replay/fullSegment.ts';
import { type Part, type PartEvent, takePart } from '../replay/part.ts';
import { formatEnd, type Recording } from '../replay/recording.ts';
import type { ReplayOptions } from '../replay/replay.ts';
import { type Script, scriptOf } from '../replay/script.ts';
import type { ApplicationCall, Sidecar } from '../replay/sidecar.ts';
import type { TcpConfig } from '../tcp/config.ts';
import { Flag } from '../wire/tcp.ts';
import type { TcpPacket } from './ast.ts';
import { type WrittenCall, writeCalls } from './capture/calls.ts';
import { CapturePackets } from './capture/packets.ts';
import { formatPacket, formatSeconds } from './format.ts';

/**
 * Makes a script of a recorded conversation that passes on the stack which was recorded: what
 * reached one of its ends is injected, what that end sent is expected, and the calls are those of a
 * sidecar or what the packets show that the application did.
 */

/** What is made, and how. */
export interface FromPcapOptions extends ReplayOptions {
  /** Slack of all times; default: 10 ms, as clocks and schedulers of machines have it. */
  readonly tolerance?: Micros;
  /** The window of sent packets is expected too; default: false. */
  readonly windows?: boolean;
}

/** A script, or why there is none. */
export type MadeScript =
  | { readonly kind: 'script'; readonly text: string; readonly notes: readonly string[] }
  | { readonly kind: 'refused'; readonly message: string };

const DEFAULT_TOLERANCE: Micros = 10 * MS;
const IPV6_EXTRA = 20;
const DEFAULT_MTU = 1500;
const PSH = Flag.PSH;
/** Segments of one burst leave within this time. */
const BURST: Micros = 1 * MS;
const HEADERS = 40;
/** Most packets that a script is made of. */
const MAX_EVENTS = 100_000;
/** A write of more may not fit at once into a send buffer that has yet to grow. */
const LARGE_WRITE = 8192;
const LARGEST_WMEM = 4_194_304;

/** The script of a conversation, seen by the end that is named. */
export function scriptFromRecording(recording: Recording, options: FromPcapOptions): MadeScript {
  const part = takePart(recording, options.as, options.sidecar);
  if (part.isMidway) {
    return {
      kind: 'refused',
      message: 'the recording has no SYN: a script needs the handshake to begin with',
    };
  }
  if (part.events.length > MAX_EVENTS) {
    return {
      kind: 'refused',
      message: `the conversation has ${part.events.length} packets; scripts have at most ${MAX_EVENTS}`,
    };
  }
  const { sidecar, incarnation = 0 } = options;
  const told = scriptOf(part, sidecar, incarnation);
  const played = part.isNear ? told : playedFar(told, scriptOf(part, null, incarnation));
  const timed = readsInTime(part, played.calls);
  const { prelude, calls, notes } = writeCalls(timed, {
    opens: part.opens,
    mss: maxSegment(told),
    end: part.events.at(-1)?.at ?? 0,
  });
  const mss = fullSegment(part, told.mtu);
  const happens = [...events(part, prelude, calls, { ...options, mss })];
  if (happens.every((line) => line.startsWith('//'))) {
    return { kind: 'refused', message: 'nothing of the recording happens at this end' };
  }
  const lines = [
    ...heading(recording, part, played),
    ...settings(part, told, options),
    '',
    ...initCommand(played, sidecar),
    ...happens,
  ];
  return {
    kind: 'script',
    text: `${lines.join('\n')}\n`,
    notes: recording.limit === null ? notes : [...notes, recording.limit],
  };
}

/**
 * Far from the end that is played, the clocks of its application and of its packets are too
 * different: its calls are read off the packets, but for the options that it had set.
 */
function playedFar(told: Script, inferred: Script): Script {
  const isOption = ({ call }: TimedCall): boolean => call.call === 'setsockopt';
  const options = told.calls.filter(isOption);
  if (options.length === 0) return { ...inferred, config: told.config };
  const rest = inferred.calls.filter((timed) => !isOption(timed));
  const first = rest[0]?.at ?? 0;
  const early = options.map((timed) => ({ ...timed, at: Math.min(timed.at, first) }));
  const calls = [...early, ...rest];
  return { ...inferred, config: told.config, calls, written: calls.map(({ call }) => call) };
}

/**
 * A read that had to wait returned a while after it took what had arrived, and after the ACK that
 * this led to: it is done when the last packet before its return arrives.
 */
function readsInTime(part: Part, calls: readonly TimedCall[]): TimedCall[] {
  const arrivals = part.events.flatMap((event) => (event.from === 'own' ? [] : [event.at]));
  let next = 0;
  return [...calls]
    .sort((a, b) => a.until - b.until)
    .map((timed) => {
      while (next < arrivals.length && (arrivals[next] ?? NEVER) <= timed.until) next++;
      if (timed.call.call !== 'read') return timed;
      return { ...timed, until: Math.max(timed.at, arrivals[next - 1] ?? timed.at) };
    })
    .sort((a, b) => a.at - b.at);
}

function heading(recording: Recording, part: Part, { source }: Script): string[] {
  const [opener, other] = recording.ends.map(formatEnd);
  const calls = source === 'sidecar' ? 'as its sidecar tells' : 'as its packets show';
  return [
    `// ${opener} to ${other}, as ${formatEnd(part.own)} had it; the application's calls are`,
    `// ${calls}.`,
  ];
}

/** Options of the script that differ from what is the default. */
function settings(part: Part, played: Script, options: FromPcapOptions): string[] {
  const mtu = played.mtu + (ipVersionOf(part) === 6 ? IPV6_EXTRA : 0);
  const tolerance = options.tolerance ?? DEFAULT_TOLERANCE;
  const lines = [`--tolerance_usecs=${tolerance}`];
  if (ipVersionOf(part) === 6) lines.push('--ip_version=ipv6');
  if (mtu !== DEFAULT_MTU) lines.push(`--mtu=${mtu}`);
  // longer ones were put together by the receiver's card or kernel, before the capture
  if (longestReceived(part) > played.mtu - HEADERS) lines.push(`--mss=${ownMss(part, played.mtu)}`);
  if (hasUnknownEcho(part)) lines.push('--tcp_ts_ecr_scaled');
  return lines;
}

function ipVersionOf(part: Part): 4 | 6 {
  return part.own.address.includes(':') ? 6 : 4;
}

function longestReceived(part: Part): number {
  let most = 0;
  for (const event of part.events) {
    if (event.from === 'peer') most = Math.max(most, event.segment.length);
  }
  return most;
}

/** What was announced, where the link says otherwise. */
function maxSegment({ config, mtu }: Script): number | null {
  return config.mss === undefined || config.mss === mtu - HEADERS ? null : config.mss;
}

/** Octets of text that the peer puts into a segment. */
function ownMss(part: Part, mtu: number): number {
  const syn = part.events.find(
    (event) => event.from === 'own' && event.segment.options.mss !== null,
  );
  const own = syn?.from === 'own' ? syn.segment.options : null;
  const stamps = own !== null && own.timestamps !== null ? 12 : 0;
  return (own?.mss ?? mtu - HEADERS) - stamps;
}

/** Does the peer echo a timestamp of a segment that was not recorded? */
function hasUnknownEcho(part: Part): boolean {
  const sent = new Set<number>([0]);
  for (const event of part.events) {
    if (event.from === 'network') continue;
    const { timestamps } = event.segment.options;
    if (timestamps === null) continue;
    if (event.from === 'own') sent.add(timestamps.value);
    else if (!event.isLost && !sent.has(timestamps.echo)) return true;
  }
  return false;
}

// ---- settings of the stack ------------------------------------------------------------------

/** What the stack is like that was recorded, in sysctls of Linux. */
function initCommand(played: Script, sidecar: Sidecar | null): string[] {
  const known = new Map([
    ...sysctls(played.config),
    ...(sidecar === null ? [] : recordedSysctls(sidecar)),
  ]);
  if (played.written.some(setsCongestionControl)) known.delete('tcp_congestion_control');
  const lines = [...known].map(([name, value]) => `sysctl -q net.ipv4.${name}=${value}`);
  const largest = Math.max(
    0,
    ...played.written.map((call) => (call.call === 'write' ? call.octets : 0)),
  );
  if (largest > LARGE_WRITE) {
    const most = Math.max(LARGEST_WMEM, 4 * largest);
    lines.push(`sysctl -q net.ipv4.tcp_wmem="4096 ${most} ${most}"`);
  }
  return lines.length === 0 ? [] : [`\`${lines.join('\n')}\``, ''];
}

/** Those of IPv4 and TCP that were recorded; the send buffer is another matter. */
function recordedSysctls({ sysctls: recorded = {} }: Sidecar): (readonly [string, string])[] {
  return Object.entries(recorded).flatMap(([name, value]) => {
    const short = /^net\.ipv4\.(tcp_\w+)$/.exec(name)?.[1];
    const isPlain = /^[\w. -]+$/.test(value);
    if (short === undefined || short === 'tcp_wmem' || !isPlain) return [];
    return [[short, /\s/.test(value) ? `"${value}"` : value] as const];
  });
}

/** The socket had a controller of its own, so the host need not have the other. */
function setsCongestionControl(call: ApplicationCall): boolean {
  return call.call === 'setsockopt' && call.option === 'TCP_CONGESTION';
}

function sysctls(config: Partial<TcpConfig>): (readonly [string, string])[] {
  const { rmemDefault, rmemMax } = config;
  const settings: (readonly [string, string | null])[] = [
    ['tcp_timestamps', config.timestamps === false ? '0' : null],
    ['tcp_sack', config.sack === false ? '0' : null],
    ['tcp_window_scaling', config.windowScaling === false ? '0' : null],
    ['tcp_ecn', config.ecn === 'on' ? '1' : config.ecn === 'off' ? '0' : null],
    ['tcp_ecn_fallback', config.ecnFallback === false ? '0' : null],
    ['tcp_syn_retries', count(config.synRetries)],
    ['tcp_synack_retries', count(config.synAckRetries)],
    ['tcp_retries2', count(config.dataRetries)],
    ['tcp_fin_timeout', seconds(config.finWait2)],
    ['tcp_keepalive_time', seconds(config.keepAliveIdle)],
    ['tcp_keepalive_intvl', seconds(config.keepAliveInterval)],
    ['tcp_keepalive_probes', count(config.keepAliveCount)],
  ];
  if (rmemDefault !== undefined || rmemMax !== undefined) {
    const first = rmemDefault ?? 131_072;
    settings.push(['tcp_rmem', `"4096 ${first} ${Math.max(first, rmemMax ?? 6_291_456)}"`]);
  }
  return settings.flatMap(([name, value]) => (value === null ? [] : [[name, value] as const]));
}

function count(value: number | undefined): string | null {
  return value === undefined ? null : String(value);
}

function seconds(value: Micros | undefined): string | null {
  return value === undefined || value % SECOND !== 0 ? null : String(value / SECOND);
}

// ---- events ---------------------------------------------------------------------------------

/** How events are written. */
interface EventOptions extends FromPcapOptions {
  /** Octets of text in a full segment. */
  readonly mss: number;
}

/** Calls and packets in the order in which the one led to the other. */
function events(
  part: Part,
  prelude: readonly string[],
  calls: readonly WrittenCall[],
  options: EventOptions,
): string[] {
  const packets = new CapturePackets(part, { windows: options.windows ?? false });
  const start = Math.min(calls[0]?.at ?? Number.POSITIVE_INFINITY, part.events[0]?.at ?? 0);
  const lines = prelude.map((line, index) => `${index === 0 ? '0' : '+0'} ${line}`);
  const add = (at: Micros, line: string): void => {
    lines.push(`${formatSeconds(Math.round(at - start))} ${line}`);
  };
  let next = 0;
  const callsUntil = (limit: Micros, isIncluded: boolean): void => {
    for (let call = calls[next]; call !== undefined; call = calls[++next]) {
      if (call.at > limit || (call.at === limit && !isIncluded)) return;
      for (const line of call.lines) add(call.at, line);
    }
  };
  for (let index = 0; index < part.events.length; ) {
    const event = part.events[index++];
    if (event === undefined) break;
    // a call may be what a packet was sent for, and may be an answer to one that arrived
    callsUntil(event.at, event.from === 'own');
    if (event.from !== 'own') {
      const line = arrivedLine(event, packets);
      if (line.startsWith('//')) lines.push(line);
      else add(event.at, line);
      continue;
    }
    const burst = burstFrom(part.events, index - 1, options.mss, calls[next]?.at ?? NEVER);
    index += burst.length - 1;
    add(burst.at(-1)?.at ?? event.at, formatPacket(mergedPacket(burst, packets)));
  }
  callsUntil(NEVER, true);
  return lines;
}

type SentEvent = Extract<PartEvent, { from: 'own' }>;

/**
 * Full segments that went out one right behind the other, and the one behind them: where
 * segmentation offload cut them, and which of them have PSH, says nothing about the stack.
 */
function burstFrom(
  all: readonly PartEvent[],
  from: number,
  mss: number,
  limit: Micros,
): SentEvent[] {
  const burst: SentEvent[] = [];
  for (let index = from; index < all.length; index++) {
    const event = all[index];
    if (event === undefined || event.from !== 'own') break;
    const before = burst.at(-1);
    if (before !== undefined && !continues(before, event, mss)) break;
    if (before !== undefined && event.at >= limit) break;
    burst.push(event);
  }
  return burst;
}

function continues(before: SentEvent, next: SentEvent, mss: number): boolean {
  const [a, b] = [before.segment, next.segment];
  const isFull = a.length > 0 && a.length % mss === 0 && (a.flags & ~PSH) === Flag.ACK;
  return (
    isFull &&
    b.length > 0 &&
    b.length <= a.length &&
    next.at - before.at <= BURST &&
    b.seq === (a.seq + a.length) >>> 0 &&
    (b.flags & ~(PSH | Flag.FIN)) === Flag.ACK &&
    b.ack === a.ack &&
    b.window === a.window &&
    b.trafficClass === a.trafficClass &&
    b.options.timestamps?.value === a.options.timestamps?.value &&
    b.options.sackBlocks.length === 0 &&
    a.options.sackBlocks.length === 0
  );
}

/** The first one's number, all of their text, and the rest of the last one. */
function mergedPacket(burst: readonly SentEvent[], packets: CapturePackets): TcpPacket {
  const [first] = burst;
  const last = burst.at(-1);
  if (first === undefined || last === undefined) throw new TypeError('a burst without segments');
  const packet = packets.sent(last.segment);
  const { seq } = packets.sent(first.segment);
  const length = burst.reduce((sum, { segment }) => sum + segment.length, 0);
  return { ...packet, seq: { ...seq, length } };
}

function arrivedLine(event: Exclude<PartEvent, { from: 'own' }>, packets: CapturePackets): string {
  if (event.from === 'peer') {
    const line = formatPacket(packets.received(event.segment));
    return event.isLost ? `// lost on its way: ${line}` : line;
  }
  const error = packets.error(event.error);
  return error === null ? '// an ICMP error about the other end' : formatPacket(error);
}
