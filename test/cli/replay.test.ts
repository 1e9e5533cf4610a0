import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { runCommandLine } from '../../src/cli/commandLine.ts';
import { readSidecar } from '../../src/core/replay/sidecarFile.ts';
import { resultOf, runGlasstcp } from './processes.ts';

const FILE = 'pcaps/half-close.pcap';

/** Command lines, and what is said of them after `glasstcp: `. */
const MISUSES: [string, RegExp][] = [
  ['replay', /^missing required argument 'file'/],
  ['replay no.pcap', /^no\.pcap cannot be read: ENOENT|no such file/],
  ['replay README.md', /^README\.md: no capture/],
  ['replay -', /takes no standard input/],
  [`replay ${FILE} --stream 7`, /^pcaps\/half-close\.pcap has no conversation 7: it has 0 to 0$/],
  [`replay ${FILE} --stream x`, /Conversations are numbered from 0/],
  [`replay ${FILE} --as 1.2.3.4`, /^nobody in .* is 1\.2\.3\.4: --as can be 10\.107\.0\.1:40000/],
  [`replay ${FILE} --as 10.107.0.1:9`, /is 10\.107\.0\.1:9: --as can be .*, 10\.107\.0\.2:5000$/],
  [`replay ${FILE} --stream 0 --as [::1]:9`, /^\[::1\]:9 has no part in conversation 0: --as can/],
  [`replay ${FILE} --min-fidelity 2`, /'2' is invalid. It is a share from 0 to 1/],
  [`replay ${FILE} --sidecar no.json`, /^no\.json cannot be read/],
  [`replay ${FILE} --sidecar package.json`, /^package\.json is no sidecar: ends must be an object/],
  [`replay ${FILE} --sidecar README.md`, /^README\.md is no sidecar: no JSON/],
  [`replay ${FILE} --write-sidecar /no/where.json`, /^\/no\/where\.json cannot be written/],
];

for (const [line, expected] of MISUSES) {
  test.serial(`"glasstcp ${line}" is called wrongly: exit code 2 and one line`, async (t) => {
    const said: string[] = [];
    const code = await runCommandLine(line.split(' '), (complaint) => said.push(complaint));
    t.is(code, 2);
    t.is(said.length, 1);
    t.regex(said[0] ?? '', /^glasstcp: [^\n]+$/);
    t.regex((said[0] ?? '').slice('glasstcp: '.length), expected);
  });
}

test('a conversation that is reproduced: a line for each segment, the sum, and exit code 0', async (t) => {
  const ended = await runGlasstcp(t, 'replay', FILE, '--json');
  t.is(ended.code, 0);
  t.is(ended.stderr, '');
  const lines = ended.stdout.toString().split('\n');
  t.regex(lines[0] ?? '', /place of 10\.107\.0\.1:40000, the client, .*calls from the sidecar$/);
  const same = lines.filter((line) => /^same +-?\d+\.\d{6} IP .* — [a-z-]+ \(RFC/.test(line));
  t.is(same.length, 8);
  t.true(
    lines.includes(
      'fidelity 1.000 (strict): 8 same, 0 earlier or later, 0 different, 0 missing, 0 extra',
    ),
  );
  const result = resultOf(ended);
  t.like(result, {
    command: 'replay',
    ok: true,
    as: '10.107.0.1:40000',
    stream: 0,
    mode: 'strict',
    fidelity: 1,
    same: 8,
    timing: 0,
    different: 0,
    missing: 0,
    extra: 0,
    stoppedAt: null,
  });
  const { segments } = result;
  t.true(Array.isArray(segments) && segments.length === 8);
});

test('below the fidelity that is asked for, the exit code is 1 and the divergence is shown', async (t) => {
  // the recording of another conversation says what the applications did: nothing of it is true
  const folder = mkdtempSync(join(tmpdir(), 'glass-test-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const sidecar = JSON.parse(readFileSync('pcaps/half-close.json', 'utf8'));
  sidecar.ends.client.calls = [{ at: 0, call: 'connect' }];
  const file = join(folder, 'other.json');
  writeFileSync(file, JSON.stringify(sidecar));
  const args = ['replay', FILE, '--sidecar', file, '--json'];
  const ended = await runGlasstcp(t, ...args);
  t.is(ended.code, 1);
  t.regex(ended.stderr, /^glasstcp: fidelity 0\.\d{3} \(strict\): .*; asked for was 1\n$/);
  t.regex(ended.stdout.toString(), /^the first divergence:\n {2}recorded +\| this stack$/m);
  t.regex(ended.stdout.toString(), /^! \d/m);
  t.like(resultOf(ended), { ok: false, mode: 'strict' });

  const enough = await runGlasstcp(t, ...args, '--min-fidelity', '0');
  t.is(enough.code, 0);
  const semantic = await runGlasstcp(t, ...args, '--semantic');
  t.is(semantic.code, 1);
  t.regex(semantic.stdout.toString(), /^different .* text sent: 0 octets instead of \d+$/m);
});

test('what was inferred can be written down, and read again', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'glass-test-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'inferred.json');
  const inferred = ['replay', FILE, '--as', '10.107.0.2', '--no-sidecar'];
  const ended = await runGlasstcp(t, ...inferred, '--write-sidecar', file);
  t.is(ended.code, 0);
  t.regex(ended.stdout.toString(), /calls inferred from the recording/);
  t.regex(ended.stdout.toString(), /guessed of its host: paged .*; not varied/);
  const { server } = readSidecar(readFileSync(file, 'utf8')).ends;
  const calls = server.calls.map(({ call }) => call);
  t.deepEqual(calls.slice(0, 2), ['listen', 'accept']);
  t.true(calls.includes('write'));
  t.is(calls.at(-1), 'shutdown');
  const again = await runGlasstcp(t, 'replay', FILE, '--as', '10.107.0.2', '--sidecar', file);
  t.is(again.code, 0);
});
