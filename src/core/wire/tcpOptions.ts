import type { Segment } from './tcp.ts';

/** Option kinds. */
const END_OF_LIST = 0;
const NO_OPERATION = 1;
const MSS = 2;
const WINDOW_SCALE = 3;
const SACK_PERMITTED = 4;
const SACK = 5;
const TIMESTAMPS = 8;
const FAST_OPEN = 34;
const EXPERIMENT = 254;

/** What Fast Open was as an experiment, as the first two octets of the value. @rfc 6994 3, 7413 A */
const FAST_OPEN_EXPERIMENT = 0xf989;

/** Octets of a Fast Open cookie, which are always even. @rfc 7413 4.1.1 */
const SHORTEST_COOKIE = 4;
const LONGEST_COOKIE = 16;

/** The first word of a segment whose only option is Timestamps, padded as RFC 7323 A asks. */
const NOP_NOP_TIMESTAMPS = 0x0101_080a;
/** Octets of options that fit in a header. */
const MAX_OPTIONS = 40;
/** "If a Window Scale option is received with a shift.cnt value larger than 14, ... use 14." */
const MAX_WINDOW_SHIFT = 14;

/**
 * Reads the options between `from` and `to` into the segment, in which all others become absent.
 *
 * ```
 *   End of list      | 0 |                     No-operation     | 1 |
 *   MSS              | 2 | 4  |  octets (2)  |
 *   Window Scale     | 3 | 3  | shift (1) |   SACK-Permitted   | 4 | 2 |
 *   SACK             | 5 | 2 + 8n | left edge (4) | right edge (4) | ... n times
 *   Timestamps       | 8 | 10 |  TSval (4)   |  TSecr (4)  |
 *   Fast Open        | 34 | 2 + n | cookie (n: 0, or 4 to 16)
 *    as an experiment | 254 | 4 + n | F989 (2) | cookie
 * ```
 *
 * Unknown options are skipped by their length (MUST-6). A length that is below 2 or leaves the
 * header ends the walk (MUST-7), a known option of the wrong length is ignored. An option that only
 * counts in a SYN is read wherever it stands.
 *
 * @param octets what `view` looks at
 * @rfc 9293 3.2
 */
export function parseOptions(
  view: DataView,
  octets: Uint8Array,
  from: number,
  to: number,
  into: Segment,
): void {
  into.clearOptions();
  if (to - from === 12 && view.getUint32(from) === NOP_NOP_TIMESTAMPS) {
    readTimestamps(view, from + 4, into);
    return;
  }
  let at = from;
  while (at < to) {
    const kind = octets[at] ?? END_OF_LIST;
    if (kind === END_OF_LIST) return;
    if (kind === NO_OPERATION) {
      at++;
      continue;
    }
    const length = at + 1 < to ? (octets[at + 1] ?? 0) : 0;
    if (length < 2 || at + length > to) return;
    readOption(view, kind, at + 2, length - 2, into);
    at += length;
  }
}

/** @param length octets of its value, from `at` on, all within the header */
function readOption(view: DataView, kind: number, at: number, length: number, into: Segment): void {
  if (kind === TIMESTAMPS && length === 8) readTimestamps(view, at, into);
  else if (kind === SACK) readSack(view, at, length, into);
  else if (kind === MSS && length === 2) into.mss = view.getUint16(at);
  else if (kind === SACK_PERMITTED && length === 0) into.sackPermitted = true;
  else if (kind === WINDOW_SCALE && length === 1) {
    into.windowShift = Math.min(view.getUint8(at), MAX_WINDOW_SHIFT);
  } else if (kind === FAST_OPEN) {
    if (readCookie(view, at, length, into)) into.isFastOpenExperiment = false;
  } else if (kind === EXPERIMENT && length >= 2 && view.getUint16(at) === FAST_OPEN_EXPERIMENT) {
    if (readCookie(view, at + 2, length - 2, into)) into.isFastOpenExperiment = true;
  }
}

/** @returns false: one of another length, or of an odd one, is ignored. @rfc 7413 4.1.1 */
function readCookie(view: DataView, at: number, length: number, into: Segment): boolean {
  if ((length & 1) !== 0 || length > LONGEST_COOKIE) return false;
  if (length !== 0 && length < SHORTEST_COOKIE) return false;
  for (let i = 0; i < length; i++) into.fastOpenCookie[i] = view.getUint8(at + i);
  into.fastOpenLength = length;
  return true;
}

function readTimestamps(view: DataView, at: number, into: Segment): void {
  into.hasTimestamps = true;
  into.tsVal = view.getUint32(at);
  into.tsEcr = view.getUint32(at + 4);
}

/** @param length octets of all blocks, ignored unless they are whole blocks */
function readSack(view: DataView, at: number, length: number, into: Segment): void {
  if (length === 0 || (length & 7) !== 0) return;
  const count = length >>> 3; // 4 at most: 40 octets hold no more
  for (let i = 0; i < count; i++) {
    into.sackLeft[i] = view.getUint32(at + 8 * i);
    into.sackRight[i] = view.getUint32(at + 8 * i + 4);
  }
  into.sackCount = count;
}

/** Octets that {@link writeOptions} will write, 0 to 40, a multiple of 4. */
export function optionsLength(segment: Segment): number {
  if (segment.hasFreebsdOrder) return freebsdLength(segment);
  const others = lengthWithoutSack(segment);
  if (segment.fastOpenLength >= 0) return others + cookieLength(segment, others);
  const blocks = sackBlocks(segment, others);
  return others + (blocks === 0 ? 0 : 4 + 8 * blocks);
}

/** Each option here is padded to whole words; SACK-Permitted rides in the padding of Timestamps. */
function lengthWithoutSack(segment: Segment): number {
  let length = 0;
  if (segment.mss !== 0) length += 4;
  if (segment.hasTimestamps) length += 12;
  else if (segment.sackPermitted) length += 4;
  if (segment.windowShift >= 0) length += 4;
  return length;
}

/** Octets of the Fast Open option with its padding; 0: it is absent, or does not fit. */
function cookieLength(segment: Segment, others: number): number {
  if (segment.fastOpenLength < 0) return 0;
  const padded = (bareCookieLength(segment) + 3) & ~3;
  return others + padded > MAX_OPTIONS ? 0 : padded;
}

/** ... without it. */
function bareCookieLength({ isFastOpenExperiment, fastOpenLength }: Segment): number {
  return (isFastOpenExperiment ? 4 : 2) + fastOpenLength;
}

/** How many of the SACK blocks fit behind `others` octets of other options. */
function sackBlocks(segment: Segment, others: number): number {
  return Math.min(segment.sackCount, (MAX_OPTIONS - 4 - others) >>> 3);
}

/**
 * Writes the options of the segment in Linux's order, each padded with NOPs to whole words:
 *
 * ```
 *   MSS, SACK-Permitted + Timestamps, NOP Window Scale           a SYN
 *   MSS, NOP NOP SACK-Permitted, NOP Window Scale                a SYN without timestamps
 *   NOP NOP Timestamps, NOP NOP SACK                             any other segment
 *   ..., Fast Open NOP NOP                                       a SYN of Fast Open
 * ```
 *
 * Of the SACK blocks as many are written as fit.
 *
 * @returns octets written, as {@link optionsLength} said
 * @rfc 9293 3.2
 */
export function writeOptions(view: DataView, at: number, segment: Segment): number {
  if (segment.hasFreebsdOrder) return writeFreebsdOrder(view, at, segment);
  let to = at;
  if (segment.mss !== 0) {
    view.setUint32(to, 0x0204_0000 | segment.mss);
    to += 4;
  }
  if (segment.hasTimestamps) {
    view.setUint32(to, segment.sackPermitted ? 0x0402_080a : NOP_NOP_TIMESTAMPS);
    view.setUint32(to + 4, segment.tsVal);
    view.setUint32(to + 8, segment.tsEcr);
    to += 12;
  } else if (segment.sackPermitted) {
    view.setUint32(to, 0x0101_0402);
    to += 4;
  }
  if (segment.windowShift >= 0) {
    view.setUint32(to, 0x0103_0300 | segment.windowShift);
    to += 4;
  }
  if (segment.fastOpenLength >= 0) return to - at + writeCookie(view, to, to - at, segment);
  const blocks = sackBlocks(segment, to - at);
  if (blocks > 0) {
    view.setUint32(to, 0x0101_0502 + 8 * blocks);
    to += 4;
    for (let i = 0; i < blocks; i++, to += 8) {
      view.setUint32(to, segment.sackLeft[i] ?? 0);
      view.setUint32(to + 4, segment.sackRight[i] ?? 0);
    }
  }
  return to - at;
}

/** @returns octets written */
function writeCookie(view: DataView, at: number, others: number, segment: Segment): number {
  const padded = cookieLength(segment, others);
  if (padded === 0) return 0;
  writeBareCookie(view, at, segment);
  for (let i = bareCookieLength(segment); i < padded; i++) view.setUint8(at + i, NO_OPERATION);
  return padded;
}

function writeBareCookie(view: DataView, at: number, segment: Segment): void {
  const { fastOpenCookie, fastOpenLength, isFastOpenExperiment } = segment;
  const length = bareCookieLength(segment);
  view.setUint8(at, isFastOpenExperiment ? EXPERIMENT : FAST_OPEN);
  view.setUint8(at + 1, length);
  if (isFastOpenExperiment) view.setUint16(at + 2, FAST_OPEN_EXPERIMENT);
  const from = at + length - fastOpenLength;
  for (let i = 0; i < fastOpenLength; i++) view.setUint8(from + i, fastOpenCookie[i] ?? 0);
}

/** Octets of the options of a SYN in FreeBSD's order, a multiple of 4. */
function freebsdLength(segment: Segment): number {
  let length = segment.mss === 0 ? 0 : 4;
  if (segment.windowShift >= 0) length += 4;
  if (segment.sackPermitted) length += 2;
  if (segment.hasTimestamps) length += nopsBeforeTimestamps(length) + 10;
  if (hasRoomForCookie(segment, length)) length += bareCookieLength(segment);
  return Math.ceil(length / 4) * 4;
}

function hasRoomForCookie(segment: Segment, others: number): boolean {
  return segment.fastOpenLength >= 0 && others + bareCookieLength(segment) <= MAX_OPTIONS;
}

/** FreeBSD puts Timestamps where its values lie on whole words (tcp_addoptions). */
function nopsBeforeTimestamps(before: number): number {
  return before % 4 === 2 ? 0 : 2;
}

/**
 * Writes the options of a SYN as FreeBSD does: each stands where the one before ends, and the end of
 * the list pads:
 *
 * ```
 *   MSS, NOP Window Scale, SACK-Permitted, Timestamps, Fast Open
 *   MSS, SACK-Permitted, EOL EOL
 * ```
 */
function writeFreebsdOrder(view: DataView, at: number, segment: Segment): number {
  let to = at;
  if (segment.mss !== 0) {
    view.setUint32(to, 0x0204_0000 | segment.mss);
    to += 4;
  }
  if (segment.windowShift >= 0) {
    view.setUint32(to, 0x0103_0300 | segment.windowShift);
    to += 4;
  }
  if (segment.sackPermitted) {
    view.setUint16(to, 0x0402);
    to += 2;
  }
  if (segment.hasTimestamps) {
    for (let nops = nopsBeforeTimestamps(to - at); nops > 0; nops--)
      view.setUint8(to++, NO_OPERATION);
    view.setUint16(to, 0x080a);
    view.setUint32(to + 2, segment.tsVal);
    view.setUint32(to + 6, segment.tsEcr);
    to += 10;
  }
  if (hasRoomForCookie(segment, to - at)) {
    writeBareCookie(view, to, segment);
    to += bareCookieLength(segment);
  }
  while ((to - at) % 4 !== 0) view.setUint8(to++, END_OF_LIST);
  return to - at;
}
