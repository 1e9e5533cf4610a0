import test from 'ava';
import { add, seq } from '../../../src/core/base/seq.ts';
import { WriteQueue } from '../../../src/core/tcp/send/writeQueue.ts';

const FIRST = seq(0xffff_ff00);
const at = (n: number) => add(FIRST, n);
const SIZES = { goal: 100, maxWnd: 1000 };

/** Where chunks end, with P where PSH stands, up to `length`. */
function chunks(queue: WriteQueue, length: number, from = 0): string {
  const ends: string[] = [];
  for (let n = from; n < length; ) {
    const end = (queue.endOf(at(n)) - FIRST) >>> 0;
    ends.push(`${end}${queue.isPushed(at(end)) ? 'P' : ''}`);
    n = end;
  }
  return ends.join(' ');
}

/** Lays out everything. @returns what was said on the way */
function arrange(queue: WriteQueue, nxt: number): string {
  const said: string[] = [];
  for (let i = 0; i < 1000; i++) {
    const laidOut = queue.arrange(at(nxt), SIZES);
    if (laidOut === null) break;
    said.push(laidOut);
  }
  return said.join(' ');
}

test('write queue: a write lies in full chunks, and its last octet is pushed', (t) => {
  const queue = new WriteQueue(FIRST);
  queue.write(at(250));
  arrange(queue, 0);
  t.is(chunks(queue, 250), '100 200 250P');
  t.false(queue.isLast(at(199)));
  t.true(queue.isLast(at(200)));
});

test('write queue: the next write fills up what is unsent, and takes the PSH with it', (t) => {
  const queue = new WriteQueue(FIRST);
  queue.write(at(50));
  queue.write(at(120));
  arrange(queue, 0);
  t.is(chunks(queue, 120), '100 120P');
});

test('write queue: what is sent stays as it is', (t) => {
  const queue = new WriteQueue(FIRST);
  queue.write(at(50));
  arrange(queue, 0);
  queue.write(at(120));
  arrange(queue, 50);
  t.is(chunks(queue, 120), '50P 120P');
});

test('write queue: of a chunk that is partly sent, the rest is filled up', (t) => {
  const queue = new WriteQueue(FIRST);
  queue.write(at(90));
  arrange(queue, 0);
  queue.write(at(300));
  arrange(queue, 40);
  t.is(chunks(queue, 300, 40), '140 240 300P');
});

test('write queue: PSH where more than half the largest window was written', (t) => {
  const queue = new WriteQueue(FIRST);
  queue.write(at(1300));
  t.is(arrange(queue, 0), 'full full full full full pushed full full full full full pushed');
  t.is(chunks(queue, 1300), '100 200 300 400 500 600P 700 800 900 1000 1100 1200P 1300P');
});

test('write queue: no PSH where more follows', (t) => {
  const queue = new WriteQueue(FIRST);
  queue.write(at(50), { more: true });
  arrange(queue, 0);
  t.is(chunks(queue, 50), '50');
  t.true(queue.takeMore());
  t.false(queue.takeMore());
  queue.write(at(80));
  arrange(queue, 0);
  t.is(chunks(queue, 80), '80P');
});

test('write queue: a chunk grows by the next one, and swallows it whole with its PSH', (t) => {
  const queue = new WriteQueue(FIRST);
  queue.write(at(150));
  arrange(queue, 0);
  queue.grow(at(0), 20);
  t.is(chunks(queue, 150), '120 150P');
  queue.grow(at(0), 100);
  t.is(chunks(queue, 150), '150P');
  queue.grow(at(0), 100);
  t.is(chunks(queue, 150), '150P');
});

test('write queue: a cut pushes', (t) => {
  const queue = new WriteQueue(FIRST);
  queue.write(at(150));
  arrange(queue, 0);
  queue.cut(at(0), at(30));
  t.is(chunks(queue, 150), '30P 100 150P');
  queue.cut(at(30), at(100));
  t.is(chunks(queue, 150), '30P 100P 150P');
});

test('write queue: what is acknowledged is forgotten', (t) => {
  const queue = new WriteQueue(FIRST);
  for (let n = 1; n <= 5000; n++) {
    queue.write(at(n * 10));
    arrange(queue, n * 10 - 10);
    queue.acknowledge(at(n * 10 - 50));
    if (n > 5) t.true(queue.isPushed(at(n * 10 - 40)));
  }
  queue.acknowledge(at(50_000));
  t.is(queue.endOf(at(50_000)), at(50_000));
  t.false(queue.isPushed(at(50_000)));
});

test('write queue: urgent text is laid out as a whole, before any of it is sent', (t) => {
  const queue = new WriteQueue(FIRST);
  queue.write(at(700), { urgent: true });
  t.is(arrange(queue, 0), '');
  t.is(chunks(queue, 700), '100 200 300 400 500 600 700P');
});

test('Linux tcp_skb_can_collapse_to: nothing is added to a chunk that ends a record', (t) => {
  const queue = new WriteQueue(FIRST);
  queue.write(at(40));
  queue.write(at(60), { record: true });
  queue.write(at(90), { more: true, record: true });
  queue.write(at(120), { more: true });
  arrange(queue, 0);
  t.is(chunks(queue, 120), '60P 90 120');
  t.deepEqual([queue.isRecordEnd(at(60)), queue.isRecordEnd(at(120))], [true, false]);
  queue.grow(at(0), 40);
  queue.grow(at(60), 10);
  t.is(chunks(queue, 120), '60P 90 120');
});
