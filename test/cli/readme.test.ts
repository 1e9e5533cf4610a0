import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { run, withNamespace } from '../harness/netns.ts';
import { Running } from './processes.ts';

/** The namespace of the README; here each run has its own. */
const NAMESPACE = 'glass-try';
const EXAMPLE = 'example.mjs';

/** The contents of the README's code blocks of one language, in order. */
function blocks(language: string): string[] {
  const readme = readFileSync('README.md', 'utf8');
  return [...readme.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))].map(
    ([, block = '']) => block,
  );
}

/** Types a block into a terminal: a process group of its own, as a shell makes it. */
function type(t: ExecutionContext, temporary: string, block: string): Running {
  const shell = ['bash', '-e', '-o', 'pipefail', '-c', block];
  const running = new Running(t, ['env', `TMPDIR=${temporary}`, 'setsid', ...shell]);
  t.teardown(() => signalGroup(running, 'SIGKILL'));
  return running;
}

test.serial('every command of the README does what it says', async (t) => {
  await withNamespace(t, async (unused) => {
    // the README makes and removes the namespace itself
    const ns = `${unused}-readme`;
    t.teardown(() => {
      if (run('ip', 'netns').includes(ns)) run('ip', 'netns', 'del', ns);
    });
    const temporary = mkdtempSync(join(tmpdir(), 'glass-test-'));
    t.teardown(() => rmSync(temporary, { recursive: true }));
    const [js = ''] = blocks('js');
    writeFileSync(EXAMPLE, js.replaceAll(NAMESPACE, ns));
    t.teardown(() => rmSync(EXAMPLE));

    let server: Running | null = null;
    let said = '';
    for (const block of blocks('sh')) {
      if (block === './scripts/test\n') continue; // that runs this test
      const commands = block.replaceAll(NAMESPACE, ns);
      const isServer = /glasstcp (serve|proxy)|node example/.test(block);
      if (server !== null && (isServer || block.includes('netns del'))) {
        said += await interrupt(t, server);
        server = null;
      }
      const running = type(t, temporary, commands);
      if (isServer) {
        await running.says(/^listening/m);
        server = running;
      } else {
        const { code, stdout, stderr } = await running.input('').ended;
        t.is(code, 0, `${commands}${stdout}${stderr}`);
        said += stdout.toString();
      }
    }
    for (const expected of EXPECTED) t.regex(said, expected);
    for (const reason of reasonsOf(blocks('text')[0] ?? '')) t.true(said.includes(reason), reason);
  });
});

/** What the commands answer. */
const EXPECTED = [
  /^steps: 8 ok, 0 failed$/m,
  /<title>glasstcp<\/title>/,
  /^([\da-f]{64}) {2}-\n\1$/m, // sha256sum, and the server's own digest
  /^\{"octets":\d+,"sha256":"[\da-f]{64}"\}$/m,
  /3 received/,
  /^hello$/m,
  /^refused$/m,
  /^What this shows$/m,
  /half-close \(RFC 9293 3\.6\): text goes on/,
  /"command":"proxy","ok":true/,
  /^you asked for \/anything$/m,
];

/** Ctrl-C. @returns what the server wrote */
async function interrupt(t: ExecutionContext, server: Running): Promise<string> {
  signalGroup(server, 'SIGINT');
  const { stdout, stderr } = await server.ended;
  t.notRegex(stderr, /Error/);
  return `${stdout}${stderr}`;
}

/** A signal to all that was started in a terminal, as far as it still runs. */
function signalGroup({ child }: Running, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // all have ended
  }
}

/** The reasons in lines of a trace. */
function reasonsOf(trace: string): string[] {
  return trace.split('\n').flatMap((line) => {
    const [, reason] = / — (sent: .*|dropped: .*)$/.exec(line) ?? [];
    return reason === undefined ? [] : [reason];
  });
}

test('the test command of the README is the one that CI runs', (t) => {
  t.true(blocks('sh').includes('./scripts/test\n'));
  t.regex(readFileSync('.ci/run', 'utf8'), /^\.\/scripts\/test /m);
});
