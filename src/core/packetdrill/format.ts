import { type Micros, SECOND } from '../base/time.ts';
import { Flag } from '../wire/tcp.ts';
import type {
  Action,
  EchoedDatagram,
  EventTime,
  Expression,
  Field,
  IcmpPacket,
  IpInfo,
  Script,
  ScriptEvent,
  ScriptSequence,
  ScriptTcpOption,
  SystemCall,
  TcpPacket,
} from './ast.ts';

/**
 * Writes scripts, events and packets as packetdrill has them: what is written here is read by
 * `parseScript` as the same again.
 */

/** A whole script, one event a line. */
export function formatScript(script: Script): string {
  const lines: string[] = [];
  for (const { name, value } of script.options) {
    lines.push(value === null ? `--${name}` : `--${name}=${optionValue(value)}`);
  }
  if (script.init !== null) lines.push(quoteCommand(script.init.text));
  for (const event of script.events) lines.push(formatEvent(event));
  if (script.cleanup !== null) lines.push(quoteCommand(script.cleanup.text));
  return `${lines.join('\n')}\n`;
}

/** An event on one line, but for code and commands that have several. */
export function formatEvent(event: Pick<ScriptEvent, 'time' | 'action' | 'text'>): string {
  const { time, action } = event;
  if (action.kind === 'unsupported') return event.text;
  const until =
    action.kind === 'call' && action.until !== null ? `...${formatSeconds(action.until)}` : '';
  return `${formatTime(time)}${until} ${formatAction(action)}`;
}

/** `0.1`, `+0.1`, `*`, `0.1~0.2` or `+0.1~+0.2`. */
export function formatTime(time: EventTime): string {
  switch (time.kind) {
    case 'absolute':
      return formatSeconds(time.at);
    case 'relative':
      return `+${formatSeconds(time.at)}`;
    case 'any':
      return '*';
    case 'absolute-range':
      return `${formatSeconds(time.from)}~${formatSeconds(time.to)}`;
    case 'relative-range':
      return `+${formatSeconds(time.from)}~+${formatSeconds(time.to)}`;
    default:
      return time satisfies never;
  }
}

/** Seconds with as many decimals as there are. */
export function formatSeconds(time: Micros): string {
  const text = (time / SECOND).toFixed(6);
  return text.replace(/\.?0+$/, '');
}

function formatAction(action: Exclude<Action, { kind: 'unsupported' }>): string {
  switch (action.kind) {
    case 'tcp':
    case 'icmp':
      return formatPacket(action);
    case 'call':
      return formatCall(action);
    case 'command':
      return quoteCommand(action.text);
    case 'code':
      return `%{ ${action.text} }%`;
    default:
      return action satisfies never;
  }
}

// ---- packets --------------------------------------------------------------------------------

/** `< P. 1:1001(1000) ack 1 win 257 <nop,nop,TS val 1 ecr 2>` */
export function formatPacket(packet: TcpPacket | IcmpPacket): string {
  const parts = [packet.direction === 'inbound' ? '<' : '>', ...formatIp(packet.ip)];
  return [...parts, ...(packet.kind === 'tcp' ? formatTcp(packet) : formatIcmp(packet))].join(' ');
}

function formatIp(ip: IpInfo): string[] {
  const items: string[] = [];
  if (ip.ecn !== null) items.push(ip.ecn === 'either' ? 'ect01' : ip.ecn);
  if (ip.trafficClass !== null) items.push(`tos 0x${ip.trafficClass.toString(16)}`);
  if (ip.dscp !== null) items.push(`dscp ${ip.dscp}`);
  if (ip.ttl !== null) items.push(`ttl ${ip.ttl}`);
  if (ip.flowLabel !== null) items.push(`flowlabel 0x${ip.flowLabel.toString(16)}`);
  return items.length === 0 ? [] : [`[${items.join(', ')}]`];
}

function formatTcp(packet: TcpPacket): string[] {
  const { ports, ack, window, urgentPointer, options } = packet;
  const parts: string[] = [];
  if (ports !== null) parts.push(`${ports.source} > ${ports.destination}`);
  parts.push(formatFlags(packet), formatSequence(packet.seq));
  if (ack !== null) parts.push(`ack ${ack}`);
  if (window !== null) parts.push(`win ${window}`);
  if (urgentPointer !== 0) parts.push(`urg ${urgentPointer}`);
  if (options === 'any') parts.push('<...>');
  else if (options.length > 0) parts.push(formatOptions(options));
  return parts;
}

const FLAGS: readonly (readonly [string, number])[] = [
  ['F', Flag.FIN],
  ['S', Flag.SYN],
  ['R', Flag.RST],
  ['P', Flag.PSH],
  ['U', Flag.URG],
  ['E', Flag.ECE],
  ['W', Flag.CWR],
  ['A', 256],
];

/** `S.`, `P5.`, `SEWA`; `-`: none at all. */
export function formatFlags({ flags, ace }: Pick<TcpPacket, 'flags' | 'ace'>): string {
  let text = '';
  for (const [letter, bit] of FLAGS) if ((flags & bit) !== 0) text += letter;
  if (ace !== null) text += String(ace);
  if ((flags & Flag.ACK) !== 0) text += '.';
  return text === '' ? '-' : text;
}

/** `1:1001(1000)` */
export function formatSequence({ start, length, isAbsolute }: ScriptSequence): string {
  if (start === null) return `...(${length})`;
  const end = (start + length) % 2 ** 32;
  return `${start}:${end}(${length})${isAbsolute ? '!' : ''}`;
}

/** `<mss 1460,nop,wscale 8>` */
export function formatOptions(options: readonly ScriptTcpOption[]): string {
  return `<${options.map(formatOption).join(',')}>`;
}

function formatOption(option: ScriptTcpOption): string {
  switch (option.kind) {
    case 'nop':
    case 'eol':
    case 'sackOK':
      return option.kind;
    case 'mss':
      return `mss ${option.mss}`;
    case 'wscale':
      return `wscale ${option.shift}`;
    case 'sack': {
      // the language has no word for one without blocks
      if (option.blocks.length === 0) return '0x0502';
      const blocks = option.blocks.map(
        ({ left, right, isAbsolute }) => `${left}:${right}${isAbsolute ? '!' : ''}`,
      );
      return `sack ${blocks.join(' ')}`;
    }
    case 'timestamps':
      return `TS val ${option.value ?? '...'} ecr ${option.echo}${option.isEchoAbsolute ? '!' : ''}`;
    case 'md5':
      return `md5 ${option.digest === 'valid' ? 'valid' : hex(option.digest)}`;
    case 'fastOpen': {
      const name = option.isExperimental ? 'FOEXP' : 'FO';
      return option.cookie.length === 0 ? name : `${name} ${hex(option.cookie)}`;
    }
    case 'accurateEcn':
      return formatAccurateEcn(option);
    case 'raw':
      return `0x${hex(option.octets)}`;
    default:
      return option satisfies never;
  }
}

function formatAccurateEcn(option: Extract<ScriptTcpOption, { kind: 'accurateEcn' }>): string {
  const { order, e0b, ceb, e1b } = option;
  const fields: readonly (readonly [string, number | null])[] =
    order === 0
      ? [
          ['e0b', e0b],
          ['ceb', ceb],
          ['e1b', e1b],
        ]
      : [
          ['e1b', e1b],
          ['ceb', ceb],
          ['e0b', e0b],
        ];
  const written = fields.filter(([, counter]) => counter !== null);
  return ['ECN', ...written.map(([name, counter]) => `${name} ${counter}`)].join(' ');
}

function hex(octets: Uint8Array): string {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join('');
}

function formatIcmp({ type, code, mtu, id, echoed }: IcmpPacket): string[] {
  const parts = ['icmp', type];
  if (code !== null) parts.push(code);
  if (mtu !== null) parts.push(`mtu ${mtu}`);
  if (id !== null) parts.push(`id ${id}`);
  if (echoed !== null) parts.push(`[${formatEchoed(echoed)}]`);
  return parts;
}

function formatEchoed(echoed: EchoedDatagram): string {
  if (echoed.protocol === 'tcp') return formatSequence(echoed.seq);
  return `${echoed.protocol} (${echoed.length})`;
}

// ---- calls and commands ---------------------------------------------------------------------

/** `write(4, ..., 1000) = 1000` */
export function formatCall(call: SystemCall): string {
  const args = call.arguments.map(formatExpression).join(', ');
  const parts = [`${call.name}(${args}) = ${formatExpression(call.result)}`];
  if (call.errno !== null) parts.push(call.errno);
  if (call.note !== null) parts.push(`(${call.note})`);
  return parts.join(' ');
}

/** An argument or a result. */
export function formatExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'ellipsis':
      return '...';
    case 'integer':
      return String(expression.value);
    case 'symbol':
      return expression.name;
    case 'string':
      return `${quoteText(expression.value)}${expression.isPrefix ? '...' : ''}`;
    case 'or':
      return expression.terms.map(formatExpression).join('|');
    case 'list':
      return `[${expression.items.map(formatExpression).join(', ')}]`;
    case 'structure':
      return `{${expression.fields.map(formatField).join(', ')}}`;
    case 'apply':
      return `${expression.name}(${expression.arguments.map(formatExpression).join(', ')})`;
    default:
      return expression satisfies never;
  }
}

function formatField({ name, count, value }: Field): string {
  if (name === null) return formatExpression(value);
  const length = count === null ? '' : `(${formatExpression(count)})`;
  return `${name}${length}=${formatExpression(value)}`;
}

/** Control characters and octets above ASCII as `\xHH`. */
function quoteText(text: string): string {
  const escaped = text.replace(/["\\]|[^ -~]/g, (char) => {
    if (char === '"' || char === '\\') return `\\${char}`;
    const code = char.charCodeAt(0);
    return code > 0xff ? char : `\\x${code.toString(16).padStart(2, '0')}`;
  });
  return `"${escaped}"`;
}

function quoteCommand(text: string): string {
  return `\`${text.replaceAll('`', '\\`')}\``;
}

/** What is more than letters, digits and marks that stand in one value is quoted. */
function optionValue(value: string): string {
  return /^[\w.:=-]+$/.test(value) ? value : quoteText(value);
}
