import test from 'ava';
import { replay } from '../../src/core/replay/replay.ts';
import { reportLines } from '../../src/core/replay/report.ts';
import { CLIENT, type Scene, SERVER, simulate } from './simulated.ts';

/** Conversations of two of our own stacks: whoever plays itself reproduces every segment. */
const SCENES: Readonly<Record<string, Scene>> = {
  'a request and its answer': {
    acts: [
      { at: 50, by: 'a', act: { write: 100 } },
      { at: 100, by: 'b', act: { write: 3000 } },
      { at: 200, by: 'a', act: { close: 'close' } },
      { at: 300, by: 'b', act: { close: 'close' } },
    ],
  },
  'a half-close': {
    acts: [
      { at: 50, by: 'a', act: { close: 'shutdown' } },
      { at: 150, by: 'b', act: { write: 5000 } },
      { at: 250, by: 'b', act: { close: 'close' } },
    ],
  },
  'bulk, and the close behind it': {
    acts: [
      { at: 50, by: 'a', act: { write: 200_000 } },
      { at: 50, by: 'a', act: { close: 'shutdown' } },
      { at: 500, by: 'b', act: { close: 'close' } },
    ],
  },
  'bulk with losses': {
    impairmentOfA: { drop: [4, 20, 60] },
    acts: [
      { at: 50, by: 'a', act: { write: 150_000 } },
      { at: 4000, by: 'a', act: { close: 'shutdown' } },
      { at: 4500, by: 'b', act: { close: 'close' } },
    ],
  },
  'an abort': {
    acts: [
      { at: 50, by: 'a', act: { write: 100 } },
      { at: 120, by: 'b', act: { close: 'abort' } },
    ],
  },
  'keepalive on both sides': {
    config: { keepAlive: true, keepAliveIdle: 1_000_000, keepAliveInterval: 1_000_000 },
    acts: [{ at: 5500, by: 'a', act: { close: 'close' } }],
  },
};

/** The wire behind a capture spreads a burst or loses some of it, and probes cross: it cannot show that. */
const NEAR_ONLY = ['bulk, and the close behind it', 'bulk with losses', 'keepalive on both sides'];

for (const [name, scene] of Object.entries(SCENES)) {
  for (const capturedAt of ['a', 'b'] as const) {
    for (const as of [CLIENT, SERVER]) {
      const isNear = (capturedAt === 'a') === (as === CLIENT);
      if (!isNear && NEAR_ONLY.includes(name)) continue;
      const where = isNear ? 'captured there' : 'captured at the other end';
      test(`${name}: port ${as.port}, ${where}, is reproduced by itself`, (t) => {
        const { recording, sidecar } = simulate({ ...scene, capturedAt });
        const { keepAlive } = scene.config ?? {};
        const calls =
          keepAlive === true
            ? ([
                { at: -1, call: 'setsockopt', option: 'SO_KEEPALIVE', value: 1 },
                { at: -1, call: 'setsockopt', option: 'TCP_KEEPIDLE', value: 1 },
                { at: -1, call: 'setsockopt', option: 'TCP_KEEPINTVL', value: 1 },
              ] as const)
            : [];
        const { client, server } = sidecar.ends;
        const ends = {
          client: { ...client, calls: [...calls, ...client.calls] },
          server: { ...server, calls: [...calls, ...server.calls] },
        };
        const replayed = replay(recording, { as, sidecar: { ...sidecar, ends } });
        const { strict, semantic } = replayed;
        if (strict.fidelity < 1) t.log([...reportLines(replayed, 'strict')].join('\n'));
        t.is(strict.fidelity, 1);
        t.is(semantic.fidelity, 1);
        t.is(replayed.outcome.stopped, null);
      });
    }
  }
  // the ends of writes cannot be told from the pushes of a long one
  if (name.startsWith('bulk')) continue;
  test(`${name}: what the application did is inferred`, (t) => {
    const { recording } = simulate(scene);
    const replayed = replay(recording, { as: CLIENT, sidecar: null });
    t.is(replayed.script.source, 'inferred');
    const { strict } = replayed;
    if (strict.fidelity < 1) t.log([...reportLines(replayed, 'strict')].join('\n'));
    t.is(strict.fidelity, 1);
  });
}
