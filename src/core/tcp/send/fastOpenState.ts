/** Where TCP Fast Open stands. @rfc 7413 */
export interface FastOpenState {
  /** The user has the connection, and the ACK of our SYN-ACK is missing (fastopen_rsk). */
  pending: boolean;
  /** The cookie that goes out with the SYN-ACK; null: none. */
  cookie: Uint8Array | null;
  /** The text of the SYN was acknowledged (syn_data_acked). */
  textAcked: boolean;
}

export function newFastOpenState(): FastOpenState {
  return { pending: false, cookie: null, textAcked: false };
}
