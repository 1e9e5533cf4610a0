/** Why a connection ended, or a command failed; the names are POSIX's. */
export type ConnectionErrorCode =
  | 'ECONNREFUSED' // RST in answer to our SYN
  | 'ECONNRESET' // RST later
  | 'ECONNABORTED' // aborted here
  | 'ETIMEDOUT' // retransmissions, keepalive probes or the user timeout ran out
  | 'EHOSTUNREACH' // ICMP host unreachable, or nobody answered ARP
  | 'ENETUNREACH' // ICMP network unreachable, or no route
  | 'ENOPROTOOPT' // ICMP protocol unreachable
  | 'EPROTO' // ICMP parameter problem
  | 'EMSGSIZE' // ICMP fragmentation needed, and nothing smaller can be sent
  | 'EPIPE' // sending after the send side was closed
  | 'EADDRINUSE'
  | 'EADDRNOTAVAIL'
  | 'ENOTCONN'
  | 'EACCES'; // a broadcast or multicast destination

/** What the stack's own commands throw when the state of the stack forbids them. */
export class StackError extends Error {
  readonly code: ConnectionErrorCode;

  constructor(code: ConnectionErrorCode, message: string) {
    super(`${code}: ${message}`);
    this.name = 'StackError';
    this.code = code;
  }
}
