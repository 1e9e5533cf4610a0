import { randomFillSync } from 'node:crypto';
import type { Random } from '../core/base/random.ts';

/** Numbers that are fetched from the operating system at once. */
const BATCH = 256;

/** Chance that nobody can predict: for keys, initial sequence numbers, ports. */
export class HostRandom implements Random {
  readonly #numbers = new Uint32Array(BATCH);
  #used = BATCH;

  u32(): number {
    if (this.#used === BATCH) {
      randomFillSync(this.#numbers);
      this.#used = 0;
    }
    const number = this.#numbers[this.#used] ?? 0;
    this.#numbers[this.#used++] = 0; // what was given out is not kept
    return number;
  }
}
