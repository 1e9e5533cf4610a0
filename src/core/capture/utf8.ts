/** UTF-8, because core has neither TextDecoder nor TextEncoder. @rfc 3629 */

/** What stands for octets that are no character. */
const REPLACEMENT = 0xfffd;
/** Characters that are made into text at once: arguments of a call are limited. */
const BATCH = 4096;

/** Text of any octets; those that are no UTF-8 become U+FFFD. @rfc 3629 3 */
export function decodeUtf8(octets: Uint8Array): string {
  let text = '';
  let points: number[] = [];
  for (let at = 0; at < octets.length; ) {
    const lead = octets[at] ?? 0;
    const length = sequenceLength(lead);
    const point = length === 1 ? lead : readPoint(octets, at, length);
    points.push(point < 0 ? REPLACEMENT : point);
    at += point < 0 ? 1 : length;
    if (points.length < BATCH) continue;
    text += String.fromCodePoint(...points);
    points = [];
  }
  return text + String.fromCodePoint(...points);
}

/** Lone surrogates become U+FFFD. @rfc 3629 3 */
export function encodeUtf8(text: string): Uint8Array {
  const octets: number[] = [];
  for (const character of text) {
    const point = character.codePointAt(0) ?? REPLACEMENT;
    appendPoint(octets, point >= 0xd800 && point <= 0xdfff ? REPLACEMENT : point);
  }
  return new Uint8Array(octets);
}

function sequenceLength(lead: number): number {
  if (lead < 0x80) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}

/** @returns -1 if it is none, or not the shortest form of one */
function readPoint(octets: Uint8Array, at: number, length: number): number {
  const lead = octets[at] ?? 0;
  if (lead < 0xc2 || lead > 0xf4) return -1;
  let point = lead & (0xff >>> (length + 1));
  for (let n = 1; n < length; n++) {
    const octet = octets[at + n] ?? 0;
    if (octet >>> 6 !== 0b10) return -1;
    point = (point << 6) | (octet & 0x3f);
  }
  const isOverlong = point < (length === 2 ? 0x80 : length === 3 ? 0x800 : 0x10000);
  const isSurrogate = point >= 0xd800 && point <= 0xdfff;
  return isOverlong || isSurrogate || point > 0x10ffff ? -1 : point;
}

function appendPoint(octets: number[], point: number): void {
  if (point < 0x80) octets.push(point);
  else if (point < 0x800) octets.push(0xc0 | (point >>> 6), 0x80 | (point & 0x3f));
  else if (point < 0x10000) {
    octets.push(0xe0 | (point >>> 12), 0x80 | ((point >>> 6) & 0x3f), 0x80 | (point & 0x3f));
  } else {
    octets.push(0xf0 | (point >>> 18), 0x80 | ((point >>> 12) & 0x3f));
    octets.push(0x80 | ((point >>> 6) & 0x3f), 0x80 | (point & 0x3f));
  }
}
