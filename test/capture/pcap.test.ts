import test from 'ava';
import fc from 'fast-check';
import { readPackets } from '../../src/core/capture/captureReader.ts';
import type { PacketToWrite, TimeResolution } from '../../src/core/capture/captureRecords.ts';
import { LinkType } from '../../src/core/capture/networkLayer.ts';
import { pcapRecords } from '../../src/core/capture/pcap.ts';
import { pcapngRecords } from '../../src/core/capture/pcapng.ts';
import { bigEndianPcap, bigEndianPcapng, pcapFile, pcapngFile } from './captureFiles.ts';

const COMMENT = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }).filter((s) => !s.includes('\0')),
  fc.constant('sent: fin (RFC 9293 3.6): größer → 🐟'),
);

const PACKET: fc.Arbitrary<PacketToWrite> = fc.record({
  octets: fc.uint8Array({ maxLength: 200 }),
  time: fc.integer({ min: 0, max: 4e15 }),
  nanos: fc.integer({ min: 0, max: 999 }),
  direction: fc.constantFrom('in', 'out'),
  comments: fc.array(COMMENT, { maxLength: 3 }),
});

const FILE = fc.record({
  packets: fc.array(PACKET, { maxLength: 20 }),
  snapLength: fc.integer({ min: 1, max: 200 }),
  linkType: fc.constantFrom(...Object.values(LinkType)),
  resolution: fc.constantFrom<TimeResolution>('micros', 'nanos'),
});

for (const [format, write, swap] of [
  ['pcap', pcapFile, bigEndianPcap],
  ['pcapng', pcapngFile, bigEndianPcapng],
] as const) {
  test(`${format} is read as it was written, whatever the byte order and unit of time`, (t) => {
    fc.assert(
      fc.property(FILE, (file) => {
        const { packets, snapLength, linkType, resolution } = file;
        const written = write(packets, file);
        const expected = packets.map(({ octets, time, nanos = 0, comments = [] }, n) => ({
          number: n + 1,
          time,
          nanos: resolution === 'nanos' ? nanos : 0,
          linkType,
          octets: octets.slice(0, snapLength),
          originalLength: octets.length,
          comments: format === 'pcap' ? [] : comments,
        }));
        for (const octets of [written, swap(written)]) {
          const read = readPackets(octets);
          t.is(read.problem, null);
          t.deepEqual(read.packets, expected);
          t.deepEqual(read.linkTypes, packets.length === 0 ? [] : [linkType]);
        }
      }),
      { numRuns: 100 },
    );
  });
}

for (const recordsOf of [pcapRecords, pcapngRecords]) {
  test(`${recordsOf.name} that are full take no more until they are cleared`, (t) => {
    const packet = { octets: new Uint8Array(64), time: 0 };
    const records = recordsOf(150, 64);
    t.true(records.append(packet));
    t.false(records.append(packet));
    const { length } = records.octets();
    records.clear();
    t.is(records.octets().length, 0);
    t.true(records.append({ octets: new Uint8Array(1000), time: 0 }));
    t.is(records.octets().length, length);
  });

  test(`${recordsOf.name} have room for one at least, of any length`, (t) => {
    const records = recordsOf(0, 1000);
    t.true(records.append({ octets: new Uint8Array(1000), time: 0, comments: ['x'.repeat(1e5)] }));
    t.false(records.append({ octets: new Uint8Array(0), time: 0 }));
  });
}

test('a comment that is too long for an option ends with a whole character', (t) => {
  const comment = `x${'ä'.repeat(40_000)}`;
  const octets = pcapngFile([{ octets: new Uint8Array(4), time: 0, comments: [comment] }]);
  const [packet] = readPackets(octets).packets;
  t.deepEqual(packet?.comments, [comment.slice(0, 1 + 32_767)]);
});

test('what was kept and what was on the wire are told apart', (t) => {
  const packet = { octets: new Uint8Array(10), time: 1, originalLength: 1500 };
  for (const file of [pcapFile([packet]), pcapngFile([packet])]) {
    const [read] = readPackets(file).packets;
    t.is(read?.octets.length, 10);
    t.is(read?.originalLength, 1500);
  }
});
