import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { argv, stderr, stdout } from 'node:process';
import { fileURLToPath } from 'node:url';
import { chooseFrom } from '../src/cli/replayFile.ts';
import { type Replay, replay } from '../src/core/replay/replay.ts';
import { formatFidelity } from '../src/core/replay/report.ts';
import type { EndName, ReplayExpectation, Sidecar } from '../src/core/replay/sidecar.ts';
import { readSidecar } from '../src/core/replay/sidecarFile.ts';

/**
 * The table of the recorded fixtures, `pcaps/README.md`: how faithfully this stack behaves like the
 * kernel that was recorded.
 *
 *   npx tsx scripts/pcapTable.ts            writes the table
 *   npx tsx scripts/pcapTable.ts --check    fails if it is stale
 *   npx tsx scripts/pcapTable.ts --raise    raises the floors in the sidecars to what is reached
 */

const FOLDER = fileURLToPath(new URL('../pcaps/', import.meta.url));
const README = join(FOLDER, 'README.md');
const BEGIN = '<!-- made by scripts/pcapTable.ts: do not edit below -->';
const TOUR = `# Recorded conversations

Each \`NAME.pcap\` was recorded from real kernels, and \`NAME.json\` beside it says what the applications
did. The table shows what \`npx glasstcp replay pcaps/NAME.pcap --as ADDRESS\` reaches when this stack
takes the place of one end: the share of segments that are reproduced exactly (strict), and of what
the other end would notice (semantic). A test holds each mode's floor.`;

/** A recording with its sidecar. */
export interface Fixture {
  readonly name: string;
  readonly path: string;
  readonly sidecar: Sidecar;
}

/** One end of a fixture, played by this stack. */
export interface PlayedFixture {
  readonly fixture: Fixture;
  readonly role: EndName;
  readonly expectation: ReplayExpectation;
  readonly replay: Replay;
}

/** All fixtures, by name. */
export function readFixtures(): Fixture[] {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith('.pcap'))
    .sort()
    .flatMap((file): Fixture[] => {
      const name = file.slice(0, -'.pcap'.length);
      const sidecar = sidecarPath(name);
      if (!existsSync(sidecar)) return [];
      return [
        { name, path: join(FOLDER, file), sidecar: readSidecar(readFileSync(sidecar, 'utf8')) },
      ];
    });
}

/** Plays each end that its sidecar expects something of. */
export async function play(fixture: Fixture): Promise<PlayedFixture[]> {
  const played: PlayedFixture[] = [];
  for (const role of ['client', 'server'] as const) {
    const { address, port, replay: expectation } = fixture.sidecar.ends[role];
    if (expectation === undefined) continue;
    const as = port === 0 ? address : `${address}:${port}`;
    const chosen = await chooseFrom(fixture.path, { as });
    played.push({ fixture, role, expectation, replay: replay(chosen.recording, chosen) });
  }
  return played;
}

/** What is reached in the mode that counts. */
export function reached({ expectation, replay }: PlayedFixture): number {
  return replay[expectation.mode].fidelity;
}

/** The README with its table. */
export function render(all: readonly PlayedFixture[]): string {
  const rows = all.map(({ fixture, role, expectation, replay: { strict, semantic } }) => {
    const { name, sidecar } = fixture;
    const [s, m] = [formatFidelity(strict.fidelity), formatFidelity(semantic.fidelity)];
    const reason = expectation.reason ?? '';
    const cells = [`\`${name}\``, sidecar.description, role, expectation.mode, s, m, reason];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  const exact = all.filter(({ replay: { strict } }) => strict.fidelity === 1).length;
  return [
    TOUR,
    '',
    BEGIN,
    '',
    `${exact} of ${all.length} are reproduced exactly.`,
    '',
    '| recording | what happens | end | mode | strict | semantic | why it is not all |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

/** The README as it is; null: there is none. */
export function readTable(): string | null {
  return existsSync(README) ? readFileSync(README, 'utf8') : null;
}

/** The text of a sidecar with another floor for one end; the rest stays as it was written. */
export function withFloor(text: string, role: EndName, floor: number): string {
  const end = text.indexOf(`"${role}": {`, text.indexOf('"ends"'));
  const at = text.indexOf('"floor":', end);
  if (end < 0 || at < 0) throw new Error(`no floor of the ${role}`);
  return text.slice(0, at) + text.slice(at).replace(/"floor":\s*[\d.]+/, `"floor": ${floor}`);
}

function sidecarPath(name: string): string {
  return join(FOLDER, `${name}.json`);
}

function raise(all: readonly PlayedFixture[]): void {
  for (const played of all) {
    const { fixture, role, expectation } = played;
    const floor = Number(formatFidelity(reached(played)));
    if (floor <= expectation.floor) continue;
    const path = sidecarPath(fixture.name);
    writeFileSync(path, withFloor(readFileSync(path, 'utf8'), role, floor));
    stdout.write(`${fixture.name} ${role}: ${expectation.floor} -> ${floor}\n`);
  }
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const all: PlayedFixture[] = [];
  for (const fixture of readFixtures()) all.push(...(await play(fixture)));
  if (argv.includes('--raise')) raise(all);
  const expected = render(all);
  if (argv.includes('--check')) {
    if (readTable() !== expected) {
      stderr.write('pcaps/README.md is stale: npx tsx scripts/pcapTable.ts\n');
      process.exitCode = 1;
    }
  } else {
    writeFileSync(README, expected);
  }
}
