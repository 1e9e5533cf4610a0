import { type Micros, NEVER } from '../../base/time.ts';
import { isSynchronized } from '../states.ts';
import { giveUp, hasUnsent, outstanding, type Tcb, Timer } from '../tcb.ts';

/**
 * Keepalive: an idle connection is asked whether its peer still lives, by a segment at SND.UNA - 1,
 * which every TCP must answer. Retransmission goes first: while anything is unacknowledged or waits
 * to be sent, no probe is sent, since that will find out by itself.
 *
 * @rfc 9293 3.8.4
 */

/**
 * Starts the timer, when keepalive is on: called when a connection is synchronized, and when the user
 * sets the idle time, of which then counts what has passed since the last sign of life (Linux:
 * tcp_sock_set_keepidle_locked).
 */
export function armKeepAlive(tcb: Tcb, now: Micros): void {
  if (!mayProbe(tcb)) return;
  tcb.deadlines[Timer.KEEPALIVE] = NEVER; // the OPEN is over
  if (!tcb.config.keepAlive) return;
  const idle = Math.max(0, now - tcb.heardAt);
  tcb.deadlines[Timer.KEEPALIVE] = now + Math.max(0, tcb.config.keepAliveIdle - idle);
}

/** The user has switched it on: the idle time counts from now on (Linux: tcp_set_keepalive); or off. */
export function switchKeepAlive(tcb: Tcb, now: Micros): void {
  const { keepAlive, keepAliveIdle } = tcb.config;
  const runs = keepAlive && mayProbe(tcb);
  tcb.deadlines[Timer.KEEPALIVE] = runs ? now + keepAliveIdle : NEVER;
}

function mayProbe({ state }: Tcb): boolean {
  return isSynchronized(state) && state !== 'TIME-WAIT';
}

/** An active OPEN begins: the same timer ends it when it takes too long, as in FreeBSD. @rfc 9293 3.8.3 */
export function armConnectTimeout(tcb: Tcb, now: Micros): void {
  const { connectTimeout } = tcb.config;
  tcb.deadlines[Timer.KEEPALIVE] = connectTimeout > 0 ? now + connectTimeout : NEVER;
}

/** The timer expired: probe, give up, or wait for the rest of the idle time. */
export function onKeepAliveTimer(tcb: Tcb, now: Micros): void {
  const { config } = tcb;
  if (!isSynchronized(tcb.state)) {
    giveUp(tcb, now);
    return;
  }
  if (!config.keepAlive || tcb.state === 'TIME-WAIT') return;
  // MUST-26: "only when no sent data is outstanding, and no data or acknowledgment packets have
  // been received for the connection within an interval".
  if (outstanding(tcb) > 0 || hasUnsent(tcb)) {
    tcb.deadlines[Timer.KEEPALIVE] = now + config.keepAliveIdle;
    return;
  }
  const idle = now - tcb.heardAt;
  if (idle < config.keepAliveIdle) {
    tcb.deadlines[Timer.KEEPALIVE] = tcb.heardAt + config.keepAliveIdle;
    return;
  }
  if (isDead(tcb, idle)) {
    tcb.resetOwed = 'reset-keepalive';
    giveUp(tcb, now);
    return;
  }
  if (tcb.probesOut === 0) tcb.probesSince = now;
  tcb.probesOut++;
  tcb.probeOwed = 'keepalive-probe';
  tcb.deadlines[Timer.KEEPALIVE] = now + config.keepAliveInterval;
}

/** The user timeout, where there is one, stands above the count (Linux). */
function isDead(tcb: Tcb, idle: Micros): boolean {
  const { userTimeout, keepAliveCount } = tcb.config;
  if (userTimeout > 0) return tcb.probesOut > 0 && idle >= userTimeout;
  return tcb.probesOut >= keepAliveCount;
}
