import { Flag } from '../wire/tcp.ts';
import type {
  EchoedDatagram,
  IcmpPacket,
  IpInfo,
  PacketDirection,
  ScriptSequence,
  TcpPacket,
} from './ast.ts';
import type { Cursor } from './cursor.ts';
import { checkIcmpNames } from './icmpNames.ts';
import { acceptAbsolute, parseTcpOptions } from './parseTcpOptions.ts';

/** One packet: `< [ect0] P. 1:1001(1000) ack 1 win 257 <nop,nop,TS val 1 ecr 2>`. */

const MAX_U16 = 0xffff;
const MAX_U32 = 0xffff_ffff;
/** Text of a segment that segmentation offload may cut, or that is merged of many. */
const MAX_TEXT = 0xffff_ffff;

const FLAGS: Readonly<Record<string, number>> = {
  F: Flag.FIN,
  S: Flag.SYN,
  R: Flag.RST,
  P: Flag.PSH,
  '.': Flag.ACK,
  U: Flag.URG,
  E: Flag.ECE,
  W: Flag.CWR,
  A: Flag.AE,
};

/** What a packet may begin with that is neither TCP nor ICMP. */
const FOREIGN: Readonly<Record<string, string>> = {
  udp: 'UDP',
  udplite: 'UDP-Lite',
  sctp: 'SCTP',
  gre: 'GRE',
  GREv0: 'GRE',
  mpls: 'MPLS',
  encap: 'PSP',
  psp: 'PSP',
  ipv4: 'IP in IP',
  ipv6: 'IP in IP',
};

/** The names of differentiated services: RFC 2474, 2597, 3246, 5865, 8622 */
const DSCP: Readonly<Record<string, number>> = {
  be: 0,
  default: 0,
  le: 1,
  ef: 46,
  va: 44,
  voice_admit: 44,
};

const NO_INFO: IpInfo = {
  ecn: null,
  trafficClass: null,
  dscp: null,
  ttl: null,
  flowLabel: null,
};

/** From behind the direction on. */
export function parsePacket(cursor: Cursor, direction: PacketDirection): TcpPacket | IcmpPacket {
  const { position } = cursor.previous;
  const quoted = seesEchoed(cursor) ? parseEarlyEchoed(cursor) : null;
  const ip = quoted === null ? parseIpInfo(cursor, direction) : NO_INFO;
  const first = cursor.peek();
  if (first.kind === 'word') {
    const foreign = Object.hasOwn(FOREIGN, first.text) ? FOREIGN[first.text] : undefined;
    if (foreign !== undefined) cursor.unsupported(foreign);
    if (first.text === 'icmp') {
      cursor.take();
      return { kind: 'icmp', position, direction, ip, ...parseIcmp(cursor, quoted) };
    }
  }
  if (quoted !== null)
    cursor.fail(`expected icmp behind what it quotes, found ${cursor.describe()}`);
  const packet: TcpPacket = { kind: 'tcp', position, direction, ip, ...parseTcp(cursor) };
  if (direction === 'inbound') checkInbound(cursor, packet);
  if (cursor.sees('/')) cursor.unsupported('TCP over UDP');
  if (cursor.sees('[')) cursor.unsupported('RST diagnostics');
  return packet;
}

/** What may be left open in an expected packet alone. */
function checkInbound(cursor: Cursor, packet: TcpPacket): void {
  const fail = (message: string) => cursor.fail(message, packet.position);
  if (packet.window === null) fail('an injected packet (<) needs its window: write win N');
  if (packet.options === 'any') fail('<...> stands for any options of a sent packet (>) alone');
  if (packet.seq.start === null) fail('...(N) is any number of a sent packet (>) alone');
}

// ---- IP -------------------------------------------------------------------------------------

/** `[ect0]`, `(tos 0x10, ttl 64)`, or nothing. */
function parseIpInfo(cursor: Cursor, direction: PacketDirection): IpInfo {
  const close = cursor.sees('[') ? ']' : cursor.sees('(') ? ')' : null;
  if (close === null) return NO_INFO;
  cursor.take();
  let ip = NO_INFO;
  do ip = { ...ip, ...parseIpItem(cursor, direction) };
  while (cursor.accept(','));
  cursor.expect(close, 'after what the IP header has');
  return ip;
}

function parseIpItem(cursor: Cursor, direction: PacketDirection): Partial<IpInfo> {
  const { position } = cursor.peek();
  const name = cursor.expectWord('ect0, ect1, ce, noecn, tos N, ttl N or flowlabel N');
  switch (name) {
    case 'ecn':
      cursor.sawNplab = true;
      return parseEcn(cursor, direction);
    case 'noecn':
    case 'ect0':
    case 'ect1':
    case 'ce':
    case 'ect01':
      return { ecn: ecnOf(cursor, name, direction) };
    case 'tos':
      return { trafficClass: cursor.expectNumber('tos', 255) };
    case 'class':
      cursor.sawNplab = true;
      return { trafficClass: cursor.expectNumber('class', 255) };
    case 'ttl':
      return { ttl: cursor.expectNumber('ttl', 255) };
    case 'hlim':
      cursor.sawNplab = true;
      return { ttl: cursor.expectNumber('hlim', 255) };
    case 'flowlabel':
      return { flowLabel: cursor.expectNumber('flowlabel', 0xf_ffff) };
    case 'dscp':
      cursor.sawNplab = true;
      return { dscp: parseDscp(cursor) };
  }
  return cursor.fail(
    `unknown field '${name}' of the IP header; known are noecn, ect0, ect1, ce, ect01, tos N, ttl N, flowlabel N, hlim N, class N, dscp NAME`,
    position,
  );
}

function parseEcn(cursor: Cursor, direction: PacketDirection): Partial<IpInfo> {
  const name = cursor.expectWord('noecn, ect0, ect1 or ce');
  return { ecn: ecnOf(cursor, name, direction) };
}

function ecnOf(cursor: Cursor, name: string, direction: PacketDirection): IpInfo['ecn'] {
  switch (name) {
    case 'noecn':
    case 'ect0':
    case 'ect1':
    case 'ce':
      return name;
    case 'ect01':
      if (direction === 'outbound') return 'either';
      return cursor.fail('ect01 is for sent packets (>) alone', cursor.previous.position);
  }
  return cursor.fail(
    `unknown ECN codepoint '${name}'; write noecn, ect0, ect1 or ce`,
    cursor.previous.position,
  );
}

/** `dscp ef`, `dscp cs3`, `dscp af21` or a number. */
function parseDscp(cursor: Cursor): number {
  if (cursor.seesKind('integer') || cursor.seesKind('hex')) return cursor.expectNumber('dscp', 63);
  const name = cursor.expectWord('the name of a DSCP');
  const known = Object.hasOwn(DSCP, name) ? DSCP[name] : undefined;
  if (known !== undefined) return known;
  const [, selector] = /^cs([0-7])$/.exec(name) ?? [];
  if (selector !== undefined) return 8 * Number(selector);
  const [, assured, drop] = /^af([1-4])([1-3])$/.exec(name) ?? [];
  if (assured !== undefined) return 8 * Number(assured) + 2 * Number(drop);
  return cursor.fail(
    `unknown DSCP '${name}'; write be, cs0 to cs7, af11 to af43, va, ef, le or a number`,
    cursor.previous.position,
  );
}

// ---- TCP ------------------------------------------------------------------------------------

function parseTcp(cursor: Cursor): Omit<TcpPacket, 'kind' | 'position' | 'direction' | 'ip'> {
  const ports = parsePorts(cursor);
  const { flags, ace } = parseFlags(cursor);
  const seq = parseSequence(cursor);
  const ack = cursor.accept('ack') ? cursor.expectNumber('the acknowledgment', MAX_U32) : null;
  const window = cursor.accept('win') ? cursor.expectNumber('the window', MAX_U16) : null;
  const urgentPointer = cursor.accept('urg')
    ? cursor.expectNumber('the urgent pointer', MAX_U16)
    : 0;
  const options = cursor.accept('<') ? parseTcpOptions(cursor) : [];
  return { ports, flags, ace, seq, ack, window, urgentPointer, options };
}

function parsePorts(cursor: Cursor): TcpPacket['ports'] {
  if (!cursor.seesKind('integer') || !cursor.sees('>', 1)) return null;
  const source = cursor.expectNumber('the source port', MAX_U16);
  cursor.take();
  return { source, destination: cursor.expectNumber('the destination port', MAX_U16) };
}

/** Tokens that touch each other, since `P5.` is three of them and `.5` one. */
function parseFlags(cursor: Cursor): Pick<TcpPacket, 'flags' | 'ace'> {
  const { position } = cursor.peek();
  let text = '';
  while (mayBeFlags(cursor) && (text === '' || cursor.isAdjacent())) text += cursor.take().text;
  if (/^[A-Z0-9]+$/.test(text) && cursor.accept('.')) text += '.';
  if (text === '') {
    cursor.fail(`expected the flags of a segment, of FSRPUEWA. or -, found ${cursor.describe()}`);
  }
  if (text === '-') return { flags: 0, ace: null };
  let flags = 0;
  let ace: number | null = null;
  for (const char of text) {
    const flag = Object.hasOwn(FLAGS, char) ? FLAGS[char] : undefined;
    if (flag !== undefined) flags |= flag;
    else if (/[0-7]/.test(char) && ace === null) ace = Number(char);
    else
      cursor.fail(`'${text}' are no TCP flags; they are of FSRPUEWA. and 0 to 7, or -`, position);
  }
  if (ace !== null && (flags & (Flag.ECE | Flag.CWR | Flag.AE)) !== 0) {
    cursor.fail(
      `'${text}' has an ACE counter and flags out of EWA, which are the same bits`,
      position,
    );
  }
  // a counter of 0 is what a segment without the flags has
  return { flags, ace: ace === 0 ? null : ace };
}

function mayBeFlags(cursor: Cursor): boolean {
  const { kind } = cursor.peek();
  if (kind === 'word' || kind === 'float' || kind === 'integer') return true;
  return cursor.sees('.') || cursor.sees('-');
}

/** `start:end(length)`, or of nplab `...(length)`. */
function parseSequence(cursor: Cursor): ScriptSequence {
  if (cursor.seesKind('ellipsis')) {
    cursor.take();
    cursor.sawNplab = true;
    return { start: null, length: parseLength(cursor), isAbsolute: false };
  }
  const { position } = cursor.peek();
  const start = cursor.expectNumber('the sequence number', MAX_U32);
  cursor.expect(':', 'after the sequence number, as in 1:1001(1000)');
  const end = cursor.expectNumber('the end of the sequence numbers', MAX_U32);
  const length = parseLength(cursor);
  if ((start + length) % 2 ** 32 !== end) {
    cursor.fail(
      `${start}:${end}(${length}) does not add up: ${start} + ${length} is ${start + length}`,
      position,
    );
  }
  return { start, length, isAbsolute: acceptAbsolute(cursor) };
}

function parseLength(cursor: Cursor): number {
  cursor.expect('(', 'before the length of the text, as in 1:1001(1000)');
  const length = cursor.expectNumber('the length of the text', MAX_TEXT);
  cursor.expect(')', 'after the length of the text');
  return length;
}

// ---- ICMP -----------------------------------------------------------------------------------

/** An older spelling, `[1:1001(1000)] icmp unreachable`: numbers stand for no field of the IP header. */
function seesEchoed(cursor: Cursor): boolean {
  if (!cursor.sees('[')) return false;
  const isSequence = cursor.seesKind('integer', 1) && cursor.sees(':', 2);
  return isSequence || cursor.sees('udp', 1) || cursor.sees('udplite', 1) || cursor.sees('sctp', 1);
}

function parseEarlyEchoed(cursor: Cursor): EchoedDatagram {
  cursor.take();
  return parseEchoed(cursor);
}

/** @param quoted what stood before it; null: nothing */
function parseIcmp(
  cursor: Cursor,
  quoted: EchoedDatagram | null,
): Omit<IcmpPacket, 'kind' | 'position' | 'direction' | 'ip'> {
  const { position } = cursor.peek();
  const type = cursor.expectWord('the name of an ICMP type');
  const code = seesCode(cursor) ? cursor.take().text : null;
  if (code !== null && /^[A-Z][A-Z0-9_]*$/.test(code)) {
    cursor.unsupported(`the symbol ${code}, which nobody defined`, cursor.previous.position);
  }
  const wrong = checkIcmpNames(type, code);
  if (wrong !== null) cursor.fail(wrong, position);
  const mtuAt = cursor.peek().position;
  const mtu = cursor.accept('mtu') ? cursor.expectNumber('mtu', MAX_U32) : null;
  if (mtu !== null && code !== 'frag_needed' && type !== 'packet_too_big') {
    cursor.fail('mtu goes with unreachable frag_needed or packet_too_big alone', mtuAt);
  }
  const id = cursor.accept('id') ? cursor.expectNumber('id', MAX_U16) : null;
  const echoed = quoted === null && cursor.accept('[') ? parseEchoed(cursor) : quoted;
  return { type, code, mtu, id, echoed };
}

function seesCode(cursor: Cursor): boolean {
  return cursor.seesKind('word') && !cursor.sees('mtu') && !cursor.sees('id');
}

/** From behind `[` on: `1:1001(1000)]`, `udp (8)]` or `raw (8)]`. */
function parseEchoed(cursor: Cursor): EchoedDatagram {
  const word = cursor.seesKind('word') ? cursor.take().text : null;
  if (word !== null && word !== 'udp' && word !== 'raw') {
    cursor.unsupported(`ICMP that quotes ${word}`, cursor.previous.position);
  }
  const echoed: EchoedDatagram =
    word === null
      ? { protocol: 'tcp', seq: parseSequence(cursor) }
      : { protocol: word, length: parseLength(cursor) };
  cursor.expect(']', 'after what the ICMP message quotes');
  return echoed;
}
