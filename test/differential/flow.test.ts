import { once } from 'node:events';
import { closed, connected, describe, differential, octets, watch } from './worlds.ts';

differential(
  'back-pressure: write() returns false, the callback waits for the peer',
  async (world) => {
    const { client, accepted } = await connected(world);
    accepted.pause();
    const log = watch(client, true);
    // More than all buffers on the way hold.
    const small = client.write('x');
    const big = client.write(octets(64 << 20), () => log.push('written'));
    const waiting = [client.writableNeedDrain, client.writableLength > 16_384];
    await once(accepted, 'readable');
    const early = log.includes('written');
    accepted.resume();
    await once(client, 'drain');
    const after = [client.writableNeedDrain, client.writableLength];
    client.destroy();
    await closed(client, accepted);
    return { small, big, waiting, early, after, log };
  },
);

differential('a reader that pauses stops the sender, and loses nothing', async (world) => {
  const { client, accepted } = await connected(world);
  const sent = octets(16 << 20);
  accepted.end(sent);
  let received = 0;
  let chunks = 0;
  let equal = true;
  client.on('data', (chunk: Buffer) => {
    equal &&= chunk.equals(sent.subarray(received, received + chunk.length));
    received += chunk.length;
    if (++chunks % 50 === 0) {
      client.pause();
      setImmediate(() => client.resume());
    }
  });
  await closed(client, accepted);
  return { received, equal, counted: [client.bytesRead, accepted.bytesWritten] };
});

differential('a destroyed writer: the writes behind the one under way fail', async (world) => {
  const { client, accepted } = await connected(world);
  accepted.pause();
  const log = watch(client, true);
  // Of the one under way node:net says that it is done. We do not: see the tests of the socket.
  client.write(octets(64 << 20), () => log.push('first'));
  client.write('never', (error) => log.push(`second ${describe(error)}`));
  await once(accepted, 'readable');
  client.destroy();
  accepted.resume();
  accepted.on('error', () => {});
  await closed(client, accepted);
  return { log: log.sort() };
});

differential('a write to a peer that has gone ends in EPIPE or ECONNRESET', async (world) => {
  const { client, accepted } = await connected(world, { clientHalfOpen: true });
  const log = watch(client);
  accepted.destroy();
  await once(client, 'end');
  client.write('first'); // answered by a RST
  const failing = once(client, 'error');
  const again = setInterval(() => client.write('again'), 1);
  const [error] = await failing;
  clearInterval(again);
  await closed(client, accepted);
  return { log: log.filter((event) => event !== 'drain'), error: describe(error) };
});

differential('many small writes arrive in order, in fewer chunks', async (world) => {
  const { client, accepted } = await connected(world);
  let text = '';
  accepted.setEncoding('latin1');
  accepted.on('data', (chunk: string) => {
    text += chunk;
  });
  for (let i = 0; i < 500; i++) client.write(`${i},`);
  client.end();
  await closed(client, accepted);
  return { text, written: client.bytesWritten, read: accepted.bytesRead };
});

differential('cork: writes become one', async (world) => {
  const { client, accepted } = await connected(world);
  client.cork();
  client.write('one ');
  client.write(Buffer.from('two '));
  client.write('three', 'latin1');
  const before = [client.writableLength, client.bytesWritten];
  client.uncork();
  const [chunk] = await once(accepted, 'data');
  client.destroy();
  await closed(client, accepted);
  return { before, text: chunk.toString() };
});

differential('the timeout of an idle socket', async (world) => {
  const { client, accepted } = await connected(world);
  accepted.resume();
  const log = watch(client);
  const results = [client.timeout, client.setTimeout(20) === client, client.timeout];
  await once(client, 'timeout');
  client.setTimeout(0);
  const twice: string[] = [];
  client.setTimeout(10, () => twice.push('once'));
  await once(client, 'timeout');
  client.write('awake'); // begins to count anew
  await once(client, 'timeout');
  client.destroy();
  await closed(client, accepted);
  return { log, results, twice, after: client.timeout };
});

differential('settings before and after the connection: they return the socket', async (world) => {
  const { client, accepted } = await connected(world);
  const socket = new world.client.Socket();
  const results = [socket, client].map((s) => [
    s.setNoDelay() === s,
    s.setNoDelay(false) === s,
    s.setKeepAlive(true, 5000) === s,
    s.setKeepAlive() === s,
    s.ref() === s,
    s.unref() === s,
    s.ref() === s,
    s.pause() === s,
    s.resume() === s,
  ]);
  socket.destroy();
  client.destroy();
  await closed(client, accepted);
  return { results, after: client.setNoDelay() === client };
});

differential('async iteration, and what a reader of it leaves', async (world) => {
  const { client, accepted } = await connected(world);
  accepted.write('one ');
  accepted.end('two');
  let text = '';
  for await (const chunk of client) text += chunk;
  await closed(client, accepted);
  return { text, destroyed: client.destroyed };
});
