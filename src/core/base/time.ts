/**
 * A point in time or a duration, in integral microseconds. A point in time has an arbitrary
 * origin: only differences mean something. Held in a double, which stays exact for 285 years.
 */
export type Micros = number;

/** One millisecond in {@link Micros}. */
export const MS: Micros = 1_000;
/** One second in {@link Micros}. */
export const SECOND: Micros = 1_000_000;
/** The deadline of a timer that is off. */
export const NEVER: Micros = Number.POSITIVE_INFINITY;

/** Where a host takes `now` from. The core itself never asks: it is given `now` as an argument. */
export interface Clock {
  now(): Micros;
}
