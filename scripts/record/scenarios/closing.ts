import type { CapturedSegment } from '../../../src/core/capture/capturedSegment.ts';
import { Flag } from '../../../src/core/wire/tcp.ts';
import { failing } from '../host.ts';
import { closeInTurn, connected, listening, type Pair, type Scenario } from '../scenario.ts';
import { pause, type World } from '../world.ts';

/** A connection over which a request and a response have gone. */
async function afterExchange(world: World): Promise<Pair> {
  const pair = await connected(world);
  await pair.client.write(20);
  await pair.server.readFully(20);
  await pair.server.write(30);
  await pair.client.readFully(30);
  await pause(60);
  return pair;
}

function needsReset(segments: readonly CapturedSegment[]): string | null {
  return segments.some(({ flags }) => (flags & Flag.RST) !== 0) ? null : 'there is no RST';
}

const IN_ORDER: readonly Scenario[] = [
  {
    name: 'close-client-first',
    description: 'One request and its response; then the client closes, and the server after it.',
    async run(world) {
      const { client, server } = await afterExchange(world);
      await closeInTurn(client, server);
    },
  },
  {
    name: 'close-server-first',
    description: 'One request and its response; then the server closes, and the client after it.',
    async run(world) {
      const { client, server } = await afterExchange(world);
      await closeInTurn(server, client);
    },
  },
  {
    name: 'close-later',
    description:
      'The server takes its time to close after the client: the FIN of the client is acknowledged alone.',
    async run(world) {
      const { client, server } = await afterExchange(world);
      client.close();
      await server.readToEnd();
      await pause(150);
      server.close();
    },
  },
  {
    name: 'close-both-at-once',
    description: 'Both ends close at the same time: the FINs cross, and both ends were CLOSING.',
    link: 'impaired: 20 ms each way',
    cable: { delay: 20_000 },
    both: true,
    async run(world) {
      const { client, server } = await afterExchange(world);
      client.close();
      server.close();
    },
  },
  {
    name: 'close-with-text',
    description:
      'The text that the server wrote with MSG_MORE leaves with the FIN, in one segment, when it closes.',
    async run(world) {
      const { client, server } = await afterExchange(world);
      await server.write(50, 'more');
      await closeInTurn(server, client);
    },
  },
  {
    name: 'half-close',
    description:
      'The client shuts down its send side after the request; the server reads the end, and answers in three parts before it closes.',
    async run(world) {
      const { client, server } = await connected(world);
      await client.write(20);
      client.shutdown('write');
      await server.readToEnd();
      for (let part = 0; part < 3; part++) {
        await server.write(500);
        await pause(70);
      }
      server.close();
      await client.readToEnd();
      client.close();
    },
  },
  {
    name: 'half-close-server',
    description:
      'The server shuts down its send side first; the client goes on to send for a while, then closes.',
    async run(world) {
      const { client, server } = await afterExchange(world);
      server.shutdown('write');
      await client.readToEnd();
      for (let part = 0; part < 3; part++) {
        await client.write(500);
        await pause(70);
      }
      await closeInTurn(client, server);
    },
  },
  {
    name: 'shutdown-both',
    description:
      'The client shuts down both sides at once, and closes later: a FIN like any other.',
    async run(world) {
      const { client, server } = await afterExchange(world);
      client.shutdown('both');
      await server.readToEnd();
      server.close();
      await pause(100);
      client.close();
    },
  },
  {
    name: 'shutdown-read',
    description:
      'The client shuts down its receive side: nothing is sent, and what comes then is acknowledged all the same; closing without having read it resets.',
    async run(world) {
      const { client, server } = await afterExchange(world);
      client.shutdown('read');
      await pause(60);
      await server.write(100);
      await pause(60);
      server.close();
      await pause(60);
      client.close();
    },
  },
];

const BY_RESET: readonly Scenario[] = [
  {
    name: 'reset-linger-0',
    description: 'The client closes with SO_LINGER of 0 s: a RST instead of a FIN.',
    check: needsReset,
    async run(world) {
      const { client, server } = await afterExchange(world);
      client.abort();
      await failing(server.read(), 'ECONNRESET');
      server.close();
    },
  },
  {
    name: 'reset-unread-text',
    description: 'The client closes without reading what has come: a RST tells the server.',
    check: needsReset,
    async run(world) {
      const { client, server } = await afterExchange(world);
      await server.write(100);
      await client.untilReadable();
      client.close();
      await failing(server.read(), 'ECONNRESET');
      server.close();
    },
  },
  {
    name: 'reset-text-after-close',
    description:
      'The client has closed for good, which the server cannot know: what it sends on is answered by a RST.',
    check: needsReset,
    async run(world) {
      const { client, server } = await afterExchange(world);
      client.close();
      await server.readToEnd();
      await pause(60);
      await server.write(100);
      await pause(60);
      await failing(server.write(100), 'EPIPE');
      server.close();
    },
  },
  {
    name: 'reset-after-half-close',
    description: 'The client shuts down its send side, and resets while the server still answers.',
    check: needsReset,
    async run(world) {
      const { client, server } = await afterExchange(world);
      client.shutdown('write');
      await server.readToEnd();
      await server.write(500);
      await client.readFully(500);
      client.abort();
      await pause(60);
      await failing(server.write(500), 'EPIPE');
      server.close();
    },
  },
  {
    name: 'reset-listener-closed',
    description:
      'The server closes its listening socket while a connection waits for accept(): that one is reset.',
    check: needsReset,
    async run(world) {
      const listener = listening(world.server);
      const client = world.client.socket();
      await client.connect(world.server);
      await client.write(20);
      await pause(60);
      listener.close();
      await failing(client.read(), 'ECONNRESET');
      client.close();
    },
  },
];

const LATE: readonly Scenario[] = [
  {
    name: 'fin-wait-2-orphan',
    description:
      'The client has closed and waits in FIN-WAIT-2, for tcp_fin_timeout of 2 s and no longer: what the server sends then is answered by a RST.',
    sysctls: { tcp_fin_timeout: '2' },
    check: needsReset,
    async run(world) {
      const { client, server } = await afterExchange(world);
      client.close();
      await server.readToEnd();
      await pause(3500);
      server.close();
    },
  },
  {
    name: 'time-wait-reuse',
    description:
      'The server closed first and is in TIME-WAIT when a SYN comes from the same port: since its timestamp is newer, it opens the connection anew.',
    async run(world) {
      const { client, server, listener } = await afterExchange(world);
      await closeInTurn(server, client);
      await pause(1200);
      const again = world.client.socket();
      const [accepted] = await Promise.all([listener.accept(), again.connect(world.server)]);
      await again.write(20);
      await accepted.readFully(20);
      await pause(60);
      await closeInTurn(accepted, again);
    },
  },
];

/** The ways to close. */
export const CLOSING: readonly Scenario[] = [...IN_ORDER, ...BY_RESET, ...LATE];
