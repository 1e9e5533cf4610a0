import test from 'ava';
import {
  checkIcmpNames,
  icmpNamesOf,
  icmpNumbers,
} from '../../../src/core/packetdrill/icmpNames.ts';
import {
  errnoName,
  errnoNumber,
  flagNames,
  isSameErrno,
  symbolValue,
} from '../../../src/core/packetdrill/symbols.ts';

test('symbols have the numbers of Linux', (t) => {
  t.is(symbolValue('AF_INET6'), 10);
  t.is(symbolValue('SOCK_NONBLOCK'), 0o4000);
  t.is(symbolValue('TCP_USER_TIMEOUT'), 18);
  t.is(symbolValue('SO_LINGER'), 13);
  t.is(symbolValue('MSG_FASTOPEN'), 0x20000000);
  t.is(symbolValue('EINPROGRESS'), 115);
  t.is(symbolValue('IPTOS_DSCP_CS7'), 0xe0);
  t.is(symbolValue('NULL'), 0);
});

test('a symbol that is not listed has no number, nor has what every object has', (t) => {
  t.is(symbolValue('SO_NOTHING'), null);
  t.is(symbolValue('constructor'), null);
  t.is(errnoNumber('toString'), null);
});

test('errnos have names, some two', (t) => {
  t.is(errnoName(104), 'ECONNRESET');
  t.is(errnoName(11), 'EAGAIN');
  t.is(errnoName(9999), 'E9999');
  t.true(isSameErrno('EAGAIN', 'EWOULDBLOCK'));
  t.true(isSameErrno('EODD', 'EODD'));
  t.false(isSameErrno('EAGAIN', 'EPIPE'));
  t.false(isSameErrno('EODD', 'EEVEN'));
});

test('flags are told by their names where all are known', (t) => {
  t.is(flagNames(0x5, 'POLL'), 'POLLIN|POLLOUT');
  t.is(flagNames(0x80000001, 'EPOLL'), 'EPOLLIN|EPOLLET');
  t.is(flagNames(0x10005, 'POLL'), '65541');
  t.is(flagNames(0, 'POLL'), '0');
});

test('ICMP names mean other numbers in IPv6', (t) => {
  t.deepEqual(icmpNumbers('unreachable', 'port_unreachable', 4), { type: 3, code: 3 });
  t.deepEqual(icmpNumbers('unreachable', 'port_unreachable', 6), { type: 1, code: 4 });
  t.deepEqual(icmpNumbers('unreachable', null, 4), { type: 3, code: 0 });
  t.deepEqual(icmpNumbers('type_200', 'code_7', 4), { type: 200, code: 7 });
  t.is(icmpNumbers('packet_too_big', null, 4), null);
  t.is(icmpNumbers('unreachable', 'no_route', 4), null);
  t.is(icmpNumbers('type_256', null, 4), null);
  t.is(icmpNumbers('constructor', null, 4), null);
});

test('names of one IP version are checked against both', (t) => {
  t.is(checkIcmpNames('unreachable', 'no_route'), null);
  t.is(checkIcmpNames('unreachable', 'frag_needed'), null);
  t.is(checkIcmpNames('packet_too_big', null), null);
  t.is(
    checkIcmpNames('packet_too_big', 'x'),
    "unknown code 'x' of ICMP packet_too_big; known are code_N",
  );
});

test('ICMP numbers get their names back', (t) => {
  t.deepEqual(icmpNamesOf(3, 4, 4), { type: 'unreachable', code: 'frag_needed' });
  t.deepEqual(icmpNamesOf(2, 0, 6), { type: 'packet_too_big', code: null });
  t.deepEqual(icmpNamesOf(11, 9, 4), { type: 'time_exceeded', code: 'code_9' });
  t.deepEqual(icmpNamesOf(77, 0, 4), { type: 'type_77', code: null });
  for (let code = 0; code < 20; code++) {
    const { type, code: name } = icmpNamesOf(3, code, 4);
    t.deepEqual(icmpNumbers(type, name, 4), { type: 3, code });
  }
});
