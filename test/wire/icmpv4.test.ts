import test from 'ava';
import fc from 'fast-check';
import { formatIpv4 } from '../../src/core/base/address.ts';
import type { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import {
  IcmpHeader,
  IcmpType,
  parseIcmp,
  parseQuoted,
  QuotedDatagram,
  writeIcmp,
} from '../../src/core/wire/icmpv4.ts';
import { emptyPacket, exactPacketOf, hex, octetsFrom, packetOf } from './packets.ts';

/** An echo request, captured between two Linux hosts. */
const ECHO = hex('0800 b142 132e 0001 5b9f 036b 0000 0000 7c33 0c00 0000 0000 1011 1213 1415 1617');
/** Port unreachable, quoting a UDP datagram to port 9999, captured between two Linux hosts. */
const UNREACHABLE = hex(
  `0303 afab 0000 0000 4500 0021 f98b 4000 4011 2d2c 0a09 0001 0a09 0002
   ce2f 270f 000d 1433 6865 6c6c 6f`,
);

test('RFC 792: a captured echo request', (t) => {
  const icmp = new IcmpHeader();
  t.is(parseIcmp(packetOf(ECHO), icmp), null);
  t.like(icmp, { type: IcmpType.ECHO, code: 0, rest: 0x132e0001 });
});

test('RFC 792: the captured request is written octet by octet', (t) => {
  const packet = packetOf(ECHO);
  packet.octets.fill(0xee, packet.transport, packet.transport + 8);
  writeIcmp(packet, Object.assign(new IcmpHeader(), { type: 8, code: 0, rest: 0x132e0001 }));
  t.deepEqual(octetsFrom(packet, packet.transport), ECHO);
});

test('RFC 792: a message cut anywhere is refused', (t) => {
  for (let length = 0; length < ECHO.length; length++) {
    const octets = ECHO.subarray(0, length);
    // What is cut is not zero throughout: from 16 octets on only zeros may be missing.
    const zeros = ECHO.subarray(length).every((octet) => octet === 0);
    const expected = length < 8 ? 'icmp-truncated' : zeros ? null : 'icmp-bad-checksum';
    t.is(parseIcmp(exactPacketOf(octets), new IcmpHeader()), expected, `${length}`);
    t.is(parseIcmp(packetOf(octets, 0x5a), new IcmpHeader()), expected, `${length}`);
  }
});

test('RFC 792: a wrong checksum is refused, whichever octet is wrong', (t) => {
  for (let at = 0; at < ECHO.length; at++) {
    const copy = ECHO.slice();
    copy[at] = (copy[at] ?? 0) ^ 1;
    t.is(parseIcmp(packetOf(copy), new IcmpHeader()), 'icmp-bad-checksum', `${at}`);
  }
});

test('RFC 1122 3.2.2: what a captured error quotes', (t) => {
  const packet = packetOf(UNREACHABLE);
  const icmp = new IcmpHeader();
  const quoted = new QuotedDatagram();
  t.is(parseIcmp(packet, icmp), null);
  t.like(icmp, { type: IcmpType.UNREACHABLE, code: 3, rest: 0 });
  t.true(parseQuoted(packet, quoted));
  t.is(formatIpv4(quoted.source), '10.9.0.1');
  t.is(formatIpv4(quoted.destination), '10.9.0.2');
  t.like(quoted, {
    protocol: 17,
    sourcePort: 0xce2f,
    destinationPort: 9999,
    sequence: 0x000d1433,
  });
});

test('RFC 1122 3.2.2: a quotation of less than a header and 8 octets is of no use', (t) => {
  const quotes = (packet: PacketBuffer) => parseQuoted(packet, new QuotedDatagram());
  for (let length = 8; length < 36; length++) {
    const octets = UNREACHABLE.subarray(0, length);
    t.false(quotes(exactPacketOf(octets)), `${length}`);
    t.false(quotes(packetOf(octets, 0x45)), `${length}`);
  }
  t.true(quotes(exactPacketOf(UNREACHABLE.subarray(0, 36))));
});

test('RFC 1122 3.2.2: a quotation that is no first fragment of IPv4 is of no use', (t) => {
  const changes: [number, number][] = [
    [8, 0x65],
    [8, 0x44],
    [8, 0x4f],
    [15, 1],
  ];
  for (const [at, octet] of changes) {
    const copy = UNREACHABLE.slice();
    copy[at] = octet;
    t.false(parseQuoted(packetOf(copy), new QuotedDatagram()), `${at}`);
  }
});

test('RFC 792: what is written is read', (t) => {
  const octet = fc.integer({ min: 0, max: 255 });
  const rest = fc.integer({ min: 0, max: 0xffffffff });
  const record = fc.record({ type: octet, code: octet, rest });
  fc.assert(
    fc.property(record, fc.uint8Array({ maxLength: 100 }), (fields, body) => {
      const packet = emptyPacket(8 + body.length);
      packet.octets.set(body, packet.transport + 8);
      packet.end = packet.transport + 8 + body.length;
      writeIcmp(packet, Object.assign(new IcmpHeader(), fields));
      const icmp = new IcmpHeader();
      t.is(parseIcmp(packet, icmp), null);
      t.like(icmp, { ...fields });
      t.deepEqual(octetsFrom(packet, packet.transport + 8), body.slice());
    }),
  );
});
