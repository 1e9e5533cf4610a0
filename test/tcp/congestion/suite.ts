import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { type Micros, MS, SECOND } from '../../../src/core/base/time.ts';
import { NO_THRESHOLD } from '../../../src/core/tcp/config.ts';
import type { CongestionControl } from '../../../src/core/tcp/congestion/congestionControl.ts';
import { VirtualSender } from './virtualSender.ts';

const MSS = 1000;
const RTO: Micros = 300 * MS;

/** Where those that answer to losses differ. */
export interface Traits {
  /** ssthresh in segments when cwnd was so many. */
  readonly kept: (segments: number) => number;
  /** ... when a mark told of congestion, with ABE. */
  readonly keptByAbe: (segments: number) => number;
  /** Segments by which cwnd grows in a round of congestion avoidance, at 10 segments and 100 ms. */
  readonly growth: readonly [least: number, most: number];
}

type Check = (rule: string, run: (t: ExecutionContext, sender: VirtualSender) => void) => void;
type Make = (mss: number) => CongestionControl;

/** What every controller must do. `make` gets the size of a segment in octets. */
export function everyController(name: string, make: Make): void {
  const check = checker(name, make);
  beginning(check);
  expiring(check);
  anything(name, make);
}

/** What those must do beyond that whose window grows until something is lost, and is less then. */
export function lossBased(name: string, make: Make, traits: Traits): void {
  const check = checker(name, make);
  growing(check, traits);
  losing(check, traits);
  marking(check, traits);
  resting(check, traits);
  sizes(name, make, traits);
}

function checker(name: string, make: Make): Check {
  return (rule, run) => {
    test(`${rule} (${name})`, (t) => run(t, new VirtualSender(make(MSS))));
  };
}

function beginning(check: Check): void {
  check('RFC 6928: the initial window is ten segments, in slow start', (t, { control }) => {
    t.is(control.cwnd, 10 * MSS);
    t.is(control.ssthresh, NO_THRESHOLD);
  });

  check('RFC 6928: it is ten segments of whatever size the handshake finds', (t, { control }) => {
    control.setMss(536);
    t.is(control.cwnd, 5360);
    control.setMss(8948);
    t.is(control.cwnd, 89_480);
    t.is(control.ssthresh, NO_THRESHOLD);
  });

  check('RFC 5681 3.1: a lost SYN makes the first window one segment', (t, { control }) => {
    control.onSynLost();
    t.is(control.cwnd, MSS);
    control.setMss(536);
    t.is(control.cwnd, 536);
  });
}

function expiring(check: Check): void {
  check(
    'RFC 5681 3.1: when a connection begins, a round at most doubles the window',
    (t, sender) => {
      for (let i = 0; i < 8; i++) {
        const before = sender.segments;
        sender.round();
        t.true(sender.segments > before && sender.segments <= 2 * before, `${sender.segments}`);
      }
    },
  );

  check('RFC 5681 3.1: after a timeout the window is one segment, and grows again', (t, sender) => {
    sender.rounds(1);
    for (const first of [true, false]) {
      sender.expire(first);
      t.is(sender.segments, 1);
    }
    sender.rounds(3);
    t.true(sender.segments >= 4, `${sender.segments}`);
  });

  check('RFC 5681 4.1: an idle time does not raise a small window', (t, sender) => {
    sender.expire(true);
    sender.control.onIdle(3600 * SECOND, RTO);
    t.is(sender.segments, 1);
  });

  check('RFC 9293 3.7.5: the windows keep their segments when their size changes', (t, sender) => {
    sender.avoidAt(15);
    sender.control.setMss(MSS / 2);
    t.is(sender.control.cwnd, 7500);
    t.is(sender.control.ssthresh, 7500);
  });
}

function growing(check: Check, traits: Traits): void {
  check('RFC 5681 3.1: in slow start the window doubles in each round', (t, sender) => {
    for (const segments of [20, 40, 80, 160]) {
      sender.round();
      t.is(sender.segments, segments);
    }
  });

  check('RFC 3465 2.3: one ACK of many segments counts as much as many ACKs', (t, sender) => {
    sender.ack(10);
    t.is(sender.segments, 20);
  });

  check('RFC 5681 3.1: slow start ends at ssthresh, in the midst of an ACK', (t, sender) => {
    sender.rounds(2);
    sender.expire(true);
    const { threshold } = sender;
    for (let before = 1; before < threshold; before = sender.segments) {
      sender.ack(before);
      t.is(sender.segments, Math.min(2 * before, threshold));
    }
  });

  check('RFC 5681 3.1: in congestion avoidance a round adds no more than it may', (t, sender) => {
    sender.avoidAt(10);
    const before = sender.segments;
    sender.rounds(4);
    const perRound = (sender.segments - before) / 4;
    const [least, most] = traits.growth;
    t.true(perRound >= least && perRound <= most, `${perRound} segments`);
  });

  check('RFC 7661 1: a window that is not used does not grow', (t, sender) => {
    for (let i = 0; i < 100; i++) sender.ackOfFew(2);
    t.is(sender.segments, 10);
    sender.avoidAt(10);
    for (let i = 0; i < 100; i++) sender.ackOfFew(2);
    t.is(sender.segments, 10);
  });
}

function losing(check: Check, traits: Traits): void {
  check('RFC 5681 3.2: a loss leaves a share of the window', (t, sender) => {
    sender.rounds(2);
    sender.control.onLoss();
    t.is(sender.segments, 40);
    t.is(sender.threshold, traits.kept(40));
  });

  check('RFC 5681 3.1: after recovery the window grows slowly', (t, sender) => {
    sender.rounds(2);
    sender.lose();
    const before = sender.segments;
    sender.round();
    t.true(sender.segments < 1.5 * before, `${sender.segments}`);
  });

  check('RFC 5681 3.1: ssthresh is two segments at least', (t, sender) => {
    for (let i = 0; i < 20; i++) sender.lose();
    t.is(sender.threshold, 2);
    sender.expire(true);
    t.is(sender.threshold, 2);
  });

  check('RFC 5681 3.1: after a timeout ssthresh is a share of the window', (t, sender) => {
    sender.rounds(1);
    sender.expire(true);
    t.is(sender.segments, 1);
    t.is(sender.threshold, traits.kept(20));
    sender.rounds(2);
    t.is(sender.segments, 4);
  });

  check('RFC 5681 3.1: a timeout of the same text leaves ssthresh as it was', (t, sender) => {
    sender.rounds(1);
    sender.expire(true);
    const { threshold } = sender;
    sender.expire(false);
    t.is(sender.threshold, threshold);
    t.is(sender.segments, 1);
  });

  check('RFC 4015 3.2: a reduction that is taken back has no effect', (t, sender) => {
    const { control } = sender;
    sender.rounds(2);
    const { cwnd, ssthresh } = control;
    sender.lose();
    control.onUndo(cwnd / MSS, sender.situation());
    control.ssthresh = ssthresh;
    sender.round();
    t.is(sender.segments, 80);
  });
}

function marking(check: Check, { kept, keptByAbe }: Traits): void {
  check('RFC 3168 6.1.2: a mark reduces the window as a loss does', (t, sender) => {
    sender.rounds(2);
    sender.control.onEcn('loss');
    t.is(sender.segments, 40);
    t.is(sender.threshold, kept(40));
  });

  check('RFC 8511 3.1: with ABE it falls by less, in congestion avoidance', (t, sender) => {
    sender.avoidAt(100);
    sender.control.onEcn('abe');
    t.is(sender.threshold, keptByAbe(100));
    sender.avoidAt(100);
    sender.control.onEcn('loss');
    t.is(sender.threshold, kept(100));
  });

  check('RFC 8511 3.1: with ABE it falls as for a loss in slow start', (t, sender) => {
    sender.rounds(2);
    sender.control.onEcn('abe');
    t.is(sender.threshold, kept(40));
  });

  check('RFC 8511 3.1: with ABE a loss is what it was', (t, sender) => {
    sender.avoidAt(100);
    sender.control.onEcn('abe');
    sender.avoidAt(100);
    sender.control.onLoss();
    t.is(sender.threshold, kept(100));
  });

  check('RFC 8511 3.1: with ABE ssthresh is two segments at least', (t, sender) => {
    sender.avoidAt(1);
    sender.control.onEcn('abe');
    t.is(sender.threshold, 2);
  });
}

function resting(check: Check, traits: Traits): void {
  check('RFC 5681 4.1: a long idle time brings the window back to its beginning', (t, sender) => {
    sender.rounds(3);
    sender.lose();
    sender.control.onIdle(RTO, RTO);
    t.is(sender.segments, traits.kept(80));
    sender.control.onIdle(3600 * SECOND, RTO);
    t.is(sender.segments, 10);
    t.is(sender.threshold, traits.kept(80));
  });

  check('RFC 7661 4.4.2: an idle time halves the window for each timeout in it', (t, sender) => {
    sender.rounds(4);
    sender.avoidAt(100);
    sender.control.onIdle(2 * RTO, RTO);
    t.is(sender.segments, 50);
    t.is(sender.threshold, 100);
    sender.control.onIdle(2 * RTO + 1, RTO);
    t.is(sender.segments, 12);
  });

  check('RFC 5681 4.1: slow start after an idle time ends at three quarters', (t, sender) => {
    sender.rounds(3);
    sender.control.ssthresh = 2 * MSS;
    sender.control.onIdle(3600 * SECOND, RTO);
    t.is(sender.threshold, 60);
  });
}

/** The same conversation with segments of another size takes the same windows. */
function sizes(name: string, make: Make, traits: Traits): void {
  for (const mss of [64, 536, 1448, 9000]) {
    test(`RFC 5681 3.1: windows count segments of ${mss} octets as others (${name})`, (t) => {
      const sender = new VirtualSender(make(mss));
      const usual = new VirtualSender(make(MSS));
      for (const one of [sender, usual]) {
        one.rounds(3);
        one.lose();
        t.is(one.segments, traits.kept(80));
        one.rounds(20);
      }
      t.is(sender.segments, usual.segments);
      t.is(sender.control.cwnd % mss, 0);
    });
  }
}

const EVENTS = ['round', 'ack', 'few', 'rtt', 'loss', 'rto', 'again', 'idle', 'start', 'syn'];

function anything(name: string, make: Make): void {
  test(`RFC 5681 3.1: whatever happens, there is a window of one segment at least (${name})`, (t) => {
    const events = fc.array(fc.tuple(fc.constantFrom(...EVENTS), fc.nat(100)), {
      maxLength: 60,
      size: 'max',
    });
    fc.assert(
      fc.property(events, (happenings) => {
        const sender = new VirtualSender(make(MSS));
        for (const [event, share] of happenings) happen(t, sender, event, share / 100);
      }),
    );
  });
}

function happen(t: ExecutionContext, sender: VirtualSender, event: string, share: number): void {
  const { control } = sender;
  const { cwnd } = control;
  const delivered = Math.floor(share * sender.segments);
  sender.now += Math.floor(share * sender.rtt);
  if (event === 'round' && sender.segments < 1000) sender.round();
  else if (event === 'ack') sender.ack(delivered);
  else if (event === 'few') sender.ackOfFew(delivered);
  else if (event === 'rtt') sender.ack(1, Math.max(1, share * SECOND));
  else if (event === 'loss') sender.lose();
  else if (event === 'rto') sender.expire(true);
  else if (event === 'again') sender.expire(false);
  else if (event === 'idle') control.onIdle(share * 10 * SECOND, RTO);
  else if (event === 'start') control.onSendStart(share * 10 * SECOND, sender.situation());
  else if (event === 'syn') control.onSynLost();
  t.is(control.cwnd % MSS, 0, `${event}: cwnd ${control.cwnd}`);
  t.true(control.cwnd >= MSS, `${event}: cwnd ${control.cwnd}`);
  t.true(control.ssthresh >= 2 * MSS, `${event}: ssthresh ${control.ssthresh}`);
  if (event === 'rto' || event === 'again') t.is(control.cwnd, MSS);
  if (event === 'idle') t.true(control.cwnd <= cwnd);
  if (control.ownsCwnd) return;
  if (event === 'few' || event === 'start') t.is(control.cwnd, cwnd);
  if (event === 'loss') t.true(control.cwnd <= Math.max(cwnd, 2 * MSS));
}
