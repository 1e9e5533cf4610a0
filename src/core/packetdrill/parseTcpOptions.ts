import type { SackBlockText, ScriptTcpOption } from './ast.ts';
import type { Cursor } from './cursor.ts';

/** The list of TCP options in angle brackets: `<mss 1460,nop,wscale 8>`. */

const MAX_U32 = 0xffff_ffff;
const MAX_U24 = 0xff_ffff;
/** Octets that a header has room for (RFC 9293 3.1) */
const MAX_OPTIONS = 40;

/** What other implementations have and this one does not: Multipath TCP, experiments. */
const FOREIGN =
  /^(gen|mp_.*|dss|add_addr.*|rem(ove)?_addr.*|edo|tarr|.*[Tt]cpcrypt|ENO|eno|QS|AO|ao)$/;

const KNOWN =
  'mss N, nop, eol, wscale N, sackOK, sack L:R, TS val N ecr N, md5 HEX, FO HEX, FOEXP HEX, ECN e0b N';

/** From behind `<` up to and with `>`. */
export function parseTcpOptions(cursor: Cursor): readonly ScriptTcpOption[] | 'any' {
  const opened = cursor.previous.position;
  if (cursor.seesKind('ellipsis') && cursor.sees('>', 1)) {
    cursor.take();
    cursor.take();
    return 'any';
  }
  const options: ScriptTcpOption[] = [];
  if (!cursor.sees('>')) {
    do options.push(parseOption(cursor));
    while (cursor.accept(','));
  }
  cursor.expect('>', 'or a comma after a TCP option');
  const length = options.reduce((sum, option) => sum + optionLength(option), 0);
  if (length % 4 !== 0) {
    const missing = 4 - (length % 4);
    cursor.fail(
      `the TCP options have ${length} octets; write ${missing} more of nop or eol, the header is a multiple of 4`,
      opened,
    );
  }
  if (length > MAX_OPTIONS) {
    cursor.fail(`the TCP options have ${length} octets; a header has room for 40`, opened);
  }
  return options;
}

/** Octets of one option on the wire. */
export function optionLength(option: ScriptTcpOption): number {
  switch (option.kind) {
    case 'nop':
    case 'eol':
      return 1;
    case 'mss':
      return 4;
    case 'wscale':
      return 3;
    case 'sackOK':
      return 2;
    case 'sack':
      return 2 + 8 * option.blocks.length;
    case 'timestamps':
      return 10;
    case 'md5':
      return option.digest === 'valid' ? 18 : 2 + option.digest.length;
    case 'fastOpen':
      return (option.isExperimental ? 4 : 2) + option.cookie.length;
    case 'accurateEcn':
      return 2 + 3 * [option.e0b, option.ceb, option.e1b].filter((at) => at !== null).length;
    case 'raw':
      return option.octets.length;
    default:
      return option satisfies never;
  }
}

function parseOption(cursor: Cursor): ScriptTcpOption {
  const token = cursor.peek();
  if (token.kind === 'hex') return parseRaw(cursor);
  if (token.kind !== 'word') cursor.fail(`expected a TCP option, found ${cursor.describe()}`);
  const name = cursor.take().text;
  switch (name) {
    case 'nop':
      return { kind: 'nop' };
    case 'eol':
      return { kind: 'eol' };
    case 'mss':
      return { kind: 'mss', mss: cursor.expectNumber('the MSS', 0xffff) };
    case 'wscale':
      return { kind: 'wscale', shift: cursor.expectNumber('the window shift', 255) };
    case 'sackOK':
      return { kind: 'sackOK' };
    case 'sack':
      return { kind: 'sack', blocks: parseSackBlocks(cursor) };
    case 'TS':
      return parseTimestamps(cursor);
    case 'md5':
      return { kind: 'md5', digest: parseDigest(cursor) };
    case 'FO':
      return { kind: 'fastOpen', cookie: parseCookie(cursor), isExperimental: false };
    case 'FOEXP':
      return { kind: 'fastOpen', cookie: parseCookie(cursor), isExperimental: true };
    case 'exp':
      return parseExperimental(cursor);
    case 'ECN':
      return parseAccurateEcn(cursor);
    case 'AccECN0':
    case 'AccECN1':
      return cursor.unsupported(`TCP option ${name} in nplab's notation`, token.position);
  }
  if (FOREIGN.test(name)) cursor.unsupported(`TCP option ${name}`, token.position);
  return cursor.fail(`unknown TCP option '${name}'; known are ${KNOWN}`, token.position);
}

/** nplab: `exp-FO` for `FOEXP`. */
function parseExperimental(cursor: Cursor): ScriptTcpOption {
  const { position } = cursor.previous;
  cursor.expect('-', 'of exp-FO');
  const name = cursor.expectWord('the name of an experimental option');
  if (name !== 'FO') cursor.unsupported(`TCP option exp-${name}`, position);
  cursor.sawNplab = true;
  return { kind: 'fastOpen', cookie: parseCookie(cursor), isExperimental: true };
}

function parseSackBlocks(cursor: Cursor): SackBlockText[] {
  const blocks: SackBlockText[] = [];
  do {
    const left = cursor.expectNumber('the left edge of a SACK block', MAX_U32);
    cursor.expect(':', 'between the edges of a SACK block');
    const right = cursor.expectNumber('the right edge of a SACK block', MAX_U32);
    blocks.push({ left, right, isAbsolute: acceptAbsolute(cursor) });
  } while (cursor.seesKind('integer'));
  return blocks;
}

/** nplab: `!` behind a number says that it is the one on the wire. */
export function acceptAbsolute(cursor: Cursor): boolean {
  if (!cursor.accept('!')) return false;
  cursor.sawNplab = true;
  return true;
}

function parseTimestamps(cursor: Cursor): ScriptTcpOption {
  cursor.expect('val', 'after TS');
  const isAny = cursor.seesKind('ellipsis');
  if (isAny) {
    cursor.take();
    cursor.sawNplab = true;
  }
  const value = isAny ? null : cursor.expectNumber('TS val', MAX_U32);
  cursor.expect('ecr', 'after TS val');
  const echo = cursor.expectNumber('TS ecr', MAX_U32);
  return { kind: 'timestamps', value, echo, isEchoAbsolute: acceptAbsolute(cursor) };
}

function parseDigest(cursor: Cursor): Uint8Array | 'valid' {
  if (cursor.accept('valid')) {
    cursor.sawNplab = true;
    return 'valid';
  }
  const token = cursor.peek();
  const digest = parseHex(cursor);
  if (digest.length === 16) return digest;
  return cursor.fail(`an MD5 digest has 32 hexadecimal digits`, token.position);
}

/** 0 octets, or those that hexadecimal digits say. */
function parseCookie(cursor: Cursor): Uint8Array {
  return cursor.sees(',') || cursor.sees('>') ? new Uint8Array(0) : parseHex(cursor);
}

/** Octets in hexadecimal digits, which may be all decimal and so look like a number. */
function parseHex(cursor: Cursor): Uint8Array {
  const { kind, text, position } = cursor.peek();
  if (kind !== 'word' && kind !== 'integer' && kind !== 'hex') {
    return cursor.fail(`expected hexadecimal digits, found ${cursor.describe()}`);
  }
  const digits = kind === 'hex' ? text.slice(2) : text;
  if (/^[A-Z][A-Z0-9]*_[A-Z0-9_]+$/.test(text)) {
    cursor.unsupported(`the symbol ${text}, which nobody defined`);
  }
  if (!/^(?:[0-9a-fA-F]{2})+$/.test(digits)) {
    return cursor.fail(`'${text}' is not an even number of hexadecimal digits`, position);
  }
  cursor.take();
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
    Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16),
  );
}

/** nplab: an option in octets, each `0x..` or several together. */
function parseRaw(cursor: Cursor): ScriptTcpOption {
  const octets: number[] = [];
  while (cursor.seesKind('hex')) octets.push(...parseHex(cursor));
  cursor.sawNplab = true;
  return { kind: 'raw', octets: Uint8Array.from(octets) };
}

/**
 * `ECN e0b N ceb N e1b N` is order 0, `ECN e1b N ceb N e0b N` order 1; fields at the end may miss
 * (RFC 9768 3.2.3).
 */
function parseAccurateEcn(cursor: Cursor): ScriptTcpOption {
  const order = cursor.sees('e1b') ? 1 : 0;
  const names = order === 0 ? ['e0b', 'ceb', 'e1b'] : ['e1b', 'ceb', 'e0b'];
  const counters = new Map<string, number>();
  for (const name of names) {
    if (!cursor.accept(name)) break;
    counters.set(name, cursor.expectNumber(name, MAX_U24));
  }
  return {
    kind: 'accurateEcn',
    order,
    e0b: counters.get('e0b') ?? null,
    ceb: counters.get('ceb') ?? null,
    e1b: counters.get('e1b') ?? null,
  };
}
