import { Flag } from '../../../src/core/wire/tcp.ts';
import { closeInTurn, connected, type Scenario } from '../scenario.ts';
import { pause, type World } from '../world.ts';
import { CLASSIC, EACH_ACK, loseTexts, losing, MSS, SEGMENTS, upload } from './losing.ts';

const SACK: readonly Scenario[] = [
  losing({
    name: 'loss-first',
    description: 'Of 40 segments the first is lost; SACK tells, and it is sent again.',
    what: 'the first data segment lost',
    rule: loseTexts(1),
    resent: { client: 1 },
  }),
  losing({
    name: 'loss-middle',
    description: 'Of 40 segments the 17th is lost; SACK tells, and it is sent again.',
    what: 'the 17th data segment lost',
    rule: loseTexts(17),
    resent: { client: 1 },
  }),
  losing({
    name: 'loss-last',
    description: 'Of 40 segments the last is lost: a tail loss probe sends it again.',
    what: 'the last data segment lost',
    rule: loseTexts(SEGMENTS),
    resent: { client: 1 },
  }),
  losing({
    name: 'loss-double',
    description: 'Two segments of one flight are lost, the 14th and the 19th.',
    what: 'the 14th and the 19th data segment lost',
    rule: loseTexts(14, 19),
    resent: { client: 2 },
  }),
  losing({
    name: 'loss-tail-flight',
    description: 'The last five segments are lost, so nothing behind them tells.',
    what: 'the last five data segments lost',
    rule: loseTexts(36, 37, 38, 39, 40),
    resent: { client: [5, 7] },
  }),
  losing({
    name: 'loss-of-retransmission',
    description: 'The 17th segment is lost, and so is its first repetition.',
    what: 'the 17th data segment lost twice',
    rule: ({ text, times }) => (text === 17 && times <= 2 ? 'lose' : null),
    resent: { client: [2, 3] },
  }),
  losing({
    name: 'loss-whole-flight',
    description: 'All ten segments of the first flight are lost.',
    what: 'the first ten data segments lost',
    rule: loseTexts(1, 2, 3, 4, 5, 6, 7, 8, 9, 10),
    resent: { client: [10, 14] },
  }),
  losing({
    name: 'loss-every-ninth',
    description: 'Of 120 segments every ninth is lost: one recovery follows the other.',
    what: 'every ninth data segment lost',
    rule: ({ text, times }) => (text % 9 === 0 && times === 1 ? 'lose' : null),
    resent: { client: [13, 16] },
    run: upload(120 * MSS),
  }),
  losing({
    name: 'loss-compressed-acks',
    description:
      'Of 40 segments the 12th is lost, and Linux compresses the ACKs of those behind it (tcp_comp_sack_nr, as it is by default).',
    what: 'the 12th data segment lost',
    rule: loseTexts(12),
    sysctls: {},
    resent: { client: 1 },
  }),
];

const WITHOUT_SACK: readonly Scenario[] = [
  losing({
    name: 'loss-first-no-sack',
    description:
      'Without SACK and RACK the first of 40 segments is lost: three duplicate ACKs tell.',
    what: 'the first data segment lost',
    rule: loseTexts(1),
    sysctls: CLASSIC,
    resent: { client: 1 },
  }),
  losing({
    name: 'loss-middle-no-sack',
    description:
      'Without SACK and RACK the 17th of 40 segments is lost: three duplicate ACKs tell.',
    what: 'the 17th data segment lost',
    rule: loseTexts(17),
    sysctls: CLASSIC,
    resent: { client: 1 },
  }),
  losing({
    name: 'loss-last-no-sack',
    description:
      'Without SACK and tail loss probes the last of 40 segments is lost: the RTO tells.',
    what: 'the last data segment lost',
    rule: loseTexts(SEGMENTS),
    sysctls: CLASSIC,
    resent: { client: 1 },
  }),
  losing({
    name: 'loss-double-no-sack',
    description:
      'Without SACK and RACK two segments of one flight are lost: a partial ACK tells of the second (NewReno).',
    what: 'the 14th and the 19th data segment lost',
    rule: loseTexts(14, 19),
    sysctls: CLASSIC,
    resent: { client: 2 },
  }),
  losing({
    name: 'loss-of-retransmission-no-sack',
    description: 'Without SACK and RACK a segment and its repetition are lost: the RTO tells.',
    what: 'the 17th data segment lost twice',
    rule: ({ text, times }) => (text === 17 && times <= 2 ? 'lose' : null),
    sysctls: CLASSIC,
    resent: { client: [2, 24] },
  }),
];

const CONTROLLERS: readonly Scenario[] = [
  losing({
    name: 'loss-cubic',
    description: 'CUBIC sends 120 segments, of which the 40th is lost.',
    what: 'the 40th data segment lost',
    rule: loseTexts(40),
    congestion: 'cubic',
    resent: { client: 1 },
    run: upload(120 * MSS),
  }),
  losing({
    name: 'loss-reno',
    description: 'Reno sends 120 segments, of which the 40th is lost.',
    what: 'the 40th data segment lost',
    rule: loseTexts(40),
    resent: { client: 1 },
    run: upload(120 * MSS),
  }),
  losing({
    name: 'loss-bbr',
    description: 'BBR sends 120 segments, of which the 40th is lost.',
    what: 'the 40th data segment lost',
    rule: loseTexts(40),
    congestion: 'bbr',
    resent: { client: 1 },
    run: upload(120 * MSS),
  }),
];

/** Loses or holds back something else than text of the client. */
const OTHERS: readonly Scenario[] = [
  {
    ...losing({
      name: 'loss-request',
      description: 'A single small request is lost when nothing else is in flight.',
      what: 'the second data segment lost',
      rule: loseTexts(2),
      resent: { client: 1 },
    }),
    run: threeRequests,
  },
  {
    ...losing({
      name: 'loss-request-no-probe',
      description: 'As loss-request, without tail loss probes: the RTO sends it again.',
      what: 'the second data segment lost',
      rule: loseTexts(2),
      sysctls: { ...EACH_ACK, tcp_early_retrans: '0' },
      resent: { client: 1 },
    }),
    run: threeRequests,
  },
  {
    ...losing({
      name: 'loss-ack',
      description: 'The ACK of a request is lost, and the one of the next makes up for it.',
      what: 'the first two pure ACKs of the server lost',
      rule: () => null,
      resent: {},
    }),
    toClient: ({ ack }) => (ack === 2 || ack === 3 ? 'lose' : null),
  },
  {
    ...losing({
      name: 'loss-last-ack',
      description:
        'The ACK of the only segment is lost: it is sent again, and the server answers with a D-SACK.',
      what: 'the first pure ACK of the server lost',
      rule: () => null,
      resent: { client: 1 },
    }),
    toClient: ({ ack }) => (ack === 1 ? 'lose' : null),
    run: upload(500, 600),
  },
  {
    ...losing({
      name: 'loss-fin',
      description: 'The FIN of the client is lost, and sent again.',
      what: 'the first FIN of the client lost',
      rule: ({ segment, times }) =>
        (segment.flags & Flag.FIN) !== 0 && times === 1 ? 'lose' : null,
      resent: { client: 1 },
    }),
    run: upload(500),
  },
  {
    ...losing({
      name: 'loss-second-fin',
      description: 'The FIN of the server, the second to close, is lost and sent again.',
      what: 'the first FIN of the server lost',
      rule: () => null,
      resent: { client: [0, 1], server: [1, 2] },
    }),
    toClient: ({ segment, times }) =>
      (segment.flags & Flag.FIN) !== 0 && times === 1 ? 'lose' : null,
    run: upload(500),
  },
  {
    ...losing({
      name: 'loss-last-ack-of-fin',
      description:
        'The ACK of the FIN of the server is lost: it sends the FIN again, which TIME-WAIT acknowledges.',
      what: 'the first segment of the client behind its FIN lost',
      rule: () => null,
      resent: { server: 1 },
    }),
    async run(world) {
      let finished = false;
      let lost = false;
      world.cable.toServer.rule = ({ segment, ack }) => {
        const loses = finished && !lost && ack > 0;
        finished ||= (segment.flags & Flag.FIN) !== 0;
        lost ||= loses;
        return loses ? 'lose' : null;
      };
      await upload(500)(world);
      await pause(400);
    },
  },
];

async function threeRequests(world: World): Promise<void> {
  const { client, server } = await connected(world);
  for (let i = 0; i < 3; i++) {
    await client.write(100);
    await server.readFully(100);
    await server.write(200);
    await client.readFully(200);
    await pause(60);
  }
  await closeInTurn(client, server);
}

/** Segments that are lost. */
export const LOSS: readonly Scenario[] = [...SACK, ...WITHOUT_SACK, ...CONTROLLERS, ...OTHERS];
