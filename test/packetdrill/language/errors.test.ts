import test from 'ava';
import { MAX_SCRIPT_LENGTH } from '../../../src/core/packetdrill/lexer.ts';
import { errorOf } from './scripts.ts';

/** Each text, and what is said of it: line, column, what is wrong, what would be right. */
const CASES: readonly (readonly [string, string])[] = [
  // the script as a whole
  ['', "1:1: expected an event, as '0 socket(...) = 3', found the end of the script"],
  ['`a`\n`b`', "2:1: expected an event, as '0 socket(...) = 3', found '`b`'"],
  [
    '0 f() = 0\n`a`\n+0 f() = 0',
    "3:1: found '+' after the cleanup command; a command before the last event needs a time",
  ],
  ['--a=', '1:5: --a= needs a value'],
  // tokens
  ['0 f() = 0\n /* x', '2:2: a comment begins here and does not end; close it with */'],
  ['0 %{ assert', '1:3: code begins here and does not end; close it with }%'],
  ['0 f("a', '1:5: " opens here and is not closed'],
  ['0 `a', '1:3: ` opens here and is not closed'],
  ['0 f("\\xg") = 0', '1:5: \\x in a text needs hexadecimal digits'],
  ['# comment', '1:1: # begins #ifdef NAME, #ifndef NAME or #endif alone; comments begin with //'],
  ['#ifdef\n', '1:1: #ifdef needs the name of a definition'],
  ['#endif', '1:1: #endif without #ifdef'],
  ['\n#ifdef X', '2:1: #ifdef without #endif'],
  ['#ifndef X\n#ifdef Y\n#endif', '2:1: #ifdef inside of #ifdef; end the first one'],
  // times
  ['1 f() = 0', '1:1: the first event must be at time 0: write 0 or +0'],
  ['* > . 1:1(0)', '1:1: the first event must be at time 0: write 0 or +0'],
  ['-1 f() = 0', '1:1: a time of -1 s; times are 0 to 5000000000 s'],
  ['9999999999 f() = 0', '1:1: a time of 9999999999 s; times are 0 to 5000000000 s'],
  ['x() = 0', "1:1: expected a time in seconds, found 'x'"],
  [
    '0 f() = 0\n2 f() = 0\n 1.5 f() = 0',
    '3:2: time goes back, from 2 s to 1.5 s; events stand in order',
  ],
  ['0 f() = 0\n2~1 > . 1:1(0)', '2:1: the range of time ends before it begins'],
  ['0 f() = 0\n+0~1 > . 1:1(0)', "2:4: expected '+' since a range is +T1~+T2 or T1~T2, found '1'"],
  ['0 f() = 0\n* f() = 0', '2:1: * and ranges of time are for sent packets (>) alone'],
  ['0 f() = 0\n1~2 < . 1:1(0) win 1', '2:1: * and ranges of time are for sent packets (>) alone'],
  ['0 f() = 0\n1...0.5 f() = 0', '2:5: the call returns before it begins'],
  [
    '0',
    '1:2: expected a packet (< or >), a system call, `a command` or %{ code }%, found the end of the script',
  ],
  // segments
  ['0 < S 0:0(0)', '1:3: an injected packet (<) needs its window: write win N'],
  ['0 < S 0:0(0) win 1 <...>', '1:3: <...> stands for any options of a sent packet (>) alone'],
  ['0 < . ...(0) win 1', '1:3: ...(N) is any number of a sent packet (>) alone'],
  ['0 > <mss 1>', "1:5: expected the flags of a segment, of FSRPUEWA. or -, found '<'"],
  ['0 > X. 1:1(0)', "1:5: 'X.' are no TCP flags; they are of FSRPUEWA. and 0 to 7, or -"],
  ['0 > 8. 1:1(0)', "1:5: '8.' are no TCP flags; they are of FSRPUEWA. and 0 to 7, or -"],
  ['0 > E5. 1:1(0)', "1:5: 'E5.' has an ACE counter and flags out of EWA, which are the same bits"],
  [
    '0 > S',
    '1:6: expected the sequence number, a number up to 4294967295, found the end of the script',
  ],
  ['0 > S -1:0(1)', '1:7: the sequence number is -1; it is 0 to 4294967295'],
  ['0 > S 5 6(1)', "1:9: expected ':' after the sequence number, as in 1:1001(1000), found '6'"],
  [
    '0 > S 5:6',
    "1:10: expected '(' before the length of the text, as in 1:1001(1000), found the end of the script",
  ],
  ['0 > S 5:7(1)', '1:7: 5:7(1) does not add up: 5 + 1 is 6'],
  ['0 > S 0:0(0) win 65536', '1:18: the window is 65536; it is 0 to 65535'],
  ['0 > S 0:0(0) win x', "1:18: expected the window, a number up to 65535, found 'x'"],
  ['0 > [ect0 . 1:1(0)', "1:11: expected ']' after what the IP header has, found '.'"],
  ['0 < [ect01] . 1:1(0) win 1', '1:6: ect01 is for sent packets (>) alone'],
  [
    '0 > [x] . 1:1(0)',
    "1:6: unknown field 'x' of the IP header; known are noecn, ect0, ect1, ce, ect01, tos N, ttl N, flowlabel N, hlim N, class N, dscp NAME",
  ],
  ['0 > [ecn x] . 1:1(0)', "1:10: unknown ECN codepoint 'x'; write noecn, ect0, ect1 or ce"],
  [
    '0 > [dscp af44] . 1:1(0)',
    "1:11: unknown DSCP 'af44'; write be, cs0 to cs7, af11 to af43, va, ef, le or a number",
  ],
  ['0 > [ttl 300] . 1:1(0)', '1:10: ttl is 300; it is 0 to 255'],
  // options
  [
    '0 > S 0:0(0) <mss 1460,wscale 7>',
    '1:14: the TCP options have 7 octets; write 1 more of nop or eol, the header is a multiple of 4',
  ],
  [
    `0 > S 0:0(0) <${Array.from({ length: 44 }, () => 'nop').join(',')}>`,
    '1:14: the TCP options have 44 octets; a header has room for 40',
  ],
  [
    '0 > S 0:0(0) <sackok>',
    "1:15: unknown TCP option 'sackok'; known are mss N, nop, eol, wscale N, sackOK, sack L:R, TS val N ecr N, md5 HEX, FO HEX, FOEXP HEX, ECN e0b N",
  ],
  ['0 > S 0:0(0) <mss 1460 nop>', "1:24: expected '>' or a comma after a TCP option, found 'nop'"],
  ['0 > S 0:0(0) <,>', "1:15: expected a TCP option, found ','"],
  ['0 > S 0:0(0) <mss 70000>', '1:19: the MSS is 70000; it is 0 to 65535'],
  ['0 > S 0:0(0) <TS 1>', "1:18: expected 'val' after TS, found '1'"],
  [
    '0 > S 0:0(0) <sack>',
    "1:19: expected the left edge of a SACK block, a number up to 4294967295, found '>'",
  ],
  ['0 > S 0:0(0) <md5 aabb,nop>', '1:19: an MD5 digest has 32 hexadecimal digits'],
  ['0 > S 0:0(0) <FO abc,nop>', "1:18: 'abc' is not an even number of hexadecimal digits"],
  ['0 > S 0:0(0) <FO "a">', '1:18: expected hexadecimal digits, found \'"a"\''],
  // ICMP
  [
    '0 < icmp unreachable nonsense',
    "1:10: unknown code 'nonsense' of ICMP unreachable; known are net_unreachable, host_unreachable, protocol_unreachable, port_unreachable, frag_needed, source_route_failed, net_unknown, host_unknown, source_host_isolated, net_prohibited, host_prohibited, net_unreachable_for_tos, host_unreachable_for_tos, packet_filtered, precedence_violation, precedence_cutoff, no_route, admin_prohibited, not_neighbour, address_unreachable, code_N",
  ],
  [
    '0 < icmp redirect mtu 5',
    '1:19: mtu goes with unreachable frag_needed or packet_too_big alone',
  ],
  [
    '0 < icmp redirect [1:1(0)',
    "1:26: expected ']' after what the ICMP message quotes, found the end of the script",
  ],
  ['0 < [1:1(0)] . 1:1(0) win 1', "1:14: expected icmp behind what it quotes, found '.'"],
  // calls
  ['0 f', "1:4: expected '(' after f, found the end of the script"],
  ['0 f(1', "1:6: expected ')' or a comma, found the end of the script"],
  ['0 f()', "1:6: expected '=' and the result after f(...), found the end of the script"],
  [
    '0 f() =',
    '1:8: expected a value: a number, a symbol, "text", [...], {...} or ..., found the end of the script',
  ],
  ['0 f() = -1 later', "1:12: expected an errno as EAGAIN, found 'later'"],
  ['0 f() = 0 (x', '1:11: a note opens here and is not closed'],
  ['0 f({1=2}) = 0', "1:7: expected a field's name before '='"],
  ['0 f(99999999999999999999) = 0', '1:5: 99999999999999999999 is too large a number'],
  [`0 f(${'['.repeat(40)}`, '1:37: brackets are nested deeper than 32'],
];

for (const [text, message] of CASES) {
  const title = text.length > 40 ? `${text.slice(0, 40)}...` : text;
  test(`an error says where and what: ${JSON.stringify(title)}`, (t) => {
    t.is(errorOf(t, text), message);
  });
}

test('an unknown ICMP type is told with those that are known', (t) => {
  t.regex(
    errorOf(t, '0 < icmp nonsense'),
    /^1:10: unknown ICMP type 'nonsense'; known are echo_reply, .* and type_N$/,
  );
});

test('a script that is too large is not read', (t) => {
  const text = `0 f() = 0${' '.repeat(MAX_SCRIPT_LENGTH)}`;
  t.is(
    errorOf(t, text),
    `1:1: the script has ${text.length} characters; at most ${MAX_SCRIPT_LENGTH} are read`,
  );
});

test('columns count behind tokens over several lines', (t) => {
  t.regex(errorOf(t, '`a\nb` 0 f() = 0\n+0 %{ a\nb }% x'), /^4:6: /);
});
