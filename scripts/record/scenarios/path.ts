import { seq } from '../../../src/core/base/seq.ts';
import type { CapturedSegment } from '../../../src/core/capture/capturedSegment.ts';
import { Flag, type Segment } from '../../../src/core/wire/tcp.ts';
import { altered, congestionMarked, UnreachableCode, unreachable } from '../craft.ts';
import { failing } from '../host.ts';
import { closeInTurn, connected, listening, type Pair, type Scenario } from '../scenario.ts';
import { pause, type World } from '../world.ts';

const DELAY = 10_000;
const WAY = '10 ms each way';
/** Largest datagram that the narrow place on the way lets through. */
const NARROW = 1200;

function upload(octets: number): (world: World) => Promise<void> {
  return async (world) => {
    const { client, server } = await connected(world);
    await Promise.all([client.write(octets), server.readFully(octets)]);
    await pause(100);
    await closeInTurn(client, server);
  };
}

const PATH_MTU: readonly Scenario[] = [
  {
    name: 'pmtu-icmp',
    description: `A router on the way forwards ${NARROW} octets at most, and tells the client so by ICMP, which sends smaller segments from then on.`,
    link: `impaired: ${WAY}, larger datagrams than ${NARROW} lost, with ICMP`,
    cable: { delay: DELAY },
    both: true,
    congestion: 'reno',
    resent: { client: [1, 20] },
    async run(world) {
      const { toServer, toClient } = world.cable;
      toServer.rule = ({ segment }) => {
        const { last } = toServer;
        if (segment.datagram.length <= NARROW || last === null) return null;
        toClient.inject(unreachable(last, UnreachableCode.FRAGMENTATION_NEEDED, NARROW));
        return 'lose';
      };
      await upload(20_000)(world);
    },
  },
  {
    name: 'pmtu-black-hole',
    description: `Datagrams of more than ${NARROW} octets vanish without a word; with tcp_mtu_probing of 1 the client tries smaller segments after some RTOs.`,
    link: `impaired: ${WAY}, larger datagrams than ${NARROW} lost in silence`,
    cable: { delay: DELAY },
    sysctls: { tcp_mtu_probing: '1' },
    both: true,
    congestion: 'reno',
    toServer: ({ segment }) => (segment.datagram.length > NARROW ? 'lose' : null),
    resent: { client: [3, 40] },
    latest: 12,
    run: upload(20_000),
  },
];

const isEct = ({ trafficClass }: CapturedSegment): boolean => (trafficClass & 3) !== 0;
const ECN = { tcp_ecn: '1' };

const CONGESTION: readonly Scenario[] = [
  {
    name: 'ecn',
    description: 'Both ends agree on ECN; no router marks anything.',
    sysctls: ECN,
    check: (segments) => (segments.some(isEct) ? null : 'nothing is ECN-capable'),
    run: upload(20_000),
  },
  {
    name: 'ecn-marked',
    description:
      'A router marks the 15th segment: the server echoes that until the client says that its window is smaller.',
    link: `impaired: ${WAY}, the 15th data segment marked CE`,
    cable: { delay: DELAY },
    sysctls: ECN,
    both: true,
    congestion: 'reno',
    check: (segments) =>
      segments.some(({ flags }) => (flags & Flag.CWR) !== 0 && (flags & Flag.SYN) === 0)
        ? null
        : 'there is no CWR',
    async run(world) {
      const { toServer } = world.cable;
      toServer.rule = ({ text }) => {
        const { last } = toServer;
        if (text !== 15 || last === null) return null;
        toServer.inject(congestionMarked(last));
        return 'lose';
      };
      await upload(58_000)(world);
    },
  },
  {
    name: 'ecn-declined',
    description: 'The client asks for ECN, and the server has it turned off.',
    endSysctls: { client: ECN, server: { tcp_ecn: '0' } },
    run: upload(3000),
  },
];

const FAST_OPEN = { tcp_fastopen: '3' };

/** Opens with a request in the first call, and closes. */
async function fastOpen(world: World): Promise<void> {
  const listener = listening(world.server, (socket) => socket.set('TCP_FASTOPEN', 8));
  const client = world.client.socket();
  const [server] = await Promise.all([listener.accept(), client.connectWriting(world.server, 100)]);
  await server.readFully(100);
  await server.write(200);
  await client.readFully(200);
  await pause(60);
  await closeInTurn(client, server);
  listener.close();
}

const OPENING: readonly Scenario[] = [
  {
    name: 'tfo-cookie',
    description:
      'The client asks for a Fast Open cookie in its SYN and gets one; its text follows the handshake.',
    sysctls: FAST_OPEN,
    both: true,
    check: (segments) =>
      segments.some(({ options }) => (options.fastOpenCookie?.length ?? 0) > 0)
        ? null
        : 'there is no cookie',
    run: fastOpen,
  },
  {
    name: 'tfo-data',
    description: 'The client has a Fast Open cookie, and its SYN carries the request.',
    sysctls: FAST_OPEN,
    both: true,
    check: ([syn]) => (syn !== undefined && syn.length > 0 ? null : 'the SYN is empty'),
    before: async (world) => {
      await fastOpen(world);
      // the port of the client is in TIME-WAIT, and the next SYN comes from the same
      await pause(1200);
    },
    run: fastOpen,
  },
];

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

/** Sends the server something that looks like the client's, but is not. */
function forge(world: World, change: (segment: Segment) => void, text?: string): void {
  const { cable } = world;
  const { last } = cable.toServer;
  if (last === null) throw new Error('there is no segment to make another of');
  const octets = text === undefined ? undefined : new TextEncoder().encode(text);
  cable.inject(cable.toServer, altered(last, change, octets));
}

const FORGERY = { capturedAt: 'server', roles: ['server'] } as const;

interface Forged {
  readonly name: string;
  readonly description: string;
  readonly text?: string;
  readonly resent?: Scenario['resent'];
  change(segment: Segment): void;
}

/** A forged segment in the middle of a conversation, which goes on. */
function forged({ name, description, text, resent, change }: Forged): Scenario {
  return {
    name,
    description,
    link: 'tap, with a forged segment',
    ...FORGERY,
    ...(resent && { resent }),
    async run(world) {
      const { client, server } = await afterExchange(world);
      forge(world, change, text);
      await pause(60);
      await client.write(20);
      await server.readFully(20);
      await pause(60);
      await closeInTurn(client, server);
    },
  };
}

const FORGERIES: readonly Scenario[] = [
  forged({
    name: 'paws',
    description:
      'A segment with text arrives whose timestamp is 10 s older than the last: it is dropped and answered by an ACK (PAWS).',
    text: 'a segment from the past',
    change: (segment) => {
      segment.tsVal = (segment.tsVal - 10_000) >>> 0;
    },
    resent: { client: [0, 1] },
  }),
  forged({
    name: 'challenge-syn',
    description: 'A SYN arrives in the middle of a connection: a challenge ACK answers it.',
    change: (segment) => {
      segment.flags = Flag.SYN;
    },
    resent: { client: [0, 1] },
  }),
  forged({
    name: 'challenge-rst',
    description:
      'A RST arrives that lies in the window, but not at its left edge: a challenge ACK answers it.',
    change: (segment) => {
      segment.flags = Flag.RST;
      segment.seq = seq(segment.seq + 100);
    },
  }),
  forged({
    name: 'challenge-ack',
    description: 'An ACK arrives for what was never sent.',
    change: (segment) => {
      segment.ack = seq(segment.ack + 100_000);
    },
  }),
  forged({
    name: 'old-duplicate',
    description:
      'Text arrives that was acknowledged before: it is answered by an ACK with a D-SACK.',
    text: 'old text',
    change: (segment) => {
      segment.seq = seq(segment.seq - 20);
      segment.flags |= Flag.PSH;
    },
  }),
  {
    name: 'exact-rst',
    description: 'A RST arrives at the left edge of the window, and ends the connection.',
    link: 'tap, with a forged segment',
    ...FORGERY,
    async run(world) {
      const { server } = await afterExchange(world);
      forge(world, (segment) => {
        segment.flags = Flag.RST;
      });
      await failing(server.read(), 'ECONNRESET');
      server.close();
    },
  },
];

const IDLE: readonly Scenario[] = [
  {
    name: 'idle-restart',
    description:
      'After 60 segments and two seconds of silence the client sends 60 more: it begins again with a smaller window.',
    link: `impaired: ${WAY}`,
    cable: { delay: DELAY },
    both: true,
    congestion: 'reno',
    mtu: 576,
    latest: 8,
    async run(world) {
      const { client, server } = await connected(world);
      const octets = 60 * 524;
      for (let i = 0; i < 2; i++) {
        await Promise.all([client.write(octets), server.readFully(octets)]);
        await pause(i === 0 ? 2000 : 100);
      }
      await closeInTurn(client, server);
    },
  },
];

/** What routers, forgers and time do. */
export const PATH: readonly Scenario[] = [
  ...PATH_MTU,
  ...CONGESTION,
  ...OPENING,
  ...FORGERIES,
  ...IDLE,
];
