import { readFileSync } from 'node:fs';
import { MS } from '../../src/core/base/time.ts';
import type { CapturedSegment } from '../../src/core/capture/capturedSegment.ts';
import { readPackets } from '../../src/core/capture/captureReader.ts';
import { parseSegment } from '../../src/core/capture/parseSegment.ts';
import type { EndName } from '../../src/core/replay/sidecar.ts';
import type { Resent, Scenario } from './scenario.ts';
import { Sightings } from './sighting.ts';
import { ADDRESSES, ENDS } from './world.ts';

const MAX_FILE = 1_000_000;
const LATEST_MS = 5;

/** What was captured at one end. */
export interface Recording {
  readonly octets: Uint8Array;
  /** Of the first packet, since 1970. */
  readonly start: number;
  readonly segments: readonly CapturedSegment[];
}

/** Reads a capture; null: it has no packets. @throws Error if it is none */
export function readRecording(path: string): Recording | null {
  const octets = new Uint8Array(readFileSync(path));
  const { packets, problem } = readPackets(octets);
  const [first] = packets;
  if (problem !== null) throw new Error(problem);
  if (first === undefined) return null;
  const segments = packets.map(parseSegment).filter((segment) => segment !== null);
  return { octets, start: first.time, segments };
}

/** @throws Error that says how a recording is not what the scenario is about */
export function checkRecording(
  scenario: Scenario,
  recordings: ReadonlyMap<EndName, Recording>,
  main: EndName,
): void {
  if (!recordings.has(main)) throw new Error('nothing was captured');
  for (const [end, { octets }] of recordings) {
    if (octets.length > MAX_FILE) throw new Error(`${octets.length} octets at the ${end}`);
  }
  for (const end of ENDS) {
    // what was sent is to be seen where it was sent
    const at = recordings.get(end) ?? recordings.get(main);
    const { resent = {} } = scenario;
    checkResent(end, at?.segments ?? [], resent[end] ?? 0);
    checkTransit(scenario, end, recordings);
  }
  const wrong = scenario.check?.(recordings.get(main)?.segments ?? []) ?? null;
  if (wrong !== null) throw new Error(wrong);
}

/**
 * This process forwards the frames, and may be kept from it: what it holds up shows a link that was
 * not asked for.
 */
function checkTransit(
  scenario: Scenario,
  from: EndName,
  recordings: ReadonlyMap<EndName, Recording>,
): void {
  const sent = recordings.get(from)?.segments ?? [];
  const arrived = recordings.get(from === 'client' ? 'server' : 'client')?.segments ?? [];
  const times = new Map<string, number>();
  for (const segment of arrived) {
    const key = keyOf(segment);
    if (segment.source === ADDRESSES[from] && !times.has(key)) times.set(key, segment.time);
  }
  const { latest = LATEST_MS, cable = {} } = scenario;
  for (const segment of sent) {
    const key = keyOf(segment);
    const time = times.get(key);
    if (segment.source !== ADDRESSES[from] || time === undefined) continue;
    times.delete(key);
    const lateMs = (time - segment.time - (cable.delay ?? 0)) / MS;
    if (lateMs > latest) throw new Error(`a segment of the ${from} came ${lateMs} ms late`);
  }
}

/** Equal for a segment and its copy at the other end, and different when it is repeated. */
function keyOf({ seq, ack, flags, length, identification, options }: CapturedSegment): string {
  return [seq, ack, flags, length, identification, options.timestamps?.value].join();
}

function checkResent(end: EndName, segments: readonly CapturedSegment[], wanted: Resent): void {
  const sightings = new Sightings();
  const own = segments.filter(({ source }) => source === ADDRESSES[end]);
  const resent = own.filter((segment) => sightings.see(segment).times > 1).length;
  const [least, most] = typeof wanted === 'number' ? [wanted, wanted] : wanted;
  if (resent >= least && resent <= most) return;
  throw new Error(`the ${end} sent ${resent} segments again instead of ${least} to ${most}`);
}
