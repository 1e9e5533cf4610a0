import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { runCommandLine } from '../../src/cli/commandLine.ts';
import { resultOf, runGlasstcp } from './processes.ts';

const FILE = 'pcaps/half-close.pcap';

/** Command lines, and what is said of them after `glasstcp: `. */
const MISUSES: [string, RegExp][] = [
  ['packetdrill', /^no script is given; name files or folders$/],
  ['packetdrill --from-pcap no.pcap', /^no\.pcap cannot be read/],
  ['packetdrill --from-pcap README.md', /^README\.md: no capture/],
  [`packetdrill --from-pcap ${FILE} a.pkt`, /^--from-pcap runs no script: give it no other file$/],
  [`packetdrill --from-pcap ${FILE} --stream x`, /'x' is invalid. it must be a number from 0/],
  [`packetdrill --from-pcap ${FILE} --stream 7`, /has no conversation 7/],
  [`packetdrill --from-pcap ${FILE} --as 1.2.3.4`, /^nobody in .* is 1\.2\.3\.4: --as can be/],
];

for (const [line, expected] of MISUSES) {
  test.serial(`"glasstcp ${line}" is called wrongly: exit code 2 and one line`, async (t) => {
    const said: string[] = [];
    const code = await runCommandLine(line.split(' '), (complaint) => said.push(complaint));
    t.is(code, 2);
    t.is(said.length, 1);
    t.regex((said[0] ?? '').slice('glasstcp: '.length), expected);
  });
}

test('a capture becomes a script on standard output, and the script passes', async (t) => {
  const made = await runGlasstcp(t, 'packetdrill', '--from-pcap', FILE);
  t.is(made.code, 0, made.stderr.toString());
  t.regex(made.stdout.toString(), /^\/\/ 10\.107\.0\.1:40000 to 10\.107\.0\.2:5000, /);
  t.regex(made.stdout.toString(), /\n0 socket\(\.\.\., SOCK_STREAM, IPPROTO_TCP\) = 3\n/);
  const folder = mkdtempSync(join(tmpdir(), 'glasstcp-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const script = join(folder, 'made.pkt');
  writeFileSync(script, made.stdout);
  const ran = await runGlasstcp(t, 'packetdrill', '--json', script);
  t.like(resultOf(ran), { ok: true, pass: 1, fail: 0, unsupported: 0 });
});
