import { type Micros, MS } from '../base/time.ts';

/**
 * How far two times may lie apart and still be the same. A kernel sends from a timer whose wheel
 * fires up to an eighth of the timer's length late (Linux: kernel/time/timer.c, LVL_CLK_SHIFT), and
 * whose lengths are whole jiffies of 1 to 10 ms. How long a timer ran is not recorded; but nothing
 * happened while it ran out, so it did not run for less than the silence in front of the segment.
 */

/** A jiffy at HZ=100, and what a busy machine adds. */
export const JIFFY: Micros = 10 * MS;
const WHEEL_SHARE = 8;

/** How late a timer of this length may fire. */
export function lateness(length: Micros): Micros {
  return JIFFY + Math.max(0, length) / WHEEL_SHARE;
}

/**
 * `same`, or what ours is. It may be earlier than the recorded segment by what the recorded host's
 * timer may have been late, and later than it by a jiffy.
 *
 * @param silence in the recording, from the last segment of either end to this one
 */
export function compareTimes(
  recorded: Micros,
  ours: Micros,
  silence: Micros,
): 'same' | 'earlier' | 'later' {
  if (ours < recorded - lateness(silence)) return 'earlier';
  return ours > recorded + JIFFY ? 'later' : 'same';
}
