import test from 'ava';
import fc from 'fast-check';
import { add, type Seq, seq } from '../../../src/core/base/seq.ts';
import { MAX_SEGMENTS_IN_FLIGHT } from '../../../src/core/tcp/config.ts';
import { Mark, RetransmitQueue } from '../../../src/core/tcp/send/retransmitQueue.ts';

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
  t.deepEqual([queue.seq(0), queue.end(0), queue.lostOut, queue.resentOut], [4, 10, 2, 1]);
});

test('RFC 5681 3.1: after a timeout all that is in flight is sent again, in order, once', (t) => {
  const queue = queueOf(10, 20, 30);
  queue.probe(0, 7);
  queue.markAllLost();
  t.is(queue.lostOut, 3);
  t.is(queue.resentOut, 0);
  t.deepEqual(takeLost(queue), [0, 1, 2]);
  t.is(queue.resentOut, 3);
  queue.markLost(1);
  t.is(queue.resentOut, 2);
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
  t.is(queue.lostOut, 2);
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
  readonly marks: number;
  /** Place in the time list: the number of the transmission; 0: it is not in it. */
  readonly turn: number;
}

const { SACKED, LOST, RESENT, EVER_RESENT } = Mark;

/** What the queue should do, said with a list. */
class PlainQueue {
  records: Sent[] = [];
  una = 0;
  #turn = 0;

  get nxt(): number {
    return this.records.at(-1)?.to ?? this.una;
  }

  push(octets: number, at: number): void {
    const from = this.nxt;
    this.records.push({ from, to: from + octets, at, marks: 0, turn: ++this.#turn });
  }

  again(i: number, at: number, marks: number): void {
    const turn = ++this.#turn;
    this.#change(i, (r) => [{ ...r, at, turn, marks: r.marks | marks }]);
  }

  markLost(i: number): void {
    this.#change(i, (r) => [{ ...r, marks: lostOf(r.marks) }]);
  }

  markAllLost(): void {
    this.records = this.records.map((r) => ({ ...r, marks: lostOf(r.marks) }));
  }

  markSacked(i: number): void {
    this.#change(i, (r) => {
      if ((r.marks & SACKED) !== 0) return [r];
      const gone = (r.marks & LOST) !== 0 ? LOST | RESENT : 0;
      return [{ ...r, turn: 0, marks: (r.marks & ~gone) | SACKED }];
    });
  }

  clear(mark: number): void {
    this.records = this.records.map((r) => ({ ...r, marks: r.marks & ~mark }));
  }

  clearResent(i: number): void {
    this.#change(i, (r) => [{ ...r, marks: r.marks & ~RESENT }]);
  }

  dropFromTime(i: number): void {
    this.#change(i, (r) => [{ ...r, turn: 0 }]);
  }

  split(i: number, octets: number): void {
    this.#change(i, (r) => [
      { ...r, to: r.from + octets },
      { ...r, from: r.from + octets },
    ]);
  }

  join(i: number, last: number): void {
    const joined = this.records.splice(i, last - i + 1);
    const [whole] = joined;
    if (whole === undefined) return;
    const ever = joined.reduce((marks, r) => marks | (r.marks & EVER_RESENT), 0);
    const to = joined.at(-1)?.to ?? whole.to;
    this.records.splice(i, 0, { ...whole, to, marks: whole.marks | ever });
  }

  acknowledge(una: number): void {
    this.una = una;
    this.records = this.records
      .filter((r) => r.to > una)
      .map((r) => ({ ...r, from: Math.max(r.from, una) }));
  }

  nextLost(): number {
    return this.records.findIndex((r) => (r.marks & (LOST | RESENT)) === LOST);
  }

  nextUnsacked(i: number): number {
    const found = this.records.findIndex((r, k) => k >= i && (r.marks & SACKED) === 0);
    return found < 0 ? this.records.length : found;
  }

  count(mark: number): number {
    return this.records.filter((r) => (r.marks & mark) !== 0).length;
  }

  byTime(): number[] {
    return [...this.records]
      .filter((r) => r.turn > 0)
      .sort((a, b) => a.turn - b.turn || a.from - b.from)
      .map((r) => this.records.indexOf(r));
  }

  #change(i: number, to: (sent: Sent) => Sent[]): void {
    this.records = this.records.flatMap((r, k) => (k === i ? to(r) : [r]));
  }
}

function lostOf(marks: number): number {
  if ((marks & SACKED) !== 0) return marks;
  return (marks & LOST) !== 0 ? marks & ~RESENT : marks | LOST;
}

/** A call; a record or a place in flight is chosen by its share of the whole. */
interface Step {
  readonly kind: string;
  readonly share: number;
  readonly octets: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom(
    ...['push', 'push', 'push', 'push', 'again', 'again', 'resent', 'probe', 'lost', 'split'],
    ...['ack', 'all', 'sacked', 'sacked', 'sacked', 'forget', 'undo', 'clear', 'drop', 'join'],
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
    steps.forEach((s, time) => {
      const lost = s.kind === 'again' ? plain.nextLost() : -1;
      const i = lost >= 0 ? lost : Math.floor(s.share * plain.records.length);
      const record = plain.records[i];
      changeAll(queue, plain, s, at, time);
      if (record !== undefined) {
        const cut = 1 + Math.floor(s.share * (record.to - record.from - 1));
        change(queue, plain, s.kind, i, cut, time);
      }
      t.deepEqual(contents(queue), {
        records: plain.records.map((r) => ({
          from: at(r.from),
          to: at(r.to),
          at: r.at,
          marks: r.marks,
        })),
        byTime: plain.byTime(),
        counts: [plain.count(SACKED), plain.count(LOST), plain.count(RESENT)],
        nextLost: plain.nextLost(),
      });
      const from = Math.min(i, plain.records.length);
      t.is(queue.nextUnsacked(from), plain.nextUnsacked(from));
      if (record !== undefined && s.kind !== 'ack') t.is(queue.find(at(record.from)), i);
    });
  };
  fc.assert(fc.property(base, fc.array(step, { maxLength: 120, size: 'max' }), run), {
    numRuns: 200,
  });
});

/** Calls that concern no record in particular. */
function changeAll(
  queue: RetransmitQueue,
  plain: PlainQueue,
  { kind, share, octets }: Step,
  at: (offset: number) => Seq,
  time: number,
): void {
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
  } else if (kind === 'forget') {
    queue.forgetSacked();
    plain.clear(SACKED);
  } else if (kind === 'undo') {
    queue.unmarkLost();
    plain.clear(LOST);
  }
}

/** @param cut octets of the first part, where record `i` is split */
function change(
  queue: RetransmitQueue,
  plain: PlainQueue,
  kind: string,
  i: number,
  cut: number,
  time: number,
): void {
  const isSacked = queue.isSacked(i);
  if ((kind === 'resent' || kind === 'again') && !isSacked) {
    queue.resent(i, time);
    plain.again(i, time, RESENT | EVER_RESENT);
  } else if (kind === 'probe' && !isSacked) {
    queue.probe(i, time);
    plain.again(i, time, EVER_RESENT);
  } else if (kind === 'lost') {
    queue.markLost(i);
    plain.markLost(i);
  } else if (kind === 'sacked') {
    queue.markSacked(i);
    plain.markSacked(i);
  } else if (kind === 'clear') {
    queue.clearResent(i);
    plain.clearResent(i);
  } else if (kind === 'drop') {
    queue.dropFromTime(i);
    plain.dropFromTime(i);
  } else if (kind === 'split' && !isSacked && cut < queue.octets(i)) {
    queue.split(i, cut);
    plain.split(i, cut);
  } else if (kind === 'join' && !isSacked) {
    let last = i;
    while (last < i + 3 && last + 1 < queue.count && !queue.isSacked(last + 1)) last++;
    queue.join(i, last);
    plain.join(i, last);
  }
}

/** What can be seen of a queue. */
function contents(queue: RetransmitQueue): object {
  const byTime: number[] = [];
  for (let i = queue.oldest(); i >= 0; i = queue.younger(i)) byTime.push(i);
  return {
    records: Array.from({ length: queue.count }, (_, i) => ({
      from: queue.seq(i),
      to: queue.end(i),
      at: queue.sentAt(i),
      marks: queue.marks(i),
    })),
    byTime,
    counts: [queue.sackedOut, queue.lostOut, queue.resentOut],
    nextLost: queue.nextLost(),
  };
}

test('retransmission queue: the end of a burst stays with the later part of a record', (t) => {
  const queue = queueOf(10, 20);
  queue.endBurst(0);
  queue.split(0, 4);
  t.deepEqual(
    [queue.isBurstEnd(0), queue.isBurstEnd(1), queue.isBurstEnd(2)],
    [false, true, false],
  );
  queue.join(0, 1);
  t.true(queue.isBurstEnd(0));
});

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
