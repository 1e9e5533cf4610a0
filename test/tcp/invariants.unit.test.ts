import test from 'ava';
import { add } from '../../src/core/base/seq.ts';
import { NEVER } from '../../src/core/base/time.ts';
import { brokenInvariant } from '../../src/core/tcp/invariants.ts';
import { type Tcb, Timer } from '../../src/core/tcp/tcb.ts';
import { pattern } from '../harness/transcript.ts';
import { bareTcb } from './send/bareTcb.ts';

/** A connection with 30 octets in flight, in three segments, and 70 to be sent. */
function busy(): Tcb {
  const tcb = bareTcb();
  const { snd, retransmitQueue, deadlines, sendBuffer } = tcb;
  tcb.state = 'ESTABLISHED';
  snd.una = add(snd.iss, 1);
  snd.nxt = add(snd.una, 30);
  sendBuffer.write(pattern(0, 100), 0, 100);
  for (let i = 0; i < 3; i++) {
    retransmitQueue.push(add(snd.una, i * 10), add(snd.una, i * 10 + 10), 0);
  }
  deadlines[Timer.RETRANSMISSION] = 1000;
  return tcb;
}

/** What is found of a connection in which one thing is wrong. */
function found(spoil: (tcb: Tcb) => void): string | null {
  const tcb = busy();
  spoil(tcb);
  return brokenInvariant(tcb);
}

test('RFC 9293 3.3.1: a sound TCB breaks no rule', (t) => {
  t.is(brokenInvariant(bareTcb()), null);
  t.is(
    found(() => {}),
    null,
  );
});

test('RFC 9293 3.3.1: SND.UNA, SND.NXT and the queue belong together', (t) => {
  const { snd } = busy();
  const cases: [string, (tcb: Tcb) => void][] = [
    [
      'SND.UNA is beyond SND.NXT',
      (tcb) => {
        tcb.snd.una = add(snd.nxt, 1);
      },
    ],
    ['octets in flight without a record', (tcb) => tcb.retransmitQueue.clear()],
    [
      'the queue does not begin at SND.UNA',
      (tcb) => tcb.retransmitQueue.acknowledge(add(snd.una, 5)),
    ],
    [
      'the queue does not end at SND.NXT',
      (tcb) => {
        tcb.snd.nxt = add(snd.nxt, 5);
      },
    ],
    [
      'the queue has a gap',
      (tcb) => {
        tcb.retransmitQueue.push(add(snd.nxt, 5), add(snd.nxt, 10), 0);
        tcb.snd.nxt = add(snd.nxt, 10);
      },
    ],
    [
      'the count of reported segments is wrong',
      (tcb) => {
        tcb.retransmitQueue.sackedOut = 1;
      },
    ],
    [
      'the count of lost segments is wrong',
      (tcb) => {
        tcb.retransmitQueue.lostOut = 1;
      },
    ],
    [
      'the count of segments sent again is wrong',
      (tcb) => {
        tcb.retransmitQueue.resentOut = 1;
      },
    ],
  ];
  for (const [rule, spoil] of cases) t.is(found(spoil), rule);
});

test('RFC 6675 5: what is lost is being repaired, and what left the network is counted once', (t) => {
  t.is(
    found((tcb) => {
      tcb.retransmitQueue.markLost(0);
    }),
    'something is lost that nobody repairs',
  );
  t.is(
    found((tcb) => {
      tcb.sackPermitted = true;
      tcb.recovery.duplicateAcks = 1;
    }),
    'duplicate ACKs are counted in spite of SACK',
  );
  t.is(
    found((tcb) => {
      tcb.sackPermitted = false;
      tcb.recovery.duplicateAcks = 9;
    }),
    'more has left the network than was sent',
  );
  t.is(
    found(({ deadlines }) => {
      deadlines[Timer.LOSS_PROBE] = 5;
    }),
    'more than one timer runs for what is in flight',
  );
});

test('RFC 9293 3.8.1: what is in flight has a timer, and never that of the window', (t) => {
  t.is(
    found(({ deadlines }) => {
      deadlines[Timer.RETRANSMISSION] = NEVER;
    }),
    'octets in flight and no retransmission timer',
  );
  t.is(
    found(({ deadlines }) => {
      deadlines[Timer.PERSIST] = 5;
    }),
    'retransmission and persist timers run together',
  );
  t.is(
    found((tcb) => {
      tcb.state = 'CLOSED';
    }),
    'a timer runs in CLOSED',
  );
});

test('RFC 9293 3.3.1: windows lie within the buffer, and nothing is sent that is not there', (t) => {
  t.is(
    found((tcb) => {
      tcb.rcv.wnd = tcb.receiveBuffer.limit + 1;
    }),
    'RCV.WND is beyond the buffer',
  );
  t.is(
    found((tcb) => {
      tcb.rcv.wnd = -1;
    }),
    'RCV.WND is beyond the buffer',
  );
  t.is(
    found((tcb) => {
      tcb.finSent = true;
    }),
    'a FIN was sent that nobody asked for',
  );
  t.is(
    found((tcb) => {
      const { snd, retransmitQueue } = tcb;
      const end = add(snd.una, 101);
      retransmitQueue.push(snd.nxt, end, 0);
      snd.nxt = end;
    }),
    'SND.NXT is beyond the text',
  );
});
