import test from 'ava';
import type { ConnectionErrorCode } from '../../src/core/base/errors.ts';
import { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import { Protocol } from '../../src/core/base/ports.ts';
import { SECOND } from '../../src/core/base/time.ts';
import { Event } from '../../src/core/tcp/tcb.ts';
import { IcmpHeader, writeIcmp } from '../../src/core/wire/icmpv4.ts';
import { ipv4Template } from '../../src/core/wire/ipv4.ts';
import {
  established,
  OUR_PORT,
  opening,
  PEER,
  PEER_PORT,
  pattern,
  type Transcript,
  US,
} from '../harness/transcript.ts';

/** An ICMP error about our segment with the (relative) number `seq`. */
function error(c: Transcript, type: number, code: number, seq: number, mtu = 0): Uint8Array {
  const packet = new PacketBuffer(200);
  const at = packet.transport + 8;
  packet.octets.set(ipv4Template(US, PEER, Protocol.TCP, 64, 0), at);
  packet.view.setUint16(at + 20, OUR_PORT);
  packet.view.setUint16(at + 22, PEER_PORT);
  packet.view.setUint32(at + 24, (c.iss + seq) >>> 0);
  packet.end = at + 28;
  const icmp = new IcmpHeader();
  icmp.type = type;
  icmp.code = code;
  icmp.rest = mtu;
  writeIcmp(packet, icmp);
  return c.datagram(Protocol.ICMP, packet.octets.slice(packet.transport, packet.end));
}

const CODES: readonly (readonly [number, number, ConnectionErrorCode])[] = [
  [3, 0, 'ENETUNREACH'],
  [3, 1, 'EHOSTUNREACH'],
  [3, 2, 'ENOPROTOOPT'],
  [3, 3, 'ECONNREFUSED'],
  [3, 13, 'EHOSTUNREACH'],
  [11, 0, 'EHOSTUNREACH'],
];

test('SHLD-26, RFC 5461 4.1: an ICMP error ends an open that is under way', (t) => {
  for (const [type, code, name] of CODES) {
    const c = opening(t);
    c.sends({ flags: 'S' })
      .receivesFrame(error(c, type, code, 0))
      .is('CLOSED');
    t.is(c.established.error, name);
  }
});

test('MUST-56: an ICMP error does not end a connection; it is told when that fails', (t) => {
  for (const [type, code, name] of CODES) {
    const c = established(t, { config: { userTimeout: 10 * SECOND } });
    c.user((user) => user.send(pattern(0, 10))).sends({ len: 10 });
    c.receivesFrame(error(c, type, code, 1))
      .dropped(null)
      .is('ESTABLISHED');
    c.passes(60 * SECOND)
      .skip()
      .is('CLOSED');
    t.is(c.established.error, name);
  }
});

test('MUST-47, SHLD-25: the user is told of a soft error, and can ask for it', (t) => {
  const c = established(t);
  const told: number[] = [];
  c.established.onEvents = (events) => told.push(events);
  c.user((user) => user.send(pattern(0, 10))).sends({ len: 10 });
  c.receivesFrame(error(c, 3, 1, 1)).is('ESTABLISHED');
  t.deepEqual([told, c.established.softError], [[Event.SOFT_ERROR], 'EHOSTUNREACH']);
});

test('SHLD-20: a user that does not want to be told of soft errors is not', (t) => {
  const c = established(t);
  const told: number[] = [];
  c.established.onEvents = (events) => told.push(events);
  c.established.muted = Event.SOFT_ERROR | Event.UNANSWERED | Event.URGENT;
  c.user((user) => user.send(pattern(0, 10))).sends({ len: 10 });
  c.receivesFrame(error(c, 3, 1, 1));
  c.passes(30 * SECOND).skip();
  c.receives({ flags: 'U.', seq: 1, ack: 11, up: 50 });
  t.deepEqual(told, []);
});

test('RFC 5461: an ACK makes the ICMP error forgotten', (t) => {
  const c = established(t, { config: { userTimeout: 10 * SECOND } });
  c.user((user) => user.send(pattern(0, 10))).sends({ len: 10 });
  c.receivesFrame(error(c, 3, 1, 1)).receives({ seq: 1, ack: 11 });
  c.user((user) => user.send(pattern(0, 10))).skip();
  c.passes(60 * SECOND).skip();
  t.is(c.established.error, 'ETIMEDOUT');
});

test('RFC 5927 4.1: an ICMP error about a segment that is not in flight is dropped', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 10))).sends({ len: 10 });
  c.receivesFrame(error(c, 3, 1, 0)).dropped('icmp-out-of-window');
  c.receivesFrame(error(c, 3, 1, 11)).dropped('icmp-out-of-window');
  c.receivesFrame(error(c, 3, 1, 10)).dropped(null);
});

test('MUST-54: an ICMP error about no connection is dropped', (t) => {
  const c = established(t);
  c.user((user, now) => user.abort(now)).skip();
  c.receivesFrame(error(c, 3, 1, 1)).dropped('icmp-no-connection');
});

test('MUST-55: Source Quench is discarded', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 10))).sends({ len: 10 });
  c.receivesFrame(error(c, 4, 0, 1)).dropped('icmp-source-quench');
});

test('RFC 1191 6.4: after "fragmentation needed" the text is sent again in smaller segments', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 4380))).skip();
  c.receivesFrame(error(c, 3, 4, 1, 1000)).dropped(null);
  const sent: number[] = [];
  while (c.unexpected > 0) sent.push(c.takeSent().textLength);
  // what was sent as one burst is cut anew as a whole
  t.deepEqual(sent, [960, 960, 960, 960, 540]);
  t.is(c.established.tcb.snd.mss, 960);
  t.true(c.established.tcb.congestion.cwnd > 5000);
  c.receives({ seq: 1, ack: 4381 });
  c.user((user) => user.send(pattern(4380, 2000)));
  c.sends({ seq: 4381, len: 960 }).sends({ seq: 5341, len: 960 }).sends({ seq: 6301, len: 80 });
});

test('RFC 5927 7: no ICMP message makes segments smaller than 552 octets of datagram', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 1460))).skip();
  c.receivesFrame(error(c, 3, 4, 1, 68)).skip();
  t.is(c.established.tcb.snd.mss, 512);
});

test('RFC 9293 3.9.2.2: an ICMP error about a keepalive probe is kept, and told at the end', (t) => {
  const config = { keepAlive: true, keepAliveIdle: 10 * SECOND, keepAliveInterval: SECOND };
  const c = established(t, { config: { ...config, keepAliveCount: 2 } });
  c.receivesFrame(error(c, 3, 1, 0)).dropped('icmp-out-of-window');
  c.passes(10 * SECOND).sends({ reason: 'keepalive-probe' });
  c.receivesFrame(error(c, 3, 1, 0))
    .dropped(null)
    .is('ESTABLISHED');
  c.passes(SECOND).sends({ reason: 'keepalive-probe' });
  c.passes(SECOND).sends({ reason: 'reset-keepalive' }).is('CLOSED');
  t.is(c.established.error, 'EHOSTUNREACH');
});
