import test from 'ava';
import { fuzzCaptured, fuzzEstablished, fuzzListening } from './fuzzer.ts';

const FRAMES = 100_000;
const SEED = Number(process.env['GLASS_SEED'] ?? 20_261);

test(`random frames on a listening stack (seed ${SEED}): no throw, each drop named`, (t) => {
  fuzzListening(t, SEED, FRAMES);
});

test(`random frames on connections (seed ${SEED}): no throw, each drop named`, (t) => {
  fuzzEstablished(t, SEED + 1, FRAMES);
});

test(`damaged captures on connections (seed ${SEED}): no throw, each drop named`, (t) => {
  fuzzCaptured(t, SEED + 2, FRAMES);
});
