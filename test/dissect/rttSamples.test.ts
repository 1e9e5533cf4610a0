import test from 'ava';
import { RttSamples } from '../../src/core/dissect/rttSamples.ts';

test('nothing measured, nothing said', (t) => {
  t.is(new RttSamples().summary(), null);
});

test('least, median and most of a few', (t) => {
  const samples = new RttSamples();
  for (const micros of [5, 1, 9]) samples.add(micros);
  t.deepEqual(samples.summary(), { samples: 3, min: 1, median: 5, max: 9 });
});

test('of many, the median is that of an even selection, the extremes are exact', (t) => {
  const samples = new RttSamples();
  for (let i = 0; i < 100_000; i++) samples.add((i * 7919) % 100_000);
  const summary = samples.summary();
  t.like(summary, { samples: 100_000, min: 0, max: 99_999 });
  const median = summary?.median ?? 0;
  t.true(median > 40_000 && median < 60_000, String(median));
});
