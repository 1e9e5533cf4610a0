import test from 'ava';
import { Event } from '../../src/core/tcp/tcb.ts';
import { established, opening, pattern } from '../harness/transcript.ts';

test('back-pressure: while the device takes no frame nothing is built, and all follows when it does', (t) => {
  const c = established(t);
  c.device.writable = false;
  c.user((user) => user.send(pattern(0, 5000))).nothing();
  t.is(c.established.tcb.snd.nxt, c.established.tcb.snd.una);
  c.receives({ seq: 1, ack: 1, len: 10 }).nothing();
  c.device.writable = true;
  c.turn();
  for (let i = 0; i < 3; i++) c.sends({ seq: 1 + i * 1460, ack: 11, len: 1460 });
  c.sends({ seq: 4381, ack: 11, len: 620 });
});

test('a turn tells users after the segments are out, and their answer follows in the next turn', (t) => {
  const c = established(t);
  const order: string[] = [];
  c.established.onEvents = (events) => {
    order.push(`events ${events}, ${c.unexpected} sent`);
    if ((events & Event.READABLE) !== 0) c.established.send(c.read());
  };
  c.receives({ seq: 1, ack: 1, len: 10 });
  t.deepEqual(order, [`events ${Event.READABLE}, 1 sent`]);
  c.sends({ flags: '.', ack: 11, reason: 'ack-now' });
  c.sends({ flags: 'P.', seq: 1, ack: 11, text: pattern(0, 10), reason: 'data' });
});

test('a command asks the host for a turn, once', (t) => {
  const c = established(t);
  let asked = 0;
  c.stack.wake = () => asked++;
  c.established.send(pattern(0, 10));
  c.established.send(pattern(10, 10));
  t.is(asked, 1);
  c.turn();
  c.sends({ seq: 1, len: 20 });
});

test('what a connection is told at its end: CLOSED once, and no timer is left', (t) => {
  const c = opening(t);
  const told: number[] = [];
  c.established.onEvents = (events) => told.push(events);
  c.sends({ flags: 'S' });
  c.receives({ flags: 'R.', seq: 0, ack: 1 }).is('CLOSED');
  t.deepEqual(told, [Event.CLOSED]);
  t.is(c.established.timer.position, -1);
});
