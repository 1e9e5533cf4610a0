import test from 'ava';
import fc from 'fast-check';
import { add, seq } from '../../../src/core/base/seq.ts';
import { SendBuffer } from '../../../src/core/tcp/send/sendBuffer.ts';
import { pattern } from '../../harness/transcript.ts';

function peek(buffer: SendBuffer, from: number, count: number): Uint8Array {
  const octets = new Uint8Array(count);
  buffer.peek(add(buffer.head, from), octets, 0, count);
  return octets;
}

test('send buffer: it takes what fits, and has room again for what is acknowledged', (t) => {
  const buffer = new SendBuffer(100, seq(0xffff_ffe0));
  t.is(buffer.write(pattern(0, 150), 0, 150), 100);
  t.is(buffer.write(pattern(0, 1), 0, 1), 0);
  t.is(buffer.end, seq(0x44));
  t.is(buffer.acknowledge(seq(0x20)), 64);
  t.is(buffer.head, seq(0x20));
  t.is(buffer.free, 64);
  t.deepEqual(peek(buffer, 0, 36), pattern(64, 36).slice());
});

test('send buffer: an ACK of the FIN acknowledges all text, an old one nothing', (t) => {
  const buffer = new SendBuffer(100, seq(1));
  buffer.write(pattern(0, 10), 0, 10);
  t.is(buffer.acknowledge(seq(1)), 0);
  t.is(buffer.acknowledge(seq(0)), 0);
  t.is(buffer.acknowledge(seq(12)), 10);
  t.is(buffer.head, seq(11));
  t.is(buffer.end, seq(11));
});

test('send buffer: what is not there cannot be copied', (t) => {
  const buffer = new SendBuffer(100, seq(1));
  buffer.write(pattern(0, 10), 0, 10);
  t.throws(() => peek(buffer, 5, 6), { instanceOf: RangeError });
  t.throws(() => peek(buffer, -1, 1), { instanceOf: RangeError });
});

test('send buffer: any sequence of calls agrees with an array, across the wrap too', (t) => {
  const step = fc.record({
    kind: fc.constantFrom('write', 'write', 'ack', 'peek'),
    n: fc.nat(6000),
    from: fc.nat(6000),
  });
  const first = fc.constantFrom(0, 2 ** 32 - 3000, 2 ** 31 - 1);
  fc.assert(
    fc.property(
      first,
      fc.integer({ min: 1, max: 10_000 }),
      fc.array(step, { maxLength: 50, size: 'max' }),
      (first, limit, steps) => {
        const buffer = new SendBuffer(limit, seq(first));
        let written = 0;
        let acked = 0;
        for (const { kind, n, from } of steps) {
          const length = written - acked;
          if (kind === 'write') {
            const taken = buffer.write(pattern(written, n + 3).slice(), 0, n);
            t.is(taken, Math.min(n, limit - length));
            written += taken;
          } else if (kind === 'ack') {
            const count = Math.min(n, length);
            t.is(buffer.acknowledge(add(buffer.head, n)), count);
            acked += count;
          } else {
            const offset = Math.min(from, length);
            const count = Math.min(n, length - offset);
            t.deepEqual(peek(buffer, offset, count), pattern(acked + offset, count).slice());
          }
          t.is(buffer.head, add(seq(first), acked));
          t.is(buffer.end, add(seq(first), written));
          t.is(buffer.length, written - acked);
          t.is(buffer.free, limit - buffer.length);
        }
      },
    ),
  );
});
