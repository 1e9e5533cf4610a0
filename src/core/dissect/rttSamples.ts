import type { Micros } from '../base/time.ts';

/** What is said of many measurements. */
export interface RttSummary {
  readonly samples: number;
  readonly min: Micros;
  /** Exact up to 256 samples; of more, that of an even selection of them. */
  readonly median: Micros;
  readonly max: Micros;
}

/** Measurements that are kept for the median. */
const MAX_KEPT = 256;

/** Round-trip times of one end, in memory that does not grow with their number. */
export class RttSamples {
  #count = 0;
  #min: Micros = Number.POSITIVE_INFINITY;
  #max: Micros = 0;
  #kept: Micros[] = [];
  /** One in so many is kept. */
  #stride = 1;

  add(micros: Micros): void {
    if (this.#count % this.#stride === 0) this.#keep(micros);
    this.#count++;
    this.#min = Math.min(this.#min, micros);
    this.#max = Math.max(this.#max, micros);
  }

  /** The first one; null: there is none. */
  get first(): Micros | null {
    return this.#kept[0] ?? null;
  }

  /** null: nothing was measured. */
  summary(): RttSummary | null {
    if (this.#count === 0) return null;
    const sorted = [...this.#kept].sort((a, b) => a - b);
    const median = sorted[(sorted.length - 1) >> 1] ?? 0;
    return { samples: this.#count, min: this.#min, median, max: this.#max };
  }

  #keep(micros: Micros): void {
    this.#kept.push(micros);
    if (this.#kept.length <= MAX_KEPT) return;
    this.#kept = this.#kept.filter((_, i) => i % 2 === 0);
    this.#stride *= 2;
  }
}
