import type { Micros } from '../../base/time.ts';

/** The pace of a connection. Names of Linux's variables stand in brackets. */
export interface Pace {
  /** Octets a second at which text may leave (sk_pacing_rate). */
  rate: number;
  /** Until then no text leaves, if it is paced; with fractions (tcp_wstamp_ns). */
  next: Micros;
  /** Something has asked for it (sk_pacing_status). */
  isNeeded: boolean;
  /** Segments of text that were sent. */
  segments: number;
}

/** A rate that is none. */
export const UNLIMITED: number = Number.POSITIVE_INFINITY;

/** @param isNeeded the user has asked for it */
export function newPace(isNeeded: boolean): Pace {
  return { rate: UNLIMITED, next: 0, isNeeded, segments: 0 };
}
