import test from 'ava';
import { type Micros, MS, SECOND } from '../../src/core/base/time.ts';
import { align } from '../../src/core/replay/align.ts';
import { backlogs } from '../../src/core/replay/backlog.ts';
import { GUESS, type Guess, OTHER_GUESSES } from '../../src/core/replay/guess.ts';
import { inferApplication } from '../../src/core/replay/inferCalls.ts';
import { lostOnTheWay } from '../../src/core/replay/lost.ts';
import { type Part, takePart } from '../../src/core/replay/part.ts';
import { ORIGIN } from '../../src/core/replay/recording.ts';
import { readSidecar, SidecarError } from '../../src/core/replay/sidecarFile.ts';
import { compareTimes, lateness } from '../../src/core/replay/tolerance.ts';
import { CONGESTION_CONTROLS } from '../../src/core/tcp/config.ts';
import { Recorder } from '../dissect/segments.ts';

const MSS = 1000;

/** A conversation as one end saw it, after a handshake in which the client's ISS is 0, the server's 0. */
function part(as: 'client' | 'server', tell: (recorder: Recorder) => void): Part {
  const recorder = new Recorder();
  recorder.client('S', 0, 0, { mss: 1460 });
  recorder.server('S.', 0, 1, { mss: 1460, after: 10 });
  recorder.client('.', 1, 1, { after: 10 });
  tell(recorder);
  const [first] = recorder.segments;
  const start = first?.time ?? 0;
  const ends = [
    { address: '10.0.0.1', port: 40_000 },
    { address: '10.0.0.2', port: 80 },
  ] as const;
  const items = recorder.segments.map(
    (segment) => ({ kind: 'segment', at: ORIGIN + segment.time - start, segment }) as const,
  );
  const own = as === 'client' ? ends[0] : ends[1];
  return takePart({ stream: 0, ends, items, limit: null }, own, null);
}

/** `write 100 at 5` in milliseconds, without those that open. */
function callsOf(of: Part, guess: Partial<Guess> = {}): string[] {
  return inferApplication(of, MSS, { ...GUESS, ...guess })
    .calls.filter(({ act }) => !['connect', 'listen', 'accept'].includes(act.call))
    .map(({ at, act }) => {
      const what =
        'octets' in act ? act.octets : 'option' in act ? `${act.option}=${act.value}` : '';
      return `${act.call} ${what} at ${Math.round((at - ORIGIN) / MS)}`;
    });
}

test('PSH on a short segment ends a write; the next one begins with the next segment', (t) => {
  const calls = callsOf(
    part('client', (r) => {
      r.client('P.', 1, 1, { length: 100, after: 5 * MS });
      r.server('.', 1, 101, { after: 1 * MS });
      r.client('P.', 101, 1, { length: 50, after: 20 * MS });
    }),
  );
  t.deepEqual(calls, ['write 100 at 5', 'write 50 at 26']);
});

test('what ACKs let go belongs to the write before; what goes out by itself does not', (t) => {
  const calls = callsOf(
    part('client', (r) => {
      r.client('.', 1, 1, { length: MSS, after: 5 * MS });
      r.client('.', 1001, 1, { length: MSS, after: 10 });
      r.server('.', 1, 2001, { after: 20 * MS });
      r.client('P.', 2001, 1, { length: 500, after: 10 });
      r.server('.', 1, 2501, { after: 20 * MS });
      r.client('P.', 2501, 1, { length: 10, after: 50 * MS });
    }),
  );
  t.deepEqual(calls, ['write 2500 at 5', 'write 10 at 95']);
});

test('text that follows an ACK late was written then: the writer had waited for room', (t) => {
  const of = part('client', (r) => {
    r.client('.', 1, 1, { length: MSS, after: 5 * MS });
    r.client('P.', 1001, 1, { length: MSS, after: 10 });
    r.server('.', 1, 2001, { after: 300 });
    r.client('.', 2001, 1, { length: MSS, after: 300 });
    r.client('P.', 3001, 1, { length: MSS, after: 10 });
  });
  t.deepEqual(callsOf(of), ['write 4000 at 5']);
  t.deepEqual(callsOf(of, { clockedWithin: 200 }), ['write 2000 at 5', 'write 2000 at 6']);
});

test('each congestion control of the stack is guessed', (t) => {
  const others = OTHER_GUESSES.flatMap(({ congestionControl: name }) => name ?? []);
  t.deepEqual([GUESS.congestionControl, ...others].sort(), [...CONGESTION_CONTROLS].sort());
});

test('a FIN is a shutdown, unless text behind it is answered by a RST: then a close', (t) => {
  const half = part('client', (r) => {
    r.client('F.', 1, 1, { after: 5 * MS });
    r.server('P.', 1, 2, { length: 10, after: 5 * MS });
    r.client('.', 2, 11, { after: 10 });
  });
  t.deepEqual(callsOf(half), ['shutdown  at 5', 'read 10 at 10']);
  const closed = part('client', (r) => {
    r.client('F.', 1, 1, { after: 5 * MS });
    r.server('P.', 1, 2, { length: 10, after: 5 * MS });
    r.client('R', 2, 0, { after: 10 });
  });
  t.deepEqual(callsOf(closed), ['close  at 5', 'read 10 at 10']);
});

test('a RST that nothing asked for is an abort', (t) => {
  const calls = callsOf(
    part('server', (r) => {
      r.server('R.', 1, 1, { after: 5 * MS });
    }),
  );
  t.deepEqual(calls, ['setsockopt SO_LINGER=0 at 5', 'close  at 5']);
});

test('probes at SND.UNA - 1 show that keepalive was on, and when; unanswered ones how many', (t) => {
  const calls = callsOf(
    part('server', (r) => {
      r.server('.', 0, 1, { after: 10 * SECOND });
      r.server('.', 0, 1, { after: 2 * SECOND + 40 * MS });
      r.server('.', 0, 1, { after: 2 * SECOND });
      r.server('R.', 1, 1, { after: 2 * SECOND });
    }),
  );
  const option = (name: string, value: number): string => `setsockopt ${name}=${value} at -2`;
  t.deepEqual(calls, [
    option('SO_KEEPALIVE', 1),
    option('TCP_KEEPIDLE', 10),
    option('TCP_KEEPINTVL', 2),
    option('TCP_KEEPCNT', 3),
  ]);
});

test('small segments that do not wait for each other show TCP_NODELAY', (t) => {
  const calls = callsOf(
    part('client', (r) => {
      r.client('P.', 1, 1, { length: 10, after: 5 * MS });
      r.client('P.', 11, 1, { length: 10, after: 5 * MS });
    }),
  );
  t.deepEqual(calls, ['setsockopt TCP_NODELAY=1 at -1', 'write 10 at 5', 'write 10 at 10']);
});

test('a window that closes was not read from, until it opens by itself', (t) => {
  const calls = callsOf(
    part('server', (r) => {
      r.server('.', 1, 1, { window: 2000, after: 10 });
      r.client('.', 1, 1, { length: MSS, after: 5 * MS });
      r.server('.', 1, 1001, { window: 1000, after: 10 });
      r.client('.', 1001, 1, { length: MSS, after: 10 });
      r.server('.', 1, 2001, { window: 0, after: 10 });
      r.server('.', 1, 2001, { window: 2000, after: 500 * MS });
    }),
  );
  t.deepEqual(calls, ['read 2000 at 505']);
});

test('who refuses a SYN has called nothing', (t) => {
  const recorder = new Recorder();
  recorder.client('S', 0, 0);
  recorder.server('R.', 0, 1);
  const ends = [
    { address: '10.0.0.1', port: 40_000 },
    { address: '10.0.0.2', port: 80 },
  ] as const;
  const items = recorder.segments.map(
    (s) => ({ kind: 'segment', at: s.time, segment: s }) as const,
  );
  const refused = takePart({ stream: 0, ends, items, limit: null }, ends[1], null);
  t.deepEqual(inferApplication(refused, MSS, GUESS).calls, []);
});

test('a capture at the other end is recognised by its answers, and what was lost behind it is not played', (t) => {
  const of = part('server', (r) => {
    // the handshake of part() is answered within 10 µs: the capture is near
    r.client('P.', 1, 1, { length: 10, after: 5 * MS });
  });
  t.is(of.lag, 0);
  const recorder = new Recorder();
  recorder.client('S', 0, 0);
  recorder.server('S.', 0, 1, { after: 40 * MS });
  recorder.client('.', 1, 1, { after: 10 });
  recorder.client('P.', 1, 1, { length: 10, after: 10 });
  recorder.client('P.', 1, 1, { length: 10, after: 300 * MS });
  recorder.server('.', 1, 11, { after: 41 * MS });
  const isOwn = (s: { readonly source: string }): boolean => s.source === '10.0.0.2';
  const lost = lostOnTheWay(recorder.segments, isOwn);
  t.deepEqual(
    recorder.segments.map((s) => lost.has(s)),
    [false, false, false, true, false, false],
  );
});

test('segments that one later ACK answers came out of a backlog; those answered at once did not', (t) => {
  const of = (delay: Micros): number[] => {
    const { events } = part('server', (r) => {
      for (let i = 0; i < 3; i++)
        r.client('.', 1 + i * MSS, 1, { length: MSS, after: i === 0 ? 5 * MS : 10 });
      r.server('.', 1, 3001, { after: delay });
    });
    return [...backlogs(events)];
  };
  t.deepEqual(of(100), [0, 1, 2, 5, 5, 5, 6]);
  t.deepEqual(of(10), [0, 1, 2, 3, 4, 5, 6]);
});

test('ours may be earlier by what a timer is late, and later by a jiffy', (t) => {
  t.is(lateness(8 * SECOND), SECOND + 10 * MS);
  const at = 100 * SECOND;
  t.is(compareTimes(at, at, 0), 'same');
  t.is(compareTimes(at, at - 10 * MS, 0), 'same');
  t.is(compareTimes(at, at - 11 * MS, 0), 'earlier');
  t.is(compareTimes(at, at - SECOND, 8 * SECOND), 'same');
  t.is(compareTimes(at, at + 10 * MS, 8 * SECOND), 'same');
  t.is(compareTimes(at, at + 11 * MS, 8 * SECOND), 'later');
});

test('an alignment keeps the order, finds most, and takes long ones piece by piece', (t) => {
  const of = (recorded: string, ours: string): number[] => [
    ...align(recorded.length, ours.length, (r, o) => (recorded[r] === ours[o] ? 1 : 0)),
  ];
  t.deepEqual(of('abc', 'abc'), [0, 1, 2]);
  t.deepEqual(of('abc', 'ac'), [0, -1, 1]);
  t.deepEqual(of('ac', 'abc'), [0, 2]);
  t.deepEqual(of('ab', 'ba').filter((m) => m >= 0).length, 1);
  t.deepEqual(of('abc', ''), [-1, -1, -1]);
  const n = 3000;
  const long = align(n, n + 1, (r, o) => (r + 1 === o ? 1 : 0));
  t.true(long.every((match, i) => match === i + 1));
});

test('what is no sidecar is refused in one line', (t) => {
  const refused = (text: string): string => {
    const error = t.throws(() => readSidecar(text), { instanceOf: SidecarError });
    t.notRegex(error?.message ?? '', /\n/);
    return error?.message ?? '';
  };
  t.regex(refused(''), /^no JSON/);
  t.regex(refused('[]'), /must be an object/);
  t.regex(refused('{"ends": {}}'), /capturedAt must be/);
  const end = { address: '10.0.0.1', port: 1, stack: 'linux', mtu: 1500, calls: [] };
  const of = (changes: object): string =>
    JSON.stringify({ capturedAt: 'client', ends: { client: { ...end, ...changes }, server: end } });
  t.regex(refused(of({ stack: 'bsd' })), /ends\.client\.stack must be one of/);
  t.regex(refused(of({ port: 70_000 })), /ends\.client\.port must be a number from 0 to 65535/);
  t.regex(refused(of({ calls: [{ at: 0, call: 'jump' }] })), /calls\[0\]\.call is unknown: "jump"/);
  t.regex(refused(of({ calls: [{ call: 'close' }] })), /calls\[0\]\.at must be a number/);
  t.regex(refused(of({ replay: { mode: 'lax', floor: 0 } })), /replay\.mode must be/);
  t.is(readSidecar(of({})).ends.client.address, '10.0.0.1');
});

test('what came together is read together, once the reader that it woke has run', (t) => {
  const calls = callsOf(
    part('server', (r) => {
      r.client('.', 1, 1, { length: MSS, after: 5 * MS });
      r.client('.', 1001, 1, { length: MSS, after: 10 });
      r.client('P.', 2001, 1, { length: 500, after: 10 });
      r.server('.', 1, 2501, { after: 5 });
      r.client('P.', 2501, 1, { length: 100, after: 20 * MS });
      r.server('.', 1, 2601, { after: 40 * MS });
    }),
  );
  t.deepEqual(calls, ['read 2500 at 5', 'read 100 at 25']);
});

test('a short segment that just fills the window is not the end of a write', (t) => {
  const calls = callsOf(
    part('client', (r) => {
      r.server('.', 1, 1, { window: 1200, after: 10 });
      r.client('.', 1, 1, { length: MSS, after: 5 * MS });
      r.client('P.', 1001, 1, { length: 200, after: 10 });
      r.server('.', 1, 1201, { window: 5000, after: 1 * MS });
      r.client('P.', 1201, 1, { length: 300, after: 10 });
    }),
  );
  t.deepEqual(calls, ['write 1500 at 5']);
});

test('a RST with an ACK behind a FIN is an abort of what was half closed', (t) => {
  const calls = callsOf(
    part('client', (r) => {
      r.client('F.', 1, 1, { after: 5 * MS });
      r.server('.', 1, 2, { after: 1 * MS });
      r.client('R.', 2, 1, { after: 10 * MS });
    }),
  );
  t.deepEqual(calls, ['shutdown  at 5', 'setsockopt SO_LINGER=0 at 16', 'close  at 16']);
});

test('nothing reached an end that never said anything', (t) => {
  const recorder = new Recorder();
  recorder.client('S', 0, 0);
  recorder.client('S', 0, 0, { after: 1 * SECOND });
  const ends = [
    { address: '10.0.0.1', port: 40_000 },
    { address: '10.0.0.2', port: 80 },
  ] as const;
  const items = recorder.segments.map(
    (s) => ({ kind: 'segment', at: s.time, segment: s }) as const,
  );
  const silent = takePart({ stream: 0, ends, items, limit: null }, ends[1], null);
  t.true(silent.events.every((e) => e.from === 'peer' && e.isLost));
});
