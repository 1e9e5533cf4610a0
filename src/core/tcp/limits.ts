/** Most challenges: as many as are due. (Linux: INT_MAX as tcp_challenge_ack_limit) */
export const NO_LIMIT = 2 ** 31 - 1;
/** Octets that a connection may buffer each way, however full the stack is (Linux: tcp_rmem[0], tcp_wmem[0]). */
export const GUARANTEED_MEMORY = 4096;

const MEBIBYTE = 1 << 20;

/** How much a stack holds in all its connections. What is beyond is refused, and counted. */
export interface StackLimits {
  /**
   * Octets in all send and receive buffers, overhead of received segments included (Linux: tcp_mem).
   * Beyond `memoryPressure` no buffer or window grows, until less than `memoryLow` is used; beyond
   * `memoryHigh` text that came out of order is dropped, then new text.
   */
  readonly memoryLow: number;
  readonly memoryPressure: number;
  readonly memoryHigh: number;
  /** Connections in TIME-WAIT; one more is closed at once (Linux: tcp_max_tw_buckets). */
  readonly timeWaits: number;
  /** Connections that their users have left and that still send; one more is reset (Linux: tcp_max_orphans). */
  readonly orphans: number;
  /** Challenge ACKs in a second; {@link NO_LIMIT}: each connection has its own alone. @rfc 5961 7 */
  readonly challengeAcks: number;
  /** Servers whose Fast Open cookie is remembered; one more replaces the oldest. @rfc 7413 4.1.3 */
  readonly fastOpenServers: number;
}

/** Linux's, where they do not depend on the memory of the machine. */
export const DEFAULT_LIMITS: StackLimits = {
  memoryLow: 192 * MEBIBYTE,
  memoryPressure: 256 * MEBIBYTE,
  memoryHigh: 384 * MEBIBYTE,
  timeWaits: 32_768,
  orphans: 32_768,
  challengeAcks: NO_LIMIT,
  fastOpenServers: 4096,
};

/**
 * The limits with some of them changed.
 * @throws RangeError naming the limit and its value
 */
export function limit(base: StackLimits, changes: Partial<StackLimits>): StackLimits {
  const limits = { ...base, ...changes };
  for (const [name, value] of Object.entries(limits)) {
    if (Number.isInteger(value) && value >= 0) continue;
    throw new RangeError(`${name} is ${value}: it must be an integer from 0 on`);
  }
  const { memoryLow, memoryPressure, memoryHigh } = limits;
  if (memoryLow > memoryPressure || memoryPressure > memoryHigh) {
    throw new RangeError(
      `memoryLow ${memoryLow}, memoryPressure ${memoryPressure} and memoryHigh ${memoryHigh} must rise`,
    );
  }
  return limits;
}
