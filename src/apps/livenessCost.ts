/**
 * What it costs to find out whether a peer is there, in octets of IP per hour, both directions
 * together. An Ethernet header adds 14 octets to each segment.
 */

const HOUR_MS = 3_600_000;
/** Linux: tcp_keepalive_intvl. */
const DEFAULT_INTERVAL_MS = 75_000;
/** IPv4 and TCP headers. */
const HEADERS = 40;
/** The timestamps option with its padding. @rfc 7323 3.2 */
const TIMESTAMPS = 12;
/** The option that says which octet has arrived twice, with its padding. @rfc 2883 4 */
const DSACK_OPTION = 12;

/** A connection whose only traffic is its keepalive. */
export interface KeepAliveTraffic {
  /** Silence before a probe, in milliseconds. */
  readonly idleMs: number;
  /** Time between probes, in milliseconds. Default: 75 s, as on Linux. */
  readonly intervalMs?: number;
  /** Octets of text in a probe, 0 or 1. */
  readonly probeOctets?: number;
  /** Default: true, as on Linux. */
  readonly timestamps?: boolean;
}

/**
 * Two segments per period: the probe and its ACK. The period is the idle time, or the interval if
 * that is longer: after a probe the timer of Linux does not look before the interval is over, though
 * the answer has long come.
 *
 * `3600 s / max(idle, interval) * (2 * headers + probeOctets + dsack)`, where headers are 40 octets,
 * and 52 with timestamps. The answer to a probe with an octet reports that it has arrived twice, in
 * an option of 12 octets (RFC 2883).
 *
 * @rfc 9293 3.8.4
 */
export function keepAliveCostPerHour(traffic: KeepAliveTraffic): number {
  const { idleMs, intervalMs = DEFAULT_INTERVAL_MS, probeOctets = 0, timestamps = true } = traffic;
  const periodMs = Math.max(idleMs, intervalMs);
  const duplicate = probeOctets > 0 ? DSACK_OPTION : 0;
  return (HOUR_MS / periodMs) * (2 * headers(timestamps) + probeOctets + duplicate);
}

/** A connection whose only traffic is a heartbeat. */
export interface HeartbeatTraffic {
  readonly intervalMs: number;
  readonly payloadOctets: number;
  readonly replyOctets: number;
  /** Default: true, as on Linux. */
  readonly timestamps?: boolean;
}

/**
 * Three segments per interval: the beat, the reply that acknowledges it, and the ACK of the reply.
 * A program that takes longer to reply than its TCP delays an ACK (40 ms on Linux) costs one more.
 *
 * `3600 s / interval * (3 * headers + payload + reply)`
 *
 * @rfc 9293 3.8.6.3
 */
export function heartbeatCostPerHour(traffic: HeartbeatTraffic): number {
  const { intervalMs, payloadOctets, replyOctets, timestamps = true } = traffic;
  return (HOUR_MS / intervalMs) * (3 * headers(timestamps) + payloadOctets + replyOctets);
}

function headers(timestamps: boolean): number {
  return timestamps ? HEADERS + TIMESTAMPS : HEADERS;
}
