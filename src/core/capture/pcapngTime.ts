import type { Micros } from '../base/time.ts';

/**
 * How the timestamps of an interface count: 64-bit numbers of units, `unitsPerSecond` after they
 * were divided by 10 or 2 so many times that no unit is much below a nanosecond. The arithmetic is
 * done in 16-bit digits, because a double does not hold nanoseconds since 1970.
 */
export interface TimeUnit {
  /** 1 to 2^33. */
  readonly unitsPerSecond: number;
  /** Each stamp is divided by it, `divisions` times, before. */
  readonly divisor: 2 | 10;
  readonly divisions: number;
  /** pcapng's `if_tsoffset`: seconds to add. */
  readonly offset: number;
}

/** What holds where `if_tsresol` is absent. */
export const MICROSECONDS: TimeUnit = { unitsPerSecond: 1e6, divisor: 10, divisions: 0, offset: 0 };

/** No unit is below a nanosecond, or an eighth of one where it is a power of 2: a double holds that. */
const FINEST_DECIMAL = 9;
const FINEST_BINARY = 33;
/** 64-bit numbers are 0 after so many divisions, by 10 and by 2 alike. */
const MAX_DIVISIONS = 64;

/** @param resolution the octet of `if_tsresol`: a negative power of 10, or of 2 if bit 7 is on */
export function timeUnit(resolution: number, offset: number): TimeUnit {
  const isBinary = (resolution & 0x80) !== 0;
  const power = resolution & 0x7f;
  const divisor = isBinary ? 2 : 10;
  const finest = isBinary ? FINEST_BINARY : FINEST_DECIMAL;
  return {
    unitsPerSecond: divisor ** Math.min(power, finest),
    divisor,
    divisions: Math.min(Math.max(0, power - finest), MAX_DIVISIONS),
    offset,
  };
}

/** A stamp of 64 bits as microseconds since 1970, and the nanoseconds beyond them. */
export function readStamp(
  high: number,
  low: number,
  unit: TimeUnit,
): { readonly time: Micros; readonly nanos: number } {
  const digits = [high >>> 16, high & 0xffff, low >>> 16, low & 0xffff];
  for (let n = 0; n < unit.divisions; n++) divide(digits, unit.divisor);
  const rest = divide(digits, unit.unitsPerSecond);
  const seconds = digits.reduce((sum, digit) => sum * 0x10000 + digit, 0) + unit.offset;
  const fraction = rest * 1e6; // below 2^53
  const time = seconds * 1e6 + Math.floor(fraction / unit.unitsPerSecond);
  // a time that is nonsense must not become a number that others stumble over
  if (time < 0 || time > Number.MAX_SAFE_INTEGER) {
    return { time: time < 0 ? 0 : Number.MAX_SAFE_INTEGER, nanos: 0 };
  }
  const beyond = (fraction % unit.unitsPerSecond) * 1000;
  return { time, nanos: Math.floor(beyond / unit.unitsPerSecond) };
}

/** Divides in place. @returns the remainder */
function divide(digits: number[], divisor: number): number {
  let rest = 0;
  for (const [n, digit] of digits.entries()) {
    const dividend = rest * 0x10000 + digit;
    digits[n] = Math.floor(dividend / divisor);
    rest = dividend % divisor;
  }
  return rest;
}
