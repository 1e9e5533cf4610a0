import test, { type ExecutionContext } from 'ava';
import { type Micros, MS, SECOND } from '../../src/core/base/time.ts';
import { createPair, type Pair } from '../../src/core/sim/network.ts';
import type { CongestionControlName } from '../../src/core/tcp/config.ts';
import type { Connection } from '../../src/core/tcp/connection.ts';
import type { CaState } from '../../src/core/tcp/send/recovery.ts';
import { plot } from '../harness/plot.ts';
import { pattern } from '../harness/transcript.ts';
import { open } from './randomRun.ts';

/** A window is sent at once, and its ACKs come a round trip later: the wire takes next to no time. */
const RTT: Micros = 100 * MS;
const RATE = 10e9;
/** When a round is over: 1000 frames take 1.2 ms. */
const LATE: Micros = 5 * MS;

/** What a loss leaves of cwnd. */
const KEPT = { reno: 1 / 2, cubic: 717 / 1024 } as const satisfies Partial<
  Record<CongestionControlName, number>
>;
const CONTROLS = ['reno', 'cubic'] as const;

/** The windows in segments after a turn of the sender. */
interface Sample {
  readonly at: Micros;
  readonly cwnd: number;
  readonly ssthresh: number;
  readonly phase: CaState;
}

interface Losses {
  /** Numbers of segments of text, the first being 1, that are lost. */
  readonly drop?: readonly number[];
  /** From this segment on all are lost, until a timeout. */
  readonly blackout?: number;
}

/** A connection whose windows are written down. */
class Recorded {
  readonly pair: Pair;
  readonly client: Connection;
  readonly samples: Sample[] = [];
  readonly #t: ExecutionContext;
  readonly #start: Micros;
  readonly #accepted: () => Connection | null;
  readonly #into = new Uint8Array(1 << 16);

  constructor(t: ExecutionContext, control: CongestionControlName, losses: Losses = {}) {
    this.#t = t;
    let sent = 0;
    const { drop = [], blackout = Number.POSITIVE_INFINITY } = losses;
    const pair = createPair({
      delay: RTT / 2,
      rate: RATE,
      queue: 1 << 16,
      a: {
        config: { congestionControl: control },
        impairment: {
          fate: (packet) => {
            if (packet.end - packet.link < 200) return null;
            sent++;
            const isDark = sent >= blackout && pair.a.tcp.counters.TCPTimeouts === 0;
            return isDark || drop.includes(sent) ? 'lose' : null;
          },
        },
      },
    });
    this.pair = pair;
    const { client, accepted } = open(pair);
    this.client = client;
    this.#accepted = accepted;
    pair.network.runUntil(() => client.state === 'ESTABLISHED');
    this.#start = pair.network.now;
    pair.network.afterTurn = (stack) => {
      if (stack === pair.a) this.#note();
    };
  }

  get now(): Micros {
    return this.pair.network.now - this.#start;
  }

  /** The user writes so many segments; Infinity: as many as go. The time goes on. */
  writes(segments: number, time: Micros): void {
    const { client, pair } = this;
    let left = segments * client.tcb.snd.mss;
    pair.network.runUntil(() => {
      while (left > 0) {
        const count = client.send(pattern(0, Math.min(left, 1 << 16)));
        if (count === 0) break;
        left -= count;
      }
      while ((this.#accepted()?.receive(this.#into) ?? 0) > 0);
      return false;
    }, pair.network.now + time);
  }

  /** cwnd at these times. */
  cwnds(...times: readonly Micros[]): readonly number[] {
    return times.map((time) => this.samples.findLast(({ at }) => at <= time)?.cwnd ?? 0);
  }

  /** The first and the last sample of this phase. */
  during(phase: CaState): readonly [Sample | undefined, Sample | undefined] {
    const samples = this.samples.filter((sample) => sample.phase === phase);
    return [samples[0], samples.at(-1)];
  }

  /** The last sample so far. */
  get last(): Sample {
    return this.samples.at(-1) ?? { at: 0, cwnd: 0, ssthresh: 0, phase: 'open' };
  }

  /** Asserts about the shape; when it fails the message shows it. */
  is<T>(actual: T, expected: T, what: string): void {
    const curve = (mark: string, y: (sample: Sample) => number) => ({
      mark,
      points: this.samples.map((sample) => ({ x: sample.at / MS, y: y(sample) })),
    });
    const curves = [curve('-', ({ ssthresh }) => ssthresh), curve('*', ({ cwnd }) => cwnd)];
    this.#t.deepEqual(actual, expected, `${what}: cwnd (*) and ssthresh (-), ms\n${plot(curves)}`);
  }

  #note(): void {
    const { congestion, recovery, snd } = this.client.tcb;
    const ssthresh = congestion.ssthresh / snd.mss;
    this.samples.push({
      at: this.now,
      cwnd: congestion.cwnd / snd.mss,
      ssthresh: ssthresh > 1e6 ? Number.POSITIVE_INFINITY : ssthresh,
      phase: recovery.phase,
    });
  }
}

/** The ends of these rounds, the first beginning with the text. */
function rounds(first: number, last: number): Micros[] {
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * RTT + LATE);
}

for (const control of CONTROLS) {
  const left = (cwnd: number): number => Math.floor(cwnd * KEPT[control]);

  test(`RFC 5681 3.1: in slow start cwnd doubles in each round (${control})`, (t) => {
    const run = new Recorded(t, control);
    run.writes(Number.POSITIVE_INFINITY, 5 * RTT);
    run.is(run.cwnds(...rounds(0, 4)), [10, 20, 40, 80, 160], 'slow start');
    run.is(run.last.ssthresh, Number.POSITIVE_INFINITY, 'no loss, no threshold');
  });

  test(`RFC 6937 3: after one loss cwnd goes down to ssthresh in a round, and stays (${control})`, (t) => {
    const run = new Recorded(t, control, { drop: [71] });
    run.writes(Number.POSITIVE_INFINITY, 14 * RTT);
    const [begin, end] = run.during('recovery');
    run.is([begin?.ssthresh, end?.ssthresh], [left(80), left(80)], 'ssthresh is a share of cwnd');
    const [before, ...after] = run.cwnds(...rounds(3, 14));
    run.is([before, ...after.slice(0, 2)], [80, left(80), left(80)], 'one round of recovery');
    const steps = after.slice(2).map((cwnd, i) => cwnd - (after[i + 1] ?? 0));
    const most = control === 'reno' ? 1 : 3; // as steep as CUBIC's curve is here
    run.is([Math.min(...steps) >= 0, Math.max(...steps)], [true, most], 'a few more in each round');
  });

  test(`RFC 5681 3.1: after a timeout cwnd is one segment, and grows up to ssthresh by slow start (${control})`, (t) => {
    const run = new Recorded(t, control, { blackout: 71 });
    run.writes(Number.POSITIVE_INFINITY, 16 * RTT);
    const [begin] = run.during('loss');
    const at = begin?.at ?? 0;
    run.is([begin?.cwnd, begin?.ssthresh], [1, left(80)], 'the timeout');
    const cwnds = run.cwnds(...rounds(0, 9).map((time) => at + time));
    const limit = left(80);
    // F-RTO takes a round in which nothing grows
    run.is(cwnds, [1, 2, 2, 4, 8, 16, 32, limit, limit, limit], 'slow start up to ssthresh');
  });

  test(`RFC 5681 4.1: after an idle time cwnd is that of the beginning (${control})`, (t) => {
    const run = new Recorded(t, control);
    run.writes(70, 10 * SECOND);
    run.is([run.last.cwnd, run.last.ssthresh], [80, Number.POSITIVE_INFINITY], 'before');
    const from = run.now;
    run.writes(Number.POSITIVE_INFINITY, 4 * RTT);
    const cwnds = run.cwnds(...rounds(0, 3).map((time) => from + time));
    run.is(cwnds, [10, 20, 40, 80], 'slow start from ten');
  });
}
