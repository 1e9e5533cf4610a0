import { createHash, randomBytes } from 'node:crypto';
import test, { type ExecutionContext } from 'ava';
import { glasstcp, type Running, resultOf, runGlasstcp, within } from '../cli/processes.ts';
import { run, withNamespace } from '../harness/netns.ts';

const KERNEL = '10.107.0.1';

/** Starts the kernel's `nc` as a server. */
async function listenWithNc(t: ExecutionContext, ns: string, port: number): Promise<Running> {
  const nc = within(t, ns, 'nc', '-n', '-v', '-l', '-N', KERNEL, String(port));
  await nc.says(/Listening on/);
  return nc;
}

/**
 * Starts a server of the kernel's that passes its input on for as long as there is any. `nc -l` ends
 * with the peer's FIN if it has nothing at hand just then.
 */
async function listenHalfOpen(t: ExecutionContext, ns: string, port: number): Promise<Running> {
  const script = `require('net').createServer({ allowHalfOpen: true }, function (socket) {
      this.close();
      process.stdin.pipe(socket).pipe(process.stdout);
    }).listen(${port}, '${KERNEL}', () => console.error('listening'))`;
  const server = within(t, ns, process.execPath, '-e', script);
  await server.says(/listening/);
  return server;
}

/** Starts `glasstcp connect` to the kernel. */
function connect(t: ExecutionContext, ns: string, ...args: readonly string[]): Running {
  return glasstcp(t, 'connect', KERNEL, ...args, '--netns', ns);
}

/** `nc` listens on an address that the kernel must have before the TAP brings it. */
function addAddress(ns: string): void {
  run('ip', '-n', ns, 'address', 'add', `${KERNEL}/32`, 'dev', 'lo');
}

const sha256 = (octets: Uint8Array): string => createHash('sha256').update(octets).digest('hex');

for (const first of ['connect', 'the kernel'] as const) {
  test.serial(`files go both ways at once intact, and ${first} ends its side first`, async (t) => {
    await withNamespace(t, async (ns) => {
      addAddress(ns);
      const [ours, theirs] = [randomBytes(5_000_000), randomBytes(3_000_000)];
      const server = await listenHalfOpen(t, ns, 5000);
      const connecting = connect(t, ns, '5000');
      if (first === 'connect') {
        connecting.input(ours);
        server.child.stdin?.write(theirs);
        await server.received(ours.length);
        server.input('');
      } else {
        server.input(theirs);
        connecting.child.stdin?.write(ours);
        await connecting.received(theirs.length);
        connecting.input('');
      }
      const [there, here] = await Promise.all([server.ended, connecting.ended]);
      t.deepEqual([there.code, here.code], [0, 0]);
      t.is(sha256(there.stdout), sha256(ours));
      t.is(sha256(here.stdout), sha256(theirs));
      t.is(here.stderr, '');
    });
  });
}

test.serial('a peer that has closed ends the command, though the input goes on', async (t) => {
  await withNamespace(t, async (ns) => {
    addAddress(ns);
    const nc = await listenWithNc(t, ns, 5000);
    const connecting = connect(t, ns, '5000', '--json'); // its input stays open
    nc.input('good bye');
    const ended = await connecting.ended;
    t.is(ended.code, 0);
    t.is(ended.stdout.toString().split('\n')[0], 'good bye');
    const { ok, octetsReceived, octetsSent } = resultOf(ended);
    t.deepEqual([ok, octetsReceived, octetsSent], [true, 8, 0]);
  });
});

test.serial('a closed port is refused at once: exit code 1 and one line', async (t) => {
  await withNamespace(t, async (ns) => {
    const { code, stderr } = await runGlasstcp(t, 'connect', KERNEL, '9', '--netns', ns);
    t.is(code, 1);
    const why = 'refused the connection: nothing listens on that port';
    t.is(stderr, `glasstcp: ${KERNEL}:9 ${why}\n`);
  });
});

test.serial(
  'a host that does not answer ARP cannot be reached: exit code 1, one line',
  async (t) => {
    await withNamespace(t, async (ns) => {
      const { code, stderr } = await runGlasstcp(t, 'connect', '10.107.0.77', '80', '--netns', ns);
      t.is(code, 1);
      t.regex(stderr, /^glasstcp: 10\.107\.0\.77:80 cannot be reached: [^\n]*\(EHOSTUNREACH\)\n$/);
    });
  },
);

test.serial('a reset by the peer is told: exit code 1 and one line', async (t) => {
  await withNamespace(t, async (ns) => {
    addAddress(ns);
    const script = `require('net').createServer((s) => s.once('data', () => s.resetAndDestroy()))
      .listen(5000, '${KERNEL}', () => console.log('ready'))`;
    const resetting = within(t, ns, process.execPath, '-e', script);
    await resetting.says(/ready/);
    const connecting = connect(t, ns, '5000');
    connecting.child.stdin?.write('hello');
    const { code, stderr } = await connecting.ended;
    t.is(code, 1);
    t.is(stderr, `glasstcp: ${KERNEL}:5000 reset the connection\n`);
  });
});
