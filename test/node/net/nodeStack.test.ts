import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { promisify } from 'node:util';
import test from 'ava';
import { MS, SECOND } from '../../../src/core/base/time.ts';
import { createStack } from '../../../src/node/nodeStack.ts';
import { connected, link, listening, pair, SERVER_ADDRESS } from './link.ts';

const run = promisify(execFile);

test('NodeStack: an address without its network is refused', (t) => {
  const [device] = link();
  t.throws(() => createStack({ device, address: '10.0.0.1' }), { instanceOf: RangeError });
  const wrong = { device, address: '10.0.0.1/24', gateway: 'router' };
  t.throws(() => createStack(wrong), { instanceOf: RangeError });
});

test('NodeStack: a burst of writes makes one turn, so full segments', async (t) => {
  const stacks = pair(t);
  const { client, accepted } = await connected(stacks);
  const before = stacks.client.core.tcp.counters.tcpOutSegs;
  for (let i = 0; i < 1000; i++) client.write('ten octets');
  client.end();
  t.is((await buffer(accepted)).length, 10_000);
  t.true(stacks.client.core.tcp.counters.tcpOutSegs - before < 20);
});

test('NodeStack: traffic does not keep the event loop from going round', async (t) => {
  const { client, accepted } = await connected(pair(t));
  accepted.pipe(accepted);
  let answers = 0;
  client.on('data', (chunk: Buffer) => {
    answers++;
    client.write(chunk);
  });
  client.write('to and fro, as fast as they can');
  // Without pauses this would never end.
  for (let round = 0; round < 100; round++) await new Promise((resolve) => setImmediate(resolve));
  t.true(answers > 50, `${answers} answers`);
  client.destroy();
});

test('NodeStack: lost frames are repaired by its timer', async (t) => {
  const stacks = pair(t, { config: { initialRto: MS, minRto: MS, maxRto: 10 * MS } });
  const listener = stacks.server.net.createServer((socket) => socket.end('hello'));
  const port = await listening(listener);
  let frames = 0;
  stacks.clientDevice.loses = () => frames++ % 3 === 1;
  const client = stacks.client.net.connect(port, SERVER_ADDRESS);
  t.is((await buffer(client)).toString(), 'hello');
  t.true(stacks.client.core.tcp.counters.tcpRetransSegs > 0);
});

test('NodeStack: a deadline beyond the longest timer of Node', async (t) => {
  const warnings: string[] = [];
  const note = (warning: Error): void => void warnings.push(warning.name);
  process.on('warning', note);
  t.teardown(() => process.off('warning', note));
  const days = 24 * 3600 * SECOND;
  const stacks = pair(t, { config: { keepAlive: true, keepAliveIdle: 100 * days } });
  const { client } = await connected(stacks);
  client.write('x');
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(warnings, []);
});

test('NodeStack: a device that takes few frames at a time is waited for', async (t) => {
  const stacks = pair(t);
  stacks.serverDevice.capacity = 2;
  stacks.clientDevice.capacity = 2;
  const { client, accepted } = await connected(stacks);
  const sent = Buffer.alloc(1_000_000, 'octets');
  client.end(sent);
  t.true((await buffer(accepted)).equals(sent));
});

test('NodeStack: close resets what is open, and closes device and servers', async (t) => {
  const stacks = pair(t);
  const { client, accepted, listener } = await connected(stacks);
  const events: string[] = [];
  client.on('error', (error) => events.push(error.message));
  accepted.on('close', (hadError: boolean) => events.push(`accepted ${hadError}`));
  listener.on('close', () => events.push('server'));
  const failed = new Promise((resolve) => client.once('close', resolve));
  await stacks.server.close();
  await failed;
  t.deepEqual(events.sort(), ['accepted false', 'read ECONNRESET', 'server']);
  t.true(stacks.serverDevice.closed);
  t.is(stacks.server.core.tcp.connectionCount, 0);
  t.is(stacks.server.close(), stacks.server.close());
});

test('NodeStack: close waits until what was written is acknowledged', async (t) => {
  const stacks = pair(t);
  const { client, accepted } = await connected(stacks);
  const receiving = buffer(client);
  const body = Buffer.alloc(500_000, 'text');
  accepted.end(body);
  accepted.resume();
  accepted.destroySoon();
  await once(accepted, 'close');
  await stacks.server.close();
  t.true((await receiving).equals(body));
});

test('NodeStack: close does not wait for a peer that is silent', async (t) => {
  const stacks = pair(t);
  const { accepted } = await connected(stacks);
  stacks.clientDevice.loses = () => true;
  accepted.end('into the void');
  accepted.destroySoon();
  await once(accepted, 'close');
  t.is(accepted.connection?.state, 'FIN-WAIT-1');
  await stacks.server.close({ lingerMs: 10 });
  t.is(accepted.connection?.state, 'CLOSED');
});

test('NodeStack: on a closed stack nothing opens', async (t) => {
  const stacks = pair(t);
  await stacks.client.close();
  const socket = stacks.client.net.connect(80, SERVER_ADDRESS);
  const [error] = await once(socket, 'error');
  t.is(error.code, 'ENETDOWN');
  const server = stacks.client.net.createServer().listen(80);
  const [refused] = await once(server, 'error');
  t.is(refused.code, 'ENETDOWN');
});

test('NodeStack: a capture is a complete file when the stack is closed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'glasstcp-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'frames.pcap');
  const stacks = pair(t, { capture: path });
  const { client } = await connected(stacks);
  client.end();
  await stacks.client.close();
  const file = readFileSync(path);
  t.true([0xa1b2c3d4, 0xd4c3b2a1, 0xa1b23c4d, 0x4d3cb2a1].includes(file.readUInt32BE(0)));
  t.true(file.length > 24 + 3 * 60);
});

test('NodeStack: frames of a capture go to any sink', async (t) => {
  const seen = { in: 0, out: 0 };
  const sink = { frame: (_octets: Uint8Array, _now: number, way: 'in' | 'out') => seen[way]++ };
  const { client, accepted } = await connected(pair(t, { capture: sink }));
  client.destroy();
  accepted.destroy();
  t.true(seen.in >= 2 && seen.out >= 2);
});

/** What a script prints that uses two stacks, and how it ends. */
async function script(body: string): Promise<string> {
  const here = JSON.stringify(new URL('./link.ts', import.meta.url).href);
  const text = `import { stackPair, SERVER_ADDRESS } from ${here};
    const { client, server } = stackPair();
    process.on('exit', () => console.log('exit'));
    process.stdout.on('error', () => process.kill(process.pid, 'SIGKILL')); // nobody listens any more
    ${body}`;
  const { stdout } = await run(
    process.execPath,
    ['--import=tsx', '--input-type=module', '-e', text],
    { timeout: 20_000 },
  );
  return stdout.trim().replaceAll('\n', ' ');
}

test('NodeStack: an open stack keeps the process running until it is closed', async (t) => {
  const out = await script(`
    client.unref();
    let rounds = 0;
    const timer = setInterval(() => {
      if (++rounds < 5) return;
      clearInterval(timer);
      console.log('closing');
      server.close();
    }, 5).unref();`);
  t.is(out, 'closing exit');
});

test('NodeStack: unreferenced, it is kept by servers and connections alone', async (t) => {
  const out = await script(`
    client.unref();
    server.unref();
    const listener = server.net.createServer((socket) => {
      listener.close();
      socket.pipe(socket);
    });
    listener.listen(7, () => {
      const socket = client.net.connect(7, SERVER_ADDRESS);
      socket.on('connect', () => setTimeout(() => socket.end('text'), 20).unref());
      socket.resume();
      socket.on('close', () => console.log('closed ' + socket.connection.state));
    });`);
  t.is(out, 'closed TIME-WAIT exit');
});

test('NodeStack: unreferenced sockets and servers do not keep it', async (t) => {
  const out = await script(`
    client.unref();
    server.unref();
    const listener = server.net.createServer((socket) => socket.unref());
    listener.listen(7, () => {
      const socket = client.net.connect(7, SERVER_ADDRESS, () => {
        console.log('open');
        listener.unref();
        socket.unref();
      });
    });`);
  t.is(out, 'open exit');
});

test('NodeStack: a listener that throws keeps no other from being called', async (t) => {
  const out = await script(`
    process.on('uncaughtException', (error) => console.log(error.message));
    let served = 0;
    const listener = server.net.createServer((socket) => {
      served++;
      if (served === 10) setImmediate(() => Promise.all([client.close(), server.close()]));
      throw new Error('thrown');
    });
    listener.listen(7, () => {
      for (let i = 0; i < 10; i++) client.net.connect(7, SERVER_ADDRESS).on('error', () => {});
    });`);
  t.is(out, `${'thrown '.repeat(10)}exit`);
});
