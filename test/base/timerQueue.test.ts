import test from 'ava';
import fc from 'fast-check';
import { type Micros, NEVER } from '../../src/core/base/time.ts';
import { TimerEntry, TimerQueue } from '../../src/core/base/timerQueue.ts';

/** An entry that notes its name when it is called, and then does what the test says. */
function entry(name: string, log: string[], then: (now: Micros) => void = () => {}): TimerEntry {
  return new TimerEntry({
    onDeadline(now) {
      log.push(`${name}@${now}`);
      then(now);
    },
  });
}

test('timers: deadlines come in order, equal ones in the order of scheduling', (t) => {
  const log: string[] = [];
  const queue = new TimerQueue();
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((name) => entry(name, log));
  if (a === undefined || b === undefined || c === undefined || d === undefined) return t.fail();
  queue.schedule(a, 20);
  queue.schedule(b, 10);
  queue.schedule(c, 10);
  queue.schedule(d, 31);
  t.is(queue.next(), 10);
  t.is(queue.size, 4);
  t.is(queue.expire(30), 3);
  t.deepEqual(log, ['b@30', 'c@30', 'a@30']);
  t.is(queue.next(), 31);
  t.is(a.deadline, NEVER);
  t.is(queue.expire(30), 0);
});

test('timers: an empty queue has no deadline', (t) => {
  const queue = new TimerQueue();
  t.is(queue.next(), NEVER);
  t.is(queue.expire(1e15), 0);
  t.is(queue.size, 0);
});

test('timers: scheduling again moves the entry, at NEVER it is removed', (t) => {
  const log: string[] = [];
  const queue = new TimerQueue();
  const a = entry('a', log);
  queue.schedule(a, 10);
  queue.schedule(a, 20);
  t.is(queue.size, 1);
  t.is(queue.expire(15), 0);
  queue.schedule(a, 5);
  t.is(queue.next(), 5);
  queue.schedule(a, NEVER);
  t.is(queue.size, 0);
  t.is(a.deadline, NEVER);
  t.throws(() => queue.schedule(a, Number.NaN), { instanceOf: RangeError });
  t.deepEqual(log, []);
});

test('timers: cancelling an entry that is not queued does nothing', (t) => {
  const queue = new TimerQueue();
  const a = entry('a', []);
  queue.cancel(a);
  queue.schedule(a, 1);
  queue.cancel(a);
  queue.cancel(a);
  t.is(queue.size, 0);
});

test('timers: what is scheduled for now during expire waits for the next call', (t) => {
  const log: string[] = [];
  const queue = new TimerQueue();
  const again: TimerEntry = entry('again', log, () => queue.schedule(again, 3));
  const other = entry('other', log);
  queue.schedule(again, 4);
  queue.schedule(other, 5);
  t.is(queue.expire(10), 2);
  t.deepEqual(log, ['again@10', 'other@10']);
  t.true(queue.next() <= 10);
  t.is(queue.expire(10), 1);
  t.deepEqual(log, ['again@10', 'other@10', 'again@10']);
});

test('timers: an entry cancelled or moved by an earlier one of the same call is not called', (t) => {
  const log: string[] = [];
  const queue = new TimerQueue();
  const cancelled = entry('cancelled', log);
  const moved = entry('moved', log);
  const first = entry('first', log, () => {
    queue.cancel(cancelled);
    queue.schedule(moved, 50);
  });
  queue.schedule(first, 1);
  queue.schedule(cancelled, 2);
  queue.schedule(moved, 3);
  t.is(queue.expire(10), 1);
  t.deepEqual(log, ['first@10']);
  t.is(queue.next(), 50);
});

test('timers: after a target has thrown the queue goes on', (t) => {
  const log: string[] = [];
  const queue = new TimerQueue();
  const bad = entry('bad', log, () => {
    throw new Error('bad');
  });
  const good = entry('good', log);
  queue.schedule(bad, 1);
  queue.schedule(good, 2);
  t.throws(() => queue.expire(10), { message: 'bad' });
  queue.schedule(bad, 3);
  t.is(bad.deadline, 3);
  queue.cancel(bad);
  t.is(queue.expire(10), 1);
  t.deepEqual(log, ['bad@10', 'good@10']);
});

test('timers: any sequence of calls agrees with a sorted array', (t) => {
  const id = fc.nat(12);
  const at = fc.nat(50);
  const command = fc.oneof(
    fc.record({ kind: fc.constant('schedule' as const), id, at }),
    fc.record({ kind: fc.constant('cancel' as const), id, at }),
    fc.record({ kind: fc.constant('expire' as const), id, at }),
  );
  fc.assert(
    fc.property(fc.array(command, { maxLength: 120 }), (commands) => {
      const called: number[] = [];
      const queue = new TimerQueue();
      const entries = Array.from(
        { length: 13 },
        (_, n) => new TimerEntry({ onDeadline: () => called.push(n) }),
      );
      let model: { id: number; at: number; order: number }[] = [];
      let order = 0;
      for (const command of commands) {
        const target = entries[command.id];
        if (target === undefined) throw new Error('unreachable');
        if (command.kind === 'expire') {
          called.length = 0;
          const due = model.filter((m) => m.at <= command.at);
          due.sort((x, y) => x.at - y.at || x.order - y.order);
          model = model.filter((m) => m.at > command.at);
          const n = queue.expire(command.at);
          t.deepEqual(
            called,
            due.map((m) => m.id),
          );
          t.is(n, due.length);
        } else {
          model = model.filter((m) => m.id !== command.id);
          if (command.kind === 'schedule') {
            model.push({ id: command.id, at: command.at, order: order++ });
            queue.schedule(target, command.at);
          } else {
            queue.cancel(target);
          }
        }
        t.is(queue.size, model.length);
        t.is(queue.next(), Math.min(NEVER, ...model.map((m) => m.at)));
        for (const [n, e] of entries.entries()) {
          t.is(e.deadline, model.find((m) => m.id === n)?.at ?? NEVER);
        }
      }
    }),
  );
});
