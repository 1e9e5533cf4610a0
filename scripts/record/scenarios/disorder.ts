import { Flag } from '../../../src/core/wire/tcp.ts';
import { closeInTurn, connected, type Scenario } from '../scenario.ts';
import { pause, type World } from '../world.ts';
import { CLASSIC, losing, MSS, SEGMENTS, upload } from './losing.ts';

function reordering(by: number): Scenario {
  const resent: Scenario['resent'] = by < 3 ? {} : { client: [0, 2] };
  return losing({
    name: `reorder-${by}`,
    description: `The 15th of 40 segments arrives behind ${by} later ${by === 1 ? 'one' : 'ones'}.`,
    what: `the 15th data segment overtaken by ${by}`,
    rule: ({ text, times }) => (text === 15 && times === 1 ? { overtakenBy: by } : null),
    resent,
  });
}

/** Segments that come late, twice or damaged. */
export const DISORDER: readonly Scenario[] = [
  ...[1, 2, 3, 10].map(reordering),
  {
    ...reordering(3),
    name: 'reorder-3-no-sack',
    description:
      'Without SACK and RACK the 15th of 40 segments arrives behind three later ones: it is sent again for nothing.',
    sysctls: CLASSIC,
    resent: { client: [1, 2] },
  },
  {
    ...losing({
      name: 'reorder-acks',
      description: 'An ACK of the server arrives behind three later ones.',
      what: 'the 4th pure ACK of the server overtaken by 3',
      rule: () => null,
      resent: {},
    }),
    toClient: ({ ack }) => (ack === 4 ? { overtakenBy: 3 } : null),
  },
  losing({
    name: 'duplicate',
    description: 'The 15th of 40 segments arrives twice, which a D-SACK tells.',
    what: 'the 15th data segment duplicated',
    rule: ({ text }) => (text === 15 ? 'duplicate' : null),
    resent: {},
  }),
  losing({
    name: 'duplicate-no-sack',
    description: 'Without SACK the 15th of 40 segments arrives twice.',
    what: 'the 15th data segment duplicated',
    rule: ({ text }) => (text === 15 ? 'duplicate' : null),
    sysctls: CLASSIC,
    resent: {},
  }),
  losing({
    name: 'duplicate-syn',
    description: 'The SYN arrives twice.',
    what: 'the SYN duplicated',
    rule: ({ segment }) => ((segment.flags & Flag.SYN) !== 0 ? 'duplicate' : null),
    resent: { server: [0, 1] },
    run: upload(500),
  }),
  {
    ...losing({
      name: 'corrupt',
      description:
        'One bit of the 15th of 40 segments is inverted on the way: its checksum is wrong, and it is as if lost.',
      what: 'the 15th data segment corrupted',
      rule: ({ text, times }) => (text === 15 && times === 1 ? 'corrupt' : null),
      resent: { client: 1 },
    }),
  },
  {
    ...losing({
      name: 'spurious-timeout',
      description:
        'The second flight is held up for 400 ms, so that the RTO sends again what was never lost.',
      what: 'data segments 11 to 40 held up for 400 ms, once',
      rule: () => null,
      resent: { client: [1, 30] },
    }),
    latest: 600,
    run: heldUp,
  },
];

/** A queue that stands still for a while. */
async function heldUp(world: World): Promise<void> {
  const { cable } = world;
  const held: Uint8Array[] = [];
  let holding = true;
  cable.toServer.rule = ({ text }) => {
    const frame = cable.toServer.last;
    if (text <= 10 || !holding || frame === null) return null;
    held.push(frame);
    return 'lose';
  };
  const { client, server } = await connected(world);
  const octets = SEGMENTS * MSS;
  const all = Promise.all([client.write(octets), server.readFully(octets)]);
  await pause(450);
  holding = false;
  for (const frame of held) cable.inject(cable.toServer, frame);
  await all;
  await pause(100);
  await closeInTurn(client, server);
}
