import test from 'ava';
import fc from 'fast-check';
import { add, type Seq, seq } from '../../../src/core/base/seq.ts';
import { MAX_REASSEMBLY_RANGES } from '../../../src/core/tcp/config.ts';
import { ReceiveBuffer } from '../../../src/core/tcp/receive/receiveBuffer.ts';
import { pattern } from '../../harness/transcript.ts';

function read(buffer: ReceiveBuffer, count: number): Uint8Array {
  const octets = new Uint8Array(count);
  const moved = buffer.read(octets, 0, count);
  return octets.slice(0, moved);
}

test('receive buffer: a hole that is filled gives all that lies behind it', (t) => {
  const buffer = new ReceiveBuffer(100, 'paged');
  const nxt = seq(0xffff_fffa);
  t.is(buffer.insert(nxt, 10, pattern(0, 40), 10, 10), 0);
  t.is(buffer.insert(nxt, 30, pattern(0, 40), 30, 10), 0);
  t.is(buffer.length, 0);
  t.is(buffer.insert(nxt, 0, pattern(0, 40), 0, 10), 20);
  t.is(buffer.insert(add(nxt, 20), 0, pattern(0, 40), 20, 10), 20);
  t.deepEqual(read(buffer, 100), pattern(0, 40).slice());
  t.is(buffer.ranges.count, 0);
});

test('receive buffer: over the limit of pieces, only what joins one of them is taken', (t) => {
  const buffer = new ReceiveBuffer(10_000, 'paged');
  for (let i = 0; i < MAX_REASSEMBLY_RANGES; i++) {
    t.is(buffer.insert(seq(0), 10 + i * 10, pattern(0, 5), 0, 5), 0);
  }
  t.is(buffer.insert(seq(0), 9000, pattern(0, 5), 0, 5), -1);
  t.is(buffer.insert(seq(0), 15, pattern(0, 5), 0, 5), 0);
  t.is(buffer.insert(seq(0), 9000, pattern(0, 5), 0, 5), 0);
  t.is(buffer.insert(seq(0), 0, pattern(0, 10), 0, 10), 25);
});

test('receive buffer: after release() nothing is kept and nothing fits', (t) => {
  const buffer = new ReceiveBuffer(100, 'paged');
  buffer.insert(seq(0), 0, pattern(0, 10), 0, 10);
  buffer.insert(seq(10), 10, pattern(0, 10), 0, 10);
  buffer.release();
  t.deepEqual([buffer.length, buffer.free, buffer.ranges.count], [0, 0, 0]);
});

/** The whole stream, which octets of it have arrived, and how far the user has read. */
class PlainBuffer {
  readonly arrived = new Set<number>();
  nxt = 0;
  isRead = 0;

  /** @returns octets by which RCV.NXT advances */
  insert(from: number, count: number): number {
    for (let i = from; i < from + count; i++) this.arrived.add(i);
    const before = this.nxt;
    while (this.arrived.has(this.nxt)) this.nxt++;
    return this.nxt - before;
  }

  /** Octets beyond RCV.NXT that are there, as pieces of the stream. */
  get pieces(): [number, number][] {
    const beyond = [...this.arrived].filter((i) => i >= this.nxt).sort((a, b) => a - b);
    const pieces: [number, number][] = [];
    for (const i of beyond) {
      const last = pieces.at(-1);
      if (last?.[1] === i) last[1] = i + 1;
      else pieces.push([i, i + 1]);
    }
    return pieces;
  }
}

test('RFC 9293 3.10.7.4 Seventh: any overlapping pieces, in any order, make the stream', (t) => {
  const step = fc.record({
    isRead: fc.boolean(),
    offset: fc.oneof(fc.constant(0), fc.nat(400)),
    count: fc.integer({ min: 1, max: 150 }),
  });
  const first = fc.constantFrom(0, 2 ** 32 - 300, 2 ** 31 - 300);
  const limit = fc.oneof(fc.integer({ min: 1, max: 600 }), fc.constant(6000));
  fc.assert(
    fc.property(
      first,
      limit,
      fc.array(step, { maxLength: 80, size: 'max' }),
      (first, limit, steps) => {
        const at = (offset: number): Seq => add(seq(first), offset);
        const buffer = new ReceiveBuffer(limit, 'paged');
        const plain = new PlainBuffer();
        for (const { isRead, offset, count } of steps) {
          if (isRead) {
            const octets = read(buffer, count);
            t.deepEqual(octets, pattern(plain.isRead, octets.length).slice());
            t.is(octets.length, Math.min(count, plain.nxt - plain.isRead));
            plain.isRead += octets.length;
          } else {
            // The Seventh check has cut the segment to the window.
            const from = Math.min(offset, buffer.free);
            const fits = Math.min(count, buffer.free - from);
            if (fits === 0) continue;
            const text = pattern(plain.nxt + from - Math.min(3, plain.nxt), fits + 5);
            const skipped = Math.min(3, plain.nxt);
            const { nxt } = plain;
            t.is(buffer.insert(at(nxt), from, text, skipped, fits), plain.insert(nxt + from, fits));
          }
          t.is(buffer.length, plain.nxt - plain.isRead);
          t.is(buffer.free, limit - buffer.length);
          const { ranges } = buffer;
          t.deepEqual(
            Array.from({ length: ranges.count }, (_, i) => [ranges.left(i), ranges.right(i)]),
            plain.pieces.map(([from, to]) => [at(from), at(to)]),
          );
        }
        t.deepEqual(read(buffer, limit), pattern(plain.isRead, plain.nxt - plain.isRead).slice());
      },
    ),
  );
});
