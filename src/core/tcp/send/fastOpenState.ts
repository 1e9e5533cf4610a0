/** Why text did not go with the SYN, or not arrive with it, with Linux's numbers (tcp_fastopen_client_fail). */
export const FastOpenFailure = {
  NONE: 0,
  /** No cookie of the server was known, or Fast Open was paused. */
  NO_COOKIE: 1,
  /** The SYN-ACK did not acknowledge all of the text. */
  TEXT_NOT_ACKED: 2,
  /** The SYN had to be sent again, which takes no text along. */
  SYN_REPEATED: 3,
} as const;

/** Where TCP Fast Open stands. @rfc 7413 */
export interface FastOpenState {
  // ---- the server's part --------------------------------------------------------------------
  /** The user has the connection, and the ACK of our SYN-ACK is missing (fastopen_rsk). */
  pending: boolean;
  /** It was so once (syn_fastopen_child). */
  isChild: boolean;
  // ---- of both ------------------------------------------------------------------------------
  /** The cookie that goes out with the SYN or SYN-ACK, empty to ask for one; null: no option. */
  cookie: Uint8Array | null;
  /** ... in the format of before RFC 7413. */
  isExperiment: boolean;
  /** The text of a SYN, or of a SYN-ACK, was acknowledged (syn_data_acked). */
  textAcked: boolean;
  // ---- the client's part --------------------------------------------------------------------
  /** What the user wants: no Fast Open; that the SYN waits for text; that it goes, with what there is. */
  wish: 'none' | 'wait' | 'now';
  /** Octets of text that the SYN, when it is sent, takes along. */
  text: number;
  /** The SYN had the option (syn_fastopen); had text (syn_data); was sent again, without both. */
  optionSent: boolean;
  textSent: boolean;
  synRepeated: boolean;
  /** Fast Open had been paused: does it work again (syn_fastopen_ch)? */
  isTrial: boolean;
  /** One of {@link FastOpenFailure}. */
  failure: number;
}

export function newFastOpenState(): FastOpenState {
  return {
    pending: false,
    isChild: false,
    cookie: null,
    isExperiment: false,
    textAcked: false,
    wish: 'none',
    text: 0,
    optionSent: false,
    textSent: false,
    synRepeated: false,
    isTrial: false,
    failure: FastOpenFailure.NONE,
  };
}
