import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { type Ended, GLASSTCP, glasstcp, Running, resultOf, within } from '../cli/processes.ts';
import { canUseTap, run, skip, withNamespace } from '../harness/netns.ts';

const DEMO = ['demo', '--mebibytes', '2', '--json'];
/** Commands of the demo's, where each lies. */
const TOOLS = ['cat', 'ip', 'sh', 'unshare'];

/** A folder for the capture and what the demo keeps meanwhile, removed after the test. */
function temporaryFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'glass-test-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** Without what belongs to the runner of TypeScript. */
function filesIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => !name.startsWith('tsx-'));
}

function needsTap(title: string, body: (t: ExecutionContext) => Promise<void>): void {
  test.serial(title, async (t) => {
    const why = canUseTap();
    if (why === null) await body(t);
    else skip(t, why);
  });
}

/** `STEP state` for each step of a result. */
function statesOf(ended: Ended): string[] {
  const { steps } = resultOf(ended);
  if (!Array.isArray(steps)) return [];
  return steps.map(({ step, state }) => `${step} ${state}`);
}

const ALL_OK = ['1 ok', '2 ok', '3 ok', '4 ok', '5 ok', '6 ok', '7 ok', '8 ok'];

needsTap(
  'the demo does all its steps with the kernel, and leaves nothing but its capture',
  async (t) => {
    const folder = temporaryFolder(t);
    const file = join(folder, 'demo.pcap');
    const running = new Running(t, [
      'env',
      `TMPDIR=${folder}`,
      ...GLASSTCP,
      ...DEMO,
      '--pcap',
      file,
    ]);
    const ended = await running.ended;
    t.is(ended.code, 0, ended.stderr);
    const { place, ok, pcap, retransmissions } = resultOf(ended);
    t.deepEqual([place, ok, pcap, retransmissions], ['namespace', true, file, 0]);
    t.deepEqual(statesOf(ended), ALL_OK);
    t.regex(
      ended.stdout.toString(),
      /^2\. curl fetches 2 MiB [^\n]+\n( +\d+ % of 2 MiB\n)* +ok: /m,
    );
    t.false(run('ip', 'netns').includes(`glass-demo-${running.child.pid}`));
    t.deepEqual(filesIn(folder), ['demo.pcap']);
    const resets = await new Running(t, ['tcpdump', '-n', '-r', file, 'tcp[13] & 4 != 0']).ended;
    t.is(resets.stdout.toString().trim().split('\n').length, 2);
  },
);

needsTap('a user who may make no namespace gets one by unshare', async (t) => {
  const folder = temporaryFolder(t);
  const prefix = ['unshare', '-Urn', 'env', `TMPDIR=${folder}`];
  const ended = await new Running(t, [...prefix, ...GLASSTCP, ...DEMO]).ended;
  t.is(ended.code, 0, ended.stderr);
  t.is(resultOf(ended)['place'], 'user-namespace');
  t.deepEqual(statesOf(ended), ALL_OK);
  const { pcap } = resultOf(ended);
  t.true(existsSync(String(pcap)));
});

needsTap('where there can be no TAP, a second stack takes the part of the kernel', async (t) => {
  const folder = temporaryFolder(t);
  const hide = ['unshare', '-Urnm', 'sh', '-c', 'mount -t tmpfs none /dev/net && exec "$@"', 'sh'];
  const line = [...hide, 'env', `TMPDIR=${folder}`, ...GLASSTCP, ...DEMO];
  const ended = await new Running(t, line).ended;
  t.is(ended.code, 0, ended.stderr);
  t.regex(ended.stdout.toString(), /^There can be no TAP here: there is no \/dev\/net\/tun /);
  t.is(resultOf(ended)['place'], 'memory');
  t.deepEqual(statesOf(ended), [...ALL_OK.slice(0, 3), '4 skipped', ...ALL_OK.slice(4)]);
});

needsTap('a missing tool is named with its package, and done without', async (t) => {
  const folder = temporaryFolder(t);
  for (const tool of TOOLS) symlinkSync(run('which', tool).trim(), join(folder, tool));
  const prefix = ['env', `TMPDIR=${folder}`, `PATH=${folder}`];
  const ended = await new Running(t, [...prefix, ...GLASSTCP, ...DEMO]).ended;
  t.is(ended.code, 0, ended.stderr);
  t.regex(ended.stdout.toString(), /^The command curl is missing \(Debian package curl\): /m);
  t.regex(ended.stdout.toString(), /skipped: .* ping is missing \(Debian package iputils-ping\)/);
  t.deepEqual(statesOf(ended), [...ALL_OK.slice(0, 3), '4 skipped', ...ALL_OK.slice(4)]);
});

needsTap('SIGTERM in the middle ends the demo with exit code 0, and cleans up', async (t) => {
  const folder = temporaryFolder(t);
  const line = ['env', `TMPDIR=${folder}`, ...GLASSTCP, 'demo', '--mebibytes', '500', '--json'];
  const running = new Running(t, line);
  await running.says(/ 25? % of 500 MiB|^ +\d\d % of/m);
  running.kill('SIGTERM');
  const ended = await running.ended;
  t.is(ended.code, 0, ended.stderr);
  t.is(resultOf(ended)['interrupted'], true);
  t.false(run('ip', 'netns').includes(`glass-demo-${running.child.pid}`));
  t.deepEqual(filesIn(folder), [basename(String(resultOf(ended)['pcap']))]);
});

test.serial('a step that fails is named: exit code 1, and the others are done', async (t) => {
  await withNamespace(t, async (ns) => {
    const folder = temporaryFolder(t);
    // the port that the demo's server of the kernel wants
    const nc = within(t, ns, 'nc', '-n', '-v', '-l', '7007');
    await nc.says(/Listening/);
    const file = join(folder, 'demo.pcap');
    const ended = await glasstcp(t, ...DEMO, '--netns', ns, '--pcap', file).ended;
    t.is(ended.code, 1);
    t.is(ended.stderr, 'glasstcp: failed: step 6\n');
    t.is(resultOf(ended)['ok'], false);
    t.deepEqual(statesOf(ended), [...ALL_OK.slice(0, 5), '6 failed', ...ALL_OK.slice(6)]);
    t.true(run('ip', 'netns').includes(ns));
  });
});
