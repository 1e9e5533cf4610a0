import test from 'ava';
import { SECOND } from '../../src/core/base/time.ts';
import { established, pattern, type Transcript } from '../harness/transcript.ts';

/** Frames for another station, which wait in front of what comes next. */
function queueFrames(c: Transcript, count: number): void {
  for (let n = 0; n < count; n++) c.device.inbox.push(new Uint8Array(60).fill(2));
}

test('an ACK that waits behind many frames stops the timer that has expired meanwhile', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 1000))).sends({ seq: 1, ack: 1, len: 1000 });
  // the host did something else for three seconds, while the ACK was here in time
  queueFrames(c, 500);
  c.now += 3 * SECOND;
  c.receives({ seq: 1, ack: 1001 }).nothing();
  t.is(c.established.tcb.snd.una, c.established.tcb.snd.nxt);
});

test('timers expire all the same where frames arrive without end', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 1000))).sends({ seq: 1, ack: 1, len: 1000 });
  c.now += 3 * SECOND;
  for (let turns = 0; turns < 100 && c.unexpected === 0; turns++) {
    queueFrames(c, 64);
    t.true(c.stack.turn(c.now));
  }
  c.sends({ seq: 1, ack: 1, len: 1000, reason: 'rto' });
});
