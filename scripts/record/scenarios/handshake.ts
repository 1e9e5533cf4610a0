import type { Micros } from '../../../src/core/base/time.ts';
import { Flag } from '../../../src/core/wire/tcp.ts';
import { failing } from '../host.ts';
import { INTERFACE } from '../namespace.ts';
import { closeInTurn, connected, listening, type Prepare, type Scenario } from '../scenario.ts';
import { pause, type World } from '../world.ts';

const DELAY: Micros = 10_000;
const NO_TIMESTAMPS = { tcp_timestamps: '0' };
const NO_SACK = { tcp_sack: '0' };
const NO_SCALING = { tcp_window_scaling: '0' };

/** A small exchange, so that more than the handshake can be seen. */
async function exchange(
  world: World,
  options: { readonly client?: Prepare; readonly server?: Prepare } = {},
): Promise<void> {
  const { client, server } = await connected(world, options);
  await client.write(100);
  await server.readFully(100);
  await server.write(200);
  await client.readFully(200);
  await pause(60);
  await closeInTurn(client, server);
}

/** Opening, with options and without. */
const OPTIONS: readonly Scenario[] = [
  {
    name: 'handshake-all-options',
    description: 'Both ends offer MSS, SACK, timestamps and window scaling; a small exchange.',
    run: exchange,
  },
  {
    name: 'handshake-no-timestamps',
    description: 'Neither end offers timestamps.',
    sysctls: NO_TIMESTAMPS,
    run: exchange,
  },
  {
    name: 'handshake-no-sack',
    description: 'Neither end permits SACK.',
    sysctls: NO_SACK,
    run: exchange,
  },
  {
    name: 'handshake-no-scaling',
    description: 'Neither end scales its window.',
    sysctls: NO_SCALING,
    run: exchange,
  },
  {
    name: 'handshake-mss-only',
    description: 'The MSS is the only option of either end.',
    sysctls: { ...NO_TIMESTAMPS, ...NO_SACK, ...NO_SCALING },
    run: exchange,
  },
  {
    name: 'handshake-server-declines',
    description:
      'The client offers everything; the server has timestamps, SACK and scaling turned off, so that none of them is used.',
    endSysctls: { server: { ...NO_TIMESTAMPS, ...NO_SACK, ...NO_SCALING } },
    run: exchange,
  },
  {
    name: 'handshake-client-offers-little',
    description: 'The client offers its MSS alone, so the server, which has everything, does too.',
    endSysctls: { client: { ...NO_TIMESTAMPS, ...NO_SACK, ...NO_SCALING } },
    run: exchange,
  },
  {
    name: 'handshake-mtu-576',
    description: 'An MTU of 576: the MSS is 536, and 2000 octets each way take four segments.',
    mtu: 576,
    run: (world) => exchangeOf(world, 2000),
  },
  {
    name: 'handshake-advmss',
    description:
      'A route of the client says advmss 400: the server must send segments of 388 octets and timestamps.',
    prepare(world) {
      const route = ['10.107.0.0/24', 'dev', INTERFACE, 'src', world.client.address];
      world.namespace('client').ip('route', 'change', ...route, 'advmss', '400');
    },
    run: (world) => exchangeOf(world, 2000),
  },
  {
    name: 'handshake-maxseg',
    description: 'TCP_MAXSEG of 700 octets at the server, which announces it and sends no more.',
    run: (world) => exchangeOf(world, 2000, { server: (s) => s.set('TCP_MAXSEG', 700) }),
  },
  {
    name: 'handshake-scale-14',
    description: 'A receive buffer that may grow to 1 GiB: window scale 14, the largest.',
    sysctls: { tcp_rmem: '4096 131072 1073741824' },
    run: exchange,
  },
  {
    name: 'handshake-scale-0',
    description:
      'SO_RCVBUF of 16384 at the client: its scale is 0, so the option is there and does nothing.',
    run: (world) => exchange(world, { client: (s) => s.set('SO_RCVBUF', 16_384) }),
  },
];

async function exchangeOf(
  world: World,
  octets: number,
  options: { readonly client?: Prepare; readonly server?: Prepare } = {},
): Promise<void> {
  const { client, server } = await connected(world, options);
  await client.write(octets);
  await server.readFully(octets);
  await server.write(octets);
  await client.readFully(octets);
  await pause(60);
  await closeInTurn(client, server);
}

const isSynOnly = (flags: number): boolean => (flags & (Flag.SYN | Flag.ACK)) === Flag.SYN;
const isSynAck = (flags: number): boolean =>
  (flags & (Flag.SYN | Flag.ACK)) === (Flag.SYN | Flag.ACK);

/** Opening where something is in the way. */
const TROUBLE: readonly Scenario[] = [
  {
    name: 'refused',
    description: 'Nobody listens: the SYN is answered by a RST.',
    async run(world) {
      await failing(world.client.socket().connect(world.server), 'ECONNREFUSED');
    },
  },
  {
    name: 'connect-timeout',
    description:
      'No SYN arrives: with tcp_syn_linear_timeouts of 2 and tcp_syn_retries of 1 it is sent again after 1 and 2 s, and connect() fails with ETIMEDOUT after 3 s.',
    link: 'impaired: every SYN lost',
    sysctls: { tcp_syn_retries: '1', tcp_syn_linear_timeouts: '2' },
    roles: ['client'],
    toServer: () => 'lose',
    resent: { client: 2 },
    async run(world) {
      await failing(world.client.socket().connect(world.server), 'ETIMEDOUT');
    },
  },
  {
    name: 'connect-timeout-backoff',
    description:
      'As connect-timeout, but without tcp_syn_linear_timeouts: the SYN goes out after 1 and 3 s again, and connect() fails after 7 s.',
    link: 'impaired: every SYN lost',
    sysctls: { tcp_syn_retries: '2', tcp_syn_linear_timeouts: '0' },
    roles: ['client'],
    toServer: () => 'lose',
    resent: { client: 2 },
    async run(world) {
      await failing(world.client.socket().connect(world.server), 'ETIMEDOUT');
    },
  },
  {
    name: 'loss-syn',
    description: 'The first SYN is lost, and sent again after a second.',
    link: 'impaired: 10 ms each way, the first SYN lost',
    cable: { delay: DELAY },
    both: true,
    toServer: ({ segment, times }) => (isSynOnly(segment.flags) && times === 1 ? 'lose' : null),
    resent: { client: 1 },
    run: exchange,
  },
  {
    name: 'loss-syn-ack',
    description: 'The first SYN-ACK is lost: SYN and SYN-ACK are sent again after a second.',
    link: 'impaired: 10 ms each way, the first SYN-ACK lost',
    cable: { delay: DELAY },
    both: true,
    toClient: ({ segment, times }) => (isSynAck(segment.flags) && times === 1 ? 'lose' : null),
    resent: { client: [0, 1], server: [1, 2] },
    run: exchange,
  },
  {
    name: 'loss-third-ack',
    description:
      'The ACK that ends the handshake is lost while the client waits for the server to speak: the server sends its SYN-ACK again.',
    link: 'impaired: 10 ms each way, the first ACK of the client lost',
    cable: { delay: DELAY },
    both: true,
    toServer: ({ ack }) => (ack === 1 ? 'lose' : null),
    resent: { server: 1 },
    async run(world) {
      const { client, server } = await connected(world);
      await server.write(100);
      await client.readFully(100);
      await pause(60);
      await closeInTurn(client, server);
    },
  },
  {
    name: 'loss-third-ack-data',
    description:
      'The ACK that ends the handshake is lost, and the request behind it does what it would have done.',
    link: 'impaired: 10 ms each way, the first ACK of the client lost',
    cable: { delay: DELAY },
    both: true,
    toServer: ({ ack }) => (ack === 1 ? 'lose' : null),
    async run(world) {
      const listener = listening(world.server);
      const client = world.client.socket();
      await client.connect(world.server);
      await pause(100);
      const [server] = await Promise.all([listener.accept(), client.write(100)]);
      await server.readFully(100);
      await server.write(200);
      await client.readFully(200);
      await pause(60);
      await closeInTurn(client, server);
    },
  },
  {
    name: 'simultaneous-open',
    description:
      'Both ends call connect() at the same time, and their SYNs cross: one connection comes of it.',
    link: 'impaired: 20 ms each way',
    cable: { delay: 20_000 },
    both: true,
    resent: { client: [0, 1], server: [0, 1] },
    async run(world) {
      const one = world.client.socket();
      const other = world.server.socket();
      await Promise.all([one.connect(world.server), other.connect(world.client)]);
      await pause(60);
      await one.write(100);
      await other.readFully(100);
      await other.write(200);
      await one.readFully(200);
      await pause(60);
      await closeInTurn(one, other);
    },
  },
];

export const HANDSHAKE: readonly Scenario[] = [...OPTIONS, ...TROUBLE];
