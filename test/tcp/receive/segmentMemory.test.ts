import test from 'ava';
import fc from 'fast-check';
import { add, seq } from '../../../src/core/base/seq.ts';
import type { SegmentLayout } from '../../../src/core/tcp/config.ts';
import { SegmentMemory, truesize } from '../../../src/core/tcp/receive/segmentMemory.ts';

/** SO_MEMINFO of Linux 6.18 after segments of one size, over veth (paged) and TAP (linear). */
const TRUESIZES: readonly (readonly [number, number, number])[] = [
  [1, 833, 768],
  [32, 864, 768],
  [64, 896, 832],
  [128, 960, 896],
  [300, 1132, 1024],
  [536, 1368, 1280],
  [900, 1732, 1664],
  [1448, 2280, 2176],
];

/** ... and over a TUN device that is written to without waiting. */
const TUN_TRUESIZES: readonly (readonly [number, number])[] = [
  [1, 832],
  [100, 832],
  [200, 1280],
  [600, 1280],
  [700, 2304],
  [1460, 2304],
  [1700, 4352],
  [3700, 8448],
  [4000, 8448],
  [9000, 12_544],
  [60_000, 61_696],
];

test('Linux skb->truesize: the memory of a segment that comes over TUN', (t) => {
  for (const [text, size] of TUN_TRUESIZES) t.is(truesize('tun', text), size);
});

test('Linux skb->truesize: the memory of a segment, paged and linear', (t) => {
  for (const [text, paged, linear] of TRUESIZES) {
    t.is(truesize('paged', text), paged);
    t.is(truesize('linear', text), linear);
  }
});

/** Memory after each of so many segments of one size, all acknowledged. */
function totals(layout: SegmentLayout, text: number, count: number): number[] {
  const memory = new SegmentMemory(layout);
  let nxt = seq(0);
  return Array.from({ length: count }, () => {
    nxt = add(nxt, text);
    memory.append(text, nxt);
    memory.acknowledged = nxt;
    return memory.total;
  });
}

test('Linux tcp_try_coalesce: 17 segments share a buffer over veth', (t) => {
  const seen = totals('paged', 1448, 19);
  t.deepEqual(seen.slice(0, 3), [2280, 3728, 5176]);
  t.deepEqual(seen.slice(16), [25_448, 27_728, 29_176]);
});

test('Linux tcp_try_coalesce: ... 18 over TAP, and small ones the room behind the first', (t) => {
  const seen = totals('linear', 100, 20);
  t.deepEqual(seen.slice(0, 3), [832, 1408, 1984]);
  t.deepEqual(seen.slice(17), [10_624, 11_456, 12_032]);
  t.deepEqual(totals('linear', 10, 8), [768, 768, 768, 768, 768, 768, 1280, 1792]);
});

test('Linux tcp_try_coalesce: over veth nothing is put into a buffer that the peer still holds', (t) => {
  const memory = new SegmentMemory('paged');
  memory.append(100, seq(100));
  memory.append(100, seq(200));
  t.is(memory.total, 2 * 932);
});

test('Linux tcp_eat_recv_skb: a buffer is given back when all of it has been read', (t) => {
  const memory = new SegmentMemory('paged');
  memory.append(100, seq(100));
  memory.append(100, seq(200));
  memory.read(99);
  t.is(memory.total, 2 * 932);
  t.is(memory.firstOctets, 1);
  memory.read(1);
  t.is(memory.total, 932);
  memory.read(100);
  t.deepEqual([memory.total, memory.firstOctets], [0, 0]);
});

test('Linux tcp_collapse: text that is packed closely takes its octets and one head', (t) => {
  const memory = new SegmentMemory('paged');
  for (let i = 1; i <= 100; i++) memory.append(1, seq(i));
  t.is(memory.total, 100 * 833);
  memory.collapse();
  t.is(memory.total, 832 + 100);
  memory.read(100);
  t.is(memory.total, 0);
});

/** Segments of 524 octets over TAP, by their index, as they arrive; those in order move RCV.NXT. */
function arrive(memory: SegmentMemory, order: readonly number[]): void {
  const seen = new Set<number>();
  let next = 0;
  for (const i of order) {
    seen.add(i);
    if (i !== next) {
      memory.appendOutOfOrder(seq(i * 524), seq((i + 1) * 524));
      continue;
    }
    memory.append(524, seq((i + 1) * 524));
    memory.moveInOrder(seq((i + 1) * 524));
    while (seen.has(next)) next++;
  }
}

test('Linux tcp_ofo_queue: what waited beyond a hole is put into the buffer before it', (t) => {
  const memory = new SegmentMemory('linear');
  arrive(memory, [0, 2, 1, 3]);
  t.is(memory.firstOctets, 4 * 524);
  t.is(memory.total, 1280 + 3 * 1024);
});

test('Linux tcp_ofo_queue: ... if both have no more than 17 pieces', (t) => {
  const memory = new SegmentMemory('linear');
  const held = Array.from({ length: 10 }, (_, i) => 10 + i);
  arrive(memory, [0, 1, 2, 3, 4, 5, 6, 7, 8, ...held, 9, 20]);
  t.is(memory.firstOctets, 10 * 524);
  t.is(memory.total, 1280 + 9 * 1024 + 1280 + 10 * 1024);
});

test('Linux tcp_ooo_try_coalesce: beyond a hole text joins what it follows, not what follows it', (t) => {
  const memory = new SegmentMemory('linear');
  arrive(memory, [0, 3, 4]);
  t.is(memory.total, 1280 + 1280 + 1024);
  arrive(memory, [2]);
  t.is(memory.total, 1280 + 1280 + 1024 + 1280);
});

test('Linux tcp_data_queue_ofo: a segment takes the place of those that it covers', (t) => {
  const memory = new SegmentMemory('paged');
  memory.appendOutOfOrder(seq(100), seq(200));
  memory.appendOutOfOrder(seq(300), seq(400));
  t.is(memory.total, 2 * 932);
  memory.appendOutOfOrder(seq(100), seq(500));
  t.is(memory.total, 832 + 400);
});

test('receive memory: crumbs beyond a hole are counted, and not all told apart', (t) => {
  const memory = new SegmentMemory('paged');
  for (let i = 0; i < 10_000; i++) memory.appendOutOfOrder(seq(1 + i), seq(2 + i));
  t.is(memory.total, 10_000 * 833);
  memory.append(1, seq(1));
  memory.moveInOrder(seq(1));
  memory.read(10_001);
  t.is(memory.total, 0);
});

const step = fc.oneof(
  fc.record({ kind: fc.constant('append' as const), octets: fc.integer({ min: 1, max: 2000 }) }),
  fc.record({
    kind: fc.constant('beyond' as const),
    octets: fc.integer({ min: 1, max: 2000 }),
    gap: fc.integer({ min: 1, max: 4000 }),
  }),
  fc.record({ kind: fc.constant('read' as const), octets: fc.integer({ min: 1, max: 9000 }) }),
);

test('receive memory: whatever happens, it is not negative, and nothing is left when all was read', (t) => {
  fc.assert(
    fc.property(
      fc.constantFrom<SegmentLayout>('paged', 'linear', 'tun'),
      fc.array(step, { maxLength: 200 }),
      (layout, steps) => {
        const memory = new SegmentMemory(layout);
        let nxt = seq(0);
        let unread = 0;
        for (const each of steps) {
          const { octets } = each;
          if (each.kind === 'append') {
            nxt = add(nxt, octets);
            memory.append(octets, nxt);
            memory.moveInOrder(nxt);
            unread += octets;
          } else if (each.kind === 'beyond') {
            const left = add(nxt, each.gap);
            memory.appendOutOfOrder(left, add(left, octets));
          } else {
            const read = Math.min(octets, unread);
            memory.read(read);
            unread -= read;
          }
          t.true(memory.total >= 0);
        }
        memory.append(1_000_000, add(nxt, 1_000_000));
        memory.moveInOrder(add(nxt, 1_000_000));
        memory.read(2_000_000);
        t.is(memory.total, 0);
      },
    ),
  );
});
