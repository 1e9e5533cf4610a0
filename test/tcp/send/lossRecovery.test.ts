import test from 'ava';
import { add } from '../../../src/core/base/seq.ts';
import { MS } from '../../../src/core/base/time.ts';
import { inFlight, isInFlight } from '../../../src/core/tcp/send/inFlight.ts';
import { timestampAt } from '../../../src/core/tcp/send/sender.ts';
import type { Tcb } from '../../../src/core/tcp/tcb.ts';
import { bareTcb } from './bareTcb.ts';

const MSS = 536;

/** `count` full segments are in flight, sent one millisecond apart. */
function sending(count: number): Tcb {
  const tcb = bareTcb();
  for (let i = 0; i < count; i++) {
    const from = tcb.snd.nxt;
    tcb.snd.nxt = add(from, MSS);
    tcb.retransmitQueue.push(from, tcb.snd.nxt, i * MS);
  }
  return tcb;
}

test('RFC 6675 4: pipe counts what was sent, without what is lost, with what is sent again', (t) => {
  const tcb = sending(10);
  t.is(inFlight(tcb), 10);
  tcb.retransmitQueue.markLost(0);
  tcb.retransmitQueue.markLost(1);
  t.is(inFlight(tcb), 8);
  tcb.retransmitQueue.resent(0, 20 * MS);
  t.is(inFlight(tcb), 9);
});

test('RFC 6675 4: each duplicate ACK says that a segment has left the network', (t) => {
  const tcb = sending(4);
  tcb.recovery.duplicateAcks = 3;
  t.is(inFlight(tcb), 1);
  tcb.recovery.duplicateAcks = 9;
  t.is(inFlight(tcb), 0);
});

test('RFC 5927 4.1: in flight is what lies from SND.UNA to SND.NXT, the latter excluded', (t) => {
  const tcb = sending(2);
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
