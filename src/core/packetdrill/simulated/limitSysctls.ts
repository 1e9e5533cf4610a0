import { NO_LIMIT, type StackLimits } from '../../tcp/limits.ts';
import { Unsupported } from '../host/calls.ts';

/** Octets of a page of memory, in which tcp_mem is told. */
const PAGE = 4096;

/**
 * What a `sysctl` that concerns the host as a whole changes; null: it is none of these.
 * @throws Unsupported
 */
export function limitsOf(name: string, value: string): Partial<StackLimits> | null {
  const plain = /^(?:net\.ipv4\.|\/proc\/sys\/net\/ipv4\/)(\w+)$/.exec(name)?.[1];
  const numbers = value.trim().split(/\s+/).map(Number);
  const [first = Number.NaN] = numbers;
  switch (plain) {
    case 'tcp_max_tw_buckets':
      return { timeWaits: checked(name, first) };
    case 'tcp_max_orphans':
      return { orphans: checked(name, first) };
    case 'tcp_challenge_ack_limit':
      return { challengeAcks: Math.min(checked(name, first), NO_LIMIT) };
    case 'tcp_mem': {
      const [memoryLow = 0, memoryPressure = 0, memoryHigh = 0] = numbers.map(
        (pages) => checked(name, pages) * PAGE,
      );
      return { memoryLow, memoryPressure, memoryHigh };
    }
    default:
      return null;
  }
}

function checked(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0) return value;
  throw new Unsupported(`sysctl ${name}=${value}`);
}
