import test from 'ava';
import fc from 'fast-check';
import { SECOND } from '../../src/core/base/time.ts';
import { FRAGMENT_OVERHEAD } from '../../src/core/ip/config.ts';
import { datagram, Host, icmp, octets, PEER, PEER_MAC, quoted, US, udp } from './harness.ts';

interface Piece {
  readonly offset: number;
  readonly length: number;
}

const DATA = octets(3000);

/** A fragment of `DATA` in a frame. */
function fragment(offset: number, length: number, id = 1, data = DATA): Uint8Array {
  const more = offset + length < data.length;
  return datagram(data.subarray(offset, offset + length), { id, offset, more });
}

function held(host: Host): number[] {
  const { datagrams, octets } = host.ip.snapshot(host.now).reassembly;
  return [datagrams, octets];
}

test('RFC 791 3.2: fragments become a datagram when the last missing one arrives', (t) => {
  const host = Host.settled();
  t.is(host.receives(fragment(2960, 40)), 'fragment-held');
  t.is(host.receives(fragment(0, 1480)), 'fragment-held');
  t.is(host.tcp.datagrams.length, 0);
  t.is(host.receives(fragment(1480, 1480)), null);
  t.deepEqual(host.tcp.datagrams, [{ source: PEER, destination: US, octets: DATA }]);
  t.deepEqual(held(host), [0, 0]);
  t.is(host.timers.size, 0);
});

test('RFC 791 3.2: fragments of different datagrams are kept apart', (t) => {
  const host = Host.settled();
  host.receives(fragment(0, 1480, 1));
  t.is(host.receives(fragment(1480, 1520, 2)), 'fragment-held');
  const otherHost = datagram(DATA.subarray(1480), { id: 1, offset: 1480, source: '10.0.0.9' });
  t.is(host.receives(otherHost), 'fragment-held');
  const otherProtocol = datagram(DATA.subarray(1480), { id: 1, offset: 1480, protocol: 17 });
  t.is(host.receives(otherProtocol), 'fragment-held');
  t.is(host.receives(fragment(1480, 1520, 1)), null);
  t.is(held(host)[0], 3);
});

test('RFC 791 3.2: any order, and repeated fragments, give the same datagram', (t) => {
  const cuts = fc.uniqueArray(fc.integer({ min: 1, max: 620 }), { maxLength: 20 });
  const property = fc.property(
    fc.integer({ min: 9, max: 5000 }),
    cuts,
    fc.infiniteStream(fc.nat()),
    (length, eighths, chance) => {
      const data = octets(length);
      const starts = [0, ...eighths.map((n) => n * 8).filter((n) => n < length)];
      starts.sort((a, b) => a - b);
      const pieces = starts.map((offset, i) => ({
        offset,
        length: (starts[i + 1] ?? length) - offset,
      }));
      if (pieces.length === 1) return;
      const host = Host.settled();
      const order = shuffled(pieces, () => chance.next().value ?? 0);
      const last = order[order.length - 1];
      for (const piece of order) {
        const drop = host.receives(fragment(piece.offset, piece.length, 5, data));
        t.is(drop, piece === last ? null : 'fragment-held');
        const again = order[(chance.next().value ?? 0) % (order.indexOf(piece) + 1)];
        if (piece === last || again === undefined) continue;
        const repeated = host.receives(fragment(again.offset, again.length, 5, data));
        t.is(repeated, 'fragment-duplicate');
      }
      t.deepEqual(host.tcp.datagrams, [{ source: PEER, destination: US, octets: data }]);
      t.deepEqual(held(host), [0, 0]);
    },
  );
  t.notThrows(() => fc.assert(property, { numRuns: 200 }));
});

function shuffled(pieces: readonly Piece[], chance: () => number): Piece[] {
  const rest = [...pieces];
  const result: Piece[] = [];
  while (rest.length > 0) result.push(...rest.splice(chance() % rest.length, 1));
  return result;
}

test('RFC 5722: fragments that overlap give up the datagram, and what still comes of it', (t) => {
  const host = Host.settled();
  host.receives(fragment(0, 1480));
  t.is(host.receives(fragment(1472, 800)), 'fragment-overlap');
  t.deepEqual(held(host), [1, 0]);
  t.is(host.receives(fragment(1480, 1520)), 'fragment-overlap');
  t.is(host.receives(fragment(0, 1480)), 'fragment-overlap');
  host.runTo(host.now + 30 * SECOND);
  t.deepEqual(held(host), [0, 0]);
  t.deepEqual(host.sends(), [], 'nobody is told');
  t.is(host.tcp.datagrams.length, 0);
});

test('RFC 5722: an overlap is found on either side', (t) => {
  for (const [offset, length] of [
    [792, 16],
    [1592, 16],
    [792, 1600],
    [800, 400],
    [1000, 600],
    [800, 808],
  ] as const) {
    const host = Host.settled();
    host.receives(fragment(800, 800));
    t.is(host.receives(fragment(offset, length)), 'fragment-overlap', `${offset}+${length}`);
  }
});

test('RFC 791 3.2: fragments of impossible length or position are dropped', (t) => {
  const host = Host.settled();
  t.is(host.receives(datagram(octets(9), { more: true })), 'fragment-malformed');
  t.is(host.receives(datagram(octets(0), { more: true })), 'fragment-malformed');
  t.is(host.receives(datagram(octets(8), { offset: 65528 })), 'fragment-malformed');
  t.is(host.receives(datagram(octets(1480), { offset: 64800 })), 'fragment-malformed');
  t.deepEqual(held(host), [0, 0]);
});

test('RFC 791 3.2: a datagram with two ends, or data behind its end, is given up', (t) => {
  const twoEnds = Host.settled();
  twoEnds.receives(datagram(octets(8), { offset: 800 }));
  t.is(twoEnds.receives(datagram(octets(8), { offset: 400 })), 'fragment-malformed');
  const behindEnd = Host.settled();
  behindEnd.receives(datagram(octets(8), { offset: 800 }));
  const behind = datagram(octets(8), { offset: 808, more: true });
  t.is(behindEnd.receives(behind), 'fragment-malformed');
  const endBefore = Host.settled();
  endBefore.receives(datagram(octets(8), { offset: 800, more: true }));
  t.is(endBefore.receives(datagram(octets(8), { offset: 400 })), 'fragment-malformed');
});

test('RFC 791 3.1: a datagram over 65535 octets with the options of its first fragment is dropped', (t) => {
  const host = Host.settled();
  const data = octets(65515);
  for (let at = 1480; at < data.length; at += 1480) host.receives(fragment(at, 1480, 1, data));
  const first = datagram(data.subarray(0, 1480), { more: true, options: [1, 1, 1, 0] });
  t.is(host.receives(first), 'fragment-malformed');
  t.deepEqual(held(host), [0, 0]);
});

test('RFC 1122 3.3.2: after 30 s the source of the first fragment is told', (t) => {
  const host = Host.settled();
  const start = host.now;
  const first = fragment(0, 1480);
  host.receives(first);
  host.runTo(start + 20 * SECOND);
  host.receives(fragment(2960, 40));
  host.runTo(start + 30 * SECOND - 1);
  t.deepEqual(host.sends(), []);
  host.runTo(start + 30 * SECOND);
  const [error] = host.sentFrames();
  t.truthy(error);
  if (error === undefined) return;
  t.deepEqual([...error.subarray(34, 36)], [11, 1]);
  t.deepEqual(error.subarray(42), first.slice(14, 14 + 548));
  t.is(host.ip.drops.of('fragment-timeout'), 1);
  t.deepEqual(held(host), [0, 0]);
});

test('RFC 1122 3.3.2: without the first fragment nobody is told', (t) => {
  const host = Host.settled();
  host.receives(fragment(1480, 1480));
  host.runTo(host.now + 30 * SECOND);
  t.deepEqual(host.sends(), []);
  t.is(host.ip.drops.of('fragment-timeout'), 1);
});

test('RFC 1122 3.2.2: nobody is told about a fragment of an ICMP error, or of a broadcast', (t) => {
  const host = Host.settled();
  const error = icmp(3, 1, 0, quoted()).subarray(0, 32);
  host.receives(datagram(error, { protocol: 1, more: true }));
  const broadcast = { destination: '10.0.0.255', frameTo: 'ff:ff:ff:ff:ff:ff', more: true };
  t.is(host.receives(datagram(octets(16), { protocol: 17, ...broadcast })), 'fragment-held');
  host.runTo(host.now + 30 * SECOND);
  t.deepEqual(host.sends(), []);
});

test('RFC 1122 3.2.2: an error about a reassembled datagram quotes it as one datagram', (t) => {
  const host = Host.settled();
  const data = udp(2000);
  host.receives(datagram(data.subarray(0, 1480), { protocol: 17, more: true }));
  t.is(host.receives(datagram(data.subarray(1480), { protocol: 17, offset: 1480 })), 'udp-no-port');
  const [error] = host.sentFrames();
  t.truthy(error);
  if (error === undefined) return;
  const whole = datagram(data, { protocol: 17 });
  t.deepEqual(error.subarray(42), whole.slice(14, 14 + 548));
  host.device.sent.push(error);
  t.deepEqual(host.sends(), [`${US}>${PEER} proto 1 len 576 tc 192 icmp 3/3 to ${PEER_MAC}`]);
});

test('RFC 3168 5.3: a congestion mark on one fragment is one on the datagram', (t) => {
  const host = Host.settled();
  const data = udp(100);
  host.receives(datagram(data.subarray(0, 80), { protocol: 17, more: true, trafficClass: 2 }));
  host.receives(datagram(data.subarray(80), { protocol: 17, offset: 80, trafficClass: 3 }));
  const [error] = host.sentFrames();
  t.is(error?.[43], 3);
});

test('RFC 1122 3.3.2: the octets of all fragments are bounded', (t) => {
  const fragmentOctets = 4 * (800 + FRAGMENT_OVERHEAD);
  const host = Host.settled({ limits: { fragmentOctets } });
  for (let id = 0; id < 4; id++) t.is(host.receives(fragment(0, 800, id)), 'fragment-held');
  t.is(host.receives(fragment(0, 800, 9)), 'fragment-limit');
  t.is(host.receives(fragment(800, 800, 1)), 'fragment-limit');
  t.deepEqual(held(host), [4, fragmentOctets]);
  host.runTo(host.now + 30 * SECOND);
  t.is(host.receives(fragment(0, 800, 9)), 'fragment-held');
});

test('RFC 1122 3.3.2: the datagrams that wait for fragments are bounded', (t) => {
  const host = Host.settled({ limits: { partialDatagrams: 2 } });
  t.is(host.receives(fragment(0, 800, 1)), 'fragment-held');
  t.is(host.receives(fragment(0, 800, 2)), 'fragment-held');
  t.is(host.receives(fragment(0, 800, 3)), 'fragment-limit');
  t.is(host.receives(fragment(800, 2200, 2)), null);
  t.is(host.receives(fragment(0, 800, 3)), 'fragment-held');
});

test('a datagram in more fragments than the limit is given up', (t) => {
  const host = Host.settled({ limits: { fragmentsPerDatagram: 2 } });
  host.receives(fragment(0, 8));
  host.receives(fragment(8, 8));
  t.is(host.receives(fragment(16, 8)), 'fragment-limit');
  t.deepEqual(held(host), [1, 0]);
  t.is(host.receives(fragment(16, 8)), 'fragment-limit');
});
