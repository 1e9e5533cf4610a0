import test from 'ava';
import { ipv4, type MacAddress } from '../../../src/core/base/address.ts';
import { NO_OFFLOAD } from '../../../src/core/base/ports.ts';
import { diff } from '../../../src/core/base/seq.ts';
import { SECOND } from '../../../src/core/base/time.ts';
import { Event } from '../../../src/core/tcp/tcb.ts';
import { Flag } from '../../../src/core/wire/tcp.ts';
import {
  established,
  listening,
  opening,
  PEER,
  pattern,
  type Transcript,
  US,
} from '../../harness/transcript.ts';
import { datagramsOf } from './octets.ts';

const read32 = (octets: Uint8Array | undefined, at: number): number =>
  octets === undefined ? 0 : new DataView(octets.buffer, octets.byteOffset).getUint32(at);

function inTimeWait(c: Transcript, tsVal: number): Transcript {
  c.user((user, now) => user.close(now)).sends({ flags: 'F.', seq: 1 });
  return c.receives({ flags: 'F.', seq: 1, ack: 2, tsVal }).sends({ ack: 2 }).is('TIME-WAIT');
}

test('SHLD-2: a RST may have text, which nobody reads', (t) => {
  const c = established(t);
  c.receives({ flags: 'R', seq: 1, len: 20 }).is('CLOSED');
  t.is(c.established.error, 'ECONNRESET');
  t.is(c.established.readable, 0);
});

test('SHLD-4, RFC 6191 2: a SYN with a newer timestamp ends TIME-WAIT, whatever its number', (t) => {
  const c = established(t, { config: { timestamps: true } }, { tsVal: 1000 });
  inTimeWait(c, 1010);
  c.receives({ flags: 'S', seq: -5000, mss: 1460, tsVal: 1011 }).dropped(null);
  const answer = c.takeSent();
  t.is(answer.flags, Flag.SYN | Flag.ACK);
  t.is(diff(answer.ack, c.irs), -4999);
});

test('SHLD-4, RFC 6191 2: a SYN with an older timestamp does not, nor one with the same', (t) => {
  for (const tsVal of [1009, 1010]) {
    const c = established(t, { config: { timestamps: true } }, { tsVal: 1000 });
    inTimeWait(c, 1010);
    c.receives({ flags: 'S', seq: 90_000, mss: 1460, tsVal }).sends({ flags: '.', ack: 2 });
    c.is('TIME-WAIT');
  }
});

test('RFC 1122 4.2.2.13: the successor of a connection in TIME-WAIT carries text both ways', (t) => {
  const c = established(t);
  inTimeWait(c, 0);
  c.receives({ flags: 'S', seq: 7000, mss: 1460 });
  c.iss = c.takeSent().seq;
  c.receives({ flags: 'P.', seq: 7001, ack: 1, len: 5 }).sends({ flags: '.', seq: 1, ack: 7006 });
  c.connection = c.listener?.accept() ?? null;
  c.is('ESTABLISHED');
  c.user((user) => user.send(pattern(0, 5))).sends({ seq: 1, ack: 7006, len: 5 });
});

test('MAY-1: a user that leaves can read nothing any more, while its text is still sent', (t) => {
  const c = established(t);
  c.user((user, now) => {
    user.send(pattern(0, 5));
    user.release(now);
  });
  c.sends({ flags: 'FP.', seq: 1, len: 5 });
  t.is(c.read().length, 0);
  c.receives({ seq: 1, ack: 7, len: 5 }).sends({ flags: 'R', reason: 'reset-after-close' });
  t.is(c.read().length, 0);
});

test('SHLD-5, MAY-3: every SYN has an MSS, that of the default size too', (t) => {
  for (const mtu of [576, 1500, 9000]) {
    opening(t, { mtu }).sends({ flags: 'S', mss: mtu - 40 });
    const c = listening(t, { mtu });
    c.receives({ flags: 'S', mss: 1460 }).sends({ flags: 'S.', mss: mtu - 40 });
  }
});

test('MUST-16: segments are as long as peer and interface allow, less the options that they carry', (t) => {
  for (const [mtu, mss, timestamps, length] of [
    [1500, 1000, false, 1000],
    [1500, 1000, true, 988],
    [900, 1460, false, 860],
    [900, 1460, true, 848],
    [576, 0, false, 536],
  ] as const) {
    const syn = { mss, ...(timestamps && { tsVal: 1 }) };
    const c = established(t, { mtu, config: { timestamps } }, syn);
    c.user((user) => user.send(pattern(0, 2000))).sends({ seq: 1, len: length });
    c.skip();
  }
});

test('MUST-45: the address of the first SYN is that of all segments, though a better way appears', (t) => {
  const c = opening(t);
  c.sends({ flags: 'S' });
  const seen = datagramsOf(c);
  const other = {
    name: 'other0',
    mtu: 1500,
    macAddress: 0x0200000000cc as MacAddress,
    offload: NO_OFFLOAD,
    writable: true,
    onReadable: null,
    onWritable: null,
    receive: () => false,
    send: () => true,
    close: () => {},
  };
  c.stack.addInterface(other, { address: ipv4(0x0a6b0003), prefixLength: 29 }, null, c.now);
  c.receives({ flags: 'S.', seq: 0, ack: 1, mss: 1460 }).sends({ ack: 1 });
  c.user((user) => user.send(pattern(0, 10))).sends({ len: 10 });
  c.passes(SECOND).skip();
  t.true(seen.length > 2);
  for (const datagram of seen)
    t.deepEqual([read32(datagram, 12), read32(datagram, 16)], [US, PEER]);
});

test('MUST-20, SHLD-9, SHLD-10: after R1, three repetitions, IP asks for the next hop, and the user is told', (t) => {
  const c = established(t);
  const told: number[] = [];
  c.established.onEvents = (events) => told.push(events);
  c.user((user) => user.send(pattern(0, 10))).sends({ len: 10 });
  const { rto } = c.established.tcb.rtt;
  const asked = (): number => c.lines.filter((line) => line.endsWith('arp-request')).length;
  c.passes(3 * rto)
    .sends({ reason: 'rto' })
    .sends({ reason: 'rto' });
  t.deepEqual([told, asked()], [[], 0]);
  c.passes(4 * rto).sends({ reason: 'rto' });
  t.deepEqual([told, asked()], [[Event.UNANSWERED], 1]);
  c.passes(100 * rto).skip();
  t.deepEqual(told, [Event.UNANSWERED]);
});

test('MUST-20, MUST-22: a SYN that nobody answers is told after R1 as well', (t) => {
  const c = opening(t, { config: { adviceRetries: 2 } });
  const told: number[] = [];
  c.established.onEvents = (events) => told.push(events);
  c.skip()
    .passes(1.5 * SECOND)
    .skip();
  t.deepEqual(told, []);
  c.passes(SECOND).skip();
  t.deepEqual(told, [Event.UNANSWERED]);
});

test('MUST-23: with eight for synRetries a SYN is repeated for three minutes, and not given up before', (t) => {
  const c = opening(t, { config: { synRetries: 8 } });
  const times: number[] = [];
  const sent = c.sent.bind(c);
  c.sent = (packet, reason, now) => {
    if (reason === 'handshake-retransmission') times.push(now - start);
    sent(packet, reason, now);
  };
  const start = c.now;
  c.skip();
  c.passes(600 * SECOND).skip();
  t.true((times.at(-1) ?? 0) >= 180 * SECOND, `${times.at(-1)} µs`);
  c.is('CLOSED');
});

test('Linux tcp_syn_retries: with the default of six, four of them a second apart, an open ends after 131 s', (t) => {
  const c = opening(t);
  c.skip();
  c.passes(131 * SECOND - 1)
    .skip()
    .is('SYN-SENT');
  c.passes(1).skip().is('CLOSED');
});

test('MUST-48, MUST-49, SHLD-22: each connection has its Diffserv field and TTL from the first SYN on', (t) => {
  const c = opening(t, { config: { trafficClass: 0xb8, ttl: 33 } });
  c.sends({ flags: 'S' });
  const seen = datagramsOf(c);
  c.passes(SECOND).sends({ flags: 'S' });
  t.deepEqual([seen[0]?.[1], seen[0]?.[8]], [0xb8, 33]);
  const d = listening(t, { config: { trafficClass: 0x48, ttl: 1 } });
  const answers = datagramsOf(d);
  d.receives({ flags: 'S', mss: 1460 }).sends({ flags: 'S.' });
  t.deepEqual([answers[0]?.[1], answers[0]?.[8]], [0x48, 1]);
});

test('SHLD-21: Diffserv field and TTL can change while the connection lives', (t) => {
  const c = established(t);
  const seen = datagramsOf(c);
  const send = () => c.user((user) => user.send(pattern(0, 10))).skip();
  send();
  c.user((user, now) => user.configure({ trafficClass: 0x20, ttl: 7, noDelay: true }, now));
  send();
  t.deepEqual(
    seen.map((datagram) => [datagram[1], datagram[8]]),
    [
      [0, 64],
      [0x20, 7],
    ],
  );
});
