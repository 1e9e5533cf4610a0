import { once } from 'node:events';
import { UnreachableCode, unreachable } from '../craft.ts';
import { failing, type KernelSocket } from '../host.ts';
import { realTime } from '../libc.ts';
import { closeInTurn, connected, listening, type Scenario } from '../scenario.ts';
import { pause, type World } from '../world.ts';

/** Seconds of idle time before the first probe, seconds between probes, and how many are enough. */
const IDLE = 1;
const INTERVAL = 1;
const COUNT = 3;
/** Long enough for two probes that are answered. */
const TWO_PROBES_MS = 2300;

function keepAlive(socket: KernelSocket): void {
  socket.set('TCP_KEEPIDLE', IDLE);
  socket.set('TCP_KEEPINTVL', INTERVAL);
  socket.set('TCP_KEEPCNT', COUNT);
  socket.set('SO_KEEPALIVE', 1);
}

const SETTINGS = 'keepalive after 1 s, every 1 s, 3 times';

const OUTCOMES: readonly Scenario[] = [
  {
    name: 'keepalive-alive',
    description: `The server has ${SETTINGS}; the client answers each probe, and after two of them both close.`,
    async run(world) {
      const { client, server } = await connected(world, { server: keepAlive });
      await pause(TWO_PROBES_MS);
      await closeInTurn(client, server);
    },
  },
  {
    name: 'keepalive-both-sides',
    description: `Both ends have ${SETTINGS}, so each probe and each answer counts for both.`,
    both: true,
    async run(world) {
      const both = { client: keepAlive, server: keepAlive };
      const { client, server } = await connected(world, both);
      await pause(TWO_PROBES_MS);
      await closeInTurn(client, server);
    },
  },
  {
    name: 'keepalive-after-text',
    description: `The server has ${SETTINGS}; text puts the probe off, which comes a second after the last of it.`,
    async run(world) {
      const { client, server } = await connected(world, { server: keepAlive });
      await pause(600);
      await client.write(100);
      await server.readFully(100);
      await pause(600);
      await server.write(100);
      await client.readFully(100);
      await pause(1300);
      await closeInTurn(client, server);
    },
  },
  {
    name: 'keepalive-dead',
    description: `The server has ${SETTINGS}; the client has vanished and answers none: the third second after the first probe ends the connection by a RST and ETIMEDOUT.`,
    link: 'impaired: everything lost from 0.3 s on',
    capturedAt: 'server',
    roles: ['server'],
    async run(world) {
      const { server } = await connected(world, { server: keepAlive });
      await pause(300);
      world.cable.cut();
      await failing(server.read(), 'ETIMEDOUT');
      server.close();
    },
  },
  {
    name: 'keepalive-rebooted',
    description: `The server has ${SETTINGS}; the client has lost the connection unnoticed, as by a reboot, and answers the first probe by a RST.`,
    link: 'impaired: everything lost from 0.3 s to 0.4 s',
    both: true,
    capturedAt: 'server',
    async run(world) {
      const { client, server } = await connected(world, { server: keepAlive });
      await pause(300);
      world.cable.cut();
      client.abort();
      await pause(100);
      world.cable.mend();
      await failing(server.read(), 'ECONNRESET');
      server.close();
    },
  },
  {
    name: 'keepalive-unreachable',
    description: `The server has ${SETTINGS}; a router answers each probe by ICMP "host unreachable". Linux takes no notice, since the quoted SEQ lies before SND.UNA, and ends the connection after three probes by ETIMEDOUT.`,
    link: 'impaired: everything lost from 0.3 s on, with ICMP to the server',
    capturedAt: 'server',
    roles: ['server'],
    async run(world) {
      const { server } = await connected(world, { server: keepAlive });
      await pause(300);
      tellUnreachable(world);
      await failing(server.read(), 'ETIMEDOUT');
      server.close();
    },
  },
];

/** A router on the way answers what the server sends. */
function tellUnreachable(world: World): void {
  const { cable } = world;
  const { toClient, toServer } = cable;
  toClient.rule = () => {
    const { last } = toClient;
    if (last !== null) toServer.inject(unreachable(last, UnreachableCode.HOST));
    return 'lose';
  };
}

const STATES: readonly Scenario[] = [
  {
    name: 'keepalive-half-closed',
    description: `The client has shut down its send side. The server, in CLOSE-WAIT, has ${SETTINGS}, and so has the client in FIN-WAIT-2.`,
    both: true,
    async run(world) {
      const both = { client: keepAlive, server: keepAlive };
      const { client, server } = await connected(world, both);
      await client.write(20);
      client.shutdown('write');
      await server.readToEnd();
      await pause(TWO_PROBES_MS);
      await server.write(100);
      await client.readFully(100);
      await pause(60);
      server.close();
      await client.readToEnd();
      client.close();
    },
  },
  {
    name: 'keepalive-zero-window',
    description: `The client reads nothing until its window is zero, and has ${SETTINGS}; the server probes the window meanwhile.`,
    both: true,
    resent: { server: [0, 2] },
    async run(world) {
      const prepare = (socket: KernelSocket) => {
        socket.set('SO_RCVBUF', 4096);
        keepAlive(socket);
      };
      const { client, server } = await connected(world, { client: prepare });
      await server.write(16_000);
      await pause(4500);
      await client.readFully(16_000);
      await pause(60);
      await closeInTurn(client, server);
    },
  },
  {
    name: 'keepalive-sender-zero-window',
    description: `The server has ${SETTINGS} and text that the zero window of the client holds back: window probes go out, keepalive probes do not.`,
    both: true,
    resent: { server: [0, 2] },
    async run(world) {
      const options = {
        client: (socket: KernelSocket) => socket.set('SO_RCVBUF', 4096),
        server: keepAlive,
      };
      const { client, server } = await connected(world, options);
      await server.write(16_000);
      await pause(4500);
      await client.readFully(16_000);
      await pause(60);
      await closeInTurn(client, server);
    },
  },
  {
    name: 'keepalive-unacknowledged',
    description: `The server has ${SETTINGS}, and writes when the client has vanished: as long as text is unacknowledged it is that which is sent again, and no probe.`,
    link: 'impaired: everything lost from 0.3 s to 3.3 s',
    capturedAt: 'server',
    roles: ['server'],
    resent: { server: [3, 6] },
    async run(world) {
      const { client, server } = await connected(world, { server: keepAlive });
      await pause(300);
      world.cable.cut();
      await server.write(100);
      await pause(3000);
      world.cable.mend();
      await client.readFully(100);
      await pause(60);
      await closeInTurn(client, server);
    },
  },
];

const ONE_OCTET = {
  keepAlive: true,
  keepAliveIdle: IDLE * 1e6,
  keepAliveInterval: INTERVAL * 1e6,
  keepAliveCount: COUNT,
  keepAliveProbeOctets: 1,
} as const;

/** Probes with an octet of garbage, which Linux answers but never sends. */
const GARBAGE: readonly Scenario[] = [
  {
    name: 'keepalive-one-octet-client',
    description:
      'The client is glasstcp, whose keepalive probes carry one octet that was received before; Linux at the server answers each.',
    glasstcp: 'client',
    resent: { client: 1 },
    async run(world) {
      const listener = listening(world.server);
      const { client, server } = world;
      const stack = await world.stack(ONE_OCTET);
      const at = realTime();
      const socket = stack.net.connect({
        host: server.address,
        port: server.port,
        localPort: client.port,
      });
      const [accepted] = await Promise.all([listener.accept(), once(socket, 'connect')]);
      client.log({ call: 'connect' }, at, realTime());
      client.log({ call: 'write', octets: 20 }, realTime());
      socket.write('x'.repeat(20));
      await accepted.readFully(20);
      await pause(TWO_PROBES_MS);
      client.log({ call: 'close' }, realTime());
      socket.end();
      await accepted.readToEnd();
      accepted.close();
    },
  },
  {
    name: 'keepalive-one-octet-server',
    description:
      'The server is glasstcp, whose keepalive probes carry one octet that was received before; Linux at the client answers each.',
    glasstcp: 'server',
    resent: { server: 1 },
    async run(world) {
      const { client, server } = world;
      const stack = await world.stack(ONE_OCTET);
      const listener = stack.net.createServer({ allowHalfOpen: true });
      listener.listen(server.port);
      await once(listener, 'listening');
      server.log({ call: 'listen', backlog: 8 }, realTime());
      const accepted = once(listener, 'connection');
      const at = realTime();
      const socket = client.socket();
      await socket.connect(server);
      const [end] = await accepted;
      server.log({ call: 'accept' }, at, realTime());
      server.log({ call: 'write', octets: 20 }, realTime());
      end.write('x'.repeat(20));
      await socket.readFully(20);
      await pause(TWO_PROBES_MS);
      server.log({ call: 'close' }, realTime());
      end.end();
      await socket.readToEnd();
      socket.close();
    },
  },
];

/** Idle connections that are asked whether they live. */
export const KEEPALIVE: readonly Scenario[] = [...OUTCOMES, ...STATES, ...GARBAGE];
