import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import process, { argv, stderr, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import type { EndName, Sidecar } from '../../src/core/replay/sidecar.ts';
import { readSidecar } from '../../src/core/replay/sidecarFile.ts';
import { checkRecording, type Recording, readRecording } from './check.ts';
import { removeNamespaces, run } from './namespace.ts';
import type { Scenario } from './scenario.ts';
import { SCENARIOS } from './scenarios.ts';
import { formatSidecar, sidecarOf } from './sidecars.ts';
import { killDumps } from './tcpdump.ts';
import { ENDS, World } from './world.ts';

/**
 * Records the fixtures of pcaps/ from the kernel of this machine. A recording that is not what its
 * scenario is about, since something else on the machine was in the way, is made again.
 */

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PCAPS = join(ROOT, 'pcaps');
const ATTEMPTS = 8;
/** Frames should not wait for this process. */
const PRIORITY = -15;

function usage(problem: string): never {
  stderr.write(`recordPcaps: ${problem}\n`);
  process.exit(2);
}

function selected(names: readonly string[]): readonly Scenario[] {
  if (names.length === 0) return SCENARIOS;
  return names.map((name) => {
    const found = SCENARIOS.find((scenario) => scenario.name === name);
    return found ?? usage(`there is no scenario "${name}": see --list`);
  });
}

/** Says what is missing on this machine. */
function checkMachine(): void {
  if (process.platform !== 'linux') usage('this needs Linux');
  if (process.geteuid?.() !== 0) usage('network namespaces and TAPs need root');
  for (const [command, flag] of [
    ['ip', '-V'],
    ['tcpdump', '--version'],
    ['sysctl', '--version'],
  ] as const) {
    try {
      run(command, flag);
    } catch {
      usage(`the command "${command}" is missing (Debian: iproute2, tcpdump, procps)`);
    }
  }
}

async function record(scenario: Scenario, folder: string): Promise<readonly string[]> {
  const main: EndName =
    scenario.capturedAt ?? (scenario.glasstcp === 'client' ? 'server' : 'client');
  const world = await World.make(scenario);
  try {
    const files = await world.record(folder);
    const recordings = new Map<EndName, Recording>();
    for (const [end, file] of files) {
      const recording = readRecording(file);
      if (recording !== null) recordings.set(end, recording);
    }
    checkRecording(scenario, recordings, main);
    const kept = ENDS.filter((end) => end === main || scenario.both === true);
    const nameAt = (end: EndName) => (end === main ? scenario.name : `${scenario.name}-${end}`);
    const lines: string[] = [];
    for (const end of kept) {
      const recording = recordings.get(end);
      if (recording === undefined) continue;
      const other = kept.find((another) => another !== end);
      const otherEnd = other === undefined ? null : nameAt(other);
      const path = join(PCAPS, nameAt(end));
      const place = { capturedAt: end, start: recording.start, otherEnd };
      const sidecar = sidecarOf(world, place, sidecarBefore(`${path}.json`));
      writeFileSync(`${path}.pcap`, recording.octets);
      writeFileSync(`${path}.json`, formatSidecar(sidecar));
      const { segments, octets } = recording;
      lines.push(`${nameAt(end)}: ${segments.length} segments, ${octets.length} octets`);
    }
    return lines;
  } finally {
    await world.close();
  }
}

/** What was said of the recording before this one; null: there is none. */
function sidecarBefore(path: string): Sidecar | null {
  return existsSync(path) ? readSidecar(readFileSync(path, 'utf8')) : null;
}

/** Commands that the scenario needs, and this machine has not. */
function lacking({ needs = [] }: Scenario): readonly string[] {
  return needs.filter((command) => {
    try {
      run(command, '--version');
      return false;
    } catch {
      return true;
    }
  });
}

async function recordWithPatience(scenario: Scenario, folder: string): Promise<boolean> {
  const lacks = lacking(scenario);
  if (lacks.length > 0) {
    stderr.write(`${scenario.name}: the command ${lacks.join(', ')} is missing\n`);
    return false;
  }
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      const lines = await record(scenario, folder);
      stdout.write(`${lines.join('\n')}\n`);
      return true;
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      stderr.write(`${scenario.name}, attempt ${attempt}: ${why}\n`);
    }
  }
  return false;
}

async function main(): Promise<void> {
  const names = argv.slice(2);
  if (names.includes('--list')) {
    for (const { name, description } of SCENARIOS) stdout.write(`${name}: ${description}\n`);
    return;
  }
  const option = names.find((name) => name.startsWith('-'));
  if (option !== undefined) usage(`there is no option ${option}: [--list] [NAME...]`);
  const scenarios = selected(names);
  checkMachine();
  process.once('exit', () => {
    killDumps();
    removeNamespaces();
  });
  // a call of a conversation that was given up, whose socket is closed under it
  process.on('unhandledRejection', (error) => stderr.write(`${error}\n`));
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  setPriority(PRIORITY);
  mkdirSync(PCAPS, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'glass-pcaps-'));
  const missing: string[] = [];
  for (const scenario of scenarios) {
    if (!(await recordWithPatience(scenario, folder))) missing.push(scenario.name);
  }
  rmSync(folder, { recursive: true });
  if (missing.length > 0) {
    stderr.write(`recordPcaps: not recorded: ${missing.join(' ')}\n`);
    process.exitCode = 1;
  }
}

await main();
process.exit();
