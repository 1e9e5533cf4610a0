import test from 'ava';
import { fuzzCaptured, fuzzEstablished, fuzzListening } from '../tcp/fuzzer.ts';

const FRAMES = 1_000_000;
const SEED = Number(process.env['GLASS_SEED'] ?? 1);

for (const [what, fuzz] of Object.entries({ fuzzListening, fuzzEstablished, fuzzCaptured })) {
  test.serial(`${what}: a million frames (seed ${SEED}) break nothing`, (t) => {
    fuzz(t, SEED, FRAMES);
  });
}
