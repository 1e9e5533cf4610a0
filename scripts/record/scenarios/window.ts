import type { KernelSocket } from '../host.ts';
import { closeInTurn, connected, type Scenario } from '../scenario.ts';
import { pause, type World } from '../world.ts';

/** Keeps the server from repeating the tail that a full window delays: that is another matter. */
const NO_PROBES = { tcp_early_retrans: '0' };

const smallBuffer = (octets: number) => (socket: KernelSocket) => socket.set('SO_RCVBUF', octets);

/** The server sends, and the client does not read for a while. */
async function stalled(world: World, octets: number, ms: number): Promise<void> {
  const { client, server } = await connected(world, { client: smallBuffer(8192) });
  const sent = server.write(octets);
  await pause(ms);
  await client.readFully(octets);
  await sent;
  await pause(60);
  await closeInTurn(client, server);
}

/** Reads so many octets at a time, with a rest after each. */
async function sip(socket: KernelSocket, total: number, octets: number, ms: number): Promise<void> {
  for (let left = total; left > 0; ) {
    left -= await socket.read(Math.min(octets, left));
    await pause(ms);
  }
}

/** Windows that are full. */
export const WINDOW: readonly Scenario[] = [
  {
    name: 'zero-window-probes',
    description:
      'The client reads nothing for four seconds: its window goes to zero, and the server probes it at growing intervals until it opens.',
    both: true,
    resent: { server: [0, 2] },
    run: (world) => stalled(world, 30_000, 4000),
  },
  {
    name: 'zero-window-update',
    description:
      'The client reads nothing for 150 ms: its window goes to zero, and the window update comes before any probe.',
    both: true,
    sysctls: NO_PROBES,
    run: (world) => stalled(world, 30_000, 150),
  },
  {
    name: 'zero-window-update-lost',
    description:
      'The window update after a zero window is lost, and the next probe of the server finds out.',
    link: 'impaired: the first window update lost',
    both: true,
    sysctls: NO_PROBES,
    async run(world) {
      const { client, server } = await connected(world, { client: smallBuffer(8192) });
      const sent = server.write(30_000);
      await pause(600);
      let lost = false;
      world.cable.toServer.rule = ({ segment }) => {
        if (lost || segment.window === 0) return null;
        lost = true;
        return 'lose';
      };
      await client.readFully(8000);
      await pause(800);
      await client.readFully(22_000);
      await sent;
      await pause(60);
      await closeInTurn(client, server);
    },
  },
  {
    name: 'zero-window-close',
    description:
      'The server closes while its text waits for the window of the client: the FIN goes out behind the text.',
    both: true,
    sysctls: NO_PROBES,
    async run(world) {
      const { client, server } = await connected(world, { client: smallBuffer(8192) });
      await server.write(20_000);
      server.close();
      await pause(1500);
      await client.readToEnd();
      client.close();
    },
  },
  {
    name: 'silly-window',
    description:
      'The client reads 1 to 10 octets at a time from a tiny buffer: it opens its window in steps that are worth a segment.',
    both: true,
    resent: { server: [0, 4] },
    async run(world) {
      const { client, server } = await connected(world, { client: smallBuffer(2304) });
      const sent = server.write(4000);
      for (let left = 4000, octets = 1; left > 0; octets = (octets % 10) + 1) {
        left -= await client.read(Math.min(octets, left));
        await pause(2);
      }
      await sent;
      await pause(60);
      await closeInTurn(client, server);
    },
  },
  {
    name: 'silly-window-small-writes',
    description:
      'A tiny buffer that is read 100 octets at a time every 20 ms, while the server writes 50 octets at a time without Nagle.',
    both: true,
    resent: { server: [0, 4] },
    async run(world) {
      const options = { client: smallBuffer(2304), server: noDelay };
      const { client, server } = await connected(world, options);
      const write = async () => {
        for (let i = 0; i < 80; i++) await server.write(50);
      };
      await Promise.all([write(), sip(client, 4000, 100, 20)]);
      await pause(60);
      await closeInTurn(client, server);
    },
  },
  {
    name: 'slow-reader',
    description:
      'The server sends 60000 octets to a client that reads 2000 octets every 10 ms: the window is what limits it.',
    both: true,
    sysctls: NO_PROBES,
    async run(world) {
      const { client, server } = await connected(world, { client: smallBuffer(16_384) });
      await Promise.all([server.write(60_000), sip(client, 60_000, 2000, 10)]);
      await pause(60);
      await closeInTurn(client, server);
    },
  },
];

function noDelay(socket: KernelSocket): void {
  socket.set('TCP_NODELAY', 1);
}
