/** Where explicit congestion notification stands. Names of Linux's flags stand in brackets. @rfc 3168 6.1 */
export interface EcnState {
  /** We ask for it; once the handshake is over: both ends agree on it. */
  on: boolean;
  /** The window has been reduced, and new text is to say so, by CWR (TCP_ECN_QUEUE_CWR). */
  cwrOwed: boolean;
  /** A router has marked text of the peer: ECE says so until CWR comes (TCP_ECN_DEMAND_CWR). */
  echoes: boolean;
  /** ECN-capable text has come (TCP_ECN_SEEN). */
  seen: boolean;
  /** Segments delivered by ACKs with ECE, in the life of the connection (delivered_ce). */
  deliveredCe: number;
}

export function newEcnState(): EcnState {
  return { on: false, cwrOwed: false, echoes: false, seen: false, deliveredCe: 0 };
}
