import test from 'ava';
import fc from 'fast-check';
import { formatIpv4, ipv4 } from '../../src/core/base/address.ts';
import type { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import type { DropReason } from '../../src/core/base/reasons.ts';
import { finish, sum } from '../../src/core/wire/checksum.ts';
import { Ipv4Header, ipv4Template, parseIpv4, writeIpv4 } from '../../src/core/wire/ipv4.ts';
import { emptyPacket, exactPacketOf, hex, octetsFrom, packetOf, START } from './packets.ts';

/** A UDP datagram with a loose source route, captured between two Linux hosts. */
const SOURCE_ROUTED = hex(
  `4700 0027 f98f 4000 4011 9910 0a09 0001 0a09 0002 8307 040a 0900 0200
   ce2f 270e 000b 1431 6f64 64`,
);
/** A RST, captured between two Linux hosts. */
const RESET = hex(
  `4500 0028 0000 4000 4006 26bc 0a09 0002 0a09 0001
   270d d466 0000 0000 5819 cd2c 5014 0000 7b02 0000`,
);

/** The datagram with some octets changed and its header checksum made right again. */
function changed(datagram: Uint8Array, changes: Record<number, number>): Uint8Array {
  const copy = datagram.slice();
  for (const [at, octet] of Object.entries(changes)) copy[Number(at)] = octet;
  const headerLength = ((copy[0] ?? 0) & 15) * 4;
  const view = new DataView(copy.buffer);
  if (headerLength <= copy.length) {
    view.setUint16(10, 0);
    view.setUint16(10, finish(sum(copy, view, 0, headerLength, 0)));
  }
  return copy;
}

function dropOf(octets: Uint8Array): DropReason | null {
  return parseIpv4(packetOf(octets), new Ipv4Header());
}

test('RFC 791 3.1: a captured datagram', (t) => {
  const packet = packetOf(RESET);
  const header = new Ipv4Header();
  t.is(parseIpv4(packet, header), null);
  t.like(header, {
    headerLength: 20,
    trafficClass: 0,
    totalLength: 40,
    identification: 0,
    dontFragment: true,
    moreFragments: false,
    fragmentOffset: 0,
    ttl: 64,
    protocol: 6,
    hasSourceRoute: false,
  });
  t.is(formatIpv4(header.source), '10.9.0.2');
  t.is(formatIpv4(header.destination), '10.9.0.1');
  t.is(packet.transport, START + 20);
  t.is(packet.end, START + 40);
});

test('RFC 791 3.1: a captured datagram with a source route', (t) => {
  const packet = packetOf(SOURCE_ROUTED);
  const header = new Ipv4Header();
  t.is(parseIpv4(packet, header), null);
  t.is(header.headerLength, 28);
  t.true(header.hasSourceRoute);
  t.is(packet.transport, START + 28);
});

test('RFC 894: the padding of a frame is cut', (t) => {
  const packet = packetOf(Uint8Array.from([...RESET, 1, 2, 3, 4, 5, 6]));
  t.is(parseIpv4(packet, new Ipv4Header()), null);
  t.deepEqual(octetsFrom(packet, packet.network), RESET);
});

for (const datagram of [RESET, SOURCE_ROUTED]) {
  test(`RFC 791 3.1: a datagram cut anywhere is refused (${datagram.length} octets)`, (t) => {
    for (let length = 0; length < datagram.length; length++) {
      const octets = datagram.subarray(0, length);
      t.is(parseIpv4(exactPacketOf(octets), new Ipv4Header()), 'ip-truncated', `${length}`);
      for (const poison of [0, 1, 255]) {
        t.is(parseIpv4(packetOf(octets, poison), new Ipv4Header()), 'ip-truncated');
      }
    }
  });
}

test('RFC 1122 3.2.1.1: a version other than 4 is refused', (t) => {
  t.is(dropOf(changed(RESET, { 0: 0x65 })), 'ip-bad-version');
});

test('RFC 791 3.1: a header length below 20 or over the total length is refused', (t) => {
  t.is(dropOf(changed(RESET, { 0: 0x44 })), 'ip-bad-header-length');
  t.is(dropOf(changed(RESET, { 0: 0x4f })), 'ip-bad-header-length');
  t.is(dropOf(changed(RESET, { 3: 19 })), 'ip-bad-header-length');
});

test('RFC 1122 3.2.1.2: a wrong header checksum is refused, whichever octet is wrong', (t) => {
  for (let at = 4; at < 20; at++) {
    const copy = RESET.slice();
    copy[at] = (copy[at] ?? 0) ^ 0x10;
    t.is(dropOf(copy), 'ip-bad-checksum', `${at}`);
  }
});

test('RFC 791 3.1: fragment fields', (t) => {
  const header = new Ipv4Header();
  t.is(parseIpv4(packetOf(changed(RESET, { 6: 0x3f, 7: 0xff })), header), null);
  t.like(header, { dontFragment: false, moreFragments: true, fragmentOffset: 65528 });
});

test('RFC 791 3.1: options are walked over within the header', (t) => {
  const withOptions = (...options: number[]) =>
    changed(SOURCE_ROUTED, Object.fromEntries(options.map((octet, i) => [20 + i, octet])));
  const sourceRoute = (octets: Uint8Array) => {
    const header = new Ipv4Header();
    t.is(parseIpv4(packetOf(octets), header), null);
    return header.hasSourceRoute;
  };
  t.false(sourceRoute(withOptions(1, 1, 1, 1, 1, 1, 1, 1)));
  t.false(sourceRoute(withOptions(0, 131, 0, 0, 0, 0, 0, 0)));
  t.false(sourceRoute(withOptions(7, 7, 4, 0, 0, 0, 0, 1)));
  t.true(sourceRoute(withOptions(1, 137, 3, 4, 0, 0, 0, 0)));
  t.is(dropOf(withOptions(7, 0, 0, 0, 0, 0, 0, 0)), 'ip-bad-option');
  t.is(dropOf(withOptions(7, 1, 0, 0, 0, 0, 0, 0)), 'ip-bad-option');
  t.is(dropOf(withOptions(7, 9, 0, 0, 0, 0, 0, 0)), 'ip-bad-option');
  t.is(dropOf(withOptions(1, 1, 1, 1, 1, 1, 1, 7)), 'ip-bad-option');
});

test('RFC 791 3.1: any octets are parsed without reading past their end', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.boolean(), (octets, repair) => {
      if (octets.length >= 20 && repair) {
        octets[0] = 0x40 | ((octets[0] ?? 0) & 15);
        octets[2] = 0;
      }
      const copy = repair && octets.length >= 20 ? changed(octets, {}) : octets;
      const packets = [exactPacketOf(copy), packetOf(copy, 0), packetOf(copy, 255)];
      const drops = packets.map((packet) => parseIpv4(packet, new Ipv4Header()));
      t.is(new Set(drops).size, 1);
      for (const packet of packets) t.true(packet.transport <= packet.end);
    }),
  );
});

function written(packet: PacketBuffer): Ipv4Header {
  const header = new Ipv4Header();
  const { transport, end } = packet;
  if (parseIpv4(packet, header) !== null) throw new Error('refused');
  if (packet.transport !== transport || packet.end !== end) throw new Error('moved');
  return header;
}

test('RFC 791 3.1: the template is a right header by itself', (t) => {
  const template = ipv4Template(ipv4(0x0a090002), ipv4(0x0a090001), 6, 64, 0);
  t.is(dropOf(template), null);
});

test('RFC 791 3.1: the captured header is written octet by octet', (t) => {
  const packet = packetOf(RESET);
  packet.transport = packet.network + 20;
  packet.octets.fill(0xee, packet.network, packet.transport);
  writeIpv4(packet, ipv4Template(ipv4(0x0a090002), ipv4(0x0a090001), 6, 64, 0), 0);
  t.deepEqual(octetsFrom(packet, packet.network), RESET);
});

test('RFC 791 3.1: what is written is read, and its checksum is right', (t) => {
  const octet = fc.integer({ min: 0, max: 255 });
  const word = fc.integer({ min: 0, max: 0xffff });
  const address = fc.integer({ min: 0, max: 0xffffffff }).map(ipv4);
  fc.assert(
    fc.property(
      fc.tuple(address, address, octet, octet, octet),
      fc.nat(3000),
      word,
      fc.option(word, { nil: undefined }),
      ([source, destination, protocol, ttl, trafficClass], length, identification, flags) => {
        const packet = emptyPacket(length);
        packet.end += length;
        const template = ipv4Template(source, destination, protocol, ttl, trafficClass);
        writeIpv4(packet, template, identification, flags);
        const word = flags ?? 0x4000;
        t.like(written(packet), {
          headerLength: 20,
          totalLength: 20 + length,
          trafficClass,
          identification,
          dontFragment: (word & 0x4000) !== 0,
          moreFragments: (word & 0x2000) !== 0,
          fragmentOffset: (word & 0x1fff) * 8,
          ttl,
          protocol,
          source,
          destination,
        });
      },
    ),
  );
});
