import { readFileSync } from 'node:fs';
import test from 'ava';
import { CONGESTION_CONTROLS } from '../../src/core/tcp/config.ts';
import { cellIn, cellText, measure, ROWS, TABLE } from './throughput.ts';

/** Mbit/s: cells with more take too long here; test/long/throughput.long.ts computes all of them. */
const QUICK = 10;
const table = readFileSync(TABLE, 'utf8');

for (const { rttMs, loss } of ROWS) {
  for (const control of CONGESTION_CONTROLS) {
    const expected = cellIn(table, { control, rttMs, loss });
    if (Number.parseFloat(expected) >= QUICK) continue;
    test(`throughput of ${control} at ${rttMs} ms and ${loss} % loss is what the table says`, (t) => {
      t.is(cellText(measure({ control, rttMs, loss })), expected);
    });
  }
}

for (const control of CONGESTION_CONTROLS) {
  test(`RFC 5681 3.1: without loss ${control} uses 95 % of the wire, as the table says`, (t) => {
    const cell = { control, rttMs: 20, loss: 0 };
    const measured = measure(cell);
    t.true(measured.share >= 0.95, `${measured.share}`);
    t.is(cellText(measured), cellIn(table, cell));
  });
}
