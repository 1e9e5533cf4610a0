import { readFileSync, writeFileSync } from 'node:fs';
import test from 'ava';
import { CONGESTION_CONTROLS } from '../../src/core/tcp/config.ts';
import { document, measure, ROWS, RTTS_MS, rowLine, TABLE } from '../sim/throughput.ts';

test.serial('throughput is what the table says', (t) => {
  const now = document(ROWS.map(rowLine));
  if (process.env['GLASS_WRITE_THROUGHPUT'] === '1') writeFileSync(TABLE, now);
  t.is(now, readFileSync(TABLE, 'utf8'));
});

for (const control of CONGESTION_CONTROLS) {
  for (const rttMs of RTTS_MS) {
    test.serial(
      `RFC 5681 3.1: without loss ${control} uses 95 % of the wire at ${rttMs} ms`,
      (t) => {
        const { share } = measure({ control, rttMs, loss: 0 });
        t.true(share >= 0.95, `${share}`);
      },
    );
  }
}
