/**
 * Sequence numbers: unsigned 32-bit, modulo 2^32. `a` is before `b` when the distance from `a`
 * forward to `b` is less than 2^31; with numbers further apart the comparison has no meaning, and
 * no window of TCP (at most 2^30) lets that happen.
 *
 * @rfc 9293 3.4
 */
declare const seqBrand: unique symbol;

/** A sequence number, 0 to 2^32 - 1. Made only here and by the codec; never compared with `<`. */
export type Seq = number & { readonly [seqBrand]: true };

/** The number modulo 2^32 as a sequence number. */
export function seq(n: number): Seq {
  return (n >>> 0) as Seq;
}

/** `a + n` modulo 2^32; `n` may be negative. */
export function add(a: Seq, n: number): Seq {
  return ((a + n) >>> 0) as Seq;
}

/** Signed distance from `b` to `a`: positive when `a` is later. -2^31 to 2^31 - 1. */
export function diff(a: Seq, b: Seq): number {
  return (a - b) | 0;
}

/** Is `a` before `b`? */
export function lt(a: Seq, b: Seq): boolean {
  return ((a - b) | 0) < 0;
}

/** Is `a` before `b`, or the same? */
export function le(a: Seq, b: Seq): boolean {
  return ((a - b) | 0) <= 0;
}

/** Does `a` lie in the window of `size` octets that begins at `left`? */
export function inWindow(a: Seq, left: Seq, size: number): boolean {
  return (a - left) >>> 0 < size;
}

/** The later of the two. */
export function max(a: Seq, b: Seq): Seq {
  return lt(a, b) ? b : a;
}

/** The earlier of the two. */
export function min(a: Seq, b: Seq): Seq {
  return lt(a, b) ? a : b;
}
