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
/** ssthresh when no loss has bounded slow start yet: "arbitrarily high". @rfc 5681 3.1 */
export const NO_THRESHOLD: number = Number.MAX_SAFE_INTEGER;
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
/** Fewer segments than this, sent or not, are too few for fast retransmit. @rfc 7765 4 (rrthresh) */
export const RESTART_THRESHOLD = 4;
/** Most segments by which one may be late (Linux: tcp_max_reordering). */
export const MAX_REORDERING = 300;
/** Shortest wait of the timers of loss detection (Linux: TCP_TIMEOUT_MIN_US). */
export const SHORTEST_WAIT: Micros = 2 * MS;
/** A SYN that was answered with a wrong ACK goes out again so soon (Linux: TCP_TIMEOUT_MIN, two ticks of 4 ms). */
const SYN_AGAIN: Micros = 8 * MS;
/** Shortest delay of an ACK (Linux: TCP_DELACK_MIN). @rfc 9293 3.8.6.3 MUST-40: below 500 ms */
export const DELAYED_ACK: Micros = 40 * MS;
/** Longest delay of an ACK (Linux: TCP_DELACK_MAX). */
export const DELAYED_ACK_MAX: Micros = 200 * MS;
/** ... when nothing is known of the round-trip time (Linux: HZ / 2 in tcp_send_delayed_ack). */
export const DELAYED_ACK_UNKNOWN: Micros = 500 * MS;
/** A delay of nothing, which ends with the clock tick of the kernel: half of one of 4 ms. */
export const ACK_TICK: Micros = 2 * MS;
/** Segments that are acknowledged at once when a connection begins (Linux: TCP_MAX_QUICKACKS). */
export const QUICK_ACKS = 16;
/** How long ACKs of out-of-order segments wait: 5% of a round trip, but not longer (Linux: tcp_comp_sack_delay_ns). */
export const COMPRESSED_ACK_DELAY: Micros = 1 * MS;
/** Pieces that a buffer of Linux is made of, at most (MAX_SKB_FRAGS). */
export const MAX_FRAGMENTS = 17;
/** Linux: TCP_DEFAULT_SCALING_RATIO: half of the memory is believed to be text, in 256ths. */
export const SCALING_RATIO = 128;
/** Smallest receive buffer that a user can set (Linux: SOCK_MIN_RCVBUF). */
export const MIN_RECEIVE_MEMORY = 2304;
/** Separate pieces of out-of-order text that are kept; more are dropped, to be sent again. */
export const MAX_REASSEMBLY_RANGES = 256;
/** Records of segments in flight; when they are used up, nothing new is sent until an ACK. */
export const MAX_SEGMENTS_IN_FLIGHT = 65_536;
/** Duplicate ACKs that one turn may owe: a device batch cannot hold more segments than this. */
export const MAX_DUPLICATE_ACKS_OWED = 256;
/**
 * Shortest time between ACKs that answer out-of-window segments without text, and challenges
 * (Linux: tcp_invalid_ratelimit). @rfc 5961 7
 */
export const INVALID_ACK_INTERVAL: Micros = 500 * MS;
/** A remembered timestamp is not compared after this long an idle time. @rfc 7323 5.5 */
export const PAWS_IDLE_LIMIT: Micros = 24 * 24 * 3600 * SECOND;
/** Largest shift of the window. @rfc 7323 2.3 */
export const MAX_WINDOW_SHIFT = 14;
/** First port that is given to active opens, and the last (Linux: ip_local_port_range). @rfc 6056 3.2 */
export const EPHEMERAL_PORTS = { first: 32_768, last: 60_999 } as const;

/** The congestion controllers that there are; `bbr` is its version 1. @rfc 9438, 5681 */
export const CONGESTION_CONTROLS = ['cubic', 'reno', 'bbr'] as const;
export type CongestionControlName = (typeof CONGESTION_CONTROLS)[number];

/**
 * How slow start ends before anything is lost: `hystart`: as in Linux's CUBIC, and not at all with
 * NewReno, as in Linux; `hystart++`: by RFC 9406, with both; `standard`: not at all. BBR has its own way.
 */
export const SLOW_STARTS = ['hystart', 'hystart++', 'standard'] as const;
export type SlowStartName = (typeof SLOW_STARTS)[number];

/**
 * Whether routers may mark what they would else drop: never; if the peer asks for it; we ask for it too
 * (Linux: tcp_ecn 0, 2, 1). @rfc 3168 6.1.1
 */
export const ECN_USES = ['off', 'accept', 'on'] as const;
export type EcnUse = (typeof ECN_USES)[number];

/**
 * How far the window falls when a router has marked a segment: as for a loss (RFC 3168 6.1.2; Linux), or
 * in congestion avoidance by less, since a router that marks has a short queue (`abe`).
 *
 * @rfc 8511 3.1
 */
export const ECN_BACKOFFS = ['loss', 'abe'] as const;
export type EcnBackoff = (typeof ECN_BACKOFFS)[number];

/** What a keepalive probe carries: nothing, or one octet that has been received before. */
export type ProbeOctets = 0 | 1;

/**
 * How a network interface hands segments to TCP: `paged`: the text lies in pages, the headers in a
 * small buffer (veth, most network cards); `linear`: both in one buffer (TAP); `tun`: both in a piece of
 * memory as large as the kernel happens to allocate (TUN, written to without waiting).
 */
export type SegmentLayout = 'paged' | 'linear' | 'tun';

/**
 * When larger segments are tried, and smaller ones if no answer comes: never; when repetitions remain
 * unanswered; always (Linux: tcp_mtu_probing 0, 1, 2).
 */
export const MTU_PROBING = ['off', 'black-hole', 'always'] as const;
export type MtuProbing = (typeof MTU_PROBING)[number];

/** In whose order the options of a SYN stand, and whose padding they have. */
export type OptionOrder = 'linux' | 'freebsd';

/**
 * What a window is reckoned in: `memory`: what the segments take, of which a part is text (Linux);
 * `octets`: the octets of text that the user has not read (FreeBSD).
 */
export type WindowModel = 'memory' | 'octets';

/**
 * When text is acknowledged. `quick`: at once for as long as a connection is young, later with a delay
 * that follows the peer's pace (Linux). `second-segment`: every second segment, of whatever size, at
 * once, a single one after `delayedAck` (FreeBSD).
 */
export type AckRule = 'quick' | 'second-segment';

/** When nobody answers: the time that so many repetitions would take counts (Linux), or their number. */
export type GivingUp = 'time' | 'count';

/** Where a RST must lie to be believed: at RCV.NXT (RFC 5961 3.2), or in the window (RFC 793). */
export type ResetCheck = 'exact' | 'window';

/** Which news by ICMP end a connection that is being opened: all, hard errors alone, or none. */
export type OpeningErrors = 'all' | 'hard' | 'none';

/**
 * When SYNs are answered with a cookie: never; when too many connections are half open; always (Linux:
 * tcp_syncookies 0, 1, 2).
 */
export const SYN_COOKIES = ['off', 'overflow', 'always'] as const;
export type SynCookiesWhen = (typeof SYN_COOKIES)[number];

/** Settings of one connection. */
export interface TcpConfig {
  /**
   * Octets that the user may write ahead of the peer. 0: the buffer begins with `wmemDefault` and grows
   * with cwnd, up to `wmemMax`.
   */
  readonly sendBuffer: number;
  /** Octets of a send buffer that grows, when it begins. Linux begins with as much as cwnd asks for. */
  readonly wmemDefault: number;
  /** ... and at most (Linux: tcp_wmem[2]). */
  readonly wmemMax: number;
  /**
   * Octets that the peer may send ahead of the user; as with SO_RCVBUF the stack reckons twice as
   * much memory, not less than {@link MIN_RECEIVE_MEMORY}, and leaves it at that. 0: the buffer
   * begins with `rmemDefault` and grows as the user reads, up to `rmemMax`.
   */
  readonly receiveBuffer: number;
  /** Memory of a receive buffer that grows, when it begins (Linux: tcp_rmem[1]). */
  readonly rmemDefault: number;
  /** ... and at most (Linux: tcp_rmem[2]). The shift of the window follows from it. */
  readonly rmemMax: number;
  /** Which buffers Linux would keep received text in: the window depends on their size. */
  readonly segmentLayout: SegmentLayout;
  readonly windowModel: WindowModel;
  readonly optionOrder: OptionOrder;
  /** Largest segment that is announced; 0: what the interface allows. @rfc 9293 3.7.1 */
  readonly mss: number;
  /** @rfc 4821 */
  readonly mtuProbing: MtuProbing;
  /** Segment size that the search begins with (Linux: tcp_base_mss). @rfc 4821 7.2 */
  readonly mtuBaseMss: number;
  /** Segment size below which a black hole is not believed (Linux: tcp_mtu_probe_floor). */
  readonly mtuProbeFloor: number;
  /** Octets between what gets through and what does not that end the search (Linux: tcp_probe_threshold). */
  readonly mtuProbeThreshold: number;
  /** After so long a time a larger size is tried again (Linux: tcp_probe_interval). @rfc 4821 7.1 */
  readonly mtuProbeInterval: Micros;
  readonly windowScaling: boolean;
  readonly timestamps: boolean;
  /** Selective acknowledgments. @rfc 2018 2 */
  readonly sack: boolean;
  /**
   * cwnd shrinks when the sender was idle for an RTO, or has used little of it for as long (Linux:
   * tcp_slow_start_after_idle). @rfc 5681 4.1
   */
  readonly slowStartAfterIdle: boolean;
  /** What says how much may be in flight (Linux: TCP_CONGESTION). */
  readonly congestionControl: CongestionControlName;
  /** When slow start ends; for connections that begin. @rfc 9406 */
  readonly slowStart: SlowStartName;
  readonly ecn: EcnUse;
  /** A SYN that is repeated asks for no ECN, in case its bits are why it was lost. @rfc 3168 6.1.1.1 */
  readonly ecnFallback: boolean;
  readonly ecnBackoff: EcnBackoff;
  /** Text leaves at a pace, as with Linux's fq: 200 % of cwnd in a round trip in slow start, else 120 %. */
  readonly pacing: boolean;
  /** ... of at most so many octets a second, which turns it on; 0: no bound (SO_MAX_PACING_RATE). */
  readonly maxPacingRate: number;
  /** Turns off the Nagle algorithm. @rfc 9293 3.7.4 MUST-17 */
  readonly noDelay: boolean;
  /**
   * Octets not yet sent that are enough: no more is taken of the user while so many wait, and the user
   * is told of room when fewer than half of them do (Linux: TCP_NOTSENT_LOWAT). 0: any number.
   */
  readonly notSentLowWater: number;
  /** Only full segments are sent, for as long as text keeps coming within an RTO (Linux: TCP_CORK). */
  readonly cork: boolean;
  /** Fewest segments of a burst, where there is room for them (Linux: tcp_min_tso_segs). */
  readonly leastBurst: number;
  /**
   * A burst may wait for more room while less than this part of the windows is free; 0: while that is
   * at most three segments (Linux: tcp_tso_win_divisor).
   */
  readonly windowDivisor: number;
  /**
   * Repetitions of a SYN before giving up, turned into a time as Linux does for tcp_syn_retries: that
   * which so many with doubled timeouts take, 127 s for 6. MUST-23 asks for SYNs for three minutes: 8.
   * @rfc 9293 3.8.3 MUST-23
   */
  readonly synRetries: number;
  /**
   * Repetitions of a SYN before its timeout is doubled (Linux: tcp_syn_linear_timeouts), since more
   * SYNs are lost than networks are congested. Deviates from RFC 6298 5.5, which doubles it at once.
   */
  readonly synLinearTimeouts: number;
  /**
   * After an ACK in SYN-SENT that is wrong, and was answered by a RST, the SYN is repeated so soon (Linux:
   * TCP_TIMEOUT_MIN); 0: when its timeout says.
   */
  readonly synAgain: Micros;
  /** Repetitions of a SYN-ACK (Linux: tcp_synack_retries). */
  readonly synAckRetries: number;
  /** @rfc 4987 3.6 */
  readonly synCookies: SynCookiesWhen;
  /**
   * Listeners may use Fast Open, if `fastOpenBacklog` lets them (Linux: tcp_fastopen, bit 2).
   *
   * @rfc 7413
   */
  readonly fastOpenServer: boolean;
  /**
   * Connections of a listener that may be open before their handshake has ended; 0: no Fast Open
   * (Linux: TCP_FASTOPEN). @rfc 7413 5.1
   */
  readonly fastOpenBacklog: number;
  /** Text of SYNs is taken without a cookie (Linux: TCP_FASTOPEN_NO_COOKIE). */
  readonly fastOpenNoCookie: boolean;
  /**
   * What a listener's cookies are made with: 32 hexadecimal digits, or 64, of which the second half is
   * the key before; empty: a random key of the stack (Linux: TCP_FASTOPEN_KEY).
   */
  readonly fastOpenKey: string;
  /**
   * An active open that asks for it may use Fast Open (Linux: tcp_fastopen, bit 1). One that does not ask
   * is as always.
   *
   * @rfc 7413
   */
  readonly fastOpenClient: boolean;
  /** Its text goes with the SYN though no cookie is known, and without one (Linux: TCP_FASTOPEN_NO_COOKIE). */
  readonly fastOpenClientNoCookie: boolean;
  /**
   * How long all active opens do without Fast Open when one has met a network that swallows it; each time
   * twice as long, up to 64 times. 0: they go on (Linux: tcp_fastopen_blackhole_timeout_sec).
   */
  readonly fastOpenPause: Micros;
  /**
   * A server that was asked for a cookie and gave none, or that took neither the cookie nor the text, is
   * asked in the other format next time (Linux), or for so long not at all (FreeBSD:
   * net.inet.tcp.fastopen.path_disable_time). 0: in the other format. @rfc 7413 4.1.3.1
   */
  readonly fastOpenRefusal: Micros;
  /**
   * Repetitions of a segment, or a SYN, after which IP and the user are told: R1 (Linux: tcp_retries1).
   * @rfc 9293 3.8.3 MUST-20, SHLD-9, SHLD-10
   */
  readonly adviceRetries: number;
  /**
   * Repetitions of a segment before giving up: R2. Turned into a time as Linux does for
   * tcp_retries2: 15 is 924.6 s with the shortest RTO. @rfc 9293 3.8.3
   */
  readonly dataRetries: number;
  /**
   * As `dataRetries`, and of window probes, for a connection that its user has left; 0: 8, and none when
   * the timeout has become the longest one (Linux: tcp_orphan_retries).
   */
  readonly orphanRetries: number;
  /** Tail loss probes are sent with 3 or 4, and not otherwise (Linux: tcp_early_retrans). @rfc 8985 7 */
  readonly earlyRetransmit: number;
  /**
   * What says that a segment is lost, for a peer with SACK: that one which was sent later has arrived, and
   * time (RFC 8985), or that three beyond it have (RFC 6675 4 IsLost; FreeBSD's default stack).
   */
  readonly lossDetection: 'rack' | 'count';
  /** What `synRetries` and `dataRetries` are turned into. */
  readonly givingUp: GivingUp;
  /** Longest time that an active OPEN may take; 0: `synRetries` alone counts (FreeBSD: TCP_KEEPINIT). */
  readonly connectTimeout: Micros;
  /** After so many repetitions a SYN offers its segment size alone; 0: never (FreeBSD: rexmit_drop_options). */
  readonly synPlainAfter: number;
  /** Nothing is offered in a SYN, and nothing is believed of the peer's (FreeBSD: TCP_NOOPT). */
  readonly noOptions: boolean;
  readonly initialRto: Micros;
  /** Least value of the variance term, four times RTTVAR. @rfc 6298 2.4 */
  readonly minRto: Micros;
  readonly maxRto: Micros;
  /**
   * Where no tail loss probe is sent (no SACK), an ACK that leaves few segments restarts the timer as if
   * it had run since the earliest of them was sent. Linux has no such rule. @rfc 7765 4
   */
  readonly rtoRestart: boolean;
  /** Added to each timeout, after the backoff, but to the first of a SYN (FreeBSD: rexmit_slop). */
  readonly rtoSlop: Micros;
  /** Least timeout in all, where a round trip has been measured: RFC 6298 2.4 asks for one second. */
  readonly rtoFloor: Micros;
  readonly delayedAck: Micros;
  readonly ackRule: AckRule;
  /** ACKs of out-of-order segments that become one, at most; 0: none (Linux: tcp_comp_sack_nr). */
  readonly compressedAcks: number;
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
  /**
   * Which segments push: those that end what the user wrote, and more (Linux), or those that empty the
   * send buffer (FreeBSD). @rfc 9293 3.9.1.2
   */
  readonly pushRule: 'writes' | 'buffer';
  /** A FIN that is not acknowledged is repeated with each ACK (FreeBSD), or by timeout alone. */
  readonly finWithAcks: boolean;
  /** CLOSE with text that was not read sends a RST. @rfc 9293 3.6.1 SHLD-3 */
  readonly resetUnread: boolean;
  readonly resetCheck: ResetCheck;
  /** A SYN in the window of a synchronized connection is answered (RFC 5961 4.2), or ends it (RFC 793). */
  readonly synCheck: 'challenge' | 'reset';
  /** May a RST end TIME-WAIT? Not so: "ignore RST segments in TIME-WAIT state" (RFC 1337 3; Linux: tcp_rfc1337). */
  readonly timeWaitResets: boolean;
  /**
   * What is answered in TIME-WAIT: segments that are not acceptable (RFC 9293 3.10.7.4), or all that have
   * an ACK and do not repeat the last one (FreeBSD: tcp_twcheck).
   */
  readonly timeWaitCheck: 'sequence' | 'repetition';
  /** Least segment size that is believed of the peer. */
  readonly leastMss: number;
  /** A repeated SYN announces no larger MSS than the path is known to take (Linux: tcp_advertise_mss). */
  readonly synMssOfPath: boolean;
  /** Where timestamps are agreed upon, a segment without one is taken, or dropped. @rfc 7323 3.2 */
  readonly missingTimestamps: 'taken' | 'dropped';
  /** Text of a SYN in SYN-SENT waits for the end of the handshake, or the peer has to send it again (Linux). */
  readonly synText: 'dropped' | 'kept';
  /** Does SACK report the number of a FIN beyond a hole (Linux), or text alone (FreeBSD)? */
  readonly sackFin: boolean;
  /** May a SYN have a FIN with it? (FreeBSD: drop_synfin) */
  readonly synFin: boolean;
  /** Shortest time between answers to segments out of the window without text (Linux: tcp_invalid_ratelimit). */
  readonly invalidAckInterval: Micros;
  readonly openingErrors: OpeningErrors;
  /** Whose errors the user is told for the same news of the peer and the network. */
  readonly errorCodes: 'linux' | 'freebsd';
  readonly ttl: number;
  /** DSCP in the upper six bits; the lower two are ECN's, whatever stands there. */
  readonly trafficClass: number;
}

/** Linux's defaults. */
export const DEFAULT_CONFIG: TcpConfig = {
  sendBuffer: 0,
  wmemDefault: 1 << 20,
  wmemMax: 4 << 20,
  receiveBuffer: 0,
  rmemDefault: 131_072,
  rmemMax: 33_554_432,
  segmentLayout: 'paged',
  windowModel: 'memory',
  optionOrder: 'linux',
  mss: 0,
  mtuProbing: 'off',
  mtuBaseMss: 1024,
  mtuProbeFloor: 48,
  mtuProbeThreshold: 8,
  mtuProbeInterval: 600 * SECOND,
  windowScaling: true,
  timestamps: true,
  sack: true,
  slowStartAfterIdle: true,
  congestionControl: 'cubic',
  slowStart: 'hystart',
  ecn: 'accept',
  ecnFallback: true,
  ecnBackoff: 'loss',
  pacing: false,
  maxPacingRate: 0,
  noDelay: false,
  notSentLowWater: 0,
  cork: false,
  leastBurst: 2,
  windowDivisor: 3,
  synRetries: 6,
  synLinearTimeouts: 4,
  synAgain: SYN_AGAIN,
  synAckRetries: 5,
  synCookies: 'overflow',
  fastOpenServer: false,
  fastOpenBacklog: 0,
  fastOpenNoCookie: false,
  fastOpenKey: '',
  fastOpenClient: true,
  fastOpenClientNoCookie: false,
  fastOpenPause: 0,
  fastOpenRefusal: 0,
  adviceRetries: 3,
  dataRetries: 15,
  orphanRetries: 0,
  earlyRetransmit: 3,
  lossDetection: 'rack',
  givingUp: 'time',
  connectTimeout: 0,
  synPlainAfter: 0,
  noOptions: false,
  initialRto: INITIAL_RTO,
  minRto: MIN_RTO,
  maxRto: MAX_RTO,
  rtoRestart: false,
  rtoSlop: 0,
  rtoFloor: 0,
  delayedAck: DELAYED_ACK,
  ackRule: 'quick',
  compressedAcks: 44,
  timeWait: 60 * SECOND,
  finWait2: 60 * SECOND,
  userTimeout: 0,
  keepAlive: false,
  keepAliveIdle: 7200 * SECOND,
  keepAliveInterval: 75 * SECOND,
  keepAliveCount: 9,
  keepAliveProbeOctets: 0,
  pushRule: 'writes',
  finWithAcks: false,
  resetUnread: true,
  resetCheck: 'exact',
  synCheck: 'challenge',
  timeWaitResets: true,
  timeWaitCheck: 'sequence',
  leastMss: MIN_MSS,
  synMssOfPath: true,
  missingTimestamps: 'taken',
  synText: 'dropped',
  sackFin: true,
  synFin: true,
  invalidAckInterval: INVALID_ACK_INTERVAL,
  openingErrors: 'all',
  errorCodes: 'linux',
  ttl: 64,
  trafficClass: 0,
};

const RANGES: { readonly [K in keyof TcpConfig]?: readonly [number, number] } = {
  sendBuffer: [0, 1 << 30],
  wmemDefault: [1, 1 << 30],
  wmemMax: [1, 1 << 30],
  receiveBuffer: [0, 1 << 29],
  rmemDefault: [MIN_RECEIVE_MEMORY, 1 << 29],
  rmemMax: [MIN_RECEIVE_MEMORY, 1 << 29],
  maxPacingRate: [0, Number.MAX_SAFE_INTEGER],
  mss: [0, 65_495],
  mtuBaseMss: [MIN_MSS, 65_495],
  mtuProbeFloor: [MIN_MSS, 65_495],
  mtuProbeThreshold: [1, 65_495],
  mtuProbeInterval: [0, Number.MAX_SAFE_INTEGER],
  leastMss: [MIN_MSS, 65_495],
  leastBurst: [1, 65_535],
  windowDivisor: [0, 255],
  notSentLowWater: [0, 0xffff_ffff],
  synRetries: [0, 127],
  synLinearTimeouts: [0, 127],
  synAgain: [0, 3600 * SECOND],
  synAckRetries: [0, 127],
  fastOpenBacklog: [0, 65_535],
  fastOpenPause: [0, Number.MAX_SAFE_INTEGER],
  fastOpenRefusal: [0, Number.MAX_SAFE_INTEGER],
  adviceRetries: [1, 127],
  dataRetries: [0, 127],
  orphanRetries: [0, 127],
  earlyRetransmit: [0, 4],
  connectTimeout: [0, Number.MAX_SAFE_INTEGER],
  synPlainAfter: [0, 127],
  initialRto: [MS, 3600 * SECOND],
  minRto: [MS, 3600 * SECOND],
  maxRto: [MS, 3600 * SECOND],
  rtoSlop: [0, 3600 * SECOND],
  rtoFloor: [0, 3600 * SECOND],
  delayedAck: [0, 500 * MS],
  compressedAcks: [0, 255],
  timeWait: [0, 3600 * SECOND],
  finWait2: [0, 3600 * SECOND],
  userTimeout: [0, Number.MAX_SAFE_INTEGER],
  keepAliveIdle: [MS, Number.MAX_SAFE_INTEGER],
  keepAliveInterval: [MS, Number.MAX_SAFE_INTEGER],
  keepAliveCount: [1, 127],
  keepAliveProbeOctets: [0, 1],
  invalidAckInterval: [0, 3600 * SECOND],
  ttl: [1, 255],
  trafficClass: [0, 255],
};

const CHOICES = {
  segmentLayout: ['paged', 'linear', 'tun'],
  windowModel: ['memory', 'octets'],
  optionOrder: ['linux', 'freebsd'],
  slowStart: SLOW_STARTS,
  ecn: ECN_USES,
  ecnBackoff: ECN_BACKOFFS,
  mtuProbing: MTU_PROBING,
  lossDetection: ['rack', 'count'],
  givingUp: ['time', 'count'],
  ackRule: ['quick', 'second-segment'],
  pushRule: ['writes', 'buffer'],
  resetCheck: ['exact', 'window'],
  synCheck: ['challenge', 'reset'],
  timeWaitCheck: ['sequence', 'repetition'],
  missingTimestamps: ['taken', 'dropped'],
  synText: ['dropped', 'kept'],
  openingErrors: ['all', 'hard', 'none'],
  errorCodes: ['linux', 'freebsd'],
  synCookies: SYN_COOKIES,
} as const satisfies { readonly [K in keyof TcpConfig]?: readonly TcpConfig[K][] };

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
  for (const [name, choices] of Object.entries(CHOICES)) {
    const value = config[name as keyof TcpConfig];
    if (choices.some((choice) => choice === value)) continue;
    throw new RangeError(`${name} is ${value}: it must be ${choices.join(' or ')}`);
  }
  if (!/^([0-9a-f]{32}|[0-9a-f]{64})?$/.test(config.fastOpenKey)) {
    throw new RangeError('fastOpenKey must be 32 or 64 hexadecimal digits');
  }
  if (!CONGESTION_CONTROLS.includes(config.congestionControl)) {
    const names = CONGESTION_CONTROLS.join(' or ');
    throw new RangeError(`congestionControl is ${config.congestionControl}: it must be ${names}`);
  }
  return config;
}
