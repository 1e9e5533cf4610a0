import { performance } from 'node:perf_hooks';
import type { Clock, Micros } from '../core/base/time.ts';

/** The monotonic clock of the host; its origin is the start of the process. */
export class HostClock implements Clock {
  now(): Micros {
    return Math.floor(performance.now() * 1000);
  }
}
