import type { Random } from '../base/random.ts';
import { type Micros, MS, SECOND } from '../base/time.ts';
import type { TimerQueue } from '../base/timerQueue.ts';
import type { Tracer } from '../base/tracer.ts';

/** Octets of a frame buffer: the largest datagram and an Ethernet header. @rfc 791 3.1 */
export const MAX_FRAME = 65535 + 14;

/** Octets of the largest datagram. @rfc 791 3.1 */
export const MAX_DATAGRAM = 65535;

/** Time to live of what we send (Linux `ip_default_ttl`). @rfc 1122 3.2.1.7 */
export const DEFAULT_TTL = 64;

/** Between two ARP requests for one address (Linux `retrans_time_ms`). @rfc 1122 2.3.2.1 */
export const ARP_INTERVAL: Micros = SECOND;

/** Requests to all before a neighbour counts as unreachable (Linux `mcast_solicit`). */
export const ARP_BROADCAST_REQUESTS = 3;

/** Requests to the known station before all are asked (Linux `ucast_solicit`). @rfc 1122 2.3.2.1 */
export const ARP_UNICAST_REQUESTS = 3;

/**
 * How long an answer is believed, on average; each time half to one and a half of it
 * (Linux `base_reachable_time_ms`, RFC 4861 10 REACHABLE_TIME).
 */
export const REACHABLE_TIME: Micros = 30 * SECOND;

/** Announcements of a new address of ours (ANNOUNCE_NUM). @rfc 5227 1.1 */
export const ANNOUNCEMENTS = 2;

/** Between two announcements (ANNOUNCE_INTERVAL). @rfc 5227 1.1 */
export const ANNOUNCE_INTERVAL: Micros = 2 * SECOND;

/** From the first fragment to the end of waiting (Linux `ipfrag_time`). @rfc 1122 3.3.2 */
export const REASSEMBLY_TIMEOUT: Micros = 30 * SECOND;

/** What each held fragment costs beside its octets, so that many small ones are counted too. */
export const FRAGMENT_OVERHEAD = 256;

/** How long a path MTU below that of the link is believed (Linux `mtu_expires`). @rfc 1191 6.3 */
export const PATH_MTU_LIFETIME: Micros = 600 * SECOND;

/** No ICMP message makes a path MTU smaller than this (Linux `min_pmtu`). @rfc 5927 7 */
export const MIN_PATH_MTU = 552;

/** Octets of the largest ICMP error, its IP header included. @rfc 1812 4.3.2.3 */
export const MAX_ICMP_ERROR = 576;

/** One ICMP error per this time in the long run (Linux `icmp_msgs_per_sec` 1000). @rfc 1812 4.3.2.8 */
export const ICMP_ERROR_INTERVAL: Micros = MS;

/** ICMP errors that may be sent at once (Linux `icmp_msgs_burst`). @rfc 1812 4.3.2.8 */
export const ICMP_ERROR_BURST = 50;

/** How much IP keeps at most. */
export interface IpLimits {
  /** Entries of the neighbour cache of one interface. */
  readonly neighbors: number;
  /** Datagrams that wait for the answer of one neighbour. */
  readonly waitingDatagrams: number;
  /** Octets of datagrams that wait for the neighbours of one interface. */
  readonly waitingOctets: number;
  /** Datagrams of which fragments are held. */
  readonly partialDatagrams: number;
  /** Octets of all fragments held, {@link FRAGMENT_OVERHEAD} each included. */
  readonly fragmentOctets: number;
  /** Fragments of one datagram. */
  readonly fragmentsPerDatagram: number;
  /** Destinations whose path MTU is below that of the link. */
  readonly pathMtus: number;
}

export const DEFAULT_LIMITS: IpLimits = {
  neighbors: 1024, // Linux gc_thresh3
  // Linux keeps 101 (unres_qlen): a SYN, or the first flight of a connection whose neighbour was
  // forgotten, is all that waits here.
  waitingDatagrams: 16,
  waitingOctets: 1 << 20, // sixteen of the largest datagrams
  partialDatagrams: 256, // twice as many of the largest as fragmentOctets allows
  fragmentOctets: 4 << 20, // Linux ipfrag_high_thresh
  fragmentsPerDatagram: 128, // 65535 octets over a link of 576
  pathMtus: 1024,
};

/** What IP is given by whoever makes it. */
export interface IpConfig {
  readonly random: Random;
  readonly timers: TimerQueue;
  readonly tracer: Tracer | null;
  /** Instead of {@link DEFAULT_LIMITS}, where given. */
  readonly limits?: Partial<IpLimits>;
}
