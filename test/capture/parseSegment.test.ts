import test from 'ava';
import fc from 'fast-check';
import type { CapturedPacket } from '../../src/core/capture/capturedPacket.ts';
import { LinkType, networkLayer } from '../../src/core/capture/networkLayer.ts';
import { parseIcmpError } from '../../src/core/capture/parseIcmpError.ts';
import { parseSegment } from '../../src/core/capture/parseSegment.ts';

function octetsOf(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(/\s/g, ''), 'hex'));
}

function packet(hex: string, changes: Partial<CapturedPacket> = {}): CapturedPacket {
  const octets = octetsOf(hex);
  return {
    number: 7,
    time: 5,
    nanos: 3,
    linkType: LinkType.RAW,
    octets,
    originalLength: octets.length,
    comments: [],
    ...changes,
  };
}

const IPV4 = '4502003c abcd4000 40060000 0a6b0001 0a6b0002';
const IPV6 = '6da00000 002806ff 20010db8000000000000000000000001 fe800000000000000000000000000abc';

/** 1000:1008, ACK 2000, AE PSH ACK, timestamps, eight octets. */
function tcp(checksum: string): string {
  return `9c400050 000003e8 000007d0 8118faf0 ${checksum}0000 0101080a00000001fffffffe 68656c6c6f212121`;
}

const OVER_IPV4 = IPV4 + tcp('5887');
const OVER_IPV6 = IPV6 + tcp('3669');

// ---- segments ------------------------------------------------------------------------------------

const COMMON = {
  number: 7,
  time: 5,
  nanos: 3,
  sourcePort: 40_000,
  destinationPort: 80,
  seq: 1000,
  ack: 2000,
  flags: 0x118,
  window: 0xfaf0,
  urgentPointer: 0,
  options: {
    mss: null,
    windowShift: null,
    sackPermitted: false,
    timestamps: { value: 1, echo: 0xfffffffe },
    sackBlocks: [],
    fastOpenCookie: null,
    kinds: [1, 1, 8],
  },
  length: 8,
  text: new Uint8Array(Buffer.from('hello!!!')),
  checksum: 'good',
  dontFragment: true,
} as const;

test('a segment over IPv4, with the padding of its frame cut off', (t) => {
  t.deepEqual(parseSegment(packet(`${OVER_IPV4}00000000`)), {
    ...COMMON,
    source: '10.107.0.1',
    destination: '10.107.0.2',
    ipVersion: 4,
    ttl: 64,
    trafficClass: 2,
    identification: 0xabcd,
    datagram: octetsOf(OVER_IPV4),
  });
});

test('a segment over IPv6', (t) => {
  t.deepEqual(parseSegment(packet(`${OVER_IPV6}00`)), {
    ...COMMON,
    source: '2001:db8::1',
    destination: 'fe80::abc',
    ipVersion: 6,
    ttl: 255,
    trafficClass: 0xda,
    identification: 0,
    datagram: octetsOf(OVER_IPV6),
  });
});

for (const [what, hex, state] of [
  ['right', IPV4 + tcp('5887'), 'good'],
  ['wrong', IPV4 + tcp('5886'), 'bad'],
  ['that of the pseudo-header', IPV4 + tcp('1507'), 'offloaded'],
  ['that of the pseudo-header without length', IPV4 + tcp('14df'), 'offloaded'],
  ['that of the pseudo-header of IPv6', IPV6 + tcp('3725'), 'offloaded'],
  ['of a first fragment', IPV4.replace('4000 40', '2000 40') + tcp('5887'), 'unknown'],
  ['of a segment that was cut off', (IPV4 + tcp('5887')).slice(0, -2), 'unknown'],
] as const) {
  test(`a checksum that is ${what} is ${state}`, (t) => {
    t.is(parseSegment(packet(hex, { originalLength: 60 }))?.checksum, state);
  });
}

test('a datagram too long for its length field ends with the packet on the wire', (t) => {
  const zero4 = OVER_IPV4.replace('4502003c', '45020000');
  const zero6 = OVER_IPV6.replace('002806ff', '000006ff');
  for (const [hex, headers] of [
    [zero4, 52],
    [zero6, 72],
  ] as const) {
    t.like(parseSegment(packet(hex)), { length: 8, checksum: 'good' });
    const long = parseSegment(packet(hex, { originalLength: 100_000 }));
    t.like(long, { length: 100_000 - headers, checksum: 'unknown' });
    t.is(long?.text.length, 8);
  }
});

test('headers that lie about their length: what was on the wire counts', (t) => {
  t.is(parseSegment(packet(OVER_IPV4.replace('4502003c', '450205dc')))?.length, 8);
  t.is(parseSegment(packet(OVER_IPV4.replace('4502003c', '45020013'))), null);
  t.is(parseSegment(packet(OVER_IPV4.replace('4502', '4402'))), null);
  t.is(parseSegment(packet(OVER_IPV4.replace('8118', '4118'))), null, 'data offset of 16');
  t.is(parseSegment(packet(OVER_IPV4.replace('8118', 'f118')))?.length, undefined);
  t.is(parseSegment(packet(OVER_IPV4.replace('4000 40', '4001 40'))), null, 'a later fragment');
  t.is(parseSegment(packet(OVER_IPV4.replace('40060000', '40110000'))), null, 'UDP');
});

test('cut anywhere, it is a segment as soon as its first 20 octets are there', (t) => {
  for (const [hex, from] of [
    [OVER_IPV4, 40],
    [OVER_IPV6, 60],
  ] as const) {
    const whole = octetsOf(hex);
    for (let length = 0; length < whole.length; length++) {
      const octets = whole.slice(0, length);
      const segment = parseSegment(packet('', { octets, originalLength: whole.length }));
      if (length < from) t.is(segment, null);
      else t.like(segment, { length: 8, seq: 1000, checksum: 'unknown' });
    }
  }
});

test('options of IP and extension headers of IPv6 are passed over', (t) => {
  const longer = `4702 0044 ${IPV4.slice(8)} 01010101 94040000`;
  t.like(parseSegment(packet(longer + tcp('5887'))), { length: 8, checksum: 'good' });
  const extensions = [
    '3c00010400000000', // hop by hop, then destination options
    '2b01010c000000000000000000000000', // of 16 octets, then routing
    '2c00000000000000', // nothing left to visit, then a fragment
    '3300000012345678', // the whole of it, then authentication
    '0604000011111111222222223333333344444444555555550000'.slice(0, 48), // then TCP
  ].join('');
  const payload = (40 + extensions.length / 2).toString(16).padStart(4, '0');
  const header = IPV6.replace('002806ff', `${payload}00ff`);
  t.like(parseSegment(packet(header + extensions + tcp('3669'))), {
    length: 8,
    checksum: 'good',
    seq: 1000,
  });
});

test('options are as recorded, whatever their values and lengths', (t) => {
  const options =
    '020405b4 0303ff 0402 050a0000000100000002 2206aabbccdd fe04f989 fd03 01 0000000000000000';
  const octets = octetsOf(options);
  const hex = `4500${(40 + octets.length).toString(16).padStart(4, '0')}${IPV4.slice(8)}
    9c400050 00000000 00000000 ${(5 + octets.length / 4).toString(16)}002 0000 0000 0000 ${options}`;
  t.is(octets.length % 4, 0);
  t.deepEqual(parseSegment(packet(hex))?.options, {
    mss: 1460,
    windowShift: 255,
    sackPermitted: true,
    timestamps: null,
    sackBlocks: [[1, 2]],
    fastOpenCookie: new Uint8Array(0),
    kinds: [2, 3, 4, 5, 34, 254, 253, 0],
  });
  const broken = parseSegment(packet(hex.replace('0402', '0400')))?.options;
  t.like(broken, { windowShift: 255, sackPermitted: false, kinds: [2, 3] });
});

// ---- links ---------------------------------------------------------------------------------------

const MACS = '020000000001 020000000002';
const SLL = '0000 0001 0006 0200000000010000';
for (const [what, linkType, header, datagram] of [
  ['Ethernet', 1, `${MACS} 0800`, OVER_IPV4],
  ['Ethernet', 1, `${MACS} 86dd`, OVER_IPV6],
  ['Ethernet with 802.1Q', 1, `${MACS} 8100 0007 0800`, OVER_IPV4],
  ['Ethernet with QinQ', 1, `${MACS} 88a8 0007 8100 0008 86dd`, OVER_IPV6],
  ['raw IP', 101, '', OVER_IPV4],
  ['raw IP', 12, '', OVER_IPV6],
  ['raw IP', 14, '', OVER_IPV4],
  ['raw IPv4', 228, '', OVER_IPV4],
  ['raw IPv6', 229, '', OVER_IPV6],
  ['Linux cooked', 113, `${SLL} 0800`, OVER_IPV4],
  ['Linux cooked with 802.1Q', 113, `${SLL} 8100 0007 86dd`, OVER_IPV6],
  ['Linux cooked v2', 276, '0800 0000 00000002 0001 00 06 0200000000010000', OVER_IPV4],
  ['Linux cooked v2', 276, '86dd 0000 00000002 0001 00 06 0200000000010000', OVER_IPV6],
  ['null, little-endian', 0, '02000000', OVER_IPV4],
  ['null, big-endian', 0, '00000002', OVER_IPV4],
  ['null of Darwin', 0, '1e000000', OVER_IPV6],
  ['null of FreeBSD', 0, '0000001c', OVER_IPV6],
  ['loop', 108, '00000002', OVER_IPV4],
  ['loop of OpenBSD', 108, '00000018', OVER_IPV6],
] as const) {
  test(`a link of ${what} (${linkType}) below ${datagram[0] === '4' ? 'IPv4' : 'IPv6'}`, (t) => {
    const whole = packet(header + datagram, { linkType });
    const etherType = datagram[0] === '4' ? 0x0800 : 0x86dd;
    t.deepEqual(networkLayer(whole), { etherType, offset: octetsOf(header).length });
    t.like(parseSegment(whole), { length: 8, checksum: 'good' });
    for (let length = 0; length < octetsOf(header).length; length++) {
      const octets = whole.octets.slice(0, length);
      t.is(networkLayer({ ...whole, octets }), null, `${length} octets`);
    }
  });
}

test('what is not IP has a type, or no layer that is known', (t) => {
  const arp = packet(`${MACS} 0806 0001`, { linkType: 1 });
  t.deepEqual(networkLayer(arp), { etherType: 0x0806, offset: 14 });
  t.is(parseSegment(arp), null);
  t.is(networkLayer(packet(`${MACS} 0026 424203`, { linkType: 1 })), null, 'IEEE 802.3');
  t.is(networkLayer(packet(OVER_IPV4, { linkType: 147 })), null, 'a link type that is unknown');
  t.is(networkLayer(packet('00', { linkType: 101 })), null);
  t.is(networkLayer(packet('07000000', { linkType: 0 })), null);
});

// ---- ICMP ----------------------------------------------------------------------------------------

const ICMP = '45000038 00010000 40010000 0a6b0003 0a6b0001';
const QUOTED = {
  source: '10.107.0.1',
  sourcePort: 40_000,
  destination: '10.107.0.2',
  destinationPort: 80,
  seq: 1000,
};

test('an ICMP error tells type, code, MTU and the segment that it is about', (t) => {
  const quote = `${IPV4} 9c400050 000003e8`;
  t.like(parseIcmpError(packet(`${ICMP} 03040000 00000514 ${quote}`)), {
    number: 7,
    time: 5,
    source: '10.107.0.3',
    destination: '10.107.0.1',
    ipVersion: 4,
    type: 3,
    code: 4,
    nextHopMtu: 1300,
    quoted: QUOTED,
  });
  t.like(parseIcmpError(packet(`${ICMP} 03010000 00000000 ${quote}`)), {
    code: 1,
    nextHopMtu: null,
  });
  t.is(parseIcmpError(packet(`${ICMP} 08000000 00000000 ${quote}`)), null, 'an echo request');
  t.is(parseIcmpError(packet(OVER_IPV4)), null);
  const whole = packet(`${ICMP} 0b000000 00000000 ${quote}`);
  for (let length = 0; length < whole.octets.length; length++) {
    t.is(parseIcmpError({ ...whole, octets: whole.octets.slice(0, length) }), null);
  }
});

test('an ICMPv6 error', (t) => {
  const header =
    '60000000 00443aff fe800000000000000000000000000001 20010db8000000000000000000000001';
  const quote = `${IPV6} ${tcp('3669').slice(0, 40)}`;
  t.like(parseIcmpError(packet(`${header} 02000000 00000500 ${quote}`)), {
    source: 'fe80::1',
    ipVersion: 6,
    type: 2,
    nextHopMtu: 1280,
    quoted: { ...QUOTED, source: '2001:db8::1', destination: 'fe80::abc' },
  });
  t.like(parseIcmpError(packet(`${header} 01040000 00000000 ${quote}`)), { nextHopMtu: null });
  t.is(parseIcmpError(packet(`${header} 80000000 00000000 ${quote}`)), null, 'an echo request');
});

// ---- anything --------------------------------------------------------------------------------------

test('no octets of any link type make it throw', (t) => {
  const start = fc.constantFrom(OVER_IPV4, OVER_IPV6, ICMP, '45', '60', '').map(octetsOf);
  const linkType = fc.constantFrom(...Object.values(LinkType), 7);
  fc.assert(
    fc.property(
      start,
      fc.uint8Array({ maxLength: 100 }),
      linkType,
      fc.nat(80),
      fc.nat(70_000),
      (head, tail, link, at, more) => {
        const octets = new Uint8Array([...head, ...tail]);
        octets.set(
          tail.subarray(0, Math.max(0, octets.length - at)).subarray(0, 3),
          Math.min(at, Math.max(0, octets.length - 3)),
        );
        const originalLength = octets.length + more;
        const captured = packet('', { octets, linkType: link, originalLength });
        const segment = parseSegment(captured);
        parseIcmpError(captured);
        if (segment === null) return true;
        return segment.length >= segment.text.length && segment.length <= originalLength;
      },
    ),
    { numRuns: 20_000 },
  );
  t.pass();
});
