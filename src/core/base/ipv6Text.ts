/** Groups of 16 bits in an address. */
const GROUPS = 8;

/**
 * The IPv6 address in the 16 octets from `at` on, as canonical text: lower case, no leading zeros,
 * `::` for the first of the longest runs of zero groups, if there is one of two groups or more.
 *
 * @rfc 5952 4
 */
export function formatIpv6(view: DataView, at: number): string {
  const groups: number[] = [];
  for (let i = 0; i < GROUPS; i++) groups.push(view.getUint16(at + 2 * i));
  // ::ffff:0:0/96 carries an IPv4 address (section 5)
  if (groups.slice(0, 5).every((g) => g === 0) && groups[5] === 0xffff) {
    const octets = [0, 1, 2, 3].map((i) => view.getUint8(at + 12 + i));
    return `::ffff:${octets.join('.')}`;
  }
  const { start, length } = longestZeros(groups);
  const words = groups.map((group) => group.toString(16));
  if (length < 2) return words.join(':');
  return `${words.slice(0, start).join(':')}::${words.slice(start + length).join(':')}`;
}

function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let length = 0;
  for (const [i, group] of groups.entries()) {
    length = group === 0 ? length + 1 : 0;
    if (length > best.length) best = { start: i - length + 1, length };
  }
  return best;
}
