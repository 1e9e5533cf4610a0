import type { Micros } from '../../base/time.ts';
import type { Connection } from '../../tcp/connection.ts';
import type { State } from '../../tcp/states.ts';
import type { InfoNames } from '../host/host.ts';

/** Linux's numbers of states. */
const STATES: Readonly<Record<State, number>> = {
  ESTABLISHED: 1,
  'SYN-SENT': 2,
  'SYN-RECEIVED': 3,
  'FIN-WAIT-1': 4,
  'FIN-WAIT-2': 5,
  'TIME-WAIT': 6,
  CLOSED: 7,
  'CLOSE-WAIT': 8,
  'LAST-ACK': 9,
  LISTEN: 10,
  CLOSING: 11,
};
const CA_STATES = ['open', 'disorder', 'cwr', 'recovery', 'loss'];
const OPTION_TIMESTAMPS = 1;
const OPTION_SACK = 2;
const OPTION_WINDOW_SCALE = 4;
const OPTION_ECN = 8;
const OPTION_ECN_SEEN = 16;
const OPTION_SYN_DATA = 32;
const OPTION_FAST_OPEN_CHILD = 128;
/** TCP_INFINITE_SSTHRESH */
const INFINITE = 0x7fffffff;
/** ~0 of 64 bits. */
const NO_RATE = 2 ** 64;

/** The status of a connection under the names of Linux's `tcp_info`, with its numbers. */
export function infoNames(connection: Connection, now: Micros): InfoNames {
  const { tcb } = connection;
  const names = new Map<string, number>();
  for (const [name, value] of Object.entries(connection.status(now))) {
    if (typeof value === 'number') {
      const infinite = name.endsWith('acingRate') ? NO_RATE : INFINITE;
      names.set(linuxName(name), Number.isFinite(value) ? value : infinite);
    } else if (typeof value === 'boolean') names.set(linuxName(name), Number(value));
  }
  const { state, caState } = connection.status(now);
  names.set('tcpi_state', STATES[state]);
  names.set('tcpi_ca_state', Math.max(0, CA_STATES.indexOf(caState)));
  names.set(
    'tcpi_options',
    (tcb.ts.on ? OPTION_TIMESTAMPS : 0) |
      (tcb.sackPermitted ? OPTION_SACK : 0) |
      (tcb.windowScaling ? OPTION_WINDOW_SCALE : 0) |
      (tcb.ecn.on ? OPTION_ECN : 0) |
      (tcb.ecn.seen ? OPTION_ECN_SEEN : 0) |
      (tcb.fastOpen.textAcked ? OPTION_SYN_DATA : 0) |
      (tcb.fastOpen.isChild ? OPTION_FAST_OPEN_CHILD : 0),
  );
  const { receiveBuffer, window } = tcb;
  names.set('SK_MEMINFO_RMEM_ALLOC', receiveBuffer.memory.total);
  names.set('SK_MEMINFO_RCVBUF', window.buffer);
  return names;
}

/** `sndMss` is `tcpi_snd_mss` there. */
function linuxName(name: string): string {
  return `tcpi_${name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}
