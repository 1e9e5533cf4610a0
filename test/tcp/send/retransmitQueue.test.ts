import test from 'ava';
import fc from 'fast-check';
import { add, type Seq, seq } from '../../../src/core/base/seq.ts';
import { MAX_SEGMENTS_IN_FLIGHT } from '../../../src/core/tcp/config.ts';
import { RetransmitQueue } from '../../../src/core/tcp/send/retransmitQueue.ts';

/** Octets of `lengths` from number 0 on, each sent at the time of its position. */
function queueOf(...lengths: number[]): RetransmitQueue {
  const queue = new RetransmitQueue();
  let at = seq(0);
  lengths.forEach((length, i) => {
    queue.push(at, add(at, length), i);
    at = add(at, length);
  });
  return queue;
}

/** Lost and not sent again, in the order in which they would be. */
function takeLost(queue: RetransmitQueue): number[] {
  const lost: number[] = [];
  for (let i = queue.nextLost(); i >= 0; i = queue.nextLost()) {
    lost.push(i);
    queue.resent(i, 100);
  }
  return lost;
}

test('RFC 9293 3.4: an ACK removes the segments that it covers', (t) => {
  const queue = queueOf(10, 20, 30);
  queue.acknowledge(seq(10));
  t.is(queue.count, 2);
  t.is(queue.seq(0), seq(10));
  t.is(queue.sentAt(0), 1);
  queue.acknowledge(seq(60));
  t.is(queue.count, 0);
});

test('RFC 9293 3.4: an ACK within a segment leaves its later part', (t) => {
  const queue = queueOf(10, 20);
  queue.markAllLost();
  queue.resent(0, 5);
  queue.acknowledge(seq(4));
  t.deepEqual([queue.seq(0), queue.end(0), queue.lostOctets, queue.resentOctets], [4, 10, 26, 6]);
});

test('RFC 5681 3.1: after a timeout all that is in flight is sent again, in order, once', (t) => {
  const queue = queueOf(10, 20, 30);
  queue.resent(0, 7); // a tail probe, say: it was not lost
  queue.markAllLost();
  t.is(queue.lostOctets, 60);
  t.is(queue.resentOctets, 0);
  t.deepEqual(takeLost(queue), [0, 1, 2]);
  t.is(queue.resentOctets, 60);
  queue.markLost(1);
  t.is(queue.resentOctets, 40);
  t.deepEqual(takeLost(queue), [1]);
});

test('RFC 6298 3: what was ever sent twice stays known as such, lost again or not', (t) => {
  const queue = queueOf(10, 20);
  t.false(queue.wasResent(0));
  queue.markLost(0);
  t.false(queue.wasResent(0));
  queue.resent(0, 3);
  queue.markLost(0);
  t.true(queue.wasResent(0));
  t.true(queue.isLost(0));
  t.false(queue.wasResent(1));
  queue.split(0, 4);
  t.true(queue.wasResent(1));
});

test('RFC 5681 3.1: what is lost and waits is found again after an ACK of what was sent again', (t) => {
  const queue = queueOf(10, 20, 30, 40);
  queue.markAllLost();
  queue.resent(0, 5);
  queue.resent(1, 5);
  t.is(queue.nextLost(), 2);
  queue.acknowledge(seq(10));
  t.is(queue.nextLost(), 1);
  queue.acknowledge(seq(30));
  t.is(queue.nextLost(), 0);
});

test('retransmission queue: a record that is cut in two keeps its marks and its time in both', (t) => {
  const queue = queueOf(10, 20, 30);
  queue.markLost(1);
  queue.split(1, 5);
  t.is(queue.count, 4);
  const records = Array.from({ length: 4 }, (_, i) => [
    queue.seq(i),
    queue.end(i),
    queue.sentAt(i),
    queue.isLost(i),
  ]);
  t.deepEqual(records, [
    [0, 10, 0, false],
    [10, 15, 1, true],
    [15, 30, 1, true],
    [30, 60, 2, false],
  ]);
  t.is(queue.lostOctets, 20);
  t.deepEqual(takeLost(queue), [1, 2]);
});

test('retransmission queue: it is full at the limit, and then takes again what was acknowledged', (t) => {
  const queue = new RetransmitQueue();
  for (let i = 0; i < MAX_SEGMENTS_IN_FLIGHT; i++) {
    if (queue.full) t.fail(`full at ${i}`);
    queue.push(seq(i), seq(i + 1), i);
  }
  t.true(queue.full);
  queue.acknowledge(seq(1));
  t.false(queue.full);
  t.is(queue.sentAt(queue.count - 1), MAX_SEGMENTS_IN_FLIGHT - 1);
});

/** A record of the plain list; numbers are offsets from the first one. */
interface Sent {
  readonly from: number;
  readonly to: number;
  readonly at: number;
  readonly lost: boolean;
  readonly resent: boolean;
  readonly ever: boolean;
}

/** What the queue should do, said with a list. */
class PlainQueue {
  records: Sent[] = [];
  una = 0;

  get nxt(): number {
    return this.records.at(-1)?.to ?? this.una;
  }

  push(octets: number, at: number): void {
    const from = this.nxt;
    this.records.push({ from, to: from + octets, at, lost: false, resent: false, ever: false });
  }

  resent(i: number, at: number): void {
    this.#change(i, (r) => [{ ...r, at, resent: r.lost, ever: true }]);
  }

  markLost(i: number): void {
    this.#change(i, (r) => [{ ...r, lost: true, resent: false }]);
  }

  markAllLost(): void {
    this.records = this.records.map((r) => ({ ...r, lost: true, resent: false }));
  }

  split(i: number, octets: number): void {
    this.#change(i, (r) => [
      { ...r, to: r.from + octets },
      { ...r, from: r.from + octets },
    ]);
  }

  acknowledge(una: number): void {
    this.una = una;
    this.records = this.records
      .filter((r) => r.to > una)
      .map((r) => ({ ...r, from: Math.max(r.from, una) }));
  }

  nextLost(): number {
    return this.records.findIndex((r) => r.lost && !r.resent);
  }

  octets(which: (sent: Sent) => boolean): number {
    return this.records.filter(which).reduce((n, r) => n + r.to - r.from, 0);
  }

  #change(i: number, to: (sent: Sent) => Sent[]): void {
    this.records = this.records.flatMap((r, k) => (k === i ? to(r) : [r]));
  }
}

/** A call; a record or a place in flight is chosen by its share of the whole. */
interface Step {
  readonly kind: string;
  readonly share: number;
  readonly octets: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(
    ...['push', 'push', 'push', 'push', 'again', 'again', 'resent', 'lost', 'split', 'ack', 'all'],
  ),
  share: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  octets: fc.integer({ min: 1, max: 3000 }),
});

test('retransmission queue: any sequence of calls agrees with a plain list, across the wrap too', (t) => {
  const base = fc.constantFrom(0, 2 ** 31 - 5000, 2 ** 32 - 5000, 2 ** 32 - 1);
  const run = (first: number, steps: Step[]): void => {
    const at = (offset: number): Seq => add(seq(first), offset);
    const queue = new RetransmitQueue();
    const plain = new PlainQueue();
    steps.forEach(({ kind, share, octets }, time) => {
      const lost = kind === 'again' ? plain.nextLost() : -1;
      const i = lost >= 0 ? lost : Math.floor(share * plain.records.length);
      const record = plain.records[i];
      if (kind === 'push') {
        queue.push(at(plain.nxt), at(plain.nxt + octets), time);
        plain.push(octets, time);
      } else if (kind === 'ack') {
        const una = plain.una + Math.round(share ** 3 * (plain.nxt - plain.una));
        queue.acknowledge(at(una));
        plain.acknowledge(una);
      } else if (kind === 'all') {
        queue.markAllLost();
        plain.markAllLost();
      } else if (record !== undefined) {
        change(queue, plain, kind, i, 1 + Math.floor(share * (record.to - record.from - 1)), time);
      }
      t.deepEqual(contents(queue), {
        records: plain.records.map(({ resent: _, ...r }) => ({
          ...r,
          from: at(r.from),
          to: at(r.to),
        })),
        lostOctets: plain.octets((r) => r.lost),
        resentOctets: plain.octets((r) => r.resent),
        nextLost: plain.nextLost(),
      });
    });
  };
  fc.assert(fc.property(base, fc.array(step, { maxLength: 120, size: 'max' }), run), {
    numRuns: 200,
  });
});

/** @param cut octets of the first part, where record `i` is split */
function change(
  queue: RetransmitQueue,
  plain: PlainQueue,
  kind: string,
  i: number,
  cut: number,
  time: number,
): void {
  if (kind === 'resent' || kind === 'again') {
    queue.resent(i, time);
    plain.resent(i, time);
  } else if (kind === 'lost') {
    queue.markLost(i);
    plain.markLost(i);
  } else if (cut < queue.octets(i)) {
    queue.split(i, cut);
    plain.split(i, cut);
  }
}

/** What can be seen of a queue. That a record was sent again shows in the sums and in nextLost(). */
function contents(queue: RetransmitQueue): object {
  return {
    records: Array.from({ length: queue.count }, (_, i) => ({
      from: queue.seq(i),
      to: queue.end(i),
      at: queue.sentAt(i),
      lost: queue.isLost(i),
      ever: queue.wasResent(i),
    })),
    lostOctets: queue.lostOctets,
    resentOctets: queue.resentOctets,
    nextLost: queue.nextLost(),
  };
}

test('retransmission queue: after clear() it is as new', (t) => {
  const queue = queueOf(10, 20);
  queue.markAllLost();
  queue.resent(0, 9);
  queue.clear();
  t.deepEqual(contents(queue), contents(new RetransmitQueue()));
  queue.push(seq(100), seq(101), 3);
  queue.markLost(0);
  t.is(queue.nextLost(), 0);
});
