import test from 'ava';
import { randomRun } from '../sim/randomRun.ts';

/** So many, or those that are asked for. One alone: `GLASS_SEED=N npx ava test/sim/pair.test.ts`. */
const SEEDS = Number(process.env['GLASS_SEEDS'] ?? 10_000);
const GROUP = 250;

for (let from = 1; from <= SEEDS; from += GROUP) {
  const to = from + GROUP - 1;
  test.serial(
    `RFC 9293 3.4: random runs ${from} to ${to} keep both streams intact, and end`,
    (t) => {
      for (let seed = from; seed <= to; seed++) randomRun(t, seed);
    },
  );
}
