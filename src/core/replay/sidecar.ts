/**
 * What is known of a recorded conversation besides its packets: a JSON file `NAME.json` beside
 * `NAME.pcap`. All times are seconds, counted from the first packet of the capture, and may be
 * negative.
 */
export interface Sidecar {
  /** One or two sentences: what happens, and what it shows. */
  readonly description: string;
  /** `uname -r` of the machine that recorded it, where a kernel was an end. */
  readonly kernel?: string;
  /** HZ, sysctls that were set for it, and net.ipv4.tcp_rmem and tcp_wmem in any case. */
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Name without suffix of the capture at the other end, where that differs. */
  readonly otherEnd?: string;
  /** At which end the packets were captured. */
  readonly capturedAt: EndName;
  /** How the frames got from one end to the other: `veth`, `tap`, `impaired: drop 7`, ... */
  readonly link: string;
  readonly ends: Readonly<Record<EndName, SidecarEnd>>;
}

/** The client is who opened first; of a simultaneous open, whose SYN is recorded first. */
export type EndName = 'client' | 'server';

/** One end of the conversation. */
export interface SidecarEnd {
  readonly address: string;
  readonly port: number;
  /** What ran there. */
  readonly stack: 'linux' | 'glasstcp' | 'crafted';
  /** Of the link that this end sat on. */
  readonly mtu: number;
  /** What the application did, in order. */
  readonly calls: readonly ApplicationCall[];
  /** How this end is to be replayed; absent where it was no kernel. */
  readonly replay?: ReplayExpectation;
}

/** What a replay of one end must reach. */
export interface ReplayExpectation {
  readonly mode: 'strict' | 'semantic';
  /** The fidelity that a test holds, 0 to 1: it may only rise. */
  readonly floor: number;
  /** Why it is not strict, or below 1. */
  readonly reason?: string;
}

/**
 * One call of the application. `at` is when it was made; a blocking call that ended later has
 * `until`.
 */
export type ApplicationCall = { readonly at: number; readonly until?: number } & (
  | { readonly call: 'connect' }
  | { readonly call: 'listen'; readonly backlog: number }
  | { readonly call: 'accept' }
  /** `octets` is what the kernel took. */
  | { readonly call: 'write'; readonly octets: number; readonly flags?: readonly WriteFlag[] }
  /** `octets` is what was got; 0 is the end. */
  | { readonly call: 'read'; readonly octets: number }
  | { readonly call: 'shutdown'; readonly how: 'read' | 'write' | 'both' }
  | { readonly call: 'close' }
  /** Linux's names: `SO_KEEPALIVE`, `TCP_NODELAY`, `SO_LINGER` (value: seconds, -1 is off), ... */
  | { readonly call: 'setsockopt'; readonly option: string; readonly value: number | string }
  /** A call that failed. */
  | { readonly call: 'error'; readonly of: string; readonly error: string }
);

/** Flags of a write. */
export type WriteFlag = 'more' | 'oob' | 'fastopen';
