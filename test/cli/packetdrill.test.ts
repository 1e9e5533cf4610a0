import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { canUseTap, skip } from '../harness/netns.ts';
import { resultOf, runGlasstcp } from './processes.ts';

const PASSING = `0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 1) = 0
+0 < S 0:0(0) win 65535 <mss 1000>
+0 > S. 0:0(0) ack 1 <mss 1460>
`;
const FAILING = PASSING.replace('ack 1', 'ack 2');
const UNSUPPORTED = `\`dd if=/dev/zero\`\n${PASSING}`;

/** A folder with these files, until the test ends. */
function folderWith(t: ExecutionContext, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'glass-test-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'more'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

test('packetdrill: a line for each script of a folder, a summary, and JSON', async (t) => {
  const folder = folderWith(t, { 'b.pkt': UNSUPPORTED, 'more/a.pkt': PASSING, 'c.txt': 'none' });
  const ended = await runGlasstcp(t, 'packetdrill', folder, '--json');
  t.is(ended.code, 0, ended.stderr);
  const [first, second, summary] = ended.stdout.toString().split('\n');
  t.is(first, `${folder}/b.pkt: unsupported: command dd if=/dev/zero`);
  t.is(second, `${folder}/more/a.pkt: pass`);
  t.is(summary, '1 pass, 0 fail, 1 unsupported (strict, profile linux)');
  t.like(resultOf(ended), {
    command: 'packetdrill',
    ok: true,
    mode: 'strict',
    pass: 1,
    fail: 0,
    unsupported: 1,
    scripts: [
      { file: `${folder}/b.pkt`, result: 'unsupported', reason: 'command dd if=/dev/zero' },
      { file: `${folder}/more/a.pkt`, result: 'pass', reason: '' },
    ],
  });
});

test('packetdrill: a failure is shown with what happened before, and why the stack sent it', async (t) => {
  const folder = folderWith(t, { 'f.pkt': FAILING });
  const ended = await runGlasstcp(t, 'packetdrill', join(folder, 'f.pkt'), '--json');
  t.is(ended.code, 1);
  t.is(ended.stderr, 'glasstcp: 1 of 1 scripts failed\n');
  const told = ended.stdout.toString();
  t.regex(told, /f\.pkt:5: fail: another ack was sent\n/);
  t.regex(told, /^ {4}0\.000000 listen\(3, 1\) = 0$/m);
  t.regex(told, /^ {2}expected {2}> S\. 0:0\(0\) ack 2 <mss 1460>$/m);
  t.regex(told, /^ {2}actual {4}> S\. 0:0\(0\) ack 1 <mss 1460>$/m);
  t.regex(told, /^ {4}ack {2}expected 2, actual 1$/m);
  t.regex(told, /^ {2}sent for {2}handshake \(RFC 9293 3\.5\)/m);
  t.like(resultOf(ended), { ok: false, pass: 0, fail: 1 });
});

test('packetdrill: options of the command line win over those of the script', async (t) => {
  const folder = folderWith(t, { 'a.pkt': `--mtu=1500\n${PASSING.replace('1460', 'SIZE')}` });
  const script = join(folder, 'a.pkt');
  const ended = await runGlasstcp(t, 'packetdrill', script, '--mtu', '1000', '-D', 'SIZE=960');
  t.is(ended.code, 0, ended.stdout.toString());
});

test('packetdrill: what is called wrongly is one line and exit code 2', async (t) => {
  const folder = folderWith(t, { 'a.pkt': PASSING, 'b.pkt': PASSING });
  const of = async (...args: readonly string[]): Promise<string> => {
    const ended = await runGlasstcp(t, 'packetdrill', ...args);
    t.is(ended.code, 2, args.join(' '));
    t.is(ended.stdout.toString(), '');
    return ended.stderr;
  };
  t.is(await of('none.pkt'), 'glasstcp: none.pkt cannot be read: there is no such file\n');
  t.is(await of(join(folder, 'more')), `glasstcp: no .pkt file is in ${folder}/more\n`);
  t.regex(await of(folder, '--pcap', 'x.pcap'), /^glasstcp: --pcap records one script/);
  t.regex(await of(folder, '--mss', 'many'), /must be a number/);
  t.regex(await of(folder, '--profile', 'plan9'), /'plan9' is invalid.*linux, freebsd/);
});

test('packetdrill --pcap: what happened, for other tools', async (t) => {
  const folder = folderWith(t, { 'a.pkt': PASSING });
  const pcap = join(folder, 'a.pcap');
  const ended = await runGlasstcp(t, 'packetdrill', join(folder, 'a.pkt'), '--pcap', pcap);
  t.is(ended.code, 0, ended.stderr);
  try {
    const line = ['-r', pcap, '-T', 'fields', '-e', 'tcp.flags.str', '-Y', 'tcp'];
    const flags = execFileSync('tshark', line, { encoding: 'utf8', stdio: 'pipe' });
    t.deepEqual(flags.replaceAll('·', '').trim().split('\n'), ['S', 'AS']);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    t.log('tshark is not installed: the capture was not looked into');
  }
});

test('packetdrill --against kernel: the reference passes scripts of our own', async (t) => {
  const why = canUseTap();
  if (why !== null) {
    skip(t, why);
    return;
  }
  const folders = ['rfc9293/calls', 'rfc2018', 'rfc2883', 'rfc5961'];
  const paths = folders.map((name) => `test/packetdrill/${name}`);
  const ended = await runGlasstcp(
    t,
    'packetdrill',
    '--against',
    'kernel',
    '--tolerance_usecs',
    '50000',
    ...paths,
  );
  t.is(ended.code, 0, ended.stdout.toString());
  t.regex(ended.stdout.toString(), /pass, 0 fail, 0 unsupported \(strict, the kernel\)/);
});
