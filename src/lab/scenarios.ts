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
import { keepaliveVsHeartbeat } from './scenarios/liveness.ts';
import { hardClose, idleTimeout, naiveProxy, proxy } from './scenarios/proxying.ts';

/** All scenarios, in the order of the document. */
export const SCENARIOS: readonly Scenario[] = [
  readZero,
  halfClose,
  closeOnEof,
  proxy,
  naiveProxy,
  idleTimeout,
  closeWaitPile,
  hardClose,
  doubleClose,
  closeWithUnreadData,
  keepaliveAlive,
  keepaliveCrashed,
  keepaliveRebooted,
  keepaliveUnreachable,
  keepaliveProbe0,
  keepaliveProbe1,
  keepaliveBlocked,
  keepaliveVsHeartbeat,
  halfOpen,
  personalities,
];
