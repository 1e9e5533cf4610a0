import { readdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { SCENARIOS } from '../../scripts/record/scenarios.ts';
import type { CapturedSegment } from '../../src/core/capture/capturedSegment.ts';
import { readPackets } from '../../src/core/capture/captureReader.ts';
import { parseSegment } from '../../src/core/capture/parseSegment.ts';
import type { Sidecar, SidecarEnd } from '../../src/core/replay/sidecar.ts';
import { readSidecar } from '../../src/core/replay/sidecarFile.ts';
import { Flag } from '../../src/core/wire/tcp.ts';
import { run } from '../harness/netns.ts';

const FOLDER = fileURLToPath(new URL('../../pcaps/', import.meta.url));
const RECORD = fileURLToPath(new URL('../../scripts/recordPcaps', import.meta.url));
const MOST_OCTETS = 1_000_000;
const LEAST_CONVERSATIONS = 40;

function namesWith(suffix: string): string[] {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith(suffix));
  return names.map((name) => name.slice(0, -suffix.length)).sort();
}

function textOf(name: string): string {
  return readFileSync(`${FOLDER}${name}.json`, 'utf8');
}

function segmentsOf(name: string): readonly CapturedSegment[] {
  const { packets, problem } = readPackets(readFileSync(`${FOLDER}${name}.pcap`));
  if (problem !== null) throw new Error(`${name}: ${problem}`);
  return packets.map(parseSegment).filter((segment) => segment !== null);
}

/** Calls in the order of their times, each ending after it began. */
function areInOrder({ calls }: SidecarEnd): boolean {
  return calls.every(
    ({ at, until = at }, index) => at >= (calls[index - 1]?.at ?? at) && until >= at,
  );
}

const NAMES = namesWith('.pcap');
const SIDECARS = new Map<string, Sidecar>(NAMES.map((name) => [name, readSidecar(textOf(name))]));

test('each capture has a sidecar, and each sidecar a capture', (t) => {
  t.deepEqual(namesWith('.json'), NAMES);
});

test('each conversation that scripts/recordPcaps records is there, and no other', (t) => {
  const recorded = SCENARIOS.flatMap(({ name, both, glasstcp, capturedAt = 'client' }) => {
    if (both !== true || glasstcp !== undefined) return [name];
    return [name, `${name}-${capturedAt === 'client' ? 'server' : 'client'}`];
  });
  t.deepEqual(recorded.sort(), NAMES);
  t.true(SCENARIOS.length >= LEAST_CONVERSATIONS, `${SCENARIOS.length}`);
});

test('scripts/recordPcaps lists them', (t) => {
  const lines = run(RECORD, '--list').trim().split('\n');
  t.deepEqual(
    lines,
    SCENARIOS.map(({ name, description }) => `${name}: ${description}`),
  );
});

test('scripts/recordPcaps says what it does not know, and records nothing', (t) => {
  for (const wrong of ['--wrong', 'no-such-conversation']) {
    const error = t.throws(() => run(RECORD, wrong));
    t.is(Reflect.get(error ?? {}, 'status'), 2);
    t.regex(String(Reflect.get(error ?? {}, 'stderr')), /^recordPcaps: [^\n]+\n$/);
  }
});

test('no capture is above 1 MB', (t) => {
  const large = NAMES.filter((name) => statSync(`${FOLDER}${name}.pcap`).size > MOST_OCTETS);
  t.deepEqual(large, []);
});

for (const [name, sidecar] of SIDECARS) {
  test(`the sidecar of ${name} says everything, and nothing that is not known`, (t) => {
    t.deepEqual(JSON.parse(textOf(name)), sidecar);
    t.not(sidecar.description, '');
    t.not(sidecar.link, '');
    t.truthy(sidecar.kernel);
    for (const key of ['HZ', 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']) {
      t.truthy(sidecar.sysctls?.[key], key);
    }
    t.true(areInOrder(sidecar.ends.client) && areInOrder(sidecar.ends.server));
    t.true(Object.values(sidecar.ends).some(({ replay }) => replay !== undefined));
  });

  test(`the sidecar of ${name} is about its capture`, (t) => {
    const { client, server } = sidecar.ends;
    const ends = [client, server].map(({ address, port }) => `${address}:${port}`);
    const segments = segmentsOf(name);
    const sources = new Set(segments.map(({ source, sourcePort }) => `${source}:${sourcePort}`));
    t.deepEqual(
      [...sources].filter((source) => !ends.includes(source)),
      [],
    );
    const syns = segments.filter(({ flags }) => (flags & (Flag.SYN | Flag.ACK)) === Flag.SYN);
    t.true(syns.some(({ source }) => source === client.address));
  });

  test(`the other capture of ${name} is of the other end`, (t) => {
    const { otherEnd, capturedAt } = sidecar;
    if (otherEnd === undefined) {
      t.pass();
      return;
    }
    const other = SIDECARS.get(otherEnd);
    t.is(other?.otherEnd, name);
    t.is(other?.capturedAt, capturedAt === 'client' ? 'server' : 'client');
  });
}
