import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { KernelSocket } from '../host.ts';
import { environment } from '../namespace.ts';
import { closeInTurn, connected, listening, type Pair, type Scenario } from '../scenario.ts';
import { pause, type World } from '../world.ts';

/** A request and a response, so many times. */
async function pingPong(
  { client, server }: Pair,
  rounds: number,
  request: number,
  response: number,
): Promise<void> {
  for (let i = 0; i < rounds; i++) {
    await client.write(request);
    await server.readFully(request);
    await server.write(response);
    await client.readFully(response);
    await pause(5);
  }
}

const noDelay = (socket: KernelSocket) => socket.set('TCP_NODELAY', 1);

/** A request in two writes, for each of which the client waits: Nagle meets the delayed ACK. */
async function writeWriteRead(
  world: World,
  prepare?: (socket: KernelSocket) => void,
): Promise<void> {
  const pair = await connected(world, prepare === undefined ? {} : { client: prepare });
  const { client, server } = pair;
  // after this the kernels take the connection for an interactive one, and delay their ACKs
  await pingPong(pair, 3, 100, 100);
  for (let i = 0; i < 3; i++) {
    await client.write(20);
    await client.write(30);
    await server.readFully(50);
    await server.write(100);
    await client.readFully(100);
    await pause(100);
  }
  await closeInTurn(client, server);
}

const WRITES: readonly Scenario[] = [
  {
    name: 'ping-pong',
    description: 'Ten small requests and responses, one after the other.',
    async run(world) {
      const pair = await connected(world);
      await pingPong(pair, 10, 100, 200);
      await closeInTurn(pair.client, pair.server);
    },
  },
  {
    name: 'ping-pong-large',
    description: 'Five requests of 3000 and responses of 10000 octets.',
    both: true,
    async run(world) {
      const pair = await connected(world);
      await pingPong(pair, 5, 3000, 10_000);
      await pause(60);
      await closeInTurn(pair.client, pair.server);
    },
  },
  {
    name: 'ping-pong-distant',
    description: 'Five requests and responses over a way of 40 ms each way.',
    link: 'impaired: 40 ms each way',
    cable: { delay: 40_000 },
    both: true,
    async run(world) {
      const pair = await connected(world);
      await pingPong(pair, 5, 100, 2000);
      await pause(100);
      await closeInTurn(pair.client, pair.server);
    },
  },
  {
    name: 'delayed-ack',
    description:
      'After three quick responses the server thinks for 120 ms before each of the next: the delayed ACK of the first such request goes out alone.',
    both: true,
    async run(world) {
      const pair = await connected(world);
      const { client, server } = pair;
      await pingPong(pair, 3, 100, 100);
      for (let i = 0; i < 4; i++) {
        await client.write(100);
        await server.readFully(100);
        await pause(120);
        await server.write(100);
        await client.readFully(100);
        await pause(20);
      }
      await closeInTurn(client, server);
    },
  },
  {
    name: 'delayed-ack-stream',
    description:
      'The client sends 100 octets every 15 ms without Nagle; the server acknowledges them late and together.',
    both: true,
    async run(world) {
      const pair = await connected(world, { client: noDelay });
      const { client, server } = pair;
      await pingPong(pair, 3, 100, 100);
      const write = async () => {
        for (let i = 0; i < 30; i++) {
          await client.write(100);
          await pause(15);
        }
      };
      await Promise.all([write(), server.readFully(3000)]);
      await pause(100);
      await closeInTurn(client, server);
    },
  },
  {
    name: 'nagle-delayed-ack',
    description:
      'The client writes each request in two parts: Nagle holds the second back until the first is acknowledged, which the server delays.',
    both: true,
    run: (world) => writeWriteRead(world),
  },
  {
    name: 'no-delay',
    description: 'As nagle-delayed-ack, with TCP_NODELAY: both parts leave at once.',
    both: true,
    run: (world) => writeWriteRead(world, noDelay),
  },
  {
    name: 'nagle-stream',
    description:
      'The client writes 50 octets every 5 ms over a way of 20 ms each way: Nagle makes one segment of what gathers in a round trip.',
    link: 'impaired: 20 ms each way',
    cable: { delay: 20_000 },
    both: true,
    async run(world) {
      const { client, server } = await connected(world);
      const write = async () => {
        for (let i = 0; i < 60; i++) {
          await client.write(50);
          await pause(5);
        }
      };
      await Promise.all([write(), server.readFully(3000)]);
      await pause(100);
      await closeInTurn(client, server);
    },
  },
  {
    name: 'cork',
    description:
      'With TCP_CORK three small writes wait until it is turned off, then leave as one segment; a second time nobody turns it off, and they leave after 200 ms.',
    both: true,
    async run(world) {
      const { client, server } = await connected(world);
      client.set('TCP_CORK', 1);
      for (let i = 0; i < 3; i++) {
        await client.write(100);
        await pause(20);
      }
      client.set('TCP_CORK', 0);
      await server.readFully(300);
      await pause(100);
      client.set('TCP_CORK', 1);
      for (let i = 0; i < 3; i++) await client.write(100);
      await server.readFully(300);
      await pause(100);
      await closeInTurn(client, server);
    },
  },
  {
    name: 'msg-more',
    description:
      'The server writes the head of each response with MSG_MORE: it leaves together with the body.',
    both: true,
    async run(world) {
      const { client, server } = await connected(world);
      for (let i = 0; i < 3; i++) {
        await client.write(100);
        await server.readFully(100);
        await server.write(60, 'more');
        await pause(10);
        await server.write(2000);
        await client.readFully(2060);
        await pause(60);
      }
      await closeInTurn(client, server);
    },
  },
  {
    name: 'urgent',
    description:
      'The client sends an octet of urgent data (MSG_OOB) between ordinary text; the server reads it in line.',
    both: true,
    async run(world) {
      const inline = (socket: KernelSocket) => socket.set('SO_OOBINLINE', 1);
      const { client, server } = await connected(world, { server: inline });
      await client.write(100);
      await server.readFully(100);
      await client.write(1, 'oob');
      await client.write(50);
      await server.readFully(51);
      await pause(60);
      await closeInTurn(client, server);
    },
  },
  {
    name: 'urgent-more',
    description: 'Urgent data at the end of a write of 3000 octets, which takes three segments.',
    both: true,
    async run(world) {
      const inline = (socket: KernelSocket) => socket.set('SO_OOBINLINE', 1);
      const { client, server } = await connected(world, { server: inline });
      await client.write(3000, 'oob');
      await server.readFully(3000);
      await pause(60);
      await closeInTurn(client, server);
    },
  },
];

const BODY = 12_000;

/** Programs that know nothing of being recorded. */
const PROGRAMS: readonly Scenario[] = [
  {
    name: 'curl-http',
    description:
      'curl fetches 12000 octets from a small HTTP server. What calls curl makes is not known, so the list of its calls is empty.',
    needs: ['curl'],
    both: true,
    async run(world) {
      const listener = listening(world.server);
      const { client, server } = world;
      const url = `http://${server.address}:${server.port}/`;
      const curl = ['curl', '-s', '-o', '/dev/null', '--noproxy', '*'];
      const local = ['--local-port', String(client.port), url];
      const command = ['netns', 'exec', world.namespace('client').name, ...curl, ...local];
      const fetch = spawn('ip', command, { env: environment, stdio: 'ignore' });
      const ended = once(fetch, 'exit');
      const end = await listener.accept();
      await end.read();
      const head = `HTTP/1.1 200 OK\r\nContent-Length: ${BODY}\r\nConnection: close\r\n\r\n`;
      await end.writeText(head);
      await end.write(BODY);
      end.shutdown('write');
      await end.readToEnd();
      end.close();
      const [code] = await ended;
      if (code !== 0) throw new Error(`curl ended with ${code}`);
    },
  },
];

/** Small writes. */
export const SMALL: readonly Scenario[] = [...WRITES, ...PROGRAMS];
