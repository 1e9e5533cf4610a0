import test from 'ava';
import type { CapturedSegment } from '../../src/core/capture/capturedSegment.ts';
import { ConversationTable, type Placement } from '../../src/core/dissect/conversations.ts';
import { Recorder } from './segments.ts';

/** `stream direction seq ack` of each segment, with a `*` where a conversation begins. */
function placed(segments: readonly CapturedSegment[], table = new ConversationTable()): string[] {
  return segments.map((segment) => shown(table.add(segment)));
}

function shown({ conversation, direction, seq, ack, begins }: Placement): string {
  return `${conversation.stream} ${direction} ${seq} ${ack}${begins ? '*' : ''}`;
}

test('numbers are counted from the SYN of each end, across zero', (t) => {
  const r = new Recorder();
  r.client('S', 0xffffffff, 0);
  r.server('S.', 500, 0);
  r.client('.', 0, 501, { length: 10 });
  r.server('.', 501, 10);
  t.deepEqual(placed(r.segments), ['0 0 0 0*', '0 1 0 1', '0 0 1 1', '0 1 1 11']);
});

test('of a conversation without SYN, the first number seen is 1, and who spoke first is end 0', (t) => {
  const r = new Recorder();
  r.server('.', 500, 100, { length: 10 });
  r.client('.', 100, 510);
  t.deepEqual(placed(r.segments), ['0 0 1 1*', '0 1 1 11']);
});

test('a SYN-ACK that comes first was sent by end 1', (t) => {
  const r = new Recorder();
  r.server('S.', 500, 100);
  r.client('S', 99, 0);
  t.deepEqual(placed(r.segments), ['0 1 0 1*', '0 0 0 0']);
});

test('a RST with SEG.SEQ 0 for an unanswered SYN does not say where its sender begins', (t) => {
  const r = new Recorder();
  r.client('S', 99, 0);
  r.server('R.', 0, 100);
  r.server('.', 500, 100, { length: 10 });
  t.deepEqual(placed(r.segments), ['0 0 0 0*', '0 1 0 1', '0 1 1 1']);
});

test('the same SYN again belongs to its conversation, one with another ISS begins a new one', (t) => {
  const r = new Recorder();
  r.client('S', 99, 0);
  r.client('S', 99, 0);
  r.client('S', 98, 0);
  r.client('S', 50, 0, { port: 40_001 });
  r.server('S.', 500, 99);
  const table = new ConversationTable();
  t.deepEqual(placed(r.segments, table), [
    '0 0 0 0*',
    '0 0 0 0',
    '1 0 0 0*',
    '2 0 0 0*',
    '1 1 0 1',
  ]);
  t.deepEqual(
    table.conversations().map(({ stream, isReuse }) => `${stream} ${isReuse}`),
    ['0 false', '1 true', '2 false'],
  );
});

test('after a RST even the same SYN begins a new conversation, as tshark counts', (t) => {
  const r = new Recorder();
  r.client('S', 99, 0);
  r.client('R', 100, 0);
  r.client('S', 99, 0);
  t.deepEqual(placed(r.segments), ['0 0 0 0*', '0 0 1 0', '1 0 0 0*']);
});

test('a SYN from the other end within the conversation is a simultaneous open', (t) => {
  const r = new Recorder();
  r.client('S', 99, 0);
  r.server('S', 500, 0);
  r.client('S.', 99, 501);
  t.deepEqual(placed(r.segments), ['0 0 0 0*', '0 1 0 0', '0 0 0 1']);
});

test('a second answer to a SYN with another ISS replaces the first, until one is acknowledged', (t) => {
  const r = new Recorder();
  r.client('S', 99, 0);
  r.server('S.', 500, 100);
  r.server('S.', 700, 100);
  r.client('.', 100, 701);
  r.server('S.', 900, 100);
  t.deepEqual(placed(r.segments), ['0 0 0 0*', '0 1 0 1', '0 1 0 1', '0 0 1 1', '0 1 200 1']);
});

test('only so many conversations are known: the longest silent is forgotten', (t) => {
  const r = new Recorder();
  r.client('S', 1, 0, { port: 1 });
  r.client('S', 1, 0, { port: 2 });
  r.client('S', 1, 0, { port: 1 });
  r.client('S', 1, 0, { port: 3 });
  r.client('S', 1, 0, { port: 2 });
  const forgotten: number[] = [];
  const table = new ConversationTable({
    limit: 2,
    onForgotten: ({ stream }) => forgotten.push(stream),
  });
  t.deepEqual(placed(r.segments, table), [
    '0 0 0 0*',
    '1 0 0 0*',
    '0 0 0 0',
    '2 0 0 0*',
    '3 0 0 0*',
  ]);
  t.deepEqual(forgotten, [1, 0]);
  t.is(table.count, 4);
  t.throws(() => new ConversationTable({ limit: 0 }), { instanceOf: RangeError });
});

test('a socket that talks to itself has one direction', (t) => {
  const r = new Recorder();
  const syn = r.client('S', 1, 0);
  const self = { ...syn, destination: syn.source, destinationPort: syn.sourcePort };
  t.deepEqual(placed([self, self]), ['0 0 0 0*', '0 0 0 0']);
});
