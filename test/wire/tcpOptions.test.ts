import test from 'ava';
import fc from 'fast-check';
import { Segment } from '../../src/core/wire/tcp.ts';
import { optionsLength, parseOptions, writeOptions } from '../../src/core/wire/tcpOptions.ts';
import { hex } from './packets.ts';

/** The options of a header that ends with the last of these octets. */
function parsed(octets: Uint8Array, poison = 0xff): Segment {
  const segment = new Segment();
  const all = new Uint8Array(octets.length + 16).fill(poison);
  all.set(octets);
  parseOptions(new DataView(all.buffer), all, 0, octets.length, segment);
  return segment;
}

function written(fields: Partial<Segment>): string {
  const segment = Object.assign(new Segment(), fields);
  const view = new DataView(new ArrayBuffer(40));
  const length = writeOptions(view, 0, segment);
  if (length !== optionsLength(segment)) throw new Error('optionsLength disagrees');
  return Buffer.from(view.buffer, 0, length).toString('hex');
}

const NONE = new Segment();

test('RFC 9293 3.2: the options of a captured SYN of Linux', (t) => {
  t.like(parsed(hex('0204 05b4 0402 080a ffff 54e9 0000 0000 0103 0306')), {
    mss: 1460,
    sackPermitted: true,
    hasTimestamps: true,
    tsVal: 0xffff54e9,
    tsEcr: 0,
    windowShift: 6,
    sackCount: 0,
  });
});

test('RFC 2018 3: the blocks of a captured ACK', (t) => {
  const segment = parsed(hex('0101 0512 fd48 cefa fd48 d490 fd48 b30c fd48 c3ce'));
  t.is(segment.sackCount, 2);
  t.deepEqual([...segment.sackLeft.subarray(0, 2)], [0xfd48cefa, 0xfd48b30c]);
  t.deepEqual([...segment.sackRight.subarray(0, 2)], [0xfd48d490, 0xfd48c3ce]);
});

test('RFC 2018 3: four blocks fill the header', (t) => {
  const segment = parsed(
    hex(`0522 0000 0001 0000 0010 0000 0100 0000 1000 0001 0000 0010 0000
         0100 0000 1000 0000 0000`),
  );
  t.is(segment.sackCount, 4);
  t.deepEqual([...segment.sackLeft], [1, 256, 65536, 16777216]);
  t.deepEqual([...segment.sackRight], [16, 4096, 1048576, 268435456]);
});

test('RFC 7323 2.3: a shift over 14 is read as 14', (t) => {
  t.is(parsed(hex('0204 05b4 0303 ff00')).windowShift, 14);
  t.is(parsed(hex('0303 0e00')).windowShift, 14);
  t.is(parsed(hex('0303 0000')).windowShift, 0);
});

test('MUST-6: an unknown option is skipped by its length', (t) => {
  // A captured TCP Fast Open request in front of an MSS.
  t.is(parsed(hex('fe04 f989 0204 05b4')).mss, 1460);
  t.is(parsed(hex('fd02 0204 05b4')).mss, 1460);
});

test('MUST-7: a length of 0 or 1, or one that leaves the header, ends the walk', (t) => {
  t.like(parsed(hex('fe00 0204 05b4 0000')), { mss: 0 });
  t.like(parsed(hex('fe01 0204 05b4 0000')), { mss: 0 });
  t.like(parsed(hex('0402 0205 05b4')), { mss: 0, sackPermitted: true });
  t.like(parsed(hex('0402 0101 0101 0102')), { mss: 0, sackPermitted: true });
  t.like(parsed(hex('080a 0000 0001 0000 00')), { hasTimestamps: false });
});

test('RFC 9293 3.2: what follows the end of the list does not count', (t) => {
  t.like(parsed(hex('0402 0002 0405 b400')), { mss: 0, sackPermitted: true });
});

test('RFC 9293 3.2: a known option of a wrong length is ignored', (t) => {
  const wrong = [
    '0203 05', // MSS
    '0304 0101', // Window Scale
    '0403 00', // SACK-Permitted
    '0502', // SACK without a block
    '0506 0000 0001', // half a block
    '0809 0000 0001 0000 00', // Timestamps
  ];
  for (const option of wrong) {
    t.like(parsed(hex(`${option} 0204 05b4`)), {
      mss: 1460,
      windowShift: -1,
      sackPermitted: false,
      sackCount: 0,
      hasTimestamps: false,
    });
  }
});

test('RFC 7323 A: timestamps alone, with and without padding', (t) => {
  const fields = { hasTimestamps: true, tsVal: 0x23e97f5b, tsEcr: 0x1fb78afd, mss: 0 };
  t.like(parsed(hex('0101 080a 23e9 7f5b 1fb7 8afd')), fields);
  t.like(parsed(hex('080a 23e9 7f5b 1fb7 8afd 0101')), fields);
  t.like(parsed(hex('080a 23e9 7f5b 1fb7 8afd')), fields);
});

test('RFC 9293 3.2: no options', (t) => {
  t.deepEqual(parsed(new Uint8Array(0)), NONE);
  t.is(written({}), '');
});

test('RFC 9293 3.2: any octets are parsed without reading past their end', (t) => {
  const kind = fc.constantFrom(0, 1, 2, 3, 4, 5, 8, 254);
  const octet = fc.oneof(kind, fc.integer({ min: 0, max: 12 }), fc.integer({ min: 0, max: 255 }));
  fc.assert(
    fc.property(fc.array(octet, { maxLength: 40 }), (list) => {
      const octets = Uint8Array.from(list);
      const exact = new Segment();
      parseOptions(new DataView(octets.buffer), octets, 0, octets.length, exact);
      t.deepEqual(parsed(octets, 0), exact);
      t.deepEqual(parsed(octets, 10), exact);
      t.true(exact.sackCount <= 4 && exact.windowShift <= 14);
    }),
    { numRuns: 2000 },
  );
});

test('Linux order: a SYN with everything', (t) => {
  const fields = { mss: 1460, sackPermitted: true, hasTimestamps: true, windowShift: 6 };
  t.is(
    written({ ...fields, tsVal: 0xffff54e9, tsEcr: 0 }),
    '020405b40402080affff54e90000000001030306',
  );
});

test('Linux order: a SYN without SACK pads the timestamps', (t) => {
  const fields = { mss: 1460, hasTimestamps: true, windowShift: 7 };
  t.is(written({ ...fields, tsVal: 0x23e97f28 }), '020405b40101080a23e97f280000000001030307');
});

test('Linux order: a SYN without timestamps pads SACK-Permitted', (t) => {
  t.is(written({ mss: 1460, sackPermitted: true, windowShift: 7 }), '020405b40101040201030307');
});

test('Linux order: timestamps, then SACK', (t) => {
  const fields = { hasTimestamps: true, tsVal: 1, tsEcr: 2, sackCount: 1 };
  const sackLeft = Uint32Array.of(0x10, 0x30, 0x50, 0x70);
  const sackRight = Uint32Array.of(0x20, 0x40, 0x60, 0x80);
  const timestamps = '0101080a0000000100000002';
  t.is(written({ ...fields, sackLeft, sackRight }), `${timestamps}0101050a0000001000000020`);
  t.is(
    written({ ...fields, sackLeft, sackRight, sackCount: 4 }),
    `${timestamps}0101051a000000100000002000000030000000400000005000000060`,
  );
});
