import test from 'ava';
import fc from 'fast-check';
import { RangeSet } from '../../src/core/base/rangeSet.ts';
import { add, type Seq, seq } from '../../src/core/base/seq.ts';

function ranges(set: RangeSet): [number, number][] {
  return Array.from({ length: set.count }, (_, i) => [set.left(i), set.right(i)]);
}

function setOf(capacity: number, ...pairs: [number, number][]): RangeSet {
  const set = new RangeSet(capacity);
  for (const [left, right] of pairs) set.insert(seq(left), seq(right));
  return set;
}

test('ranges: what touches or overlaps becomes one, what does not stays apart', (t) => {
  const set = setOf(4, [30, 40], [10, 20], [50, 60]);
  t.deepEqual(ranges(set), [
    [10, 20],
    [30, 40],
    [50, 60],
  ]);
  set.insert(seq(20), seq(25));
  set.insert(seq(45), seq(50));
  t.deepEqual(ranges(set), [
    [10, 25],
    [30, 40],
    [45, 60],
  ]);
  set.insert(seq(24), seq(46));
  t.deepEqual(ranges(set), [[10, 60]]);
  t.is(set.octets(), 50);
});

test('ranges: over the capacity an insertion is refused unless it merges', (t) => {
  const set = setOf(2, [10, 20], [30, 40]);
  t.false(set.insert(seq(50), seq(60)));
  t.false(set.insert(seq(22), seq(24)));
  t.deepEqual(ranges(set), [
    [10, 20],
    [30, 40],
  ]);
  t.is(set.lastInserted, 1);
  t.true(set.insert(seq(20), seq(24)));
  t.true(set.insert(seq(0), seq(30)));
  t.deepEqual(ranges(set), [[0, 40]]);
});

test('RFC 2018 4: the range of the last insertion is known', (t) => {
  const set = new RangeSet(4);
  t.is(set.lastInserted, -1);
  set.insert(seq(30), seq(40));
  t.is(set.lastInserted, 0);
  set.insert(seq(50), seq(60));
  t.is(set.lastInserted, 1);
  set.insert(seq(10), seq(20));
  t.is(set.lastInserted, 0);
  set.insert(seq(40), seq(45));
  t.is(set.lastInserted, 1);
  set.cutBelow(seq(25));
  t.is(set.lastInserted, 0);
  set.cutBelow(seq(46));
  t.is(set.lastInserted, -1);
  set.clear();
  t.is(set.count, 0);
});

test('ranges: a cut removes what lies before it', (t) => {
  const set = setOf(4, [10, 20], [30, 40], [50, 60]);
  set.cutBelow(seq(5));
  set.cutBelow(seq(35));
  t.deepEqual(ranges(set), [
    [35, 40],
    [50, 60],
  ]);
  set.cutBelow(seq(40));
  t.deepEqual(ranges(set), [[50, 60]]);
});

test('ranges: an empty range changes nothing', (t) => {
  const set = setOf(1, [10, 20]);
  t.true(set.insert(seq(30), seq(30)));
  t.deepEqual(ranges(set), [[10, 20]]);
});

test('ranges: asking for a range that is not there throws', (t) => {
  const set = setOf(2, [10, 20]);
  t.throws(() => set.left(1), { instanceOf: RangeError });
  t.throws(() => set.right(-1), { instanceOf: RangeError });
});

const SPACE = 120;

/** Runs of marked numbers. */
function runs(marked: readonly boolean[]): [number, number][] {
  const found: [number, number][] = [];
  for (let i = 0; i < SPACE; i++) {
    if (!marked[i]) continue;
    const from = i;
    while (marked[i]) i++;
    found.push([from, i]);
  }
  return found;
}

test('ranges: any sequence of calls agrees with a bitmap, across the wrap too', (t) => {
  const base = fc.constantFrom(0, 2 ** 31 - 60, 2 ** 32 - 60, 2 ** 32 - 1);
  const step = fc.record({
    kind: fc.constantFrom('insert', 'insert', 'insert', 'cut', 'contains'),
    from: fc.nat(SPACE - 1),
    n: fc.integer({ min: 1, max: 12 }),
  });
  fc.assert(
    fc.property(base, fc.integer({ min: 1, max: 6 }), fc.array(step), (base, capacity, steps) => {
      const at = (offset: number): Seq => add(seq(base), offset);
      const set = new RangeSet(capacity);
      let marked: boolean[] = new Array(SPACE).fill(false);
      for (const { kind, from, n } of steps) {
        const to = Math.min(from + n, SPACE);
        if (kind === 'insert') {
          const after = marked.map((m, i) => m || (i >= from && i < to));
          const fits = runs(after).length <= capacity;
          t.is(set.insert(at(from), at(to)), fits);
          if (fits) {
            marked = after;
            const i = runs(marked).findIndex(([l, r]) => l <= from && to <= r);
            t.is(set.lastInserted, i);
          }
        } else if (kind === 'cut') {
          set.cutBelow(at(from));
          marked = marked.map((m, i) => m && i >= from);
        } else {
          t.is(set.contains(at(from), at(to)), marked.slice(from, to).every(Boolean));
        }
        t.deepEqual(
          ranges(set),
          runs(marked).map(([l, r]) => [at(l), at(r)]),
        );
        t.is(set.octets(), marked.filter(Boolean).length);
      }
    }),
  );
});
