import type { ScriptTcpOption } from '../ast.ts';
import { Unsupported } from '../host/calls.ts';

/** How numbers in options become those of the wire. */
export interface OptionMapping {
  /** A SACK edge. */
  edge(number: number): number;
  /** TSecr. */
  echo(number: number): number;
}

const KIND_EXPERIMENT = 254;
const FAST_OPEN_MAGIC = 0xf989;
const ACCURATE_ECN = [172, 174] as const;
const MD5_LENGTH = 16;

/** The octets of options as the script writes them, in its order. @throws Unsupported */
export function optionOctets(
  options: readonly ScriptTcpOption[],
  mapping: OptionMapping,
): Uint8Array {
  return Uint8Array.from(options.flatMap((option) => octetsOf(option, mapping)));
}

function octetsOf(option: ScriptTcpOption, mapping: OptionMapping): number[] {
  switch (option.kind) {
    case 'eol':
      return [0];
    case 'nop':
      return [1];
    case 'mss':
      return [2, 4, ...word16(option.mss)];
    case 'wscale':
      return [3, 3, option.shift];
    case 'sackOK':
      return [4, 2];
    case 'sack': {
      const edges = option.blocks.flatMap(({ left, right, isAbsolute }) =>
        [left, right].map((edge) => (isAbsolute ? edge : mapping.edge(edge))),
      );
      return [5, 2 + 4 * edges.length, ...edges.flatMap(word32)];
    }
    case 'timestamps': {
      const echo = option.isEchoAbsolute ? option.echo : mapping.echo(option.echo);
      return [8, 10, ...word32(option.value ?? 0), ...word32(echo)];
    }
    case 'md5': {
      if (option.digest === 'valid') throw new Unsupported('TCP MD5 signatures');
      return [19, 2 + MD5_LENGTH, ...option.digest];
    }
    case 'fastOpen':
      return option.isExperimental
        ? [KIND_EXPERIMENT, 4 + option.cookie.length, ...word16(FAST_OPEN_MAGIC), ...option.cookie]
        : [34, 2 + option.cookie.length, ...option.cookie];
    case 'accurateEcn': {
      const { e0b, ceb, e1b } = option;
      const counters = option.order === 0 ? [e0b, ceb, e1b] : [e1b, ceb, e0b];
      const octets = counters.filter((n) => n !== null).flatMap((n) => word32(n).slice(1));
      return [ACCURATE_ECN[option.order], 2 + octets.length, ...octets];
    }
    case 'raw':
      return [...option.octets];
  }
}

function word16(n: number): number[] {
  return [(n >>> 8) & 0xff, n & 0xff];
}

function word32(n: number): number[] {
  return [(n >>> 24) & 0xff, (n >>> 16) & 0xff, (n >>> 8) & 0xff, n & 0xff];
}

/** The options of a segment that was sent, in the script's words and with its numbers. */
export function parseOptionOctets(octets: Uint8Array, mapping: OptionMapping): ScriptTcpOption[] {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const options: ScriptTcpOption[] = [];
  for (let at = 0; at < octets.length; ) {
    const kind = view.getUint8(at);
    if (kind === 0 || kind === 1) {
      options.push({ kind: kind === 0 ? 'eol' : 'nop' });
      at++;
      continue;
    }
    const length = at + 1 < octets.length ? view.getUint8(at + 1) : 0;
    if (length < 2 || at + length > octets.length) {
      options.push({ kind: 'raw', octets: octets.slice(at) });
      break;
    }
    options.push(optionOf(octets.subarray(at, at + length), mapping));
    at += length;
  }
  return options;
}

/** @param octets of one option, kind and length included */
function optionOf(octets: Uint8Array, mapping: OptionMapping): ScriptTcpOption {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.length);
  const { length } = octets;
  switch (octets[0]) {
    case 2:
      if (length === 4) return { kind: 'mss', mss: view.getUint16(2) };
      break;
    case 3:
      if (length === 3) return { kind: 'wscale', shift: view.getUint8(2) };
      break;
    case 4:
      if (length === 2) return { kind: 'sackOK' };
      break;
    case 5:
      if (length % 8 === 2) return { kind: 'sack', blocks: blocksOf(view, mapping) };
      break;
    case 8:
      if (length === 10) {
        const [value, echo] = [view.getUint32(2), view.getUint32(6)];
        return { kind: 'timestamps', value, echo, isEchoAbsolute: false };
      }
      break;
    case 34:
      return { kind: 'fastOpen', cookie: octets.slice(2), isExperimental: false };
    case KIND_EXPERIMENT:
      if (length >= 4 && view.getUint16(2) === FAST_OPEN_MAGIC) {
        return { kind: 'fastOpen', cookie: octets.slice(4), isExperimental: true };
      }
      break;
    default:
  }
  return { kind: 'raw', octets: octets.slice() };
}

function blocksOf(
  view: DataView,
  mapping: OptionMapping,
): { left: number; right: number; isAbsolute: boolean }[] {
  const blocks: { left: number; right: number; isAbsolute: boolean }[] = [];
  for (let at = 2; at + 8 <= view.byteLength; at += 8) {
    const left = mapping.edge(view.getUint32(at));
    blocks.push({ left, right: mapping.edge(view.getUint32(at + 4)), isAbsolute: false });
  }
  return blocks;
}
