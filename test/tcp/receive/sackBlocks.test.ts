import test from 'ava';
import fc from 'fast-check';
import { add, seq } from '../../../src/core/base/seq.ts';
import { SackBlocks } from '../../../src/core/tcp/receive/sackBlocks.ts';
import { Segment } from '../../../src/core/wire/tcp.ts';

/** Numbers wrap in every test. */
const BASE = seq(0xffff_ff00);

function blocksOf(sack: SackBlocks): [number, number][] {
  const segment = new Segment();
  sack.fill(segment);
  return Array.from({ length: segment.sackCount }, (_, i): [number, number] => [
    ((segment.sackLeft[i] ?? 0) - BASE) >>> 0,
    ((segment.sackRight[i] ?? 0) - BASE) >>> 0,
  ]);
}

function sackOf(...segments: readonly (readonly [number, number])[]): SackBlocks {
  const sack = new SackBlocks();
  for (const [left, right] of segments) sack.add(add(BASE, left), add(BASE, right));
  return sack;
}

test('RFC 2018 4: the block that the latest segment is part of is the first', (t) => {
  const sack = sackOf([100, 200], [300, 400], [500, 600]);
  t.deepEqual(blocksOf(sack), [
    [500, 600],
    [300, 400],
    [100, 200],
  ]);
  sack.add(add(BASE, 200), add(BASE, 250));
  t.deepEqual(blocksOf(sack), [
    [100, 250],
    [500, 600],
    [300, 400],
  ]);
});

test('RFC 2018 4: a segment that joins two blocks makes them one', (t) => {
  const sack = sackOf([100, 200], [300, 400], [500, 600], [200, 300]);
  t.deepEqual(blocksOf(sack), [
    [100, 400],
    [500, 600],
  ]);
});

test('Linux tcp_sack_new_ofo_skb: of more than four blocks the oldest is forgotten', (t) => {
  const sack = sackOf([100, 110], [200, 210], [300, 310], [400, 410], [500, 510]);
  t.deepEqual(blocksOf(sack), [
    [500, 510],
    [400, 410],
    [300, 310],
    [200, 210],
  ]);
});

test('Linux tcp_sack_remove: RCV.NXT takes away the blocks that it reaches', (t) => {
  const sack = sackOf([100, 200], [300, 400], [500, 600]);
  sack.cutBelow(add(BASE, 400));
  t.deepEqual(blocksOf(sack), [[500, 600]]);
  sack.clear();
  t.deepEqual(blocksOf(sack), []);
});

test('RFC 2883 4: text that has arrived twice is reported first, and once', (t) => {
  const sack = sackOf([100, 200], [300, 400]);
  sack.setDuplicate(add(BASE, 10), add(BASE, 20));
  sack.extendDuplicate(add(BASE, 20), add(BASE, 30));
  sack.extendDuplicate(add(BASE, 90), add(BASE, 95)); // apart: only one block can say it
  t.deepEqual(blocksOf(sack), [
    [10, 30],
    [300, 400],
    [100, 200],
  ]);
  t.deepEqual(blocksOf(sack), [
    [300, 400],
    [100, 200],
  ]);
});

test('RFC 2018 3: three blocks beside timestamps, four without; none if there is no room', (t) => {
  const sack = sackOf([100, 110], [200, 210], [300, 310], [400, 410]);
  t.is(sack.optionLength(0), 36);
  t.is(sack.optionLength(12), 28);
  t.is(sack.optionLength(32), 0);
  t.is(new SackBlocks().optionLength(0), 0);
});

const arrivals = fc.array(fc.record({ left: fc.nat(60), size: fc.integer({ min: 1, max: 9 }) }), {
  maxLength: 60,
});

test('RFC 2018 4: whatever arrives, blocks are disjoint, hold only what came, and the first what came last', (t) => {
  fc.assert(
    fc.property(arrivals, (segments) => {
      const sack = new SackBlocks();
      const came = new Set<number>();
      for (const { left, size } of segments) {
        sack.add(add(BASE, left), add(BASE, left + size));
        for (let n = left; n < left + size; n++) came.add(n);
        const blocks = blocksOf(sack);
        const seen = new Set<number>();
        for (const [from, to] of blocks) {
          for (let n = from; n < to; n++) {
            t.true(came.has(n), `${n} did not come`);
            t.false(seen.has(n), `${n} is in two blocks`);
            seen.add(n);
          }
        }
        const [first] = blocks;
        t.true(first !== undefined && first[0] <= left && left + size <= first[1]);
        t.true(blocks.length <= 4);
      }
    }),
  );
});
