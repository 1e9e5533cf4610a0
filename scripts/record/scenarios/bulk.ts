import type { CapturedSegment } from '../../../src/core/capture/capturedSegment.ts';
import { closeInTurn, connected, type Scenario } from '../scenario.ts';
import { ADDRESSES, pause } from '../world.ts';
import { DELAY, upload, WAY } from './losing.ts';

/** The sender must have backed off: else the queue had room for all. */
function wasDropped(segments: readonly CapturedSegment[]): string | null {
  const blocks = segments.some(
    ({ source, options }) => source === ADDRESSES.server && options.sackBlocks.length > 0,
  );
  return blocks ? null : 'nothing was lost';
}

/** Much text in one go. */
export const BULK: readonly Scenario[] = [
  {
    name: 'bulk-upload',
    description: 'The client sends 200 kB by Reno without a loss.',
    link: `impaired: ${WAY}`,
    cable: { delay: DELAY },
    both: true,
    congestion: 'reno',
    latest: 10,
    run: upload(200_000),
  },
  {
    name: 'bulk-download',
    description: 'The server sends 200 kB by CUBIC without a loss.',
    link: `impaired: ${WAY}`,
    cable: { delay: DELAY },
    both: true,
    latest: 10,
    async run(world) {
      const { client, server } = await connected(world);
      const request = 100;
      await client.write(request);
      await server.readFully(request);
      await Promise.all([server.write(200_000), client.readFully(200_000)]);
      await pause(100);
      await closeInTurn(server, client);
    },
  },
  {
    name: 'bulk-both-ways',
    description: 'Both ends send 100 kB at the same time, by Reno.',
    link: `impaired: ${WAY}`,
    cable: { delay: DELAY },
    both: true,
    congestion: 'reno',
    latest: 10,
    async run(world) {
      const { client, server } = await connected(world);
      const octets = 100_000;
      await Promise.all([
        client.write(octets),
        server.write(octets),
        client.readFully(octets),
        server.readFully(octets),
      ]);
      await pause(100);
      await closeInTurn(client, server);
    },
  },
  {
    name: 'bulk-bottleneck',
    description:
      'The client sends 200 kB by CUBIC through 4 Mbit/s with a queue of 20 frames, which overflows.',
    link: `impaired: ${WAY}, 4 Mbit/s, queue of 20 frames`,
    cable: { delay: DELAY, rate: 4_000_000, queue: 20 },
    both: true,
    latest: 100,
    resent: { client: [1, 60] },
    check: wasDropped,
    run: upload(200_000),
  },
  {
    name: 'bulk-bottleneck-bbr',
    description: 'As bulk-bottleneck, by BBR.',
    link: `impaired: ${WAY}, 4 Mbit/s, queue of 20 frames`,
    cable: { delay: DELAY, rate: 4_000_000, queue: 20 },
    both: true,
    congestion: 'bbr',
    latest: 100,
    resent: { client: [0, 100] },
    run: upload(200_000),
  },
  ...(['upload', 'download'] as const).map(
    (way): Scenario => ({
      name: `bulk-veth-${way}`,
      description: `The ${way === 'upload' ? 'client' : 'server'} sends 200 kB over a veth pair, whose offloads are on: segments are longer than the MSS, and their checksums are not finished.`,
      kind: 'veth',
      both: true,
      check: (segments) =>
        segments.some(({ length }) => length > 1460) ? null : 'no long segment',
      async run(world) {
        const { client, server } = await connected(world);
        const [from, to] = way === 'upload' ? [client, server] : [server, client];
        await Promise.all([from.write(200_000), to.readFully(200_000)]);
        await pause(100);
        await closeInTurn(client, server);
      },
    }),
  ),
];
