import { type Micros, MS, SECOND } from '../base/time.ts';

/**
 * Every number that TCP leaves to the implementation, with its source. Defaults are Linux's
 * wherever an RFC leaves room; each can be set per stack and per connection.
 */

/** Sender maximum segment size when the peer announced none. @rfc 9293 3.7.1 MUST-15 */
export const DEFAULT_MSS = 536;
/** Smallest segment size that is believed of a peer (Linux: TCP_MIN_SND_MSS less its options). */
export const MIN_MSS = 48;
/** IPv4 and TCP headers without options. */
export const HEADERS = 40;
/** Octets of the timestamps option with its padding in each segment. @rfc 7323 3.2 */
export const TIMESTAMP_OPTION = 12;
/** Segments in the initial window. @rfc 6928 */
export const INITIAL_WINDOW_SEGMENTS = 10;
/** Retransmission timeout before the first measurement. @rfc 6298 2.1 */
export const INITIAL_RTO: Micros = 1 * SECOND;
/** ... and after a SYN had to be repeated and gave no measurement. @rfc 6298 5.7 */
export const FALLBACK_RTO: Micros = 3 * SECOND;
/** Floor of the variance term. RFC 6298 2.4 asks for 1 s in all; Linux takes 200 ms (TCP_RTO_MIN). */
export const MIN_RTO: Micros = 200 * MS;
/** @rfc 6298 2.5 (at least 60 s; Linux: TCP_RTO_MAX) */
export const MAX_RTO: Micros = 120 * SECOND;
/** Duplicate ACKs that mean a loss. @rfc 5681 3.2 */
export const DUPLICATE_ACK_THRESHOLD = 3;
/** Shortest delay of an ACK (Linux: TCP_DELACK_MIN). @rfc 9293 3.8.6.3 MUST-40: below 500 ms */
export const DELAYED_ACK: Micros = 40 * MS;
/** Segments that are acknowledged at once when a connection begins (Linux: TCP_MAX_QUICKACKS). */
export const QUICK_ACKS = 16;
/** Separate pieces of out-of-order text that are kept; more are dropped, to be sent again. */
export const MAX_REASSEMBLY_RANGES = 256;
/** Records of segments in flight; when they are used up, nothing new is sent until an ACK. */
export const MAX_SEGMENTS_IN_FLIGHT = 65_536;
/** Duplicate ACKs that one turn may owe: a device batch cannot hold more segments than this. */
export const MAX_DUPLICATE_ACKS_OWED = 256;
/** Challenge ACKs in a second, per connection. @rfc 5961 7 */
export const CHALLENGE_ACKS_PER_SECOND = 2;
/** Shortest time between ACKs that answer out-of-window segments (Linux: tcp_invalid_ratelimit). */
export const INVALID_ACK_INTERVAL: Micros = 500 * MS;
/** A remembered timestamp is not compared after this long an idle time. @rfc 7323 5.5 */
export const PAWS_IDLE_LIMIT: Micros = 24 * 24 * 3600 * SECOND;
/** Largest shift of the window. @rfc 7323 2.3 */
export const MAX_WINDOW_SHIFT = 14;
/** First port that is given to active opens, and the last (Linux: ip_local_port_range). @rfc 6056 3.2 */
export const EPHEMERAL_PORTS = { first: 32_768, last: 60_999 } as const;

/** What a keepalive probe carries: nothing, or one octet that has been received before. */
export type ProbeOctets = 0 | 1;

/** Settings of one connection. */
export interface TcpConfig {
  /** Octets that the user may write ahead of the peer. */
  readonly sendBuffer: number;
  /** Octets that the peer may send ahead of the user: the largest window. */
  readonly receiveBuffer: number;
  /** Largest segment that is announced; 0: what the interface allows. @rfc 9293 3.7.1 */
  readonly mss: number;
  readonly windowScaling: boolean;
  readonly timestamps: boolean;
  /** Turns off the Nagle algorithm. @rfc 9293 3.7.4 MUST-17 */
  readonly noDelay: boolean;
  /** Repetitions of a SYN before giving up. @rfc 9293 3.8.3 (Linux: tcp_syn_retries) */
  readonly synRetries: number;
  /** Repetitions of a SYN-ACK (Linux: tcp_synack_retries). */
  readonly synAckRetries: number;
  /**
   * Repetitions of a segment before giving up: R2. Turned into a time as Linux does for
   * tcp_retries2: 15 is 924.6 s with the shortest RTO. @rfc 9293 3.8.3
   */
  readonly dataRetries: number;
  readonly initialRto: Micros;
  readonly minRto: Micros;
  readonly maxRto: Micros;
  readonly delayedAck: Micros;
  readonly timeWait: Micros;
  /** How long FIN-WAIT-2 lasts when the user has closed for good (Linux: tcp_fin_timeout). */
  readonly finWait2: Micros;
  /** Longest time that text may stay unacknowledged or unsent; 0: `dataRetries` alone counts. @rfc 5482 */
  readonly userTimeout: Micros;
  /** @rfc 9293 3.8.4 MUST-25: off by default */
  readonly keepAlive: boolean;
  /** Idle time before the first probe. MUST-28: at least two hours by default. */
  readonly keepAliveIdle: Micros;
  readonly keepAliveInterval: Micros;
  /** Unanswered probes that mean a dead peer. MUST-29 */
  readonly keepAliveCount: number;
  /** SHLD-12 and MAY-6 */
  readonly keepAliveProbeOctets: ProbeOctets;
  readonly ttl: number;
  readonly trafficClass: number;
}

/** Linux's defaults. */
export const DEFAULT_CONFIG: TcpConfig = {
  sendBuffer: 1 << 20,
  receiveBuffer: 1 << 20,
  mss: 0,
  windowScaling: true,
  timestamps: true,
  noDelay: false,
  synRetries: 6,
  synAckRetries: 5,
  dataRetries: 15,
  initialRto: INITIAL_RTO,
  minRto: MIN_RTO,
  maxRto: MAX_RTO,
  delayedAck: DELAYED_ACK,
  timeWait: 60 * SECOND,
  finWait2: 60 * SECOND,
  userTimeout: 0,
  keepAlive: false,
  keepAliveIdle: 7200 * SECOND,
  keepAliveInterval: 75 * SECOND,
  keepAliveCount: 9,
  keepAliveProbeOctets: 0,
  ttl: 64,
  trafficClass: 0,
};

const RANGES: { readonly [K in keyof TcpConfig]?: readonly [number, number] } = {
  sendBuffer: [1, 1 << 30],
  receiveBuffer: [1, 1 << 30],
  mss: [0, 65_495],
  synRetries: [0, 127],
  synAckRetries: [0, 127],
  dataRetries: [0, 127],
  initialRto: [MS, 3600 * SECOND],
  minRto: [MS, 3600 * SECOND],
  maxRto: [MS, 3600 * SECOND],
  delayedAck: [0, 500 * MS],
  timeWait: [0, 3600 * SECOND],
  finWait2: [0, 3600 * SECOND],
  userTimeout: [0, Number.MAX_SAFE_INTEGER],
  keepAliveIdle: [MS, Number.MAX_SAFE_INTEGER],
  keepAliveInterval: [MS, Number.MAX_SAFE_INTEGER],
  keepAliveCount: [1, 127],
  keepAliveProbeOctets: [0, 1],
  ttl: [1, 255],
  trafficClass: [0, 255],
};

/**
 * The configuration with some settings changed.
 * @throws RangeError naming the setting, its value and its range
 */
export function configure(base: TcpConfig, changes: Partial<TcpConfig>): TcpConfig {
  const config = { ...base, ...changes };
  for (const [name, range] of Object.entries(RANGES)) {
    const value = config[name as keyof TcpConfig];
    const [low, high] = range;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < low || value > high) {
      throw new RangeError(`${name} is ${value}: it must be an integer from ${low} to ${high}`);
    }
  }
  return config;
}
