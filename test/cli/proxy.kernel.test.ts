import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import test, { type ExecutionContext } from 'ava';
import { digestOf, pseudoRandom } from '../../src/apps/pseudoRandom.ts';
import { run, withNamespace } from '../harness/netns.ts';
import { glasstcp, type Running, resultOf, within } from './processes.ts';

const KERNEL = '10.107.0.1';
const STACK = '10.107.0.2';
const OCTETS = 100 * 2 ** 20;

/** Starts `glasstcp proxy` in front of port 80 of the kernel. */
async function proxyTo(t: ExecutionContext, ns: string, ...args: string[]): Promise<Running> {
  const line = ['proxy', '--listen', '8080', '--to', `${KERNEL}:80`, '--netns', ns, '--json'];
  const proxy = glasstcp(t, ...line, ...args);
  await proxy.says(/^listening 10\.107\.0\.2:8080$/m);
  return proxy;
}

/** A program of the kernel's sockets at port 80. */
async function serve(t: ExecutionContext, ns: string, onSocket: string): Promise<Running> {
  const script = `require('net')
    .createServer({ allowHalfOpen: true }, (socket) => { ${onSocket} })
    .listen(80, '${KERNEL}', () => console.log('ready'))`;
  const server = within(t, ns, process.execPath, '-e', script);
  await server.says(/ready/);
  return server;
}

async function stop(proxy: Running, signal: NodeJS.Signals): Promise<Record<string, unknown>> {
  proxy.kill(signal);
  const ended = await proxy.ended;
  if (ended.code !== 0) throw new Error(`exit code ${ended.code}: ${ended.stderr}`);
  return resultOf(ended);
}

test.serial('nc ends its side, and 100 MiB come through the proxy after that', async (t) => {
  await withNamespace(t, async (ns) => {
    const folder = mkdtempSync(join(tmpdir(), 'glass-test-'));
    t.teardown(() => rmSync(folder, { recursive: true }));
    const [sent, received] = [join(folder, 'sent'), join(folder, 'received')];
    await pipeline(pseudoRandom(OCTETS), createWriteStream(sent));
    const proxy = await proxyTo(t, ns);
    await serve(
      t,
      ns,
      `let request = '';
      socket.on('data', (chunk) => { request += chunk; });
      socket.on('end', () => {
        if (request === 'all of it, please') require('fs').createReadStream('${sent}').pipe(socket);
      });`,
    );
    const command = `printf 'all of it, please' | nc -n -N ${STACK} 8080 > ${received}`;
    t.is((await within(t, ns, 'sh', '-c', command).ended).code, 0);
    t.deepEqual(await digestOf(createReadStream(received)), await digestOf(pseudoRandom(OCTETS)));
    const { accepted, active, octets, halfCloses, resets } = await stop(proxy, 'SIGTERM');
    t.deepEqual([accepted, active], [1, 0]);
    t.deepEqual(octets, { clientToServer: 17, serverToClient: OCTETS });
    t.deepEqual(halfCloses, { clientToServer: 1, serverToClient: 1 });
    t.deepEqual(resets, { clientToServer: 0, serverToClient: 0 });
    t.is(run('ip', '-n', ns, '-o', 'link').includes('glass0'), false);
  });
});

test.serial(
  'refused, reset, silent, one too many, and the end of the proxy: all are resets',
  async (t) => {
    await withNamespace(t, async (ns) => {
      const proxy = await proxyTo(t, ns, '--max-connections', '1', '--idle-timeout', '2');
      const client = `const socket = require('net').connect(8080, '${STACK}');
      socket.on('data', () => {}).on('end', () => console.log('end'));
      socket.on('error', (error) => { console.log(error.code); process.exit(0); });`;
      const ask = async (): Promise<string> => {
        const { stdout } = await within(t, ns, process.execPath, '-e', client).ended;
        return stdout.toString();
      };
      t.is(await ask(), 'ECONNRESET\n'); // nobody listens yet
      await proxy.says(/^glasstcp: client 1 was reset: 10\.107\.0\.1:80 refused the connection/m);
      const resetting = await serve(t, ns, 'setTimeout(() => socket.resetAndDestroy(), 50)');
      t.is(await ask(), 'ECONNRESET\n');
      resetting.kill('SIGKILL');
      await resetting.ended;
      const silent = await serve(t, ns, `console.log('client'); socket.on('error', () => {})`);
      const first = ask();
      await silent.says(/client/);
      t.is(await ask(), 'ECONNRESET\n'); // one too many
      t.is(await first, 'ECONNRESET\n'); // silent for 2 s
      const last = ask();
      await silent.says(/client\nclient/);
      const { accepted, refused, upstreamFailures, idleTimeouts, resets } = await stop(
        proxy,
        'SIGINT',
      );
      t.is(await last, 'ECONNRESET\n');
      t.deepEqual([accepted, refused, upstreamFailures, idleTimeouts], [4, 1, 1, 1]);
      t.deepEqual(resets, { clientToServer: 0, serverToClient: 1 });
    });
  },
);
