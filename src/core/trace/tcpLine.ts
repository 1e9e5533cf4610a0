import type { Bases, Conversations } from './conversations.ts';
import { hex, holds, type Layer } from './layer.ts';

/** The bits of the flags in tcpdump's order, and its letters. */
const FLAG_LETTERS = [
  [0x01, 'F'],
  [0x02, 'S'],
  [0x04, 'R'],
  [0x08, 'P'],
  [0x10, '.'],
  [0x20, 'U'],
  [0x40, 'E'],
  [0x80, 'W'],
] as const;
const FIN = 0x01;
const SYN = 0x02;
const RST = 0x04;
const ACK = 0x10;
const URG = 0x20;

const HEADER_LENGTH = 20;
const ABSOLUTE: Bases = { own: 0, peer: 0, begins: true };

/** The addresses that a segment goes between, as text. */
export interface Between {
  readonly from: string;
  readonly to: string;
}

/**
 * `10.107.0.1.40000 > 10.107.0.2.80: Flags [S], seq 123, win 64240, options [mss 1460], length 0`
 * @param conversations null: all numbers are shown in full
 */
export function formatTcp(
  layer: Layer,
  between: Between,
  conversations: Conversations | null,
): string {
  const { view, at } = layer;
  const { from, to } = between;
  if (!holds(layer, 4)) return `${from} > ${to}: [|tcp]`;
  const sourcePort = view.getUint16(at);
  const destinationPort = view.getUint16(at + 2);
  const ports = `${from}.${sourcePort} > ${to}.${destinationPort}:`;
  if (!holds(layer, HEADER_LENGTH)) return `${ports} [|tcp]`;
  const headerLength = (view.getUint8(at + 12) >>> 4) * 4;
  const length = layer.end - at;
  if (headerLength < HEADER_LENGTH) {
    return `${ports} tcp ${length - headerLength} [bad hdr length ${headerLength} - too short, < 20]`;
  }
  const flags = view.getUint8(at + 13);
  const letters = formatFlags(flags);
  if (headerLength > length) {
    return `${ports} Flags [${letters}] [bad hdr length ${headerLength} - too long, > ${length}]`;
  }
  const ends = { source: from, sourcePort, destination: to, destinationPort };
  const seq = view.getUint32(at + 4);
  const ack = view.getUint32(at + 8);
  const bases =
    conversations === null || (flags & ACK) === 0
      ? ABSOLUTE
      : conversations.basesOf(ends, seq, ack, (flags & SYN) !== 0);
  const numbers = formatNumbers(layer, flags, bases, length - headerLength);
  const options = formatOptions(layer, at + headerLength, bases.peer);
  return `${ports} Flags [${letters}]${numbers}${options}, length ${length - headerLength}`;
}

function formatFlags(flags: number): string {
  let letters = '';
  for (const [bit, letter] of FLAG_LETTERS) if ((flags & bit) !== 0) letters += letter;
  return letters === '' ? 'none' : letters;
}

function formatNumbers(layer: Layer, flags: number, bases: Bases, length: number): string {
  const { view, at } = layer;
  const { own, peer, begins } = bases;
  let text = '';
  if (length > 0 || (flags & (SYN | FIN | RST)) !== 0) {
    const seq = (view.getUint32(at + 4) - (begins ? 0 : own)) >>> 0;
    text += length > 0 ? `, seq ${seq}:${(seq + length) >>> 0}` : `, seq ${seq}`;
  }
  if ((flags & ACK) !== 0) {
    text += `, ack ${(view.getUint32(at + 8) - (begins ? 0 : peer)) >>> 0}`;
  }
  text += `, win ${view.getUint16(at + 14)}`;
  if ((flags & URG) !== 0) text += `, urg ${view.getUint16(at + 18)}`;
  return text;
}

/** @param peer what the edges of SACK blocks are counted from */
function formatOptions(layer: Layer, end: number, peer: number): string {
  const start = layer.at + HEADER_LENGTH;
  if (start >= end) return '';
  const { view } = layer;
  const words: string[] = [];
  for (let at = start; at < end; ) {
    if (at >= layer.kept) return `, options [${[...words, '[|tcp]'].join(',')}`;
    const kind = view.getUint8(at);
    if (kind === 0) {
      words.push('eol');
      break;
    }
    if (kind === 1) {
      words.push('nop');
      at += 1;
      continue;
    }
    const length = at + 1 < Math.min(end, layer.kept) ? view.getUint8(at + 1) : 0;
    if (length < 2 || at + length > end) {
      words.push('[bad opt]');
      break;
    }
    if (at + length > layer.kept) return `, options [${[...words, '[|tcp]'].join(',')}`;
    words.push(formatOption(view, at, length, peer));
    at += length;
  }
  return `, options [${words.join(',')}]`;
}

/** Options of one length: it, and how what follows kind and length is shown. */
const FIXED_OPTIONS: ReadonlyMap<number, readonly [number, (v: DataView, at: number) => string]> =
  new Map([
    [2, [4, (v, at) => `mss ${v.getUint16(at)}`]],
    [3, [3, (v, at) => `wscale ${v.getUint8(at)}`]],
    [4, [2, () => 'sackOK']],
    [8, [10, (v, at) => `TS val ${v.getUint32(at)} ecr ${v.getUint32(at + 4)}`]],
    [19, [18, (v, at) => `md5 ${hex(v, at, at + 16)}`]],
  ]);

function formatOption(view: DataView, at: number, length: number, peer: number): string {
  const kind = view.getUint8(at);
  const data = at + 2;
  const end = at + length;
  const fixed = FIXED_OPTIONS.get(kind);
  if (fixed !== undefined) {
    const [right, format] = fixed;
    return length === right ? format(view, data) : `unknown-${kind} 0x${hex(view, data, end)}`;
  }
  switch (kind) {
    case 5:
      return formatSack(view, data, end, peer);
    case 34:
      return `tfo  ${formatCookie(view, data, end)}`; // two spaces, as tcpdump
    case 254:
      return formatExperiment(view, data, end);
    default:
      return data === end ? `unknown-${kind}` : `unknown-${kind} 0x${hex(view, data, end)}`;
  }
}

function formatSack(view: DataView, at: number, end: number, peer: number): string {
  if ((end - at) % 8 !== 0) return 'sack invalid sack';
  let blocks = '';
  for (let i = at; i < end; i += 8) {
    const left = (view.getUint32(i) - peer) >>> 0;
    const right = (view.getUint32(i + 4) - peer) >>> 0;
    blocks += `{${left}:${right}}`;
  }
  return `sack ${(end - at) / 8} ${blocks}`;
}

/** The shared kind 254 tells experiments apart by two octets. @rfc 6994 3 */
function formatExperiment(view: DataView, at: number, end: number): string {
  if (end - at < 2) return 'exp';
  const experiment = view.getUint16(at);
  switch (experiment) {
    case 0xf989:
      return `exp-tfo ${formatCookie(view, at + 2, end)}`;
    case 0xacc0:
    case 0xacc1:
      return `exp-acc${experiment & 1}`;
    default:
      return `exp-${experiment.toString(16).padStart(4, '0')}`;
  }
}

/** @rfc 7413 4.1.1 */
function formatCookie(view: DataView, at: number, end: number): string {
  const length = end - at;
  if (length === 0) return 'cookiereq';
  if (length % 2 !== 0 || length < 4 || length > 16) return '(invalid)';
  return `cookie ${hex(view, at, end)}`;
}
