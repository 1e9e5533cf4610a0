import { failing, type KernelSocket } from '../host.ts';
import { connected, type Scenario } from '../scenario.ts';
import { pause } from '../world.ts';

/** A peer that has vanished while text is on its way. */
export const FAILURE: readonly Scenario[] = [
  {
    name: 'retransmission-failure',
    description:
      'With tcp_retries2 of 3 the client gives up soon when nothing is acknowledged any more: ETIMEDOUT, and no RST.',
    link: 'impaired: everything lost from 0.1 s on',
    sysctls: { tcp_retries2: '3', tcp_early_retrans: '0' },
    roles: ['client'],
    resent: { client: [3, 6] },
    async run(world) {
      const { client } = await connected(world);
      await pause(100);
      world.cable.cut();
      await client.write(500);
      await failing(client.read(), 'ETIMEDOUT');
      client.close();
    },
  },
  {
    name: 'user-timeout',
    description:
      'TCP_USER_TIMEOUT of 1500 ms at the client, whose text is not acknowledged any more: ETIMEDOUT.',
    link: 'impaired: everything lost from 0.1 s on',
    roles: ['client'],
    resent: { client: [2, 6] },
    async run(world) {
      const prepare = { client: timingOut };
      const { client } = await connected(world, prepare);
      await pause(100);
      world.cable.cut();
      await client.write(500);
      await failing(client.read(), 'ETIMEDOUT');
      client.close();
    },
  },
  {
    name: 'retransmission-close',
    description:
      'The client writes and closes when nothing is acknowledged any more: an orphan, which tcp_orphan_retries of 3 ends soon.',
    link: 'impaired: everything lost from 0.1 s on',
    sysctls: { tcp_orphan_retries: '3', tcp_early_retrans: '0' },
    roles: ['client'],
    resent: { client: [3, 6] },
    async run(world) {
      const { client } = await connected(world);
      await pause(100);
      world.cable.cut();
      await client.write(500);
      client.close();
      await pause(7000);
    },
  },
];

function timingOut(socket: KernelSocket): void {
  socket.set('TCP_USER_TIMEOUT', 1500);
}
