import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { ByteRing } from '../../src/core/base/byteRing.ts';

function counting(length: number, first = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => first + i);
}

function contents(ring: ByteRing): Uint8Array {
  const octets = new Uint8Array(ring.length);
  ring.peek(0, octets, 0, ring.length);
  return octets;
}

test('byte ring: what is written is read, in order, and stays until it is discarded', (t) => {
  const ring = new ByteRing(10);
  t.is(ring.write(counting(8), 2, 6), 6);
  t.is(ring.length, 6);
  t.is(ring.free, 4);
  t.deepEqual(contents(ring), counting(6, 2));
  t.deepEqual(contents(ring), counting(6, 2));
  ring.discard(4);
  t.deepEqual(contents(ring), counting(2, 6));
  t.is(ring.free, 8);
});

test('byte ring: write takes what fits', (t) => {
  const ring = new ByteRing(10);
  t.is(ring.write(counting(20), 0, 20), 10);
  t.is(ring.write(counting(20), 0, 20), 0);
  t.deepEqual(contents(ring), counting(10));
});

test('byte ring: text out of order is committed once the gap is filled', (t) => {
  const ring = new ByteRing(100);
  ring.writeAt(5, counting(5, 5), 0, 5);
  t.is(ring.length, 0);
  t.is(ring.write(counting(5), 0, 5), 5);
  ring.commit(5);
  t.deepEqual(contents(ring), counting(10));
});

test('byte ring: growing keeps what lies beyond the end of the queue, over the edge too', (t) => {
  const ring = new ByteRing(20_000);
  const text = counting(20_000);
  ring.write(text, 0, 4000);
  ring.discard(3900); // the queue begins near the end of the first storage
  ring.writeAt(1000, text, 4900, 500);
  ring.writeAt(12_000, text, 15_900, 4000); // grows
  ring.writeAt(100, text, 4000, 900);
  ring.commit(1400);
  ring.writeAt(1500, text, 5400, 10_500);
  ring.commit(14_500);
  t.deepEqual(contents(ring), text.slice(3900, 19_900));
});

test('byte ring: misuse throws and changes nothing', (t) => {
  const ring = new ByteRing(10);
  const source = counting(20);
  const instanceOf = RangeError;
  ring.write(source, 0, 4);
  t.throws(() => ring.writeAt(5, source, 0, 6), { instanceOf });
  t.throws(() => ring.writeAt(-1, source, 0, 1), { instanceOf });
  t.throws(() => ring.write(source, 19, 2), { instanceOf });
  t.throws(() => ring.commit(1), { instanceOf });
  t.throws(() => ring.peek(0, new Uint8Array(9), 0, 5), { instanceOf });
  t.throws(() => ring.peek(0, new Uint8Array(3), 0, 4), { instanceOf });
  t.throws(() => ring.discard(5), { instanceOf });
  t.is(ring.length, 4);
  t.deepEqual(contents(ring), counting(4));
});

test('byte ring: the limit never falls below what is used', (t) => {
  const ring = new ByteRing(100);
  ring.write(counting(20), 0, 20);
  ring.writeAt(30, counting(10), 0, 10);
  ring.setLimit(5);
  t.is(ring.limit, 40);
  ring.setLimit(60);
  t.is(ring.limit, 60);
  t.is(ring.free, 40);
});

test('byte ring: a released ring takes nothing', (t) => {
  const ring = new ByteRing(100);
  ring.write(counting(20), 0, 20);
  ring.release();
  t.is(ring.length, 0);
  t.is(ring.free, 0);
  t.is(ring.write(counting(20), 0, 20), 0);
});

const command = fc.oneof(
  fc.record({ kind: fc.constant('write' as const), at: fc.nat(60), n: fc.nat(9000) }),
  fc.record({ kind: fc.constant('writeAt' as const), at: fc.nat(12_000), n: fc.nat(5000) }),
  fc.record({ kind: fc.constant('commit' as const), at: fc.nat(1), n: fc.nat(9000) }),
  fc.record({ kind: fc.constant('peek' as const), at: fc.nat(9000), n: fc.nat(9000) }),
  fc.record({ kind: fc.constant('discard' as const), at: fc.nat(1), n: fc.nat(9000) }),
  fc.record({ kind: fc.constant('setLimit' as const), at: fc.nat(1), n: fc.nat(20_000) }),
);

/** What the ring should hold: octets by their distance from the first, -1 where none was put. */
class Model {
  cells: number[] = [];
  length = 0;
  limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  put(offset: number, octets: Uint8Array): void {
    while (this.cells.length < offset + octets.length) this.cells.push(-1);
    for (const [i, octet] of octets.entries()) this.cells[offset + i] = octet;
  }

  /** Octets behind the end of the queue that have no gap before them. */
  get ready(): number {
    const gap = this.cells.indexOf(-1, this.length);
    return (gap < 0 ? this.cells.length : gap) - this.length;
  }
}

function apply(
  t: ExecutionContext,
  ring: ByteRing,
  model: Model,
  step: { kind: string; at: number; n: number },
  octets: Uint8Array,
): void {
  switch (step.kind) {
    case 'write': {
      const taken = Math.min(step.n, model.limit - model.length);
      t.is(ring.write(octets, step.at, step.n), taken);
      model.put(model.length, octets.subarray(step.at, step.at + taken));
      model.length += taken;
      break;
    }
    case 'writeAt': {
      const offset = Math.min(model.length + step.at, model.limit);
      const n = Math.min(step.n, model.limit - offset);
      ring.writeAt(offset, octets, 3, n);
      if (n > 0) model.put(offset, octets.subarray(3, 3 + n));
      break;
    }
    case 'commit': {
      const n = Math.min(step.n, model.ready);
      ring.commit(n);
      model.length += n;
      break;
    }
    case 'peek': {
      const offset = Math.min(step.at, model.length);
      const n = Math.min(step.n, model.length - offset);
      const into = new Uint8Array(n + 2).fill(0xee);
      ring.peek(offset, into, 1, n);
      const expected = [0xee, ...model.cells.slice(offset, offset + n), 0xee];
      t.true(Buffer.compare(into, Uint8Array.from(expected)) === 0);
      break;
    }
    case 'discard': {
      const n = Math.min(step.n, model.length);
      ring.discard(n);
      model.cells.splice(0, n);
      model.length -= n;
      break;
    }
    default:
      ring.setLimit(step.n);
      model.limit = Math.max(step.n, model.cells.length);
  }
}

test('byte ring: any sequence of calls agrees with an array of octets', (t) => {
  const limit = fc.oneof(fc.nat(40), fc.nat(20_000));
  fc.assert(
    fc.property(limit, fc.array(command, { maxLength: 40 }), (first, steps) => {
      const ring = new ByteRing(first);
      const model = new Model(first);
      for (const [i, step] of steps.entries()) {
        const octets = Uint8Array.from({ length: 9100 }, (_, n) => n * 7 + i * 13);
        apply(t, ring, model, step, octets);
        t.is(ring.length, model.length);
        t.is(ring.limit, model.limit);
        t.is(ring.free, model.limit - model.length);
      }
      t.true(
        Buffer.compare(contents(ring), Uint8Array.from(model.cells.slice(0, model.length))) === 0,
      );
    }),
  );
});
