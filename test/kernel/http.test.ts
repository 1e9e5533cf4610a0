import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { digestOf, pseudoRandom } from '../../src/apps/pseudoRandom.ts';
import { glasstcp, type Running, resultOf, runWithin } from '../cli/processes.ts';
import { countersOf, withNamespace } from '../harness/netns.ts';

const SITE = 'http://10.107.0.2';
const MEBIBYTE = 2 ** 20;

/** Starts `glasstcp serve http` with its TAP in the namespace. */
async function serveHttp(t: ExecutionContext, ns: string): Promise<Running> {
  const serving = glasstcp(t, 'serve', 'http', '--netns', ns, '--json');
  await serving.says(/^listening 10\.107\.0\.2:80$/m);
  return serving;
}

function curl(t: ExecutionContext, ns: string, ...args: readonly string[]): Promise<string> {
  return runWithin(t, ns, 'curl', '-sS', '--fail', '--max-time', '60', ...args);
}

function temporaryFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'glass-test-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** The kernel found no fault in our segments, and had to send next to nothing again. */
function kernelIsContent(t: ExecutionContext, ns: string): void {
  const counters = countersOf(ns);
  for (const name of [
    'TcpInErrs',
    'TcpInCsumErrors',
    'TcpOutRsts',
    'TcpEstabResets',
    'TcpExtTCPChallengeACK',
    'TcpExtTCPSYNChallenge',
  ]) {
    t.is(counters.get(name), 0, name);
  }
  // a busy machine may keep our process from answering within the kernel's 200 ms
  const allowed = 2 + (counters.get('TcpOutSegs') ?? 0) / 100;
  t.true((counters.get('TcpRetransSegs') ?? 0) <= allowed, 'TcpRetransSegs');
}

/** Ends a server. @returns what it says of itself */
async function stop(serving: Running): Promise<Record<string, unknown>> {
  serving.kill('SIGTERM');
  return resultOf(await serving.ended);
}

test.serial("the kernel's curl fetches a page", async (t) => {
  await withNamespace(t, async (ns) => {
    const serving = await serveHttp(t, ns);
    t.regex(await curl(t, ns, `${SITE}/`), /<title>glasstcp<\/title>/);
    kernelIsContent(t, ns);
    const { connections, ok } = await stop(serving);
    t.deepEqual([connections, ok], [1, true]);
  });
});

test.serial('8 MiB go down to curl and up again, octet for octet', async (t) => {
  await withNamespace(t, async (ns) => {
    const serving = await serveHttp(t, ns);
    const file = join(temporaryFolder(t), 'octets');
    const octets = 8 * MEBIBYTE;
    await curl(t, ns, '-o', file, `${SITE}/octets/${octets}`);
    t.is(statSync(file).size, octets);
    // what came down goes up: so the answer speaks of both ways
    const answer = JSON.parse(await curl(t, ns, '-T', file, `${SITE}/upload`));
    t.deepEqual(answer, await digestOf(pseudoRandom(octets)));
    kernelIsContent(t, ns);
    t.is((await stop(serving))['connections'], 2);
  });
});

test.serial('of 200 requests at once each gets its own body, whole', async (t) => {
  await withNamespace(t, async (ns) => {
    const serving = await serveHttp(t, ns);
    const folder = temporaryFolder(t);
    const lengths = Array.from({ length: 200 }, (_, n) => 1000 + 100 * n);
    await curl(
      t,
      ns,
      ...['--parallel', '--parallel-immediate', '--parallel-max', '200', '--no-progress-meter'],
      ...['-H', 'connection: close'],
      ...lengths.flatMap((n) => ['-o', join(folder, String(n)), `${SITE}/octets/${n}`]),
    );
    for (const n of lengths) {
      const got = await digestOf(createReadStream(join(folder, String(n))));
      t.deepEqual(got, await digestOf(pseudoRandom(n)));
    }
    t.is(countersOf(ns).get('TcpInCsumErrors'), 0);
    t.is(countersOf(ns).get('TcpEstabResets'), 0);
    t.is((await stop(serving))['connections'], 200);
  });
});

test.serial('20 requests one after another share one connection', async (t) => {
  await withNamespace(t, async (ns) => {
    const serving = await serveHttp(t, ns);
    const urls = Array.from({ length: 20 }, (_, n) => `${SITE}/octets/${n}.sha256`);
    const answers = (await curl(t, ns, ...urls)).trim().split('\n');
    t.is(answers.length, 20);
    t.is(answers[19], (await digestOf(pseudoRandom(19))).sha256);
    kernelIsContent(t, ns);
    t.is((await stop(serving))['connections'], 1);
  });
});
