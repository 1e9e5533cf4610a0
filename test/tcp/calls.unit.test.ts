import test, { type ExecutionContext } from 'ava';
import { ANY_ADDRESS, ipv4 } from '../../src/core/base/address.ts';
import { MS, SECOND } from '../../src/core/base/time.ts';
import { DELAYED_ACK, EPHEMERAL_PORTS, INVALID_ACK_INTERVAL } from '../../src/core/tcp/config.ts';
import type { OpenOptions } from '../../src/core/tcp/tcp.ts';
import {
  established,
  listening,
  OUR_PORT,
  opening,
  PEER,
  PEER_PORT,
  pattern,
  Transcript,
  US,
} from '../harness/transcript.ts';

const OTHER = ipv4(0x0a6b0009);
const FAR = ipv4(0x08080808);
const BROADCAST = ipv4(0x0a6b00ff);

function world(t: ExecutionContext, seed = 7): Transcript {
  return new Transcript(t, { seed }, 10 * SECOND);
}

/** The code of the error that an active open ends with. */
function openingFails(c: Transcript, options: Partial<OpenOptions>): string | undefined {
  const whole = { remoteAddress: PEER, remotePort: 7, ...options };
  const error = c.t.throws(() => c.stack.connect(whole, c.now));
  return error !== undefined && 'code' in error ? String(error.code) : undefined;
}

test('RFC 9293 3.10.1: a passive OPEN needs an address of ours and a port that nobody has', (t) => {
  const c = world(t);
  const { stack } = c;
  t.throws(() => stack.listen(OTHER, 80, 1), { code: 'EADDRNOTAVAIL' });
  const listener = stack.listen(US, 80, 1);
  t.throws(() => stack.listen(US, 80, 1), { code: 'EADDRINUSE' });
  t.throws(() => stack.listen(ANY_ADDRESS, 80, 1), { code: 'EADDRINUSE' });
  stack.listen(US, 81, 1);
  stack.tcp.closeListener(listener, c.now);
  stack.listen(ANY_ADDRESS, 80, 1);
  c.nothing();
});

test('RFC 9293 3.10.1: an active OPEN needs a route, a source and a free four-tuple', (t) => {
  const c = world(t);
  t.is(openingFails(c, { remoteAddress: FAR }), 'ENETUNREACH');
  t.is(openingFails(c, { localAddress: OTHER }), 'EADDRNOTAVAIL');
  const options = { remoteAddress: PEER, remotePort: 7, localPort: 5000 };
  c.stack.connect(options, c.now);
  t.is(openingFails(c, { localPort: 5000 }), 'EADDRINUSE');
  c.stack.connect({ ...options, remotePort: 8 }, c.now);
});

test('MUST-46: an OPEN towards a broadcast or multicast address is refused', (t) => {
  const c = world(t);
  for (const remoteAddress of [BROADCAST, ipv4(0xffff_ffff), ipv4(0xe0000001)]) {
    t.is(openingFails(c, { remoteAddress }), 'ENETUNREACH');
  }
});

test('MUST-43, MUST-44: the local address is the one that is named, else the one that IP uses', (t) => {
  const c = world(t);
  const open = (options: Partial<OpenOptions>) =>
    c.stack.connect({ remoteAddress: PEER, remotePort: 7, ...options }, c.now).tcb.localAddress;
  t.is(open({}), US);
  t.is(open({ localAddress: US }), US);
});

test('MUST-41: a passive open does not disturb a connection on its port', (t) => {
  const c = established(t);
  const second = c.stack.listen(ANY_ADDRESS, OUR_PORT + 1, 1);
  if (c.listener !== null) c.stack.tcp.closeListener(c.listener, c.now);
  c.stack.listen(ANY_ADDRESS, OUR_PORT, 1);
  c.stack.tcp.closeListener(second, c.now);
  c.turn();
  c.receives({ seq: 1, ack: 1, len: 10 }).sends({ ack: 11 }).is('ESTABLISHED');
});

test('MUST-42: there can be a listener on the port of a connection that is being opened', (t) => {
  const c = opening(t);
  c.sends({ flags: 'S' });
  c.stack.listen(ANY_ADDRESS, OUR_PORT, 1);
  c.is('SYN-SENT');
  c.receives({ flags: 'S.', seq: 0, ack: 1 }).sends({ flags: '.', ack: 1 }).is('ESTABLISHED');
});

test('RFC 6056 3.2: local ports are ephemeral ones, another for each connection to one place', (t) => {
  const firsts = new Set<number>();
  for (let seed = 1; seed <= 10; seed++) {
    const c = world(t, seed);
    const ports = Array.from({ length: 50 }, () => {
      return c.stack.connect({ remoteAddress: PEER, remotePort: 7 }, c.now).tcb.localPort;
    });
    t.is(new Set(ports).size, 50);
    const { first, last } = EPHEMERAL_PORTS;
    t.true(ports.every((port) => port >= first && port <= last));
    firsts.add(ports[0] ?? 0);
  }
  t.true(firsts.size > 8, 'chance decides where they begin');
});

test('RFC 9293 3.10.3: RECEIVE gives what is there, in its order, and 0 when there is nothing', (t) => {
  const c = established(t);
  const { established: user } = c;
  const octets = new Uint8Array(20);
  t.is(user.receive(octets), 0);
  c.receives({ seq: 1, ack: 1, len: 10 }).sends({ ack: 11 });
  c.receives({ seq: 11, ack: 1, len: 10 }).sends({ ack: 21 });
  t.is(user.receive(octets, 2, 5), 5);
  t.is(user.receive(octets, 7, 13), 13);
  t.deepEqual(octets.subarray(2), pattern(0, 18).slice());
  t.is(user.readable, 2);
  t.is(user.receive(octets), 2);
  t.is(user.receive(octets), 0);
});

test('RFC 9293 3.10.3: what arrived before the FIN can be read after it', (t) => {
  const c = established(t);
  c.receives({ flags: 'F.', seq: 1, ack: 1, len: 10 }).passes(DELAYED_ACK).sends({ ack: 12 });
  t.true(c.established.ended);
  t.is(c.established.readable, 10);
  t.deepEqual(c.read(), pattern(0, 10).slice());
  c.is('CLOSE-WAIT');
});

test('RFC 5961 7: RST, SYN and ACK out of place share one ration of challenge ACKs', (t) => {
  const c = established(t, {}, { wnd: 1000 });
  c.receives({ flags: 'R', seq: 5 }).sends({ flags: '.', reason: 'challenge-ack' });
  c.receives({ flags: 'R', seq: 5 }).dropped('reset-not-exact').nothing();
  c.receives({ flags: 'S', seq: 9 }).dropped('syn-in-window').nothing();
  c.receives({ seq: 1, ack: -5000 }).dropped('ack-too-old').nothing();
  c.passes(INVALID_ACK_INTERVAL - 1)
    .receives({ flags: 'R', seq: 5 })
    .nothing();
  c.passes(1).receives({ flags: 'R', seq: 5 }).sends({ flags: '.' });
});

test('RFC 7661 4.1: only a sender that uses its window lets it grow', (t) => {
  const c = established(t);
  const { congestion } = c.established.tcb;
  let una = 1;
  const sendAndAck = (segments: number): void => {
    const octets = segments * 1460;
    c.user((user) => user.send(pattern(una - 1, octets)));
    for (let i = 0; i < segments; i++) c.sends({ seq: una + i * 1460, len: 1460 });
    una += octets;
    c.receives({ seq: 1, ack: una }).nothing();
  };
  for (let i = 0; i < 20; i++) sendAndAck(5);
  t.is(congestion.cwnd, 14_600);
  sendAndAck(6);
  t.is(congestion.cwnd, 16 * 1460);
});

test('RFC 9293 3.10.8: the user timeout ends a connection whose SYN nobody answers', (t) => {
  const c = opening(t, { config: { userTimeout: 2 * SECOND } });
  c.sends({ flags: 'S', at: 0 });
  c.passes(10 * SECOND);
  c.sends({ flags: 'S', at: 1 * SECOND }).is('CLOSED');
  t.is(c.established.error, 'ETIMEDOUT');
});

test('RFC 9293 3.10.8: TIME-WAIT ends when its time is over, and not before', (t) => {
  const c = established(t, { config: { timeWait: 10 * SECOND } });
  c.user((user, now) => user.close(now)).sends({ flags: 'F.', seq: 1 });
  c.receives({ flags: 'F.', seq: 1, ack: 2 }).sends({ flags: '.', ack: 2 });
  c.passes(10 * SECOND - 1).is('TIME-WAIT');
  t.is(c.stack.tcp.connectionCount, 1);
  c.passes(1).is('CLOSED');
  t.is(c.stack.tcp.connectionCount, 0);
});

test('RFC 9293 3.10.8: a timer that was moved to later does not expire at its old time', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 20))).sends({ len: 20 });
  const { rto } = c.established.tcb.rtt;
  c.passes(rto - 1 * MS)
    .receives({ seq: 1, ack: 11 })
    .nothing();
  c.mark().passes(rto);
  c.sends({ seq: 11, len: 10, at: c.established.tcb.rtt.rto / 2, reason: 'rto' }).nothing();
});

test('RFC 9293 3.10.7.4 Fourth: a SYN returns a passive connection in SYN-RECEIVED to LISTEN', (t) => {
  const c = listening(t);
  c.receives({ flags: 'S', mss: 1460 }).sends({ flags: 'S.', ack: 1 });
  c.receives({ flags: 'S', seq: 100 }).dropped('syn-in-window').nothing();
  t.is(c.stack.tcp.connectionCount, 0);
  t.is(c.listener?.halfOpen, 0);
  c.receives({ flags: 'S', mss: 1460 }).sends({ flags: 'S.', ack: 1 });
  t.is(c.remotePort, PEER_PORT);
});

test('RFC 9293 3.10.7.4 Fourth: a SYN after an active open is challenged in SYN-RECEIVED', (t) => {
  const c = opening(t);
  c.sends({ flags: 'S' });
  c.receives({ flags: 'S', seq: 0, mss: 1460 }).sends({ flags: 'S.', ack: 1 });
  c.receives({ flags: 'S', seq: 100 }).dropped('syn-in-window');
  c.sends({ flags: '.', ack: 1, reason: 'challenge-ack' }).is('SYN-RECEIVED');
});
