import test from 'ava';
import fc from 'fast-check';
import { CaptureReader, readPackets } from '../../src/core/capture/captureReader.ts';
import type { PacketToWrite } from '../../src/core/capture/captureRecords.ts';
import { bigEndianPcap, bigEndianPcapng, concat, pcapFile, pcapngFile } from './captureFiles.ts';

const PACKETS: readonly PacketToWrite[] = [
  { octets: new Uint8Array(10).fill(1), time: 1_700_000_000_000_001, nanos: 1 },
  { octets: new Uint8Array(3).fill(2), time: 1_700_000_001_999_999, comments: ['why'] },
  { octets: new Uint8Array(0), time: 1_700_000_002_000_000, direction: 'out' },
];

/** A block of numbers of 32 bits. */
function block(type: number, ...words: number[]): Uint8Array {
  const length = 12 + 4 * words.length;
  return new Uint8Array(Uint32Array.from([type, length, ...words, length]).buffer);
}

const SECTION = block(0x0a0d0d0a, 0x1a2b3c4d, 1, 0xffffffff, 0xffffffff);
const ETHERNET = block(1, 1, 0);

/** An interface block with options, each a code and a value. */
function link(snapLength: number, ...options: (readonly [number, number[]])[]): Uint8Array {
  const words = options.flatMap(([code, value]) => {
    const octets = new Uint8Array(Math.ceil(value.length / 4) * 4);
    octets.set(value);
    return [code | (value.length << 16), ...new Uint32Array(octets.buffer)];
  });
  return block(1, 1, snapLength, ...words);
}

/** An enhanced packet block without octets. */
function stamped(high: number, low: number): Uint8Array {
  return block(6, 0, high, low, 0, 0);
}

// ---- cut off -----------------------------------------------------------------------------------

/** Where each packet of the file is there as a whole. */
function ends(write: (packets: readonly PacketToWrite[]) => Uint8Array): number[] {
  return [0, 1, 2, 3].map((count) => write(PACKETS.slice(0, count)).length);
}

for (const [format, write, swap] of [
  ['pcap', pcapFile, (octets: Uint8Array) => octets],
  ['pcapng', pcapngFile, (octets: Uint8Array) => octets],
  ['big-endian pcap', pcapFile, bigEndianPcap],
  ['big-endian pcapng', pcapngFile, bigEndianPcapng],
] as const) {
  test(`${format}: cut anywhere, it gives its whole packets and says where it was cut`, (t) => {
    const whole = swap(write(PACKETS));
    const [headers = 0, ...others] = ends(write);
    const wholes = [headers, ...others];
    for (let length = 0; length < whole.length; length++) {
      const { packets, problem } = readPackets(whole.subarray(0, length));
      const count = others.filter((end) => end <= length).length;
      t.is(packets.length, count, `${length} octets`);
      t.deepEqual(packets, readPackets(whole).packets.slice(0, count));
      if (length < 4) t.regex(problem ?? '', /^no capture: /);
      else if (length >= headers) {
        if (wholes.includes(length)) t.is(problem, null, `${length} octets`);
        else {
          const start = [headers, ...others][count];
          const where = count === 0 ? 'before the first packet' : `after packet ${count}`;
          t.is(problem, `cut off within what begins at octet ${start}, ${where}`);
        }
      }
    }
  });

  test(`${format}: pieces of any length give the same packets`, (t) => {
    const whole = swap(write(PACKETS));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 20 }), (lengths) => {
        const reader = new CaptureReader();
        const packets = [];
        let at = 0;
        for (const length of [...lengths, whole.length]) {
          const chunk = whole.slice(at, at + length);
          reader.push(chunk);
          chunk.fill(0xee); // it is the reader's no more
          for (let p = reader.next(); p !== null; p = reader.next()) packets.push(p);
          at += length;
        }
        reader.finish();
        t.deepEqual(packets, readPackets(whole).packets);
        t.is(reader.problem, null);
      }),
    );
  });
}

// ---- damaged -------------------------------------------------------------------------------------

/** What reading them comes to, which must be within bounds. */
function survives(octets: Uint8Array): boolean {
  const { packets, problem } = readPackets(octets);
  const sum = packets.reduce((n, p) => n + p.octets.length, 0);
  const isOneLine = problem === null || /^[^\n]{1,200}$/.test(problem);
  return isOneLine && sum <= octets.length && packets.every((p) => Number.isSafeInteger(p.time));
}

test('no octets make it throw', (t) => {
  const magics = [
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0x4d, 0x3c, 0xb2, 0xa1, 2, 0, 4, 0],
    [0x34, 0xcd, 0xb2, 0xa1, 2, 0, 4, 0],
    [...SECTION, ...ETHERNET],
    [...SECTION],
    [],
  ];
  fc.assert(
    fc.property(fc.constantFrom(...magics), fc.uint8Array({ maxLength: 300 }), (start, rest) =>
      survives(concat([new Uint8Array(start), rest])),
    ),
    { numRuns: 5000 },
  );
  t.pass();
});

test('no change of a capture makes it throw', (t) => {
  const files = [pcapFile, pcapngFile].flatMap((write) => [
    write(PACKETS),
    write(PACKETS, { resolution: 'nanos' }),
  ]);
  const swapped = [bigEndianPcap(pcapFile(PACKETS)), bigEndianPcapng(pcapngFile(PACKETS))];
  const change = fc.tuple(fc.nat(), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255));
  fc.assert(
    fc.property(
      fc.constantFrom(...files, ...swapped),
      fc.array(change, { minLength: 1, maxLength: 4 }),
      (file, changes) => {
        const octets = file.slice();
        for (const [at, extreme, other] of changes) {
          octets[at % octets.length] = at % 2 === 0 ? extreme : other;
        }
        return survives(octets);
      },
    ),
    { numRuns: 10_000 },
  );
  t.pass();
});

for (const [what, octets, expected] of [
  ['nothing', [], /^no capture: it is empty$/],
  ['three octets', [1, 2, 3], /^no capture: it has 3 octets$/],
  ['a picture', [0x89, 0x50, 0x4e, 0x47], /^no capture: it begins with 0x89504e47$/],
  ['a cut header', [0xd4, 0xc3, 0xb2, 0xa1], /^cut off .* octet 0, before the first packet$/],
] as const) {
  test(`${what} is told in one line`, (t) => {
    const { packets, problem } = readPackets(new Uint8Array(octets));
    t.deepEqual(packets, []);
    t.regex(problem ?? '', expected);
  });
}

test('a pcap record that claims gigabytes is damage, and the packets before it are given', (t) => {
  const octets = pcapFile(PACKETS);
  new DataView(octets.buffer).setUint32(24 + 26 + 8, 0xfffffff0, true);
  const { packets, problem } = readPackets(octets);
  t.is(packets.length, 1);
  t.is(problem, 'damaged at octet 50, after packet 1: a packet that claims 4294967280 octets');
});

for (const [what, blocks, problem] of [
  ['a block that claims gigabytes', [Uint32Array.of(6, 0xfffffffc)], /a block that claims 429496/],
  ['a block that claims nothing', [Uint32Array.of(77, 0)], /octet 48, .*: a block that claims 0 /],
  ['lengths that differ', [Uint32Array.of(77, 12, 16)], /12 octets that does not end with its/],
  ['lengths of packets that differ', [Uint32Array.of(3, 16, 0, 20)], /16 octets that does not end/],
  ['an unknown interface', [block(6, 1, 0, 0, 0, 0)], /packet of interface 1, which is unknown/],
  ['a packet longer than its block', [block(6, 0, 0, 0, 5, 5, 0)], /5 octets in a block with room/],
  [
    'a simple packet longer than its block',
    [block(3, 5, 0)],
    /5 octets in a block with room for 4/,
  ],
  ['a short packet block', [block(6, 0)], /packet block that is too short/],
  ['a short interface block', [block(1, 0)], /interface block that is too short/],
  [
    'a section of neither byte order',
    [block(0x0a0d0d0a, 1, 1, 1, 1)],
    /section without byte order/,
  ],
  [
    'a section of another version',
    [block(0x0a0d0d0a, 0x1a2b3c4d, 2, 0, 0)],
    /version 2\.0, not 1\.0/,
  ],
  ['interfaces of the section before', [SECTION, block(6, 0, 0, 0, 0, 0)], /interface 0, which is/],
] as const) {
  test(`pcapng: ${what} is damage`, (t) => {
    const parts = blocks.map((b) => new Uint8Array(b.buffer));
    const result = readPackets(concat([SECTION, ETHERNET, ...parts]));
    t.deepEqual(result.packets, []);
    t.regex(result.problem ?? '', problem);
  });
}

// ---- what formats may say ------------------------------------------------------------------------

test('pcapng: sections of different byte orders, each with interfaces of its own', (t) => {
  const octets = concat([
    pcapngFile(PACKETS, { linkType: 101 }),
    bigEndianPcapng(pcapngFile(PACKETS, { resolution: 'nanos' })),
    pcapngFile(PACKETS, { linkType: 113 }),
  ]);
  const { packets, problem, linkTypes } = readPackets(octets);
  t.is(problem, null);
  t.deepEqual(
    packets.map((p) => p.number),
    [1, 2, 3, 4, 5, 6, 7, 8, 9],
  );
  t.deepEqual(linkTypes, [101, 1, 113]);
  t.is(packets[3]?.nanos, 1);
  t.deepEqual(packets[7]?.comments, ['why']);
});

test('pcapng: unknown blocks are skipped, without being held if they are huge', (t) => {
  const reader = new CaptureReader();
  const length = 2 ** 32 - 4;
  reader.push(concat([SECTION, ETHERNET, block(5, 1, 2, 3), stamped(0, 1)]));
  t.is(reader.next()?.time, 1);
  reader.push(new Uint8Array(Uint32Array.of(0xbad, length).buffer));
  const chunk = new Uint8Array(2 ** 24);
  for (let rest = length - 12; rest > 0; rest -= chunk.length) {
    t.is(reader.next(), null);
    reader.push(rest < chunk.length ? chunk.subarray(0, rest) : chunk);
  }
  reader.push(new Uint8Array(Uint32Array.of(length).buffer));
  reader.push(stamped(0, 2));
  t.is(reader.next()?.time, 2);
  reader.finish();
  t.is(reader.problem, null);
});

test('pcapng: a file that ends within a block that is skipped is cut off', (t) => {
  const octets = concat([SECTION, ETHERNET, block(5, 1, 2, 3).subarray(0, 20)]);
  t.is(
    readPackets(octets).problem,
    'cut off within what begins at octet 48, before the first packet',
  );
});

for (const [what, octet, high, low] of [
  ['10^0', 0, 0, 1_700_000_000],
  ['10^-3', 3, 395, 2_082_765_000],
  ['10^-6', 6, 395_812, 1_000_000],
  ['10^-9', 9, 395_812_095, 4_294_967_295],
  ['10^-12', 12, 4_294_967_295, 4_294_967_295],
  ['10^-40', 40, 4_294_967_295, 4_294_967_295],
  ['2^0', 0x80, 0, 7],
  ['2^-10', 0x8a, 0, 1025],
  ['2^-30', 0x9e, 1, 1],
  ['2^-32', 0xa0, 3, 0x80000000],
  ['2^-64', 0xc0, 0x80000000, 0],
  ['2^-127', 0xff, 0xffffffff, 0xffffffff],
] as const) {
  test(`pcapng: a resolution of ${what} gives exact times`, (t) => {
    const file = concat([SECTION, link(0, [9, [octet]]), stamped(high, low)]);
    const [packet] = readPackets(file).packets;
    const exact = inNanos(octet, high, low);
    t.is(packet?.time, Number(exact / 1000n));
    t.is(packet?.nanos, Number(exact % 1000n));
  });
}

function inNanos(octet: number, high: number, low: number): bigint {
  const stamp = (BigInt(high) << 32n) | BigInt(low);
  const power = BigInt(octet & 0x7f);
  return (stamp * 10n ** 9n) / ((octet & 0x80) === 0 ? 10n : 2n) ** power;
}

test('pcapng: any stamp in any resolution is that of exact arithmetic, or the last safe one', (t) => {
  const u32 = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(
    fc.property(fc.nat(255), u32, u32, (octet, high, low) => {
      const file = concat([SECTION, link(0, [9, [octet]]), stamped(high, low)]);
      const [packet] = readPackets(file).packets;
      const exact = inNanos(octet, high, low);
      if (exact / 1000n > BigInt(Number.MAX_SAFE_INTEGER)) {
        return packet?.time === Number.MAX_SAFE_INTEGER;
      }
      const read = BigInt(packet?.time ?? -1) * 1000n + BigInt(packet?.nanos ?? 0);
      // what is finer than an eighth of a nanosecond is cut off before
      return read === exact || (octet > 0x80 + 33 && read === exact - 1n);
    }),
    { numRuns: 2000 },
  );
  t.pass();
});

test('pcapng: the offset of an interface is added, before 1970 is 1970', (t) => {
  const minusTen = [0xf6, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
  const plusTen = [10, 0, 0, 0, 0, 0, 0, 0];
  for (const [offset, time] of [
    [minusTen, 5_000_000],
    [plusTen, 25_000_000],
  ] as const) {
    const file = concat([SECTION, link(0, [14, [...offset]]), stamped(0, 15_000_000)]);
    t.is(readPackets(file).packets[0]?.time, time);
  }
  const file = concat([SECTION, link(0, [14, minusTen]), stamped(0, 0)]);
  t.is(readPackets(file).packets[0]?.time, 0);
});

test('pcapng: simple packets end at the snap length and have the time of the packet before', (t) => {
  const file = concat([
    SECTION,
    link(4),
    stamped(0, 9),
    block(3, 1500, 0x04030201),
    block(3, 2, 5),
  ]);
  const [, cut, short] = readPackets(file).packets;
  t.deepEqual([cut?.octets, cut?.originalLength, cut?.time], [Uint8Array.of(1, 2, 3, 4), 1500, 9]);
  t.deepEqual([short?.octets, short?.originalLength], [Uint8Array.of(5, 0), 2]);
});

test('pcapng: obsolete packet blocks have a short interface number and a count of drops', (t) => {
  const file = concat([
    SECTION,
    ETHERNET,
    block(2, 0x00070000, 0, 5, 2, 60, 0x0201, 0x00020001, 0x6968),
  ]);
  const [packet] = readPackets(file).packets;
  t.is(packet?.time, 5);
  t.is(packet?.originalLength, 60);
  t.deepEqual(packet?.octets, Uint8Array.of(1, 2));
  t.deepEqual(packet?.comments, ['hi']);
});

test('pcapng: names of interfaces, and options that are cut off', (t) => {
  const reader = new CaptureReader();
  reader.push(
    concat([SECTION, link(96, [2, [0x67, 0x30, 0]]), block(6, 0, 0, 0, 0, 0, 0x00ff0001)]),
  );
  t.deepEqual(reader.next()?.comments, []);
  const [only] = reader.interfaces;
  t.is(only?.name, 'g0');
  t.is(only?.snapLength, 96);
  t.is(reader.format, 'pcapng');
});

test('comments that are no UTF-8 are shown as far as they are', (t) => {
  const file = concat([SECTION, ETHERNET, block(6, 0, 0, 0, 0, 0, 0x00040001, 0xffa4c361)]);
  t.deepEqual(readPackets(file).packets[0]?.comments, ['aä\ufffd']);
});

test('pcap: the modified format has longer headers, version 2.2 has its lengths swapped', (t) => {
  const header = (magic: number, version: number) =>
    new Uint8Array(Uint32Array.of(magic, version, 0, 0, 96, 1).buffer);
  const modified = Uint32Array.of(1, 2, 4, 60, 0, 0, 0x04030201, 1, 3, 0, 40, 0, 0);
  const read = readPackets(
    concat([header(0xa1b2cd34, 0x00040002), new Uint8Array(modified.buffer)]),
  );
  t.deepEqual(
    read.packets.map((p) => [p.time, p.octets.length, p.originalLength]),
    [
      [1_000_002, 4, 60],
      [1_000_003, 0, 40],
    ],
  );
  t.is(read.problem, null);
  const old = Uint32Array.of(1, 2, 60, 4, 0x04030201);
  const [swapped] = readPackets(
    concat([header(0xa1b2c3d4, 0x00020002), new Uint8Array(old.buffer)]),
  ).packets;
  t.deepEqual([swapped?.octets.length, swapped?.originalLength], [4, 60]);
  t.regex(readPackets(header(0xa1b2c3d4, 7)).problem ?? '', /pcap of version 7\.0, not 2\.4/);
});

test('pcap: the upper half of the link type is not part of it', (t) => {
  const octets = pcapFile(PACKETS);
  octets[23] = 0x44;
  t.deepEqual(readPackets(octets).linkTypes, [1]);
});
