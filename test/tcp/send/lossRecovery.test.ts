import test from 'ava';
import { add } from '../../../src/core/base/seq.ts';
import { MS } from '../../../src/core/base/time.ts';
import { isInFlight, measure, pipe } from '../../../src/core/tcp/send/lossRecovery.ts';
import { timestampAt } from '../../../src/core/tcp/send/sender.ts';
import type { Tcb } from '../../../src/core/tcp/tcb.ts';
import { bareTcb } from './bareTcb.ts';

const MSS = 536;

/** `count` full segments are in flight, sent one millisecond apart. */
function inFlight(count: number): Tcb {
  const tcb = bareTcb();
  for (let i = 0; i < count; i++) {
    const from = tcb.snd.nxt;
    tcb.snd.nxt = add(from, MSS);
    tcb.retransmitQueue.push(from, tcb.snd.nxt, i * MS);
  }
  return tcb;
}

test('RFC 6675 4: pipe counts what was sent, without what is lost, with what is sent again', (t) => {
  const tcb = inFlight(10);
  t.is(pipe(tcb), 10 * MSS);
  tcb.retransmitQueue.markLost(0);
  tcb.retransmitQueue.markLost(1);
  t.is(pipe(tcb), 8 * MSS);
  tcb.retransmitQueue.resent(0, 20 * MS);
  t.is(pipe(tcb), 9 * MSS);
});

test('RFC 6675 4: each duplicate ACK says that a segment has left the network', (t) => {
  const tcb = inFlight(4);
  tcb.recovery.duplicateAcks = 3;
  t.is(pipe(tcb), MSS);
  tcb.recovery.duplicateAcks = 9;
  t.is(pipe(tcb), 0);
});

test('RFC 6298 3: the oldest segment that an ACK covers is measured, unless one was sent twice', (t) => {
  const tcb = inFlight(3);
  const una = tcb.snd.una;
  t.is(measure(tcb, add(una, 2 * MSS), 50 * MS), 50 * MS);
  t.is(measure(tcb, add(una, MSS - 1), 50 * MS), 0);
  tcb.retransmitQueue.resent(1, 10 * MS);
  t.is(measure(tcb, add(una, MSS), 50 * MS), 50 * MS);
  t.is(measure(tcb, add(una, 2 * MSS), 50 * MS), 0);
});

test('RFC 5927 4.1: in flight is what lies from SND.UNA to SND.NXT, the latter excluded', (t) => {
  const tcb = inFlight(2);
  const { una, nxt } = tcb.snd;
  t.deepEqual(
    [add(una, -1), una, add(nxt, -1), nxt].map((at) => isInFlight(tcb, at)),
    [false, true, true, false],
  );
});

test('RFC 7323 5.4: TSval is a clock of milliseconds with an offset, modulo 2^32', (t) => {
  const tcb = bareTcb({ timestampOffset: 0xffff_fff0 });
  t.is(timestampAt(tcb, 0), 0xffff_fff0);
  t.is(timestampAt(tcb, 15 * MS + 999), 0xffff_ffff);
  t.is(timestampAt(tcb, 16 * MS), 0);
});
