import test from 'ava';
import fc from 'fast-check';
import {
  CaptureFormatError,
  LinkType,
  PcapRecords,
  readPcap,
  writePcapHeader,
} from '../../src/core/capture/pcap.ts';

function capture(snapLength: number, frames: readonly [number, Uint8Array][]): Uint8Array {
  const records = new PcapRecords(1 << 20, snapLength);
  for (const [time, frame] of frames) records.append(frame, time);
  return new Uint8Array([...writePcapHeader(LinkType.ETHERNET, snapLength), ...records.octets()]);
}

/** The same capture as a big-endian machine with a clock of nanoseconds writes it. */
function bigEndianNanos(little: Uint8Array): Uint8Array {
  const from = new DataView(little.buffer);
  const octets = little.slice();
  const to = new DataView(octets.buffer);
  to.setUint32(0, 0xa1b23c4d);
  for (const at of [4, 6]) to.setUint16(at, from.getUint16(at, true));
  for (const at of [8, 12, 16, 20]) to.setUint32(at, from.getUint32(at, true));
  for (let at = 24; at < octets.length; ) {
    for (const field of [0, 8, 12]) to.setUint32(at + field, from.getUint32(at + field, true));
    to.setUint32(at + 4, from.getUint32(at + 4, true) * 1000 + 999);
    at += 16 + from.getUint32(at + 8, true);
  }
  return octets;
}

const FRAMES = fc.array(
  fc.tuple(fc.integer({ min: 0, max: 4e15 }), fc.uint8Array({ maxLength: 200 })),
  { maxLength: 20 },
);

test('a capture is read as it was written, whatever the byte order and unit of time', (t) => {
  fc.assert(
    fc.property(FRAMES, fc.integer({ min: 1, max: 200 }), (frames, snapLength) => {
      const written = capture(snapLength, frames);
      const expected = {
        linkType: LinkType.ETHERNET,
        truncated: false,
        packets: frames.map(([time, frame]) => ({
          time,
          octets: frame.slice(0, snapLength),
          originalLength: frame.length,
        })),
      };
      for (const octets of [written, bigEndianNanos(written)]) {
        const read = readPcap(octets);
        const packets = read.packets.map((p) => ({ ...p, octets: p.octets.slice() }));
        t.deepEqual({ ...read, packets }, expected);
      }
    }),
    { numRuns: 50 },
  );
});

test('cut anywhere, a capture gives its whole packets and says that it was cut', (t) => {
  const whole = capture(100, [
    [1_000_000, new Uint8Array(10)],
    [2_000_000, new Uint8Array(3)],
  ]);
  for (let length = 0; length < whole.length; length++) {
    const cut = whole.subarray(0, length);
    if (length < 24) {
      t.throws(() => readPcap(cut), { instanceOf: CaptureFormatError });
      continue;
    }
    const { packets, truncated } = readPcap(cut);
    t.is(packets.length, length < 50 ? 0 : 1);
    t.is(truncated, length !== 24 && length !== 50);
  }
});

test('octets that are no capture are refused by what they begin with', (t) => {
  const png = new Uint8Array(100).fill(0x89);
  t.throws(() => readPcap(png), {
    instanceOf: CaptureFormatError,
    message: 'no pcap capture: it begins with 0x89898989',
  });
});

test('records that are full take no more until they are cleared', (t) => {
  const records = new PcapRecords(16 + 64 + 10, 64);
  t.true(records.append(new Uint8Array(64), 0));
  t.false(records.append(new Uint8Array(0), 0));
  t.is(records.octets().length, 80);
  records.clear();
  t.true(records.append(new Uint8Array(1000), 0));
  t.is(records.octets().length, 80);
  t.throws(() => new PcapRecords(79, 64), { instanceOf: RangeError });
});
