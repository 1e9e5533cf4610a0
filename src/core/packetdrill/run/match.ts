import type { IpInfo, ScriptTcpOption, TcpPacket } from '../ast.ts';
import { formatOptions } from '../format.ts';
import type { Conversation, TimestampRule } from './conversation.ts';
import { liveFlags } from './inject.ts';

/** How closely a packet is compared. */
export interface MatchRules {
  /** Relaxed: the set of options counts, not their order; PSH and the window do not. */
  readonly mode: 'strict' | 'relaxed';
  readonly timestamps: TimestampRule;
}

/** A field that differs. */
export interface Difference {
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
}

const FLAG_NAMES: readonly (readonly [number, string])[] = [
  [0x01, 'FIN'],
  [0x02, 'SYN'],
  [0x04, 'RST'],
  [0x08, 'PSH'],
  [0x10, 'ACK'],
  [0x20, 'URG'],
  [0x40, 'ECE'],
  [0x80, 'CWR'],
  [0x100, 'AE'],
];
const PSH = 0x08;

/** A packet that was sent, beside the one that was expected. @returns empty: they are the same */
export function compareSegments(
  expected: TcpPacket,
  actual: TcpPacket,
  conversation: Conversation,
  rules: MatchRules,
): Difference[] {
  const differences = compareIp(expected.ip, actual.ip);
  const differ = (field: string, want: number | string, got: number | string): void => {
    if (want !== got) differences.push({ field, expected: `${want}`, actual: `${got}` });
  };
  const { ports } = expected;
  if (ports !== null) {
    differ('source port', ports.source, actual.ports?.source ?? 0);
    differ('destination port', ports.destination, actual.ports?.destination ?? 0);
  }
  const ignored = rules.mode === 'relaxed' ? PSH : 0;
  differ('flags', flagNames(liveFlags(expected) & ~ignored), flagNames(actual.flags & ~ignored));
  if (expected.seq.start !== null && !expected.seq.isAbsolute) {
    differ('seq', expected.seq.start, actual.seq.start ?? 0);
  } else if (expected.seq.isAbsolute) {
    differ(
      'seq',
      conversation.localToScript(expected.seq.start ?? 0, false),
      actual.seq.start ?? 0,
    );
  }
  differ('length', expected.seq.length, actual.seq.length);
  differ('ack', expected.ack ?? 0, actual.ack ?? 0);
  if (expected.window !== null && rules.mode === 'strict') {
    differ('win', expected.window, actual.window ?? 0);
  }
  differ('urg', expected.urgentPointer, actual.urgentPointer);
  return [...differences, ...compareOptions(expected.options, actual.options, conversation, rules)];
}

/** Of what is not written nothing is asked. */
function compareIp(expected: IpInfo, actual: IpInfo): Difference[] {
  const differences: Difference[] = [];
  const differ = (
    field: string,
    want: number | string | null,
    got: number | string | null,
  ): void => {
    if (want !== null && want !== got) {
      differences.push({ field, expected: `${want}`, actual: `${got}` });
    }
  };
  if (expected.ecn === 'either') {
    if (actual.ecn !== 'ect0' && actual.ecn !== 'ect1') differ('ecn', 'ect01', actual.ecn);
  } else differ('ecn', expected.ecn, actual.ecn);
  differ('tos', expected.trafficClass, actual.trafficClass);
  differ('dscp', expected.dscp, actual.dscp);
  differ('ttl', expected.ttl, actual.ttl);
  return differences;
}

function flagNames(flags: number): string {
  const names = FLAG_NAMES.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name);
  return names.length === 0 ? 'none' : names.join(' ');
}

type Options = TcpPacket['options'];

function compareOptions(
  expected: Options,
  actual: Options,
  conversation: Conversation,
  { mode, timestamps }: MatchRules,
): Difference[] {
  if (expected === 'any' || actual === 'any') return [];
  const isSame = (want: ScriptTcpOption, got: ScriptTcpOption): boolean =>
    isSameOption(want, got, conversation, timestamps);
  const same =
    mode === 'strict'
      ? expected.length === actual.length &&
        expected.every((want, i) => {
          const got = actual[i];
          return got !== undefined && isSame(want, got);
        })
      : isSameSet(expected, actual, isSame);
  if (same) return [];
  return [{ field: 'options', expected: formatOptions(expected), actual: formatOptions(actual) }];
}

function isSameSet(
  expected: readonly ScriptTcpOption[],
  actual: readonly ScriptTcpOption[],
  isSame: (want: ScriptTcpOption, got: ScriptTcpOption) => boolean,
): boolean {
  const isPadding = ({ kind }: ScriptTcpOption): boolean => kind === 'nop' || kind === 'eol';
  const wanted = expected.filter((option) => !isPadding(option));
  const given = actual.filter((option) => !isPadding(option));
  return (
    wanted.length === given.length && wanted.every((want) => given.some((got) => isSame(want, got)))
  );
}

function isSameOption(
  expected: ScriptTcpOption,
  actual: ScriptTcpOption,
  conversation: Conversation,
  rule: TimestampRule,
): boolean {
  if (expected.kind === 'timestamps') {
    if (actual.kind !== 'timestamps' || actual.value === null) return false;
    // TSecr is never compared
    return (
      expected.value === null || conversation.isTimestampRight(actual.value, expected.value, rule)
    );
  }
  if (expected.kind === 'md5' && expected.digest === 'valid') return actual.kind === 'md5';
  return formatOptions([expected]) === formatOptions([actual]);
}

/** An ICMP message that was sent, beside the one that was expected. */
export function compareIcmp(
  expected: { readonly type: number; readonly code: number } | null,
  actual: { readonly type: number; readonly code: number } | null,
): Difference[] {
  const text = (numbers: typeof expected): string =>
    numbers === null ? 'none' : `type ${numbers.type} code ${numbers.code}`;
  if (text(expected) === text(actual)) return [];
  return [{ field: 'icmp', expected: text(expected), actual: text(actual) }];
}
