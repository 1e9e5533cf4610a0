import net from 'node:net';
import { pipeline } from 'node:stream/promises';
import test, { type ExecutionContext } from 'ava';
import { digestOf, pseudoRandom } from '../../src/apps/pseudoRandom.ts';
import { chargen, discard, echo, type Service } from '../../src/apps/smallServices.ts';
import { listen } from './listen.ts';

/** Serves one connection of the kernel's, and connects to it. */
async function connectTo(t: ExecutionContext, service: Service) {
  let over: Promise<void> = Promise.resolve();
  const { port, close } = await listen((socket) => {
    over = service(socket);
    over.catch(() => {}); // a test that cares waits for it
    close();
  });
  const socket = net.connect({ host: '127.0.0.1', port, allowHalfOpen: true });
  t.teardown(() => socket.destroy());
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  return { socket, over: () => over };
}

test('RFC 862: echo sends back all that it gets, and then ends', async (t) => {
  const { socket, over } = await connectTo(t, echo);
  const [got] = await Promise.all([digestOf(socket), pipeline(pseudoRandom(3_000_000), socket)]);
  t.deepEqual(got, await digestOf(pseudoRandom(3_000_000)));
  await t.notThrowsAsync(over());
});

test('RFC 863: discard takes everything, answers nothing, and ends when its peer does', async (t) => {
  const { socket, over } = await connectTo(t, discard);
  const [got] = await Promise.all([digestOf(socket), pipeline(pseudoRandom(3_000_000), socket)]);
  t.is(got.octets, 0);
  await t.notThrowsAsync(over());
});

test('RFC 864: chargen sends lines of 72 characters, each beginning one further', async (t) => {
  const { socket, over } = await connectTo(t, chargen);
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (text.length > 200_000) break;
  }
  const lines = text.split('\r\n');
  t.true(lines[0]?.startsWith(' !"#$%&\'()*+,-./0123456789'));
  t.is(lines[0]?.length, 72);
  t.is(lines[1]?.slice(0, 71), lines[0]?.slice(1));
  t.is(lines[95], lines[0]);
  t.is(lines[2000]?.slice(0, 71), lines[1999]?.slice(1));
  socket.resume().end();
  await t.notThrowsAsync(over());
});

test('a service whose peer resets the connection fails, and only that one', async (t) => {
  const { socket, over } = await connectTo(t, chargen);
  socket.resetAndDestroy();
  await new Promise((resolve) => socket.once('close', resolve));
  await t.throwsAsync(over());
});
