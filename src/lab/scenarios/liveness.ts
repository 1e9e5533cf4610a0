import { heartbeat } from '../../apps/heartbeat.ts';
import { keepAliveCostPerHour } from '../../apps/livenessCost.ts';
import { SECOND } from '../../core/base/time.ts';
import { openPair } from '../play.ts';
import type { Scenario } from '../scenario.ts';

const IDLE_MS = 60_000;
const BEAT_MS = 60_000;
const PROBE_MS = 10_000;

export const keepaliveVsHeartbeat: Scenario = {
  name: 'keepalive-vs-heartbeat',
  claim:
    'Keepalive tells whether a connection is alive, not whether it is of use: when the program hangs, its TCP still answers the probes. A heartbeat of the application finds that out, at the cost of more traffic.',
  shows:
    'The client’s program answers twice and then hangs, while its host is well. Keepalive sees life: each probe is acknowledged, for ever. The heartbeat sees death: two beats without an answer are enough. The beats that nobody reads are acknowledged as well, by TCP. Both ask once a minute here; the heartbeat costs more, since it is ordinary text that is answered by text.',
  async run(lab) {
    const a = lab.host('client');
    const b = lab.host('server');
    const { client, server } = await openPair(lab, a, b);
    let answers = 0;
    client.socket.on('data', () => {
      if (answers < 2) client.socket.write('pong');
      answers++;
    });
    lab.say('First heartbeat alone: every 60 s, an answer within 5 s, 2 missed mean death.');
    const from = lab.now;
    let deadAfter: number | null = null;
    const beat = heartbeat(server.socket, {
      intervalMs: BEAT_MS,
      timeoutMs: 5000,
      missed: 2,
      payload: () => Buffer.from('ping'),
      isReply: (chunk) => Buffer.from(chunk).includes('pong'),
      timers: lab.timers,
      onDead: () => {
        deadAfter = Math.round((lab.now - from) / SECOND);
        lab.say('The heartbeat says: the peer is dead.');
      },
    });
    await lab.until(() => beat.beats === 3);
    lab.say('The client’s program hangs from here on; its TCP does not.');
    await lab.until(() => deadAfter !== null);
    const heartbeatCost = beat.costPerHour({ timestamps: false });
    lab.say('The same peer, asked by keepalive: 60 s idle, for ten minutes.');
    server.socket.setKeepAlive({ initialDelay: IDLE_MS, interval: PROBE_MS, count: 9 });
    await lab.passes(600 * SECOND);
    const probes = lab.segments('keepalive-probe').length;
    return {
      heartbeat: { says: beat.state, beats: beat.beats, seconds: deadAfter },
      keepalive: {
        says: server.closed ? 'dead' : 'alive',
        probes,
        answered: lab.segments('ack-unacceptable').length,
      },
      octetsPerHour: {
        heartbeat: Math.round(heartbeatCost),
        keepalive: keepAliveCostPerHour({
          idleMs: IDLE_MS,
          intervalMs: PROBE_MS,
          timestamps: false,
        }),
      },
    };
  },
};
