import type { Scenario } from './scenario.ts';
import { BULK } from './scenarios/bulk.ts';
import { CLOSING } from './scenarios/closing.ts';
import { DISORDER } from './scenarios/disorder.ts';
import { FAILURE } from './scenarios/failure.ts';
import { HANDSHAKE } from './scenarios/handshake.ts';
import { KEEPALIVE } from './scenarios/keepalive.ts';
import { LOSS } from './scenarios/loss.ts';
import { PATH } from './scenarios/path.ts';
import { SMALL } from './scenarios/small.ts';
import { WINDOW } from './scenarios/window.ts';

/** All conversations that are recorded. */
export const SCENARIOS: readonly Scenario[] = [
  ...HANDSHAKE,
  ...CLOSING,
  ...KEEPALIVE,
  ...WINDOW,
  ...SMALL,
  ...LOSS,
  ...DISORDER,
  ...FAILURE,
  ...BULK,
  ...PATH,
];
