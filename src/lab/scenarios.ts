import type { Scenario } from './scenario.ts';
import {
  closeOnEof,
  closeWaitPile,
  closeWithUnreadData,
  doubleClose,
  halfClose,
  halfOpen,
  readZero,
} from './scenarios/closing.ts';
import {
  keepaliveAlive,
  keepaliveBlocked,
  keepaliveCrashed,
  keepaliveProbe0,
  keepaliveProbe1,
  keepaliveRebooted,
  keepaliveUnreachable,
  personalities,
} from './scenarios/keepalive.ts';

/** All scenarios, in the order of the document. */
export const SCENARIOS: readonly Scenario[] = [
  readZero,
  halfClose,
  closeOnEof,
  closeWaitPile,
  doubleClose,
  closeWithUnreadData,
  keepaliveAlive,
  keepaliveCrashed,
  keepaliveRebooted,
  keepaliveUnreachable,
  keepaliveProbe0,
  keepaliveProbe1,
  keepaliveBlocked,
  halfOpen,
  personalities,
];
