import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { gunzipSync } from 'node:zlib';
import type { Micros } from '../../src/core/base/time.ts';
import type {
  ApplicationCall,
  EndName,
  ReplayExpectation,
  Sidecar,
  SidecarEnd,
} from '../../src/core/replay/sidecar.ts';
import type { Host } from './host.ts';
import { ENDS, type World } from './world.ts';

/** What a new sidecar says about a replay. */
const NOT_REPLAYED_YET: ReplayExpectation = { mode: 'strict', floor: 0 };
const ALWAYS_TOLD = ['tcp_rmem', 'tcp_wmem'];
const DEFAULT_MTU = 1500;

/** Which capture a sidecar is for. */
export interface Place {
  readonly capturedAt: EndName;
  /** When its first packet was captured. */
  readonly start: Micros;
  /** Name of the capture at the other end; null: there is none. */
  readonly otherEnd: string | null;
}

/**
 * Says what is known of a recording.
 * @param before the sidecar that it replaces, whose expectations of a replay remain
 */
export function sidecarOf(world: World, place: Place, before: Sidecar | null): Sidecar {
  const { scenario } = world;
  const { capturedAt, otherEnd } = place;
  const link = scenario.link ?? (scenario.kind === 'veth' ? 'veth' : 'tap');
  const ends = {
    client: endOf(world, 'client', place, before),
    server: endOf(world, 'server', place, before),
  };
  return {
    description: scenario.description,
    kernel: release(),
    sysctls: sysctlsOf(world),
    ...(otherEnd !== null && { otherEnd }),
    capturedAt,
    link,
    ends,
  };
}

/** Its JSON, with each call of an application on a line of its own. */
export function formatSidecar(sidecar: Sidecar): string {
  const calls: string[] = [];
  const keep = (key: string, value: unknown): unknown => {
    if (key !== 'calls' || !Array.isArray(value)) return value;
    calls.push(value.map((call) => `\n        ${JSON.stringify(call)}`).join(','));
    return `calls ${calls.length - 1}`;
  };
  const text = JSON.stringify(sidecar, keep, 2).replace(/"calls (\d+)"/g, (_, index) => {
    const lines = calls[Number(index)] ?? '';
    return lines === '' ? '[]' : `[${lines}\n      ]`;
  });
  return `${text}\n`;
}

function endOf(world: World, end: EndName, place: Place, before: Sidecar | null): SidecarEnd {
  const { scenario } = world;
  const host: Host = world[end];
  const { address, port } = host;
  const isKernel = world.namespaces.has(end);
  // of two captures each serves the replay of the end where it was made
  const isSeen = place.otherEnd === null || place.capturedAt === end;
  const isReplayed = isKernel && isSeen && (scenario.roles ?? ENDS).includes(end);
  const replay = before?.ends[end].replay ?? scenario.replay?.[end] ?? NOT_REPLAYED_YET;
  return {
    address,
    port,
    stack: isKernel ? 'linux' : 'glasstcp',
    mtu: scenario.mtu ?? DEFAULT_MTU,
    calls: callsOf(host, place.start),
    ...(isReplayed && { replay }),
  };
}

function callsOf(host: Host, start: Micros): ApplicationCall[] {
  const inOrder = [...host.calls].sort((a, b) => a.at - b.at);
  return inOrder.map(({ call, at, until }) => ({
    at: (at - start) / 1e6,
    ...(until !== null && { until: (until - start) / 1e6 }),
    ...call,
  }));
}

function sysctlsOf(world: World): Record<string, string> {
  const { sysctls = {}, endSysctls = {} } = world.scenario;
  const told: Record<string, string> = { HZ: hertz() };
  const [namespace] = world.namespaces.values();
  for (const name of ALWAYS_TOLD) told[`net.ipv4.${name}`] = namespace?.sysctl(name) ?? '';
  for (const [name, value] of Object.entries(sysctls)) told[`net.ipv4.${name}`] = value;
  for (const [end, own] of Object.entries(endSysctls)) {
    for (const [name, value] of Object.entries(own)) told[`${end}: net.ipv4.${name}`] = value;
  }
  return told;
}

/** How often a second the kernel's clock ticks, which its timers are rounded to. */
function hertz(): string {
  const path = '/proc/config.gz';
  if (!existsSync(path)) return 'unknown';
  const config = gunzipSync(readFileSync(path)).toString();
  return /^CONFIG_HZ=(\d+)$/m.exec(config)?.[1] ?? 'unknown';
}
