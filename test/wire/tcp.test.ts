import test from 'ava';
import fc from 'fast-check';
import { ipv4 } from '../../src/core/base/address.ts';
import type { DropReason } from '../../src/core/base/reasons.ts';
import { seq } from '../../src/core/base/seq.ts';
import { Flag, parseTcp, Segment, tcpHeaderLength, writeTcp } from '../../src/core/wire/tcp.ts';
import { emptyPacket, exactPacketOf, hex, octetsFrom, packetOf, START } from './packets.ts';

const A = ipv4(0x0a090001);
const B = ipv4(0x0a090002);
/** A SYN of Linux 6.18, captured on the way from A to B. */
const SYN = hex(
  `d466 270d 5819 cd2b 0000 0000 a002 faf0 6307 0000
   0204 05b4 0402 080a 9b78 19bf 0000 0000 0103 030a`,
);
/** The answer, from B to A. */
const RESET = hex('270d d466 0000 0000 5819 cd2c 5014 0000 7b02 0000');
/** An HTTP request with timestamps, captured on the way from 192.168.1.102 to 193.1.193.64. */
const REQUEST = hex(
  `8ffd 0050 df91 fdfc 2b28 180d 8018 005c 57a6 0000 0101 080a ffff 5519 1900 3c97
   4745 5420 2f6d 6169 6e2d 3439 2e63 6469 6666 2048 5454 502f 312e 300d 0a48 6f73
   743a 2064 622e 6c6f 6361 6c2e 636c 616d 6176 2e6e 6574 0d0a 5573 6572 2d41 6765
   6e74 3a20 636c 616d 6176 2f30 2e39 322e 310d 0a43 6f6e 6e65 6374 696f 6e3a 2063
   6c6f 7365 0d0a 0d0a`,
);
const REQUEST_FROM = ipv4(0xc0a80166);
const REQUEST_TO = ipv4(0xc101c140);

function dropOf(octets: Uint8Array, verify = true): DropReason | null {
  return parseTcp(packetOf(octets), A, B, new Segment(), verify);
}

test('RFC 9293 3.1: a captured SYN', (t) => {
  const segment = new Segment();
  t.is(parseTcp(packetOf(SYN), A, B, segment, true), null);
  t.like(segment, {
    sourcePort: 54374,
    destinationPort: 9997,
    seq: seq(1478085931),
    ack: seq(0),
    flags: Flag.SYN,
    wnd: 64240,
    up: 0,
    mss: 1460,
    windowShift: 10,
    sackPermitted: true,
    hasTimestamps: true,
    tsVal: 2608339391,
    tsEcr: 0,
    sackCount: 0,
    textStart: START + 40,
    textLength: 0,
    len: 1,
  });
});

test('RFC 9293 3.1: a captured RST has no options of the segment before', (t) => {
  const segment = new Segment();
  parseTcp(packetOf(SYN), A, B, segment, true);
  t.is(parseTcp(packetOf(RESET), B, A, segment, true), null);
  t.is(segment.flags, Flag.RST | Flag.ACK);
  t.true(segment.has(Flag.RST));
  t.false(segment.has(Flag.SYN));
  t.is(segment.ack, seq(1478085932));
  t.like(segment, {
    mss: 0,
    windowShift: -1,
    sackPermitted: false,
    hasTimestamps: false,
    tsVal: 0,
    len: 0,
  });
});

test('RFC 9293 3.1: a captured segment with text', (t) => {
  const packet = packetOf(REQUEST);
  const segment = new Segment();
  t.is(parseTcp(packet, REQUEST_FROM, REQUEST_TO, segment, true), null);
  t.like(segment, { textStart: START + 32, textLength: 104, len: 104, mss: 0, windowShift: -1 });
  t.like(segment, { hasTimestamps: true, tsVal: 4294923545, tsEcr: 419445911 });
  t.is(Buffer.from(octetsFrom(packet, segment.textStart)).toString('latin1', 0, 8), 'GET /mai');
});

for (const [name, octets, from, to] of [
  ['SYN', SYN, A, B],
  ['RST', RESET, B, A],
  ['segment with text', REQUEST, REQUEST_FROM, REQUEST_TO],
] as const) {
  test(`MUST-2: the captured ${name} is written octet by octet, its checksum too`, (t) => {
    const packet = packetOf(octets);
    const segment = new Segment();
    parseTcp(packet, from, to, segment, true);
    const headerLength = segment.textStart - packet.transport;
    packet.octets.fill(0xee, packet.transport, segment.textStart);
    packet.end = 0;
    t.is(tcpHeaderLength(segment), headerLength);
    writeTcp(packet, segment, from, to);
    t.deepEqual(octetsFrom(packet, packet.transport), octets);
  });

  test(`RFC 9293 3.1: the captured ${name} cut anywhere is refused`, (t) => {
    const headerLength = ((octets[12] ?? 0) >> 4) * 4;
    for (let length = 0; length < octets.length; length++) {
      const cut = octets.subarray(0, length);
      const expected = length < headerLength ? 'tcp-truncated' : 'tcp-bad-checksum';
      t.is(parseTcp(exactPacketOf(cut), from, to, new Segment(), true), expected, `${length}`);
      t.is(parseTcp(packetOf(cut), from, to, new Segment(), true), expected, `${length}`);
    }
  });

  test(`MUST-3: the captured ${name} with any bit wrong is refused`, (t) => {
    for (let at = 0; at < octets.length; at++) {
      for (let bit = 1; bit < 256; bit <<= 1) {
        const copy = octets.slice();
        copy[at] = (copy[at] ?? 0) ^ bit;
        t.not(parseTcp(packetOf(copy), from, to, new Segment(), true), null, `${at} ${bit}`);
      }
    }
  });
}

test('RFC 9293 3.1: length, then data offset, then checksum', (t) => {
  const bad = (at: number, octet: number) => {
    const copy = RESET.slice();
    copy[at] = octet;
    return copy;
  };
  t.is(dropOf(bad(12, 0x40).subarray(0, 19)), 'tcp-truncated');
  t.is(dropOf(bad(12, 0x40)), 'tcp-bad-data-offset');
  t.is(dropOf(bad(12, 0x60)), 'tcp-truncated');
  t.is(dropOf(bad(16, 0)), 'tcp-bad-checksum');
});

test('RFC 9293 3.1: a checksum that the device verified is not verified again', (t) => {
  const copy = RESET.slice();
  copy[16] = 0;
  t.is(dropOf(copy, false), null);
});

test('RFC 9293 3.1: the addresses belong to what the checksum covers', (t) => {
  t.is(parseTcp(packetOf(SYN), A, ipv4(B + 1), new Segment(), true), 'tcp-bad-checksum');
});

test('RFC 9293 3.4: SEG.LEN counts SYN and FIN', (t) => {
  const segment = new Segment();
  segment.textLength = 10;
  t.is(segment.len, 10);
  segment.flags = Flag.SYN;
  t.is(segment.len, 11);
  segment.flags = Flag.FIN | Flag.ACK;
  t.is(segment.len, 11);
  segment.flags = Flag.FIN | Flag.SYN;
  t.is(segment.len, 12);
});

test('RFC 9293 3.1: a cleared segment is like a new one', (t) => {
  const segment = new Segment();
  parseTcp(packetOf(SYN), A, B, segment, true);
  segment.clear();
  t.deepEqual(segment, new Segment());
});

const word = fc.integer({ min: 0, max: 0xffff });
const long = fc.integer({ min: 0, max: 0xffffffff });

test('RFC 9293 3.1: what is written is read', (t) => {
  const fields = fc.record({
    sourcePort: word,
    destinationPort: word,
    seq: long.map(seq),
    ack: long.map(seq),
    flags: fc.integer({ min: 0, max: 255 }),
    wnd: word,
    up: word,
    mss: fc.oneof(fc.constant(0), word),
    windowShift: fc.integer({ min: -1, max: 14 }),
    sackPermitted: fc.boolean(),
    sackCount: fc.integer({ min: 0, max: 4 }),
  });
  const timestamps = fc.option(fc.record({ tsVal: long, tsEcr: long }));
  const edges = fc.array(long, { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(
      fields,
      timestamps,
      edges,
      fc.uint8Array({ maxLength: 200 }),
      (fields, timestamps, edges, text) => {
        const segment = Object.assign(new Segment(), fields, timestamps ?? {});
        segment.hasTimestamps = timestamps !== null;
        segment.sackLeft.set(edges.slice(0, 4));
        segment.sackRight.set(edges.slice(4));
        segment.textLength = text.length;
        const packet = emptyPacket(60 + text.length);
        const headerLength = tcpHeaderLength(segment);
        packet.octets.set(text, packet.transport + headerLength);
        writeTcp(packet, segment, A, B);
        t.is(packet.end, packet.transport + headerLength + text.length);

        const read = new Segment();
        t.is(parseTcp(packet, A, B, read, true), null);
        const used = headerLength - 20;
        t.true(used <= 40 && used % 4 === 0);
        // Of the SACK blocks as many are sent as there is room for.
        t.true(read.sackCount === fields.sackCount || used + 8 > 40);
        t.like(read, { ...fields, sackCount: read.sackCount });
        t.is(read.hasTimestamps, segment.hasTimestamps);
        t.is(read.tsVal, segment.tsVal);
        t.is(read.tsEcr, segment.tsEcr);
        t.deepEqual([...read.sackLeft.subarray(0, read.sackCount)], edges.slice(0, read.sackCount));
        t.deepEqual(
          [...read.sackRight.subarray(0, read.sackCount)],
          edges.slice(4, 4 + read.sackCount),
        );
        t.deepEqual(octetsFrom(packet, read.textStart), text.slice());
      },
    ),
  );
});

test('RFC 9293 3.1: any octets are parsed without reading past their end', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (octets) => {
      const outcomes = [exactPacketOf(octets), packetOf(octets, 0), packetOf(octets, 8)].map(
        (p) => {
          const segment = new Segment();
          return [parseTcp(p, A, B, segment, false), segment];
        },
      );
      t.deepEqual(outcomes[0], outcomes[1]);
      t.deepEqual(outcomes[0], outcomes[2]);
    }),
    { numRuns: 1000 },
  );
});
