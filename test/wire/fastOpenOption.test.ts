import test from 'ava';
import fc from 'fast-check';
import { Segment } from '../../src/core/wire/tcp.ts';
import { optionsLength, parseOptions, writeOptions } from '../../src/core/wire/tcpOptions.ts';
import { hex } from './packets.ts';

const EVEN_LENGTHS = [0, 4, 6, 8, 10, 12, 14, 16];
const WRONG_LENGTHS = [1, 2, 3, 5, 7, 9, 11, 13, 15, 17, 18, 20];

function parsed(octets: Uint8Array): Segment {
  const segment = new Segment();
  const all = new Uint8Array(octets.length + 16).fill(0xff);
  all.set(octets);
  parseOptions(new DataView(all.buffer), all, 0, octets.length, segment);
  return segment;
}

function written(fields: Partial<Segment>): Uint8Array {
  const segment = Object.assign(new Segment(), fields);
  const octets = new Uint8Array(40);
  const length = writeOptions(new DataView(octets.buffer), 0, segment);
  if (length !== optionsLength(segment)) throw new Error('optionsLength disagrees');
  return octets.subarray(0, length);
}

function cookieOf(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => 0xa0 + i);
}

/** The cookie of a segment; null: it has no Fast Open option. */
function cookieIn({ fastOpenLength, fastOpenCookie }: Segment): Uint8Array | null {
  return fastOpenLength < 0 ? null : fastOpenCookie.slice(0, fastOpenLength);
}

/** @param isExperiment in the format of before RFC 7413 */
function option(cookie: Uint8Array, isExperiment: boolean): Uint8Array {
  const head = isExperiment ? [254, 4 + cookie.length, 0xf9, 0x89] : [34, 2 + cookie.length];
  return Uint8Array.from([...head, ...cookie]);
}

for (const isExperiment of [false, true]) {
  const format = isExperiment ? 'RFC 6994 3, 7413 A: as an experiment' : 'RFC 7413 4.1.1';

  test(`${format}: a request, and cookies of 4 to 16 octets, an even number`, (t) => {
    for (const length of EVEN_LENGTHS) {
      const segment = parsed(option(cookieOf(length), isExperiment));
      t.deepEqual(cookieIn(segment), cookieOf(length));
      t.is(segment.isFastOpenExperiment, isExperiment);
    }
  });

  test(`${format}: a cookie of another length is ignored, and what follows it is not`, (t) => {
    for (const length of WRONG_LENGTHS) {
      const octets = [...option(cookieOf(length), isExperiment), ...hex('0204 05b4')];
      const segment = parsed(Uint8Array.from(octets));
      t.is(cookieIn(segment), null, `${length} octets`);
      t.is(segment.mss, 1460);
    }
  });

  test(`${format}: an option that leaves the header is none`, (t) => {
    const whole = option(cookieOf(8), isExperiment);
    for (let length = 0; length < whole.length; length++) {
      t.is(cookieIn(parsed(whole.subarray(0, length))), null);
    }
  });

  test(`${format}: what is written is read again, and padded to whole words`, (t) => {
    const lengths = fc.constantFrom(...EVEN_LENGTHS);
    fc.assert(
      fc.property(lengths, fc.boolean(), fc.boolean(), (length, hasFreebsdOrder, hasTimestamps) => {
        const fastOpenCookie = new Uint8Array(16);
        fastOpenCookie.set(cookieOf(length));
        const octets = written({
          mss: 1460,
          windowShift: 7,
          sackPermitted: true,
          hasTimestamps,
          hasFreebsdOrder,
          isFastOpenExperiment: isExperiment,
          fastOpenLength: length,
          fastOpenCookie,
        });
        const segment = parsed(octets);
        t.is(octets.length % 4, 0);
        t.is(segment.mss, 1460);
        t.is(segment.hasTimestamps, hasTimestamps);
        t.deepEqual(cookieIn(segment), cookieOf(length)); // the longest one fills the header
        t.is(segment.isFastOpenExperiment, isExperiment);
      }),
      { numRuns: 200 },
    );
  });
}

test('Linux order: Fast Open stands behind everything else, and NOPs pad it', (t) => {
  const fields = { mss: 1460, sackPermitted: true, windowShift: 7, fastOpenLength: 4 };
  const fastOpenCookie = Uint8Array.from([1, 2, 3, 4]);
  t.deepEqual(
    written({ ...fields, fastOpenCookie }),
    hex('0204 05b4 0101 0402 0103 0307 2206 0102 0304 0101'),
  );
  t.deepEqual(
    written({ ...fields, fastOpenCookie, isFastOpenExperiment: true }),
    hex('0204 05b4 0101 0402 0103 0307 fe08 f989 0102 0304'),
  );
});

test('FreeBSD order: Fast Open stands behind everything else, and the end of the list pads it', (t) => {
  const fields = { mss: 1460, sackPermitted: true, windowShift: 6, hasFreebsdOrder: true };
  t.deepEqual(written({ ...fields, fastOpenLength: 0 }), hex('0204 05b4 0103 0306 0402 2202'));
});

test('RFC 7413 4.1.1: of several options the last one that is right counts', (t) => {
  const octets = [
    ...option(cookieOf(4), false),
    ...option(cookieOf(8), true),
    ...option(cookieOf(5), false),
  ];
  const segment = parsed(Uint8Array.from(octets));
  t.deepEqual(cookieIn(segment), cookieOf(8));
  t.true(segment.isFastOpenExperiment);
});

test('RFC 6994 3: an experiment of others is no Fast Open', (t) => {
  t.is(cookieIn(parsed(hex('fe08 f990 0102 0304'))), null);
  t.is(cookieIn(parsed(hex('fe02'))), null);
  t.is(cookieIn(parsed(hex('fe03 f9'))), null);
});
