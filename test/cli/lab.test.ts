import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readPackets } from '../../src/core/capture/captureReader.ts';
import { SCENARIOS } from '../../src/lab/scenarios.ts';
import { resultOf, runGlasstcp } from './processes.ts';

test('lab list: each scenario with the sentence that it shows', async (t) => {
  const ended = await runGlasstcp(t, 'lab', 'list', '--json');
  t.is(ended.code, 0);
  const listed = ended.stdout.toString();
  for (const { name } of SCENARIOS) t.true(listed.includes(`${name}\n  `), name);
  t.like(resultOf(ended), { command: 'lab', ok: true });
});

test('lab NAME: the story, what it shows, the outcome, and a capture that tshark understands', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'glass-test-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const pcap = join(folder, 'crashed.pcap');
  const args = ['lab', 'keepalive-crashed', '--probes', '3', '--pcap', pcap, '--json'];
  const ended = await runGlasstcp(t, ...args);
  t.is(ended.code, 0, ended.stderr);
  const story = ended.stdout.toString();
  t.regex(story, /^ +7200\.060000 {2}server\.80 > client\.\d+: Flags \[\.\], ack 6/m);
  t.regex(story, /SEG\.SEQ = SND\.UNA - 1 — keepalive-probe \(RFC 9293 3\.8\.4\)/);
  t.regex(story, /^What this shows$/m);
  t.deepEqual(resultOf(ended)['outcome'], {
    probes: 3,
    secondsAfterLastWord: 7200 + 3 * 75,
    error: 'ETIMEDOUT',
  });
  let probes = '';
  try {
    const filter = ['-r', pcap, '-Y', 'tcp.analysis.keep_alive'];
    probes = execFileSync('tshark', filter, { encoding: 'utf8', stdio: 'pipe' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    t.log('tshark is not installed: the capture was not looked into');
    return;
  }
  t.is(probes.trim().split('\n').length, 3);
});

test('lab NAME: a .pcapng says of each frame why its sender sent it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'glass-test-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const pcap = join(folder, 'crashed.pcapng');
  const ended = await runGlasstcp(t, 'lab', 'keepalive-crashed', '--probes', '3', '--pcap', pcap);
  t.is(ended.code, 0, ended.stderr);
  const { packets, problem } = readPackets(readFileSync(pcap));
  t.is(problem, null);
  const comments = packets.map((p) => p.comments.join());
  t.true(comments.every((comment) => /^sent: [a-z-]+ \(RFC [^)]+\): ./.test(comment)));
  t.is(comments.filter((comment) => comment.startsWith('sent: keepalive-probe ')).length, 3);
});

test('lab: an unknown scenario and a count out of range are one line and exit code 2', async (t) => {
  const unknown = await runGlasstcp(t, 'lab', 'nothing');
  t.is(unknown.code, 2);
  t.is(unknown.stderr, 'glasstcp: no scenario is called "nothing": see glasstcp lab list\n');
  const count = await runGlasstcp(t, 'lab', 'keepalive-crashed', '--probes', '128');
  t.is(count.code, 2);
  t.regex(count.stderr, /^glasstcp: .*'128' is invalid.*from 1 to 127.*\n$/);
});
