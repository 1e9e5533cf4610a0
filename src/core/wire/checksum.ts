import type { Ipv4Address } from '../base/address.ts';

/**
 * The Internet checksum: the one's complement of the one's complement sum of the 16-bit words.
 * Partial sums here are numbers from 0 to 0xffff; two of them may simply be added and given to the
 * next call. Only the last piece of what is summed may have an odd number of octets.
 *
 * @rfc 1071
 */

/**
 * The one's complement sum of the octets from `from` to `to`, taken as 16-bit words from `from` on
 * and padded with a zero octet, added to `initial`.
 *
 * How it is fast: 32-bit words are read, and two int32 sums kept: that of the words modulo 2^32,
 * and that of their upper halves. The sum of the lower halves follows from them, because it is
 * below 2^32. Of the ways measured through a DataView this one is the fastest (5.5 GB/s for a
 * segment of 1460 octets, against 0.7 octet by octet).
 *
 * @param view over the same octets as `octets`
 * @param to at most 2^18 behind `from`
 * @param initial a sum to go on from, 0 to 2^32 - 1
 * @returns 0 to 0xffff
 * @rfc 1071 2
 */
export function sum(
  octets: Uint8Array,
  view: DataView,
  from: number,
  to: number,
  initial: number,
): number {
  let total = 0;
  let upper = 0;
  let at = from;
  for (const last = to - 16; at <= last; at += 16) {
    const a = view.getInt32(at);
    const b = view.getInt32(at + 4);
    const c = view.getInt32(at + 8);
    const d = view.getInt32(at + 12);
    total = (total + a + b + c + d) | 0;
    upper = (upper + (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16)) | 0;
  }
  const lower = total - (upper << 16);
  let n = (upper & 0xffff) + (upper >>> 16) + (lower & 0xffff) + (lower >>> 16);
  for (const last = to - 2; at <= last; at += 2) n += view.getUint16(at);
  if (at < to) n += (octets[at] ?? 0) << 8;
  n += (initial & 0xffff) + (initial >>> 16);
  return fold(n);
}

/** The checksum that belongs to a sum: 0 says, of octets with their checksum, that it is right. */
export function finish(partial: number): number {
  return ~fold(partial) & 0xffff;
}

/**
 * The sum of the pseudo-header that TCP and UDP put in front of their own:
 *
 * ```
 *   |                source address                 |
 *   |              destination address              |
 *   |   zero    |  protocol  |        length        |
 * ```
 *
 * @param length octets of the transport header and its text, at most 2^18
 * @returns a partial sum, 0 to 2^20, for the `initial` of {@link sum}
 * @rfc 9293 3.1
 */
export function pseudoHeaderSum(
  source: Ipv4Address,
  destination: Ipv4Address,
  protocol: number,
  length: number,
): number {
  return (
    (source >>> 16) +
    (source & 0xffff) +
    (destination >>> 16) +
    (destination & 0xffff) +
    protocol +
    length
  );
}

/** The checksum after one 16-bit word of what it covers was changed. @rfc 1624 3 */
export function adjust(checksum: number, oldWord: number, newWord: number): number {
  return finish((~checksum & 0xffff) + (~oldWord & 0xffff) + newWord);
}

/** Adds the carries back in. */
function fold(n: number): number {
  const once = (n & 0xffff) + (n >>> 16);
  return (once & 0xffff) + (once >>> 16);
}
