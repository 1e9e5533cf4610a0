import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';
import test from 'ava';
import { digestOf, pseudoRandom } from '../../src/apps/pseudoRandom.ts';
import { countersOf } from '../harness/netns.ts';
import { connectionOf, connectTo, KERNEL, listening, PORT, STACK, withWorld } from './world.ts';

/** A connection of which one way is closed goes on for as long as the other one is not. */

const OCTETS = 100 * 2 ** 20;

test.serial('RFC 9293 3.6: a kernel that has closed its side gets 100 MiB, intact', async (t) => {
  await withWorld(t, {}, async ({ ns, peer, stack }) => {
    const server = await listening(stack);
    const accepting = once(server, 'connection');
    await peer.tell({ do: 'connect', host: STACK, port: PORT });
    const [accepted] = await accepting;
    const ended = once(accepted, 'end');
    accepted.resume();
    await peer.tell({ do: 'end' });
    await ended;
    t.is(connectionOf(accepted).state, 'CLOSE-WAIT');
    const receiving = peer.tell({ do: 'digest' });
    await pipeline(pseudoRandom(OCTETS), accepted);
    const { octets, sha256 } = await receiving;
    t.deepEqual({ octets, sha256 }, await digestOf(pseudoRandom(OCTETS)));
    t.deepEqual((await peer.tell({ do: 'closed' })).errors, []);
    t.is(countersOf(ns).get('TcpInErrs'), 0);
    t.is(countersOf(ns).get('TcpEstabResets'), 0);
  });
});

test.serial('RFC 9293 3.6: a stack that has closed its side gets 100 MiB, intact', async (t) => {
  await withWorld(t, {}, async ({ ns, peer, stack, watch }) => {
    await peer.tell({ do: 'listen', port: PORT });
    const socket = await connectTo(stack, KERNEL, { reads: false });
    await peer.tell({ do: 'opened', count: 1 });
    socket.end();
    await watch.until(() => connectionOf(socket).state === 'FIN-WAIT-2');
    await peer.tell({ do: 'read' });
    await peer.tell({ do: 'ended' });
    const sending = peer.tell({ do: 'send', octets: OCTETS });
    const received = await digestOf(socket);
    await sending;
    t.deepEqual(received, await digestOf(pseudoRandom(OCTETS)));
    t.is(connectionOf(socket).state, 'TIME-WAIT');
    t.deepEqual((await peer.tell({ do: 'closed' })).errors, []);
    t.is(countersOf(ns).get('TcpEstabResets'), 0);
  });
});
