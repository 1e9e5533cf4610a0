/**
 * What a test says to its peer on the sockets of the kernel, and is answered: one line of JSON each.
 * Commands act on all open sockets of the peer, or on those whose keys are given; the key of a
 * socket is `LOCALPORT-REMOTEPORT`.
 */
export type PeerCommand =
  /** Takes connections; `receiveBuffer` is that of the sockets to come. */
  | { readonly do: 'listen'; readonly port: number; readonly receiveBuffer?: number }
  /** Opens so many connections, and answers when each is open or has failed. */
  | {
      readonly do: 'connect';
      readonly host: string;
      readonly port: number;
      readonly count?: number;
    }
  /** Answers when so many sockets are open. */
  | { readonly do: 'opened'; readonly count: number }
  /** Seconds, as the kernel counts them. */
  | {
      readonly do: 'keepAlive';
      readonly idle: number;
      readonly interval: number;
      readonly count: number;
      readonly keys?: readonly string[];
    }
  /** Begins to read, which no socket does unasked, and forgets what it reads. */
  | { readonly do: 'read' }
  | { readonly do: 'write'; readonly octets: number; readonly keys?: readonly string[] }
  /** shutdown(SHUT_WR) */
  | { readonly do: 'end'; readonly keys?: readonly string[] }
  /** close() */
  | { readonly do: 'close' }
  /** SO_LINGER of 0 s, then close(): a RST. */
  | { readonly do: 'abort' }
  /** Answers when all of them have read the end of the other side. */
  | { readonly do: 'ended' }
  /** Answers when no socket is open, with the errors since the last time. */
  | { readonly do: 'closed' }
  /** Reads the one socket to its end. */
  | { readonly do: 'digest' }
  /** Sends pseudo-random octets, and shuts down the send side. */
  | { readonly do: 'send'; readonly octets: number }
  /** Counts the sockets among the file descriptors. */
  | { readonly do: 'descriptors' };

/** The answer to a command; what does not apply is empty. */
export interface PeerAnswer {
  readonly keys: readonly string[];
  /** Codes of errors, one for each socket that had one, in alphabetic order. */
  readonly errors: readonly string[];
  readonly count: number;
  readonly octets: number;
  readonly sha256: string;
}

/** A line to the peer. */
export type PeerRequest = { readonly id: number } & PeerCommand;

/** A line from the peer; `failure` is empty unless the command failed. */
export interface PeerReply extends PeerAnswer {
  readonly id: number;
  readonly failure: string;
}
