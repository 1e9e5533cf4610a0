import test from 'ava';
import {
  isSynchronized,
  mayReceive,
  maySend,
  type State,
  TRANSITIONS,
} from '../../src/core/tcp/states.ts';
import { closeTcb, Event, enterTimeWait, Timer, transition } from '../../src/core/tcp/tcb.ts';
import { bareTcb } from './send/bareTcb.ts';

/** The arrows of figure 5, without the one from SYN-RECEIVED back to LISTEN (see below). */
const FIGURE_5: readonly (readonly [State, State])[] = [
  ['CLOSED', 'LISTEN'],
  ['CLOSED', 'SYN-SENT'],
  ['LISTEN', 'CLOSED'],
  ['LISTEN', 'SYN-RECEIVED'],
  ['LISTEN', 'SYN-SENT'],
  ['SYN-SENT', 'CLOSED'],
  ['SYN-SENT', 'SYN-RECEIVED'],
  ['SYN-SENT', 'ESTABLISHED'],
  ['SYN-RECEIVED', 'ESTABLISHED'],
  ['SYN-RECEIVED', 'FIN-WAIT-1'],
  ['ESTABLISHED', 'FIN-WAIT-1'],
  ['ESTABLISHED', 'CLOSE-WAIT'],
  ['FIN-WAIT-1', 'FIN-WAIT-2'],
  ['FIN-WAIT-1', 'CLOSING'],
  ['FIN-WAIT-1', 'TIME-WAIT'], // note 2: the FIN comes with the ACK of ours
  ['FIN-WAIT-2', 'TIME-WAIT'],
  ['CLOSE-WAIT', 'LAST-ACK'],
  ['CLOSING', 'TIME-WAIT'],
  ['LAST-ACK', 'CLOSED'],
  ['TIME-WAIT', 'CLOSED'],
];

/**
 * The figure leaves out "error conditions": RST, ABORT and timeouts end every state. A passive open
 * that returns to LISTEN is a TCB that ends, since the listener has none. And a FIN may come with
 * the ACK of our SYN (3.10.7.4 Eighth: "SYN-RECEIVED STATE ... Enter the CLOSE-WAIT state").
 */
const BY_THE_TEXT: readonly (readonly [State, State])[] = [
  ['SYN-RECEIVED', 'CLOSED'],
  ['SYN-RECEIVED', 'CLOSE-WAIT'],
  ['ESTABLISHED', 'CLOSED'],
  ['FIN-WAIT-1', 'CLOSED'],
  ['FIN-WAIT-2', 'CLOSED'],
  ['CLOSE-WAIT', 'CLOSED'],
  ['CLOSING', 'CLOSED'],
];

const STATES: readonly State[] = [
  'CLOSED',
  'LISTEN',
  'SYN-SENT',
  'SYN-RECEIVED',
  'ESTABLISHED',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'CLOSE-WAIT',
  'CLOSING',
  'LAST-ACK',
  'TIME-WAIT',
];

const ALLOWED = new Set([...FIGURE_5, ...BY_THE_TEXT].map(([from, to]) => `${from} ${to}`));

test('RFC 9293 3.3.2 figure 5: the table has these ways and no others', (t) => {
  const table = STATES.flatMap((from) => TRANSITIONS[from].map((to) => `${from} ${to}`));
  t.deepEqual(table.sort(), [...ALLOWED].sort());
});

test('RFC 9293 3.3.2: transition() goes the ways of the table, and refuses all others', (t) => {
  for (const from of STATES) {
    for (const to of STATES) {
      const tcb = bareTcb();
      tcb.state = from;
      if (ALLOWED.has(`${from} ${to}`)) {
        transition(tcb, to, 0);
        t.is(tcb.state, to);
      } else {
        t.throws(() => transition(tcb, to, 0), {
          message: `connection 1: no way from ${from} to ${to}`,
        });
        t.is(tcb.state, from);
      }
    }
  }
});

test('RFC 9293 3.3.2: every state can be reached, and left for CLOSED', (t) => {
  const reached = new Set<State>(['CLOSED']);
  for (const from of reached) for (const to of TRANSITIONS[from]) reached.add(to);
  t.is(reached.size, STATES.length);
  for (const from of STATES) if (from !== 'CLOSED') t.true(TRANSITIONS[from].includes('CLOSED'));
});

test('RFC 9293 3.5: the states from ESTABLISHED on are the synchronized ones', (t) => {
  t.deepEqual(STATES.filter(isSynchronized), STATES.slice(4));
});

test('RFC 9293 3.10.2: text is sent until the user closes, and received until the peer does', (t) => {
  t.deepEqual(STATES.filter(maySend), ['ESTABLISHED', 'CLOSE-WAIT']);
  t.deepEqual(STATES.filter(mayReceive), ['ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2']);
});

test('MUST-13: in TIME-WAIT one timer runs, for the time that is configured', (t) => {
  const tcb = bareTcb();
  tcb.state = 'FIN-WAIT-2';
  tcb.deadlines.fill(5);
  enterTimeWait(tcb, 1000);
  const expected = new Array(tcb.deadlines.length).fill(Number.POSITIVE_INFINITY);
  expected[Timer.TIME_WAIT] = 1000 + tcb.config.timeWait;
  t.deepEqual([...tcb.deadlines], expected);
  t.is(tcb.events, Event.CLOSED);
});

test('RFC 9293 3.3.1: a TCB that is closed owes nothing, waits for nothing, and keeps its error', (t) => {
  const tcb = bareTcb();
  tcb.state = 'ESTABLISHED';
  tcb.deadlines.fill(5);
  tcb.ack.owed = 'ack-now';
  tcb.probeOwed = 'window-probe';
  closeTcb(tcb, 'ECONNRESET', 9);
  t.deepEqual(
    [tcb.state, tcb.error, tcb.ack.owed, tcb.probeOwed],
    ['CLOSED', 'ECONNRESET', null, null],
  );
  t.true(tcb.deadlines.every((at) => at === Number.POSITIVE_INFINITY));
  closeTcb(tcb, null, 10);
  t.is(tcb.error, 'ECONNRESET');
});
