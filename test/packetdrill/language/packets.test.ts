import test from 'ava';
import { Flag } from '../../../src/core/wire/tcp.ts';
import { eventOf, icmpOf, parsed, tcpOf } from './scripts.ts';

const { FIN, SYN, RST, PSH, ACK, URG, ECE, CWR } = Flag;
const AE = 256;

test('a segment has flags, numbers, an acknowledgment, a window and options', (t) => {
  t.like(tcpOf(t, '< P. 1:1001(1000) ack 5 win 257 urg 3 <nop,nop,TS val 1 ecr 2>'), {
    direction: 'inbound',
    ports: null,
    flags: PSH | ACK,
    ace: null,
    seq: { start: 1, length: 1000, isAbsolute: false },
    ack: 5,
    window: 257,
    urgentPointer: 3,
    options: [
      { kind: 'nop' },
      { kind: 'nop' },
      { kind: 'timestamps', value: 1, echo: 2, isEchoAbsolute: false },
    ],
    position: { line: 1, column: 3 },
  });
});

test('what is not written of an expected segment is not to be checked, but options are', (t) => {
  t.like(tcpOf(t, '> . 1:1(0)'), { ack: null, window: null, urgentPointer: 0, options: [] });
  t.is(tcpOf(t, '> . 1:1(0) <...>').options, 'any');
});

test('flags are one word of letters, a dot and a digit, however the tokens fall', (t) => {
  const cases: readonly (readonly [string, number, number | null])[] = [
    ['S', SYN, null],
    ['S.', SYN | ACK, null],
    ['.', ACK, null],
    ['-', 0, null],
    ['FP.', FIN | PSH | ACK, null],
    ['R', RST, null],
    ['PU.', PSH | URG | ACK, null],
    ['SEWA', SYN | ECE | CWR | AE, null],
    ['S.EW', SYN | ACK | ECE | CWR, null],
    ['EAP.', ECE | AE | PSH | ACK, null],
    ['5.', ACK, 5],
    ['.5', ACK, 5],
    ['P7.', PSH | ACK, 7],
    ['F2.', FIN | ACK, 2],
    ['P .', PSH | ACK, null],
    // "treated as no ACE"
    ['0.', ACK, null],
    ['.0', ACK, null],
  ];
  for (const [text, flags, ace] of cases) {
    const packet = tcpOf(t, `> ${text} 1:1461(1460) ack 1`);
    t.deepEqual([packet.flags, packet.ace], [flags, ace], text);
    t.is(packet.seq.start, 1, text);
  }
});

test('ports before the flags override those of the connection', (t) => {
  t.deepEqual(tcpOf(t, '> 8080 > 50000 S 0:0(0)').ports, { source: 8080, destination: 50000 });
  t.is(tcpOf(t, '> 5. 1:1(0)').ports, null);
});

test('the window of numbers wraps at 2^32', (t) => {
  t.like(tcpOf(t, '> . 4294967295:9(10)').seq, { start: 4294967295, length: 10 });
});

test('nplab: numbers on the wire, any number, any timestamp', (t) => {
  t.like(tcpOf(t, '> R 7:7(0)!').seq, { start: 7, length: 0, isAbsolute: true });
  t.like(tcpOf(t, '> . ...(100) ack 1').seq, { start: null, length: 100 });
  const { options } = tcpOf(t, '> . 1:1(0) <nop,nop,TS val ... ecr 5!>');
  t.deepEqual(options[2], { kind: 'timestamps', value: null, echo: 5, isEchoAbsolute: true });
  t.is(parsed(t, '0 > . ...(0) ack 1').dialect, 'nplab');
});

test('every option of TCP', (t) => {
  t.deepEqual(tcpOf(t, '> S 0:0(0) <mss 1460,sackOK,eol,nop,wscale 14,nop>').options, [
    { kind: 'mss', mss: 1460 },
    { kind: 'sackOK' },
    { kind: 'eol' },
    { kind: 'nop' },
    { kind: 'wscale', shift: 14 },
    { kind: 'nop' },
  ]);
  t.deepEqual(tcpOf(t, '> . 1:1(0) <nop,nop,sack 1:2 3001:4001>').options, [
    { kind: 'nop' },
    { kind: 'nop' },
    {
      kind: 'sack',
      blocks: [
        { left: 1, right: 2, isAbsolute: false },
        { left: 3001, right: 4001, isAbsolute: false },
      ],
    },
  ]);
});

test('the cookie of TCP Fast Open may be missing, start with a digit or be all digits', (t) => {
  const cookieOf = (text: string) => {
    const { options } = tcpOf(t, `> S 0:0(0) <${text},nop,nop>`);
    const first = options === 'any' ? undefined : options[0];
    return first?.kind === 'fastOpen' ? [first.isExperimental, ...first.cookie] : null;
  };
  t.deepEqual(cookieOf('FO'), [false]);
  t.deepEqual(cookieOf('FO 3021b9d889017eeb'), [
    false,
    0x30,
    0x21,
    0xb9,
    0xd8,
    0x89,
    0x01,
    0x7e,
    0xeb,
  ]);
  t.deepEqual(cookieOf('FO 12345678'), [false, 0x12, 0x34, 0x56, 0x78]);
  t.deepEqual(cookieOf('FO abcd1234'), [false, 0xab, 0xcd, 0x12, 0x34]);
  t.deepEqual(cookieOf('nop,nop,FOEXP'), null);
  const { options } = tcpOf(t, '> S 0:0(0) <FOEXP abcd1234abcd1234>');
  t.like(options[0], { kind: 'fastOpen', isExperimental: true });
  t.like(tcpOf(t, '> S 0:0(0) <exp-FO>').options[0], { kind: 'fastOpen', isExperimental: true });
});

test('counters of accurate ECN in both orders, those at the end may miss', (t) => {
  const first = (text: string) => tcpOf(t, `> . 1:1(0) <${text}>`).options[0];
  const base = { kind: 'accurateEcn' };
  t.like(first('ECN e1b 1 ceb 2 e0b 3,nop'), { ...base, order: 1, e1b: 1, ceb: 2, e0b: 3 });
  t.like(first('ECN e0b 1 ceb 2 e1b 3,nop'), { ...base, order: 0, e0b: 1, ceb: 2, e1b: 3 });
  t.like(first('ECN e0b 1,nop,nop,nop'), { ...base, order: 0, e0b: 1, ceb: null, e1b: null });
});

test('md5, valid ones and octets of nplab', (t) => {
  const digest = '00112233445566778899aabbccddeeff';
  const [md5] = tcpOf(t, `> . 1:1(0) <md5 ${digest},nop,nop>`).options;
  t.like(md5, { kind: 'md5' });
  t.like(tcpOf(t, '> . 1:1(0) <md5 valid,nop,nop>').options[0], { digest: 'valid' });
  t.deepEqual(tcpOf(t, '> . 1:1(0) <0xfe04abcd>').options, [
    { kind: 'raw', octets: Uint8Array.of(0xfe, 4, 0xab, 0xcd) },
  ]);
});

test('what the IP header has stands in brackets behind the direction', (t) => {
  const ipOf = (text: string) => tcpOf(t, `> ${text} . 1:1(0) ack 1`).ip;
  const none = { ecn: null, trafficClass: null, dscp: null, ttl: null, flowLabel: null };
  t.deepEqual(ipOf(''), none);
  for (const ecn of ['noecn', 'ect0', 'ect1', 'ce'] as const) {
    t.deepEqual(ipOf(`[${ecn}]`), { ...none, ecn });
  }
  t.deepEqual(ipOf('[ect01]'), { ...none, ecn: 'either' });
  t.deepEqual(ipOf('(tos 0x10, ttl 64)'), { ...none, trafficClass: 16, ttl: 64 });
  t.deepEqual(ipOf('[ect0, flowlabel 0xfffff]'), { ...none, ecn: 'ect0', flowLabel: 0xfffff });
  t.deepEqual(ipOf('[class 0x2, hlim 3]'), { ...none, trafficClass: 2, ttl: 3 });
  t.deepEqual(ipOf('[ecn ect1, dscp af31]'), { ...none, ecn: 'ect1', dscp: 26 });
  t.deepEqual(ipOf('[dscp cs6]'), { ...none, dscp: 48 });
});

test('ICMP has a type, a code, an MTU, and what it quotes', (t) => {
  t.like(icmpOf(t, '< icmp unreachable frag_needed mtu 1200 [1:1001(1000)]'), {
    direction: 'inbound',
    type: 'unreachable',
    code: 'frag_needed',
    mtu: 1200,
    id: null,
    echoed: { protocol: 'tcp', seq: { start: 1, length: 1000 } },
  });
  t.like(icmpOf(t, '< icmp packet_too_big mtu 1280 [0:0(0)]'), { code: null, mtu: 1280 });
  t.like(icmpOf(t, '> icmp echo_reply id 7'), { type: 'echo_reply', id: 7, echoed: null });
  t.like(icmpOf(t, '< [ttl 3] icmp type_3 code_9 [udp (8)]'), {
    ip: { ttl: 3 },
    type: 'type_3',
    code: 'code_9',
    echoed: { protocol: 'udp', length: 8 },
  });
});

test('ICMP may quote before it says what it is, as older scripts have it', (t) => {
  t.like(icmpOf(t, '< [1:1001(1000)] icmp unreachable frag_needed mtu 1200'), {
    code: 'frag_needed',
    mtu: 1200,
    echoed: { protocol: 'tcp', seq: { start: 1, length: 1000 } },
  });
  t.deepEqual(icmpOf(t, '< [udp (8)] icmp unreachable').echoed, { protocol: 'udp', length: 8 });
  t.is(parsed(t, '0 < [sctp (8)] icmp unreachable').unsupported[0]?.what, 'ICMP that quotes sctp');
});

test('a packet may go over several lines, and comments stand anywhere', (t) => {
  const event = eventOf(t, '0 // begin\n > S /* a SYN */ 0:0(0)\n  <mss 1460>');
  t.is(event.text, '0 > S 0:0(0) <mss 1460>');
  t.is(event.action.kind, 'tcp');
});

test('other protocols are read over and named, with what follows intact', (t) => {
  const foreign: readonly (readonly [string, string])[] = [
    ['< sctp: INIT[flgs=0, tag=1,\n 5, a_rwnd=1500,\n X[a=10]]', 'SCTP'],
    ['> udp (100)', 'UDP'],
    ['> udplite (100, 8)', 'UDP-Lite'],
    ['> gre: . 1:1(0)', 'GRE'],
    ['> mpls (label 1, tc 0, S, ttl 3): . 1:1(0)', 'MPLS'],
    ['> ipv4 1.2.3.4 > 5.6.7.8: . 1:1(0) ack 1', 'IP in IP'],
    ['> ipv6 ::1 > fd3d::1: . 1:1(0) ack 1', 'IP in IP'],
    ['< encap psp spi 3 . 1:1(0)', 'PSP'],
    ['> S 0:0(0) <mp_capable 1 2>', 'TCP option mp_capable'],
    ['> S 0:0(0) /udp(1 > 2)', 'TCP over UDP'],
    ['> R 0:0(0) [cause_code 1, pen 2]', 'RST diagnostics'],
    ['< icmp unreachable CODE [0:10(10)]', 'the symbol CODE, which nobody defined'],
    ['> S 0:0(0) <FO TFO_COOKIE,nop,nop>', 'the symbol TFO_COOKIE, which nobody defined'],
  ];
  for (const [text, what] of foreign) {
    const { events, unsupported } = parsed(t, `0 ${text}\n+0 close(3) = 0\n* > . 1:1(0)`);
    t.deepEqual(
      unsupported.map((action) => action.what),
      [what],
    );
    t.is(unsupported[0]?.direction, text.startsWith('<') ? 'inbound' : 'outbound');
    t.deepEqual(
      events.map(({ action }) => action.kind),
      ['unsupported', 'call', 'tcp'],
    );
  }
});

test('an unsupported packet says where it is', (t) => {
  const { unsupported } = parsed(t, '0 close(3) = 0\n+0 > sctp: X[]');
  t.deepEqual(unsupported[0]?.position, { line: 2, column: 6 });
});
