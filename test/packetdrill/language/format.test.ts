import test from 'ava';
import fc from 'fast-check';
import type { IcmpPacket, ScriptTcpOption, TcpPacket } from '../../../src/core/packetdrill/ast.ts';
import {
  formatEvent,
  formatPacket,
  formatScript,
  formatSeconds,
} from '../../../src/core/packetdrill/format.ts';
import { parseScript } from '../../../src/core/packetdrill/parser.ts';
import { optionLength } from '../../../src/core/packetdrill/parseTcpOptions.ts';
import { eventOf, meaningOf, parsed, tcpOf } from './scripts.ts';

/** Written as they are formatted. */
const EVENTS = [
  '0 < S 0:0(0) win 1000 <mss 1460,sackOK,TS val 100 ecr 0,nop,wscale 7>',
  '0 > S. 0:0(0) ack 1 <...>',
  '0 > [ect0, tos 0x10, ttl 64, flowlabel 0xff] 80 > 90 FP5. 1:1001(1000) ack 5 urg 3',
  '0 > SEWA 0:0(0)',
  '0 > - 1:1(0)',
  '0 > R 5:5(0)!',
  '0 > . ...(10) ack 1',
  '0 > . 4294967290:4(10) ack 1 <nop,nop,sack 1:2 3:4!>',
  '0 > . 1:1(0) <nop,nop,TS val ... ecr 5!>',
  '0 > S 0:0(0) <FO,FO abcd,FOEXP,FOEXP 0123,nop,nop,nop,nop>',
  '0 > S 0:0(0) <ECN e1b 1 ceb 2 e0b 3,nop>',
  '0 > S 0:0(0) <ECN e0b 1 ceb 2,ECN e0b 1,nop,ECN,eol,eol,eol,eol>',
  '0 > S 0:0(0) <md5 00112233445566778899aabbccddeeff,nop,nop>',
  '0 > S 0:0(0) <md5 valid,0xfd020304,nop,nop>',
  '0 < icmp unreachable frag_needed mtu 1200 [1:1001(1000)]',
  '0 > icmp echo_reply id 7 [raw (8)]',
  '+0 socket(..., SOCK_STREAM|SOCK_NONBLOCK, IPPROTO_TCP) = 3',
  '+0...0.1 connect(3, {sa_family=AF_INET, sin_port=htons(80)}, ...) = -1 ETIMEDOUT (Timed out)',
  '0 f("a\\"\\\\\\x0a\\xa1", [1, 2], {..., 5}, [], {msg_iov(1)=[{..., 1}]}) = 0 (flags A|B)',
  '0 f("cub"..., 1) = 0',
  '0 %{ assert a == 1 }%',
  '0 `echo \\`a\\` \\\\`',
];

for (const text of EVENTS) {
  test(`an event is written as it is read: ${text}`, (t) => {
    const event = eventOf(t, text);
    t.is(formatEvent(event), text);
    t.deepEqual(meaningOf(parsed(t, formatEvent(event))), meaningOf(parsed(t, text)));
  });
}

test('times are written in seconds with the decimals they have', (t) => {
  t.deepEqual([0, 1, 10_000, 100_000, 1_000_000, 10_000_000, 1_500_000].map(formatSeconds), [
    '0',
    '0.000001',
    '0.01',
    '0.1',
    '1',
    '10',
    '1.5',
  ]);
  const { events } = parsed(t, '0 > . 1:1(0)\n* > . 1:1(0)\n1~2.5 > . 1:1(0)\n+0~+0.1 > . 1:1(0)');
  t.deepEqual(events.map(formatEvent), [
    '0 > . 1:1(0)',
    '* > . 1:1(0)',
    '1~2.5 > . 1:1(0)',
    '+0~+0.1 > . 1:1(0)',
  ]);
});

test('a whole script survives, with options, commands and what is unsupported', (t) => {
  const text = [
    '--tolerance_usecs=1000',
    '--strict_segments',
    '--define="A=x y"',
    '`./defaults.sh\n./set_sysctls.py a="b c"`',
    '0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3',
    '+0 < sctp: INIT[flgs=0]',
    '+0 %{ assert a\nassert b }%',
    '`rm x`',
    '',
  ].join('\n');
  const script = parsed(t, text);
  t.is(formatScript(script), text);
  t.deepEqual(meaningOf(parsed(t, formatScript(script))), meaningOf(script));
});

// ---- any packet ---------------------------------------------------------------------------

const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const u16 = fc.integer({ min: 0, max: 0xffff });
const u24 = fc.integer({ min: 0, max: 0xff_ffff });

const option: fc.Arbitrary<ScriptTcpOption> = fc.oneof(
  fc.constant<ScriptTcpOption>({ kind: 'nop' }),
  fc.constant<ScriptTcpOption>({ kind: 'eol' }),
  fc.constant<ScriptTcpOption>({ kind: 'sackOK' }),
  u16.map((mss): ScriptTcpOption => ({ kind: 'mss', mss })),
  fc.integer({ min: 0, max: 255 }).map((shift): ScriptTcpOption => ({ kind: 'wscale', shift })),
  fc
    .array(fc.record({ left: u32, right: u32, isAbsolute: fc.boolean() }), {
      minLength: 1,
      maxLength: 3,
    })
    .map((blocks): ScriptTcpOption => ({ kind: 'sack', blocks })),
  fc
    .record({ value: fc.option(u32), echo: u32, isEchoAbsolute: fc.boolean() })
    .map((stamps): ScriptTcpOption => ({ kind: 'timestamps', ...stamps })),
  fc
    .record({ cookie: fc.uint8Array({ maxLength: 16 }), isExperimental: fc.boolean() })
    .map((fastOpen): ScriptTcpOption => ({ kind: 'fastOpen', ...fastOpen })),
  fc
    .record({ order: fc.constantFrom<0 | 1>(0, 1), e0b: u24, ceb: u24, e1b: u24 })
    .map((counters): ScriptTcpOption => ({ kind: 'accurateEcn', ...counters })),
);

/** A list that fills a multiple of four octets, at most 40. */
const options = fc.array(option, { maxLength: 6 }).map((list) => {
  const fitting: ScriptTcpOption[] = [];
  let length = 0;
  for (const next of list) {
    if (length + optionLength(next) > 40) continue;
    fitting.push(next);
    length += optionLength(next);
  }
  for (; length % 4 !== 0; length++) fitting.push({ kind: 'nop' });
  return fitting;
});

const ip: fc.Arbitrary<TcpPacket['ip']> = fc.record({
  ecn: fc.option(
    fc.constantFrom('noecn' as const, 'ect0' as const, 'ect1' as const, 'ce' as const),
  ),
  trafficClass: fc.option(fc.integer({ min: 0, max: 255 })),
  dscp: fc.option(fc.integer({ min: 0, max: 63 })),
  ttl: fc.option(fc.integer({ min: 0, max: 255 })),
  flowLabel: fc.option(fc.integer({ min: 0, max: 0xf_ffff })),
});

const position = { line: 1, column: 3 };

const segment: fc.Arbitrary<TcpPacket> = fc.record({
  kind: fc.constant('tcp' as const),
  position: fc.constant(position),
  direction: fc.constantFrom('inbound' as const, 'outbound' as const),
  ip,
  ports: fc.option(fc.record({ source: u16, destination: u16 })),
  flags: fc.integer({ min: 0, max: 0x3f }),
  ace: fc.option(fc.integer({ min: 1, max: 7 })),
  seq: fc.record({ start: u32, length: u32, isAbsolute: fc.boolean() }),
  ack: fc.option(u32),
  window: u16,
  urgentPointer: u16,
  options,
});

test('any segment is read as it was written', (t) => {
  fc.assert(
    fc.property(segment, (packet) => {
      t.deepEqual(tcpOf(t, formatPacket(packet)), packet);
    }),
    { numRuns: 500 },
  );
});

test('any ICMP message is read as it was written', (t) => {
  const message: fc.Arbitrary<IcmpPacket> = fc.record({
    kind: fc.constant('icmp' as const),
    position: fc.constant(position),
    direction: fc.constantFrom('inbound' as const, 'outbound' as const),
    ip,
    type: fc.constantFrom('unreachable', 'type_3'),
    code: fc.constantFrom('frag_needed'),
    mtu: fc.option(u32),
    id: fc.option(u16),
    echoed: fc.option(
      fc.oneof(
        fc.record({
          protocol: fc.constant('tcp' as const),
          seq: fc.record({ start: u32, length: u32, isAbsolute: fc.boolean() }),
        }),
        fc.record({ protocol: fc.constantFrom('udp' as const, 'raw' as const), length: u32 }),
      ),
    ),
  });
  fc.assert(
    fc.property(message, (packet) => {
      const written = formatPacket(packet).replace('type_3 frag_needed', 'unreachable frag_needed');
      t.deepEqual(eventOf(t, `0 ${written}`).action, { ...packet, type: 'unreachable' });
    }),
  );
});

// ---- any text -----------------------------------------------------------------------------

const WORDS = [
  ...'0 1 +0 +.1 0.5 * ~ ... < > ( ) [ ] { } , = : | ! - . / # ` " 7 0x1f x'.split(' '),
  ...'S S. P. ack win urg icmp unreachable sctp mss 1460 nop wscale TS val ecr sack FO'.split(' '),
  ...'socket(3) 1:1(0) 0:0(0) %{ }% assert //c /* */ --opt #ifdef #endif `a` "b" \n'.split(' '),
  '\n',
  '\n+0 > . 1:1(0)',
  '\n0 f() = 0',
  '::1',
  '1.2.3.4',
  '\\',
];

const ends = (text: string): boolean => {
  const script = parseScript(text);
  if (script.kind === 'script') return script.events.length > 0;
  const { line, column } = script.position;
  return line >= 1 && column >= 1 && script.message !== '' && !script.message.includes('\n');
};

test('any text is a script or an error with a place, never anything thrown', (t) => {
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 300 }), ends), { numRuns: 2_000 });
  const jumble = fc.array(fc.constantFrom(...WORDS), { maxLength: 60 }).map((all) => all.join(' '));
  fc.assert(
    fc.property(jumble, (text) => ends(`0 ${text}`)),
    { numRuns: 5_000 },
  );
  t.pass();
});

test('a script with any piece cut out, doubled or changed still ends in a script or an error', (t) => {
  const whole = `--a=1\n\`init\`\n${EVENTS.join('\n')}\n\`cleanup\`\n`;
  const at = fc.nat({ max: whole.length });
  fc.assert(
    fc.property(
      at,
      at,
      fc.constantFrom('', ...WORDS),
      fc.boolean(),
      (one, two, word, isDoubled) => {
        const [from, to] = one < two ? [one, two] : [two, one];
        const piece = isDoubled ? whole.slice(from, Math.min(to, from + 200)).repeat(2) : '';
        return ends(whole.slice(0, from) + piece + word + whole.slice(isDoubled ? from : to));
      },
    ),
    { numRuns: 3_000 },
  );
  t.pass();
});

test('what would take long or deep in a naive parser ends at once', (t) => {
  const many = 100_000;
  const texts = [
    '0 f('.repeat(many),
    `0 f(${'{'.repeat(many)}`,
    `0 f(${'g('.repeat(many)}`,
    `0 f() = 0 ${'('.repeat(many)}`,
    `0 > sctp ${'['.repeat(many)}`,
    `0 > sctp ${'\n+0 > sctp ['.repeat(many / 10)}`,
    `0 f(${'"a" '.repeat(many)}) = 0`,
    `0 f(1${'|1'.repeat(many)}) = 0`,
    `0 ${'1:'.repeat(many)}`,
    `0 ${'a'.repeat(many)}`,
    '/* '.repeat(many),
    '#ifdef X\n'.repeat(many / 10),
    '0 f() = 0\n'.repeat(many / 10),
  ];
  for (const text of texts) t.true(ends(text), text.slice(0, 20));
});
