import test from 'ava';
import { Analyser } from '../../src/core/dissect/analysis.ts';
import { Recorder } from './segments.ts';

/** `client/server` behind each segment. */
function statesOf({ segments }: Recorder): string[] {
  const analyser = new Analyser();
  return segments.map((segment) => analyser.add(segment).states.join('/'));
}

function opened(): Recorder {
  const r = new Recorder();
  r.client('S', 100, 0);
  r.server('S.', 500, 101);
  r.client('.', 101, 501);
  return r;
}

test('RFC 9293 3.5 figure 6: the handshake', (t) => {
  t.deepEqual(statesOf(opened()), [
    'SYN-SENT/unknown',
    'ESTABLISHED/SYN-RECEIVED',
    'ESTABLISHED/ESTABLISHED',
  ]);
});

test('RFC 9293 3.5 figure 7: a simultaneous open', (t) => {
  const r = new Recorder();
  r.client('S', 100, 0);
  r.server('S', 500, 0);
  r.client('S.', 100, 501);
  r.server('S.', 500, 101);
  t.deepEqual(statesOf(r), [
    'SYN-SENT/unknown',
    'SYN-RECEIVED/SYN-RECEIVED',
    'SYN-RECEIVED/ESTABLISHED',
    'ESTABLISHED/ESTABLISHED',
  ]);
});

test('RFC 9293 3.6 figure 12: one end closes, then the other', (t) => {
  const r = opened();
  r.client('F.', 101, 501);
  r.server('.', 501, 102);
  r.server('F.', 501, 102);
  r.client('.', 102, 502);
  t.deepEqual(statesOf(r).slice(3), [
    'FIN-WAIT-1/CLOSE-WAIT',
    'FIN-WAIT-2/CLOSE-WAIT',
    'TIME-WAIT/LAST-ACK',
    'TIME-WAIT/CLOSED',
  ]);
});

test('RFC 9293 3.6 figure 13: both ends close at once', (t) => {
  const r = opened();
  r.client('F.', 101, 501);
  r.server('F.', 501, 101);
  r.client('.', 102, 502);
  r.server('.', 502, 102);
  t.deepEqual(statesOf(r).slice(3), [
    'FIN-WAIT-1/CLOSE-WAIT', // the FIN of the server shows only later that it crossed
    'CLOSING/CLOSING',
    'CLOSING/TIME-WAIT',
    'TIME-WAIT/TIME-WAIT',
  ]);
});

test('a FIN behind a gap has not arrived until the gap is filled, or it is acknowledged', (t) => {
  const r = opened();
  r.client('F.', 201, 501, { length: 100 });
  r.client('.', 101, 501, { length: 100 });
  t.deepEqual(statesOf(r).slice(3), ['FIN-WAIT-1/ESTABLISHED', 'FIN-WAIT-1/CLOSE-WAIT']);
  const acknowledged = opened();
  acknowledged.client('F.', 201, 501, { length: 100 });
  acknowledged.server('.', 501, 302);
  t.is(statesOf(acknowledged).at(-1), 'FIN-WAIT-2/CLOSE-WAIT');
});

test('RFC 9293 3.5.3: a RST closes both ends', (t) => {
  const r = opened();
  r.server('R.', 501, 101);
  t.is(statesOf(r).at(-1), 'CLOSED/CLOSED');
});

test('who goes on behind a RST has not believed it, or has not sent it', (t) => {
  const r = opened();
  r.server('R.', 501, 101);
  r.client('.', 101, 501, { length: 10 });
  r.server('.', 501, 111);
  t.deepEqual(statesOf(r).slice(3), [
    'CLOSED/CLOSED',
    'ESTABLISHED/CLOSED',
    'ESTABLISHED/ESTABLISHED',
  ]);
});

test('without a SYN the states are unknown, until both ends have sent text', (t) => {
  const r = new Recorder();
  r.client('.', 101, 501, { length: 10 });
  r.server('.', 501, 111);
  r.server('.', 501, 111, { length: 10 });
  r.client('F.', 111, 511);
  t.deepEqual(statesOf(r), [
    'unknown/unknown',
    'unknown/unknown',
    'ESTABLISHED/ESTABLISHED',
    'FIN-WAIT-1/CLOSE-WAIT',
  ]);
});

test('RFC 9293 3.5.1: an ACK alone in answer to a SYN opens nothing', (t) => {
  const r = new Recorder();
  r.client('S', 100, 0);
  r.server('.', 300, 100);
  t.is(statesOf(r).at(-1), 'SYN-SENT/unknown');
});
