import test, { type ExecutionContext } from 'ava';
import { Analyser, type Analysis } from '../../src/core/dissect/analysis.ts';
import type { Finding } from '../../src/core/dissect/findings.ts';
import { Recorder, type SegmentFields } from './segments.ts';

const MS = 1000;
/** ISS of the client, and of the server. */
const C = 1000;
const S = 5000;

/** A conversation that is open, its window 1000, RTT 10 ms, captured at the client. */
function opened(fields: SegmentFields = {}): Recorder {
  const r = new Recorder();
  r.client('S', C, 0, fields);
  r.server('S.', S, C + 1, { ...fields, after: 10 * MS });
  r.client('.', C + 1, S + 1, { ...(fields.ts && { ts: fields.ts }), after: 10 });
  return r;
}

function analyse({ segments }: Recorder): Analysis[] {
  const analyser = new Analyser();
  return segments.map((segment) => analyser.add(segment));
}

function last(r: Recorder): Analysis {
  const analysis = analyse(r).at(-1);
  if (analysis === undefined) throw new Error('nothing was recorded');
  return analysis;
}

function namesOf({ findings }: Analysis): string[] {
  return findings.map(({ name }) => name);
}

/** The names found in the last segment, and nothing else. @returns the first finding */
function found(t: ExecutionContext, r: Recorder, ...names: readonly string[]): Finding | undefined {
  const analysis = last(r);
  t.deepEqual(namesOf(analysis), names);
  return analysis.findings[0];
}

test('a handshake, text and its acknowledgment have nothing to notice', (t) => {
  const r = opened();
  r.client('P.', C + 1, S + 1, { length: 100 });
  r.server('.', S + 1, C + 101);
  t.deepEqual(analyse(r).flatMap(namesOf), []);
});

test('RFC 6298 5.4: text that comes again after the timeout is a retransmission', (t) => {
  const r = opened();
  r.client('P.', C + 1, S + 1, { length: 100 });
  r.client('P.', C + 1, S + 1, { length: 100, after: 210 * MS });
  const finding = found(t, r, 'retransmission');
  t.is(finding?.what, 'sent again after 210.0 ms because the retransmission timer expired');
  t.is(finding?.about, 4);
});

test('a SYN and a FIN that come again are retransmissions', (t) => {
  const r = new Recorder();
  r.client('S', C, 0);
  r.client('S', C, 0, { after: 1000 * MS });
  found(t, r, 'retransmission');
  const closing = opened();
  closing.client('F.', C + 1, S + 1);
  closing.client('F.', C + 1, S + 1, { after: 300 * MS });
  found(t, closing, 'retransmission');
});

test('RFC 8985 7: the last segment, sent again before the timeout, is a tail loss probe', (t) => {
  const r = opened();
  r.client('.', C + 1, S + 1, { length: 100 });
  r.client('P.', C + 101, S + 1, { length: 100 });
  r.client('P.', C + 101, S + 1, { length: 100, after: 25 * MS });
  t.regex(
    found(t, r, 'retransmission')?.what ?? '',
    /^sent again after 25.0 ms as a tail loss probe/,
  );
});

test('RFC 5681 3.2: what duplicate ACKs ask for is a fast retransmission', (t) => {
  const r = opened();
  for (let i = 0; i < 4; i++) r.client('.', C + 1 + 100 * i, S + 1, { length: 100, after: 10 });
  r.server('.', S + 1, C + 101, { after: 10 * MS });
  for (let i = 0; i < 3; i++) r.server('.', S + 1, C + 101, { after: 10 });
  t.deepEqual(
    analyse(r)
      .slice(-3)
      .map(({ findings: [f] }) => f?.count),
    [1, 2, 3],
  );
  r.client('.', C + 101, S + 1, { length: 100, after: 10 });
  t.is(
    found(t, r, 'fast-retransmission')?.what.replace(/after .* ms/, 'after'),
    'sent again after because 3 duplicate ACKs ask for it',
  );
});

test('a fast retransmission captured far from its sender comes one RTT behind the ACKs', (t) => {
  const r = new Recorder();
  r.client('S', C, 0);
  r.server('S.', S, C + 1);
  r.client('.', C + 1, S + 1, { after: 80 * MS });
  r.client('.', C + 101, S + 1, { length: 100 });
  for (let i = 0; i < 3; i++) r.server('.', S + 1, C + 1, { after: 10 });
  r.client('.', C + 1, S + 1, { length: 100, after: 75 * MS });
  found(t, r, 'fast-retransmission');
});

test('RFC 6675: what SACK blocks leave out, and comes soon, is a fast retransmission', (t) => {
  const r = opened({ sackOk: true });
  for (let i = 0; i < 4; i++) r.client('.', C + 1 + 100 * i, S + 1, { length: 100, after: 10 });
  r.server('.', S + 1, C + 1, { after: 10 * MS, sack: [[C + 101, C + 201]] });
  r.client('.', C + 1, S + 1, { length: 100, after: 10 });
  found(t, r, 'fast-retransmission');
});

test('text that was acknowledged before it came again is a spurious retransmission', (t) => {
  const r = opened();
  r.client('P.', C + 1, S + 1, { length: 100 });
  r.server('.', S + 1, C + 101);
  r.client('P.', C + 1, S + 1, { length: 100 });
  found(t, r, 'spurious-retransmission');
});

test('a SYN-ACK or FIN that was acknowledged and comes again is spurious as well', (t) => {
  const r = opened();
  r.server('S.', S, C + 1, { after: 1000 * MS });
  found(t, r, 'spurious-retransmission');
});

test('RFC 5681 4.2: what fills a gap at once was overtaken', (t) => {
  const r = opened();
  r.server('.', S + 101, C + 1, { length: 100 });
  r.server('.', S + 1, C + 1, { length: 100, after: 100 });
  t.deepEqual(analyse(r).slice(-2).map(namesOf), [['previous-segment-missing'], ['out-of-order']]);
});

test('RFC 7323: with an older timestamp than what overtook it, it was overtaken however late', (t) => {
  const r = opened({ ts: [10, 10] });
  r.server('.', S + 101, C + 1, { length: 100, ts: [12, 10] });
  r.server('.', S + 1, C + 1, { length: 100, ts: [11, 10], after: 300 * MS });
  found(t, r, 'out-of-order');
});

test('what fills a gap late, or with a newer timestamp, was sent again', (t) => {
  const late = opened();
  late.server('.', S + 101, C + 1, { length: 100 });
  late.server('.', S + 1, C + 1, { length: 100, after: 300 * MS });
  found(t, late, 'retransmission');
  const newer = opened({ ts: [10, 10] });
  newer.server('.', S + 101, C + 1, { length: 100, ts: [12, 10] });
  newer.server('.', S + 1, C + 1, { length: 100, ts: [13, 10] });
  found(t, newer, 'retransmission');
});

test('an ACK of what was not captured says so once', (t) => {
  const r = opened();
  r.server('.', S + 1, C + 301);
  t.regex(found(t, r, 'acked-unseen')?.what ?? '', /300 octets were not captured/);
  r.server('.', S + 1, C + 301, { length: 10 });
  found(t, r);
});

test('an ACK of a gap that was never captured counts as unseen, though more was seen', (t) => {
  const r = opened();
  r.client('.', C + 101, S + 1, { length: 100 });
  r.server('.', S + 1, C + 201);
  found(t, r, 'acked-unseen');
});

test('RFC 5681 2: the same ACK without text in flight is no duplicate ACK', (t) => {
  const r = opened();
  r.client('P.', C + 1, S + 1, { length: 100 });
  r.server('.', S + 1, C + 101);
  r.server('.', S + 1, C + 101);
  found(t, r);
});

test('RFC 6675 2: an ACK with a new SACK block is a duplicate ACK, even if its window differs', (t) => {
  const r = opened();
  r.client('.', C + 1, S + 1, { length: 100 });
  r.client('.', C + 101, S + 1, { length: 100 });
  r.server('.', S + 1, C + 1, { window: 990, sack: [[C + 101, C + 201]] });
  found(t, r, 'window-update', 'duplicate-ack', 'sack');
});

test('RFC 2883 4: a first block below SEG.ACK, or within the second, tells of a duplicate', (t) => {
  const below = opened();
  below.client('.', C + 1, S + 1, { length: 100 });
  below.client('.', C + 1, S + 1, { length: 100, after: 300 * MS });
  below.server('.', S + 1, C + 101);
  below.server('.', S + 1, C + 101, { sack: [[C + 1, C + 101]] });
  const finding = found(t, below, 'd-sack');
  t.is(finding?.what, '1:101 has arrived twice: packet 5 was not needed');
  t.is(finding?.about, 5);
  const within = opened();
  within.client('.', C + 1, S + 1, { length: 300 });
  within.server('.', S + 1, C + 1, {
    sack: [
      [C + 101, C + 201],
      [C + 101, C + 301],
    ],
  });
  found(t, within, 'duplicate-ack', 'd-sack');
});

test('RFC 3522 3.2: an ACK with the timestamp of the original says that it had arrived', (t) => {
  const r = opened({ ts: [10, 10] });
  r.client('.', C + 1, S + 1, { length: 100, ts: [20, 10] });
  r.client('.', C + 1, S + 1, { length: 100, ts: [230, 10], after: 210 * MS });
  r.server('.', S + 1, C + 101, { ts: [30, 20] });
  t.is(found(t, r, 'retransmission-not-needed')?.about, 5);
  const needed = opened({ ts: [10, 10] });
  needed.client('.', C + 1, S + 1, { length: 100, ts: [20, 10] });
  needed.client('.', C + 1, S + 1, { length: 100, ts: [230, 10], after: 210 * MS });
  needed.server('.', S + 1, C + 101, { ts: [30, 230] });
  found(t, needed);
});

test('RFC 5961 4: a SYN in an open connection is answered by a challenge ACK', (t) => {
  const r = opened();
  r.server('S', S, 0);
  r.client('.', C + 1, S + 1);
  found(t, r, 'challenge-ack');
});

test('RFC 9293 3.8.6: a window that closes, stays closed, and opens', (t) => {
  const r = opened({ shift: 0 });
  r.client('P.', C + 1, S + 1, { length: 1000 });
  found(t, r, 'window-full');
  r.server('.', S + 1, C + 1001, { window: 0 });
  found(t, r, 'zero-window');
  r.server('.', S + 1, C + 1001, { window: 500 });
  found(t, r, 'window-update');
});

test('RFC 7323 2.2: the right edge is that of a scaled window, except behind a SYN', (t) => {
  const r = opened({ shift: 3 });
  r.client('.', C + 1, S + 1, { length: 1000 });
  found(t, r, 'window-full'); // the window of a SYN is not scaled
  r.server('.', S + 1, C + 1001, { window: 100 });
  r.client('.', C + 1001, S + 1, { length: 800 });
  found(t, r, 'window-full');
  const unknown = new Recorder();
  unknown.server('.', S, C, { window: 100 });
  unknown.client('.', C, S, { length: 100 });
  found(t, unknown);
});

test('RFC 9293 3.8.6.1: a new octet, or an old one, asks a window that text has closed', (t) => {
  const r = opened({ shift: 0 });
  r.client('P.', C + 1, S + 1, { length: 1000 });
  r.server('.', S + 1, C + 1001, { window: 0 });
  r.client('.', C + 1001, S + 1, { length: 1, after: 200 * MS });
  found(t, r, 'zero-window-probe');
  r.server('.', S + 1, C + 1001, { window: 0 });
  found(t, r, 'zero-window', 'zero-window-probe-ack');
  r.client('.', C + 1000, S + 1, { after: 400 * MS });
  found(t, r, 'zero-window-probe');
  r.server('.', S + 1, C + 1001, { window: 0 });
  found(t, r, 'zero-window', 'zero-window-probe-ack');
});

test('RFC 9293 3.8.6.1: the octet of a probe that is taken is not unseen', (t) => {
  const r = opened({ shift: 0 });
  r.client('P.', C + 1, S + 1, { length: 1000 });
  r.server('.', S + 1, C + 1001, { window: 0 });
  r.client('.', C + 1001, S + 1, { length: 1 });
  r.server('.', S + 1, C + 1002, { window: 0 });
  found(t, r, 'zero-window', 'zero-window-probe-ack');
  r.client('.', C + 1002, S + 1, { length: 1 });
  found(t, r, 'zero-window-probe');
});

test('RFC 9293 3.8.4: SND.NXT-1 with no or one octet is a keepalive, and its ACK answers it', (t) => {
  for (const length of [0, 1]) {
    const r = opened();
    r.client('.', C, S + 1, { length, after: 1000 * MS });
    found(t, r, 'keep-alive');
    r.server('.', S + 1, C + 1, { after: 10 * MS });
    t.is(found(t, r, 'keep-alive-ack')?.about, 4);
  }
});

test('RFC 9293 3.8.4: keepalives of both ends that cross are answered both', (t) => {
  const r = opened();
  r.client('.', C, S + 1);
  r.server('.', S, C + 1);
  r.client('.', C + 1, S + 1);
  r.server('.', S + 1, C + 1);
  const answers = analyse(r).slice(-2);
  t.deepEqual(answers.map(namesOf), [['keep-alive-ack'], ['keep-alive-ack']]);
  t.deepEqual(
    answers.map(({ findings: [f] }) => f?.about),
    [5, 4],
  );
});

test('RFC 9293 3.8.4: against a zero window that no text has closed, it is a keepalive as well', (t) => {
  const r = opened();
  r.server('.', S + 1, C + 1, { window: 0 });
  r.client('.', C, S + 1, { after: 1000 * MS });
  found(t, r, 'keep-alive');
});

test('RFC 9293 3.6: text behind the FIN of the other end is a half-close, noticed once', (t) => {
  const r = opened();
  r.client('F.', C + 1, S + 1);
  r.server('.', S + 1, C + 1, { length: 100 });
  found(t, r); // sent before the FIN came
  r.server('.', S + 101, C + 2, { length: 100 });
  t.is(found(t, r, 'half-close')?.about, 4);
  r.server('.', S + 201, C + 2, { length: 100 });
  found(t, r);
  r.client('.', C + 2, S + 301, { length: 10 });
  found(t, r, 'text-after-fin');
});

test('RFC 9293 3.6.1: the same sockets again', (t) => {
  const r = opened();
  r.client('S', C + 70_000, 0);
  found(t, r, 'port-reuse');
});

test('RFC 7323 5: an older timestamp than the last in order may be dropped', (t) => {
  const r = opened({ ts: [100, 100] });
  r.server('P.', S + 1, C + 1, { length: 10, ts: [200, 100] });
  r.client('.', C + 1, S + 11, { ts: [110, 200] });
  r.server('P.', S + 11, C + 1, { length: 10, ts: [150, 110] });
  t.regex(found(t, r, 'paws')?.what ?? '', /50 older than in packet 4/);
});

test('RFC 9293 3.1: a wrong checksum is noticed', (t) => {
  const r = opened();
  const segment = r.client('P.', C + 1, S + 1, { length: 10 });
  r.segments[3] = { ...segment, checksum: 'bad' };
  found(t, r, 'bad-checksum');
});

// ---- resets: what they answer ----------------------------------------------------------------

/** What is said of the RST that comes last. */
function whyReset(t: ExecutionContext, r: Recorder): string {
  return found(t, r, 'reset')?.what ?? '';
}

test('RFC 9293 3.10.7.1: a RST for a SYN is a refusal', (t) => {
  const r = new Recorder();
  r.client('S', C, 0);
  r.server('R.', 0, C + 1);
  t.is(whyReset(t, r), 'connection refused: it answers the SYN of packet 1');
  t.deepEqual(last(r).states, ['CLOSED', 'CLOSED']);
});

test('RFC 9293 3.10.5: a RST of its own is an abort', (t) => {
  const r = opened();
  r.client('R.', C + 1, S + 1);
  t.is(whyReset(t, r), 'its sender aborts');
});

test('RFC 9293 3.6.1: a RST for text behind a close', (t) => {
  const r = opened();
  r.client('F.', C + 1, S + 1);
  r.server('.', S + 1, C + 2);
  r.server('P.', S + 1, C + 2, { length: 10 });
  r.client('R', C + 2, 0);
  t.is(whyReset(t, r), 'its sender has closed: it answers packet 6');
});

test('RFC 9293 3.5.1: a RST for a keepalive says that there is no such connection', (t) => {
  const r = opened();
  r.client('.', C, S + 1);
  r.server('R', S + 1, 0);
  t.is(whyReset(t, r), 'it answers the keepalive of packet 4: no such connection');
});

test('RFC 1122 4.2.3.6: a RST behind keepalives without an answer gives up', (t) => {
  const r = opened();
  r.client('.', C, S + 1);
  r.client('.', C, S + 1);
  r.client('R.', C + 1, S + 1);
  t.is(whyReset(t, r), 'its sender gives up: probes were not answered');
});

test('RFC 5961 3.2: a RST that is not at RCV.NXT closes nothing, and is challenged', (t) => {
  const r = opened();
  r.server('R', S + 500, 0);
  found(t, r, 'reset-not-believed');
  t.deepEqual(last(r).states, ['ESTABLISHED', 'ESTABLISHED']);
  r.client('.', C + 1, S + 1);
  found(t, r, 'challenge-ack');
});

// ---- measurements ----------------------------------------------------------------------------

test('RFC 6298 3: an ACK measures the RTT of the last segment that it covers', (t) => {
  const r = opened();
  r.client('.', C + 1, S + 1, { length: 100 });
  r.client('.', C + 101, S + 1, { length: 100 });
  r.server('.', S + 1, C + 201, { after: 7 * MS });
  t.deepEqual(last(r).rtt, { micros: 7 * MS, of: 5 });
});

test('RFC 6298 3: what was sent twice gives no RTT, unless the timestamp tells which', (t) => {
  const r = opened();
  r.client('.', C + 1, S + 1, { length: 100 });
  r.client('.', C + 1, S + 1, { length: 100, after: 300 * MS });
  r.server('.', S + 1, C + 101);
  t.is(last(r).rtt, null);
  const stamped = opened({ ts: [10, 10] });
  stamped.client('.', C + 1, S + 1, { length: 100, ts: [20, 10] });
  stamped.client('.', C + 1, S + 1, { length: 100, ts: [320, 10], after: 300 * MS });
  stamped.server('.', S + 1, C + 101, { ts: [30, 320], after: 5 * MS });
  t.deepEqual(last(stamped).rtt, { micros: 5 * MS, of: 5 });
});

test('octets in flight are those that the other end has not acknowledged', (t) => {
  const r = opened();
  r.client('.', C + 1, S + 1, { length: 100 });
  r.client('.', C + 101, S + 1, { length: 100 });
  t.is(last(r).inFlight, 200);
  r.server('.', S + 1, C + 101);
  t.is(last(r).inFlight, null);
  r.client('.', C + 201, S + 1, { length: 100 });
  t.is(last(r).inFlight, 200);
});

// ---- which of two was sent first -------------------------------------------------------------

/** The last segment again, with this identification of its datagram. */
function identified(r: Recorder, identification: number): void {
  const segment = r.segments.pop();
  if (segment !== undefined) r.segments.push({ ...segment, identification });
}

test('by the identification of its datagram it was overtaken, though duplicate ACKs ask for it', (t) => {
  const r = opened();
  r.server('.', S + 101, C + 1, { length: 100 });
  identified(r, 8);
  for (let i = 0; i < 4; i++) r.client('.', C + 1, S + 1);
  r.server('.', S + 1, C + 1, { length: 100 });
  identified(r, 7);
  found(t, r, 'out-of-order');
});

test('by the identification of its datagram it was sent again, however soon', (t) => {
  const r = opened();
  r.server('.', S + 101, C + 1, { length: 100 });
  identified(r, 65_535);
  r.server('.', S + 1, C + 1, { length: 100, after: 10 });
  identified(r, 1);
  found(t, r, 'retransmission');
});

test('the same datagram again was duplicated on its way, and says nothing', (t) => {
  const r = opened();
  r.client('P.', C + 1, S + 1, { length: 100 });
  identified(r, 7);
  r.client('P.', C + 1, S + 1, { length: 100 });
  identified(r, 7);
  t.is(found(t, r, 'duplicated')?.about, 4);
  r.server('.', S + 1, C + 101, { after: 5 * MS });
  t.deepEqual(last(r).rtt, { micros: 6 * MS, of: 4 });
});

test('RFC 5681 3.1: what follows a timeout is sent again in slow start, whatever SACK says', (t) => {
  const r = opened({ sackOk: true });
  for (let i = 0; i < 3; i++) r.client('.', C + 1 + 100 * i, S + 1, { length: 100 });
  r.client('.', C + 1, S + 1, { length: 100, after: 250 * MS });
  r.server('.', S + 1, C + 101, { sack: [[C + 201, C + 301]] });
  r.client('.', C + 101, S + 1, { length: 100 });
  t.regex(
    found(t, r, 'retransmission')?.what ?? '',
    /in slow start behind the timeout of packet 7/,
  );
});

test('RFC 9293 3.10.7.4: an ACK of what was never sent moves nothing', (t) => {
  const r = opened();
  r.client('.', C + 1, S + 100_001);
  found(t, r, 'acked-unseen');
  r.server('P.', S + 1, C + 1, { length: 100 });
  found(t, r);
  t.is(last(r).inFlight, 100);
});
