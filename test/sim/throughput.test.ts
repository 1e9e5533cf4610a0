import { readFileSync } from 'node:fs';
import test from 'ava';
import { CONGESTION_CONTROLS } from '../../src/core/tcp/config.ts';
import { measure, ROWS, rowHead, rowLine, TABLE } from './throughput.ts';

/** Of few segments; test/long/throughput.long.ts computes the others too. */
const QUICK = ROWS.filter(({ rttMs, loss }) => loss >= 1 && rttMs * loss >= 10);
const lines = readFileSync(TABLE, 'utf8').split('\n');

for (const row of QUICK) {
  test(`throughput at ${row.rttMs} ms and ${row.loss} % loss is what the table says`, (t) => {
    t.is(rowLine(row), lines.find((line) => line.startsWith(rowHead(row))) ?? '');
  });
}

for (const control of CONGESTION_CONTROLS) {
  test(`RFC 5681 3.1: without loss ${control} uses 95 % of the wire`, (t) => {
    const { share } = measure({ control, rttMs: 20, loss: 0 });
    t.true(share >= 0.95, `${share}`);
  });
}
