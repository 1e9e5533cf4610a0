/**
 * The states of a connection and the ways between them.
 *
 * What is true here: {@link TRANSITIONS} is RFC 9293 figure 5 as data, plus the edges to CLOSED
 * that the text adds (RST, abort, timeout). `transition` in tcb.ts is the one place that assigns
 * a state, and refuses every way that is not in this table.
 *
 * @rfc 9293 3.3.2
 */
export type State =
  | 'CLOSED'
  | 'LISTEN'
  | 'SYN-SENT'
  | 'SYN-RECEIVED'
  | 'ESTABLISHED'
  | 'FIN-WAIT-1'
  | 'FIN-WAIT-2'
  | 'CLOSE-WAIT'
  | 'CLOSING'
  | 'LAST-ACK'
  | 'TIME-WAIT';

/** Where each state may go. @rfc 9293 3.3.2 figure 5 */
export const TRANSITIONS: Readonly<Record<State, readonly State[]>> = {
  CLOSED: ['LISTEN', 'SYN-SENT'],
  LISTEN: ['SYN-RECEIVED', 'SYN-SENT', 'CLOSED'],
  'SYN-SENT': ['SYN-RECEIVED', 'ESTABLISHED', 'CLOSED'],
  'SYN-RECEIVED': ['ESTABLISHED', 'FIN-WAIT-1', 'CLOSE-WAIT', 'CLOSED'],
  ESTABLISHED: ['FIN-WAIT-1', 'CLOSE-WAIT', 'CLOSED'],
  'FIN-WAIT-1': ['FIN-WAIT-2', 'CLOSING', 'TIME-WAIT', 'CLOSED'],
  'FIN-WAIT-2': ['TIME-WAIT', 'CLOSED'],
  'CLOSE-WAIT': ['LAST-ACK', 'CLOSED'],
  CLOSING: ['TIME-WAIT', 'CLOSED'],
  'LAST-ACK': ['CLOSED'],
  'TIME-WAIT': ['CLOSED'],
};

/** Have both ends synchronized their sequence numbers? @rfc 9293 3.5 */
export function isSynchronized(state: State): boolean {
  switch (state) {
    case 'CLOSED':
    case 'LISTEN':
    case 'SYN-SENT':
    case 'SYN-RECEIVED':
      return false;
    default:
      return true;
  }
}

/** May text of ours still be sent, or sent again, in this state? @rfc 9293 3.10.2 */
export function maySend(state: State): boolean {
  return state === 'ESTABLISHED' || state === 'CLOSE-WAIT';
}

/** Can text of the peer still arrive in this state: has its FIN not been seen? @rfc 9293 3.10.7.4 */
export function mayReceive(state: State): boolean {
  return state === 'ESTABLISHED' || state === 'FIN-WAIT-1' || state === 'FIN-WAIT-2';
}
