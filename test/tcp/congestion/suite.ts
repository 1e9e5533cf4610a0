import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { type Micros, MS, SECOND } from '../../../src/core/base/time.ts';
import type { CongestionControl } from '../../../src/core/tcp/congestion/congestionControl.ts';

const MSS = 1000;
const RTT: Micros = 100 * MS;
const RTO: Micros = 300 * MS;
/** Round trips in which nothing is lost, to reach a state that a test begins with. */
const START: Micros = 10 * SECOND;

/** A sender without segments: it fills the window, and has it acknowledged. */
class Sender {
  readonly control: CongestionControl;
  now: Micros = START;

  constructor(control: CongestionControl) {
    this.control = control;
  }

  get segments(): number {
    return this.control.cwnd / MSS;
  }

  /** `octets` are acknowledged; cwnd held the sender back, or did not. */
  ack(octets: number, limited: boolean): void {
    const inFlight = this.control.cwnd;
    this.control.onAck({ ackedOctets: octets, inFlight, rtt: RTT, now: this.now }, limited);
  }

  /** A whole window is sent and acknowledged, two segments at a time. */
  round(): void {
    const window = this.control.cwnd;
    for (let acked = 0; acked < window; acked += 2 * MSS) {
      this.now += RTT / Math.ceil(window / (2 * MSS));
      this.ack(Math.min(2 * MSS, window - acked), true);
    }
  }

  /** Windows of so many segments, beyond slow start: by a loss when twice as many were in flight. */
  avoidAt(segments: number, kept: number): void {
    this.control.onLoss((segments * MSS) / kept, this.now);
    this.control.onRecovered(segments * MSS, this.now);
  }
}

/** Where the controllers differ. */
export interface Traits {
  /** Share of what is in flight that a loss leaves. */
  readonly kept: number;
  /** Segments by which cwnd grows in a round of congestion avoidance, at 10 segments. */
  readonly growth: readonly [least: number, most: number];
}

/** What every controller must do. `make` gets the size of a segment in octets. */
export function congestionSuite(
  name: string,
  make: (mss: number) => CongestionControl,
  traits: Traits,
): void {
  const check = (rule: string, run: (t: ExecutionContext, sender: Sender) => void): void => {
    test(`${rule} (${name})`, (t) => run(t, new Sender(make(MSS))));
  };

  check('RFC 6928: the initial window is ten segments, in slow start', (t, { control }) => {
    t.is(control.cwnd, 10 * MSS);
    t.true(control.ssthresh > 1e9);
  });

  check('RFC 6928: it is ten segments of whatever size the handshake finds', (t, { control }) => {
    control.setMss(536);
    t.is(control.cwnd, 5360);
    control.setMss(8948);
    t.is(control.cwnd, 89_480);
  });

  check('RFC 5681 3.1: in slow start the window doubles in each round', (t, sender) => {
    for (const segments of [20, 40, 80, 160]) {
      sender.round();
      t.is(sender.segments, segments);
    }
  });

  check('RFC 3465 2.3: one ACK of many segments counts as much as many ACKs', (t, sender) => {
    sender.ack(10 * MSS, true);
    t.is(sender.segments, 20);
  });

  check(
    'RFC 5681 3.1: slow start ends at ssthresh, within an ACK of a whole window',
    (t, sender) => {
      sender.control.onRto(20 * MSS, true, sender.now);
      const threshold = sender.control.ssthresh / MSS;
      while (sender.segments < threshold) sender.ack(sender.control.cwnd, true);
      t.true(sender.segments <= threshold + 1, `${sender.segments}`);
    },
  );

  check('RFC 5681 3.1: in congestion avoidance a round adds no more than it may', (t, sender) => {
    sender.avoidAt(10, traits.kept);
    const before = sender.segments;
    for (let i = 0; i < 4; i++) sender.round();
    const perRound = (sender.segments - before) / 4;
    const [least, most] = traits.growth;
    t.true(perRound >= least && perRound <= most, `${perRound} segments`);
  });

  check('RFC 5681 3.2: a loss leaves a share of what was in flight', (t, sender) => {
    sender.round();
    sender.control.onLoss(20 * MSS, sender.now);
    t.is(sender.control.ssthresh, 20 * MSS * traits.kept);
    t.is(sender.control.cwnd, sender.control.ssthresh);
  });

  check('RFC 5681 3.1: ssthresh is two segments at least', (t, sender) => {
    sender.control.onLoss(2 * MSS, sender.now);
    t.is(sender.control.ssthresh, 2 * MSS);
    sender.control.onRto(MSS, true, sender.now);
    t.is(sender.control.ssthresh, 2 * MSS);
  });

  check('RFC 6582 3.2: after recovery no burst goes into an empty network', (t, sender) => {
    sender.control.onLoss(20 * MSS, sender.now);
    sender.control.onRecovered(0, sender.now);
    t.is(sender.control.cwnd, 2 * MSS);
    sender.round();
    t.is(sender.segments, 4);
  });

  check('RFC 5681 3.1: after a timeout the window is one segment', (t, sender) => {
    sender.control.onRto(20 * MSS, true, sender.now);
    t.is(sender.control.cwnd, MSS);
    t.is(sender.control.ssthresh, 20 * MSS * traits.kept);
  });

  check('RFC 5681 3.1: a timeout of the same text leaves ssthresh as it was', (t, sender) => {
    sender.control.onRto(20 * MSS, true, sender.now);
    const { ssthresh } = sender.control;
    sender.control.onRto(MSS, false, sender.now);
    t.is(sender.control.ssthresh, ssthresh);
    t.is(sender.control.cwnd, MSS);
  });

  check('RFC 7661 1: a window that is not used does not grow', (t, sender) => {
    for (let i = 0; i < 100; i++) sender.ack(2 * MSS, false);
    t.is(sender.segments, 10);
    sender.avoidAt(10, traits.kept);
    for (let i = 0; i < 100; i++) sender.ack(2 * MSS, false);
    t.is(sender.segments, 10);
  });

  check('RFC 5681 4.1: a long idle time brings the window back to its beginning', (t, sender) => {
    for (let i = 0; i < 3; i++) sender.round();
    sender.control.onIdle(2 * RTO - 1, RTO);
    t.is(sender.segments, 40);
    t.true(sender.control.ssthresh >= 60 * MSS);
    sender.control.onIdle(3600 * SECOND, RTO);
    t.is(sender.segments, 10);
  });

  check('RFC 5681 4.1: an idle time does not raise a small window', (t, sender) => {
    sender.control.onRto(20 * MSS, true, sender.now);
    sender.control.onIdle(3600 * SECOND, RTO);
    t.is(sender.control.cwnd, MSS);
  });

  check('RFC 5681 3.1: a lost SYN makes the first window one segment', (t, sender) => {
    sender.control.onSynLost();
    t.is(sender.control.cwnd, MSS);
    sender.control.setMss(536);
    t.is(sender.control.cwnd, 536);
  });

  check('RFC 9293 3.7.5: the window keeps its segments when their size changes', (t, sender) => {
    sender.avoidAt(15, traits.kept);
    sender.control.setMss(MSS / 2);
    t.is(sender.control.cwnd, 7.5 * MSS);
  });

  check('RFC 5681 3.1: whatever happens, there is a window of one segment at least', (t) => {
    const event = fc.constantFrom(
      'round',
      'ack',
      'loss',
      'recovered',
      'rto',
      'again',
      'idle',
      'syn',
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60, size: 'max' }), fc.nat(100), (events, share) => {
        const sender = new Sender(make(MSS));
        for (const event of events) happen(t, sender, event, share / 100);
      }),
    );
  });
}

function happen(t: ExecutionContext, sender: Sender, event: string, share: number): void {
  const { control } = sender;
  const { cwnd } = control;
  const inFlight = Math.floor(share * cwnd);
  sender.now += RTT;
  if (event === 'round' && cwnd < 1000 * MSS) sender.round();
  else if (event === 'ack') sender.ack(inFlight, share > 0.5);
  else if (event === 'loss') control.onLoss(inFlight, sender.now);
  else if (event === 'recovered') control.onRecovered(inFlight, sender.now);
  else if (event === 'rto') control.onRto(inFlight, true, sender.now);
  else if (event === 'again') control.onRto(inFlight, false, sender.now);
  else if (event === 'idle') control.onIdle(share * 10 * SECOND, RTO);
  else if (event === 'syn') control.onSynLost();
  t.true(Number.isInteger(control.cwnd), `${event}: cwnd ${control.cwnd}`);
  t.true(control.cwnd >= MSS, `${event}: cwnd ${control.cwnd}`);
  t.true(control.ssthresh >= 2 * MSS, `${event}: ssthresh ${control.ssthresh}`);
  if (event === 'rto' || event === 'again') t.is(control.cwnd, MSS);
  if (event === 'loss' || event === 'idle') t.true(control.cwnd <= Math.max(cwnd, 2 * MSS));
}
