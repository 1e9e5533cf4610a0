import type { Micros } from '../base/time.ts';
import { MS } from '../base/time.ts';
import type { ApplicationCall } from './sidecar.ts';

/** A call without its time, for whoever has the time elsewhere. */
export type Act = ApplicationCall extends infer C
  ? C extends ApplicationCall
    ? Omit<C, 'at' | 'until'>
    : never
  : never;

/** Something that the application evidently did. */
export interface Inferred {
  readonly at: Micros;
  /** It waited since then. */
  readonly since?: Micros;
  readonly act: Act;
}

/** What follows something within this time is taken for an answer to it. */
export const AT_ONCE: Micros = 1 * MS;
