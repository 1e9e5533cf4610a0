import test, { type ExecutionContext } from 'ava';
import { type Micros, MS, SECOND } from '../../src/core/base/time.ts';
import { createPair } from '../../src/core/sim/network.ts';
import { DELAYED_ACK_MAX, SHORTEST_WAIT, type TcpConfig } from '../../src/core/tcp/config.ts';
import { pattern } from '../harness/transcript.ts';
import { open, watch } from './randomRun.ts';

const DELAY: Micros = 20 * MS;
const RTT: Micros = 2 * DELAY;
/** A full frame takes 12 µs: a window leaves as a burst. */
const FAST = 1e9;
/** Segments of text of the initial window, and of one that has grown for a round. */
const WINDOWS = [10, 20] as const;
/** What the frames need on the wire that must follow a lost one, and those ahead of its repetition. */
const SLACK: Micros = MS;

/** How long RACK waits for fewer than three. @rfc 8985 6.2 step 4 */
const REORDERING: Micros = RTT / 4 + SHORTEST_WAIT;
/** A wire that holds 20 segments in a round trip, and a few more than that, so that it never rests. */
const SLOW = (20 * 1514 * 8 * SECOND) / RTT;
const PIPE = 24;
const TEXT = 1460;
/** The three frames that report the loss. */
const FOLLOWING: Micros = 3 * (RTT / 20);

interface Case {
  readonly config: Partial<TcpConfig>;
  /** Of the wire; default {@link FAST}. */
  readonly rate?: number;
  /** Segments of the window in which one is lost. */
  readonly window: number;
  /** Segments that the user has written beyond it. */
  readonly more: number;
}

interface Outcome {
  /** When each segment could be read, the first being that of the window, from its sending on. */
  readonly at: readonly Micros[];
  readonly timeouts: number;
  readonly repeated: number;
  /** From an ACK to the tail loss probe, for one segment alone in flight. @rfc 8985 7.2 */
  readonly probe: Micros;
}

/** One run, in which segment `lost` of the window is lost, counted from 1; 0: none. */
function run({ config, rate = FAST, window, more }: Case, lost: number): Outcome {
  const before = window - 10;
  const drop = lost === 0 ? [] : [1 + before + lost];
  const pair = createPair({ delay: DELAY, rate, a: { impairment: { drop }, config } });
  watch(pair);
  const { network } = pair;
  const { client, accepted } = open(pair);
  network.runUntil(() => client.state === 'ESTABLISHED' && accepted() !== null);
  const { mss } = client.tcb.snd;
  const into = new Uint8Array(65_536);
  const transfer = (segments: number): Micros[] => {
    const from = network.now;
    const octets = pattern(0, segments * mss);
    const at: Micros[] = [];
    let written = 0;
    let read = 0;
    network.runUntil(() => {
      if (written < octets.length) written += client.send(octets, written);
      for (let n = -1; n !== 0; read += n) n = accepted()?.receive(into) ?? 0;
      while (at.length < Math.floor(read / mss)) at.push(network.now - from);
      return read === octets.length;
    });
    return at;
  };
  if (before > 0) {
    transfer(before);
    network.runUntil(() => client.tcb.snd.una === client.tcb.snd.nxt);
  }
  const probe = 2 * client.tcb.rtt.srtt + DELAYED_ACK_MAX;
  const at = transfer(window + more);
  network.runUntil(() => client.tcb.snd.una === client.tcb.snd.nxt);
  const { TCPTimeouts, tcpRetransSegs } = pair.a.tcp.counters;
  return { at, timeouts: TCPTimeouts, repeated: tcpRetransSegs, probe };
}

/** Time by which the loss of one segment delays the first `window` ones, if it does. */
function lateness(clean: Outcome, lossy: Outcome, window: number): Micros {
  return Math.max(...lossy.at.slice(0, window).map((time, i) => time - (clean.at[i] ?? 0)));
}

function eachPosition(one: Case, check: (position: number, late: Micros, run: Outcome) => void) {
  const clean = run(one, 0);
  for (let position = 1; position <= one.window; position++) {
    const lossy = run(one, position);
    check(position, lateness(clean, lossy, one.window), lossy);
  }
}

/** One repetition, no timeout, and no later than this. */
function isRepaired(
  t: ExecutionContext,
  position: number,
  [late, most]: readonly [late: Micros, most: Micros],
  run: Outcome,
): void {
  const what = `segment ${position}: ${late} µs, repeated ${run.repeated}`;
  t.is(run.timeouts, 0, what);
  t.is(run.repeated, 1, what);
  t.true(late <= most + SLACK, what);
}

for (const timestamps of [true, false]) {
  for (const window of WINDOWS) {
    const what = `of ${window}, timestamps ${timestamps}`;

    test(`RFC 8985 6: one lost segment of a stream in bursts costs a round trip (${what})`, (t) => {
      eachPosition({ config: { timestamps }, window, more: 20 }, (position, late, run) => {
        const behind = window - position;
        // those of the next round are the first that can report the loss of the last one
        const wait = behind >= 3 ? 0 : behind > 0 ? REORDERING : RTT;
        isRepaired(t, position, [late, RTT + wait], run);
      });
    });

    test(`RFC 8985 7: a lost tail costs a probe timeout at most (${what})`, (t) => {
      eachPosition({ config: { timestamps }, window, more: 0 }, (position, late, run) => {
        const behind = window - position;
        const wait = behind >= 3 ? 0 : behind > 0 ? REORDERING : run.probe;
        isRepaired(t, position, [late, RTT + wait], run);
      });
    });

    test(`RFC 6582 3.2: without SACK three segments must follow in the window (${what})`, (t) => {
      const config = { timestamps, sack: false };
      eachPosition({ config, window, more: 20 }, (position, late, run) => {
        const wait = window - position >= 3 ? 0 : RTT;
        isRepaired(t, position, [late, RTT + wait], run);
      });
    });

    test(`RFC 6582 3.2: without SACK a tail of three costs a timeout (${what})`, (t) => {
      const config = { timestamps, sack: false };
      eachPosition({ config, window, more: 0 }, (position, late, run) => {
        if (window - position >= 3) isRepaired(t, position, [late, RTT], run);
        else t.is(run.timeouts, 1, `segment ${position}`);
      });
    });
  }

  for (const sack of [true, false]) {
    test(`RFC 5681 3.2: one lost segment of a full pipe costs a round trip (SACK ${sack}, timestamps ${timestamps})`, (t) => {
      const config = { timestamps, sack, sendBuffer: PIPE * TEXT };
      const one = { config, rate: SLOW, window: 10 + 3 * PIPE, more: PIPE };
      const clean = run(one, 0);
      for (let position = PIPE; position < 2 * PIPE; position++) {
        const lossy = run(one, position);
        const late = (lossy.at[position - 1] ?? 0) - (clean.at[position - 1] ?? 0);
        isRepaired(t, position, [late, RTT + FOLLOWING], lossy);
      }
    });
  }
}
