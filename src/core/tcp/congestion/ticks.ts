import { type Micros, MS } from '../../base/time.ts';

/** Ticks of Linux's clock in a second, in its most common form (CONFIG_HZ), and the length of one. */
export const TICKS_PER_SECOND = 250;
export const TICK: Micros = 4 * MS;

/** The tick of Linux's clock (jiffies), in which some of its times are counted. */
export function ticks(time: Micros): number {
  return Math.floor(time / TICK);
}
