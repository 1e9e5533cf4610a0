import test from 'ava';
import { MS } from '../../src/core/base/time.ts';
import type { CapturedSegment } from '../../src/core/capture/capturedSegment.ts';
import { differences } from '../../src/core/replay/compare.ts';
import type { Recorded, Recording } from '../../src/core/replay/recording.ts';
import { type Replay, replay } from '../../src/core/replay/replay.ts';
import { Flag } from '../../src/core/wire/tcp.ts';
import { CLIENT, simulate } from './simulated.ts';

/** A recording of our own stack with something changed in it: just that is found. */
const { recording: RECORDING, sidecar: SIDECAR } = simulate({
  acts: [
    { at: 50, by: 'a', act: { write: 100 } },
    { at: 100, by: 'b', act: { write: 3000 } },
    { at: 200, by: 'a', act: { close: 'close' } },
    { at: 300, by: 'b', act: { close: 'close' } },
  ],
});

type Change = (segment: CapturedSegment, item: Recorded) => Recorded | null;

/** @param nth of the client's segments, from 0, which is its SYN */
function withChanged(nth: number, change: Change): Recording {
  let count = 0;
  const items = RECORDING.items.flatMap((item): Recorded[] => {
    if (item.kind !== 'segment' || item.segment.source !== CLIENT.address) return [item];
    if (count++ !== nth) return [item];
    const changed = change(item.segment, item);
    return changed === null ? [] : [changed];
  });
  return { ...RECORDING, items: [...items].sort((a, b) => a.at - b.at) };
}

function played(recording: Recording): Replay {
  return replay(recording, { as: CLIENT, sidecar: SIDECAR });
}

/** Sent, and so stamped, at another time. */
function shiftedBy(ms: number): Change {
  return (segment, item) => {
    const { timestamps } = segment.options;
    const value = (timestamps?.value ?? 0) + ms;
    const options = { ...segment.options, timestamps: { value, echo: timestamps?.echo ?? 0 } };
    return { kind: 'segment', at: item.at + ms * MS, segment: { ...segment, options } };
  };
}

const TEXT = 2; // SYN, ACK, text

test('nothing changed: all is the same', (t) => {
  const { strict, outcome } = played(RECORDING);
  t.is(strict.fidelity, 1);
  t.is(strict.same, 8);
  t.deepEqual(outcome.notes, []);
});

test('a segment that was not recorded is extra, and has its reason', (t) => {
  const { strict, verdicts } = played(withChanged(TEXT + 1, () => null));
  t.like(strict, { same: 7, extra: 1, missing: 0, different: 0 });
  const extra = verdicts.find(({ result }) => result === 'extra');
  t.is(extra?.reason, 'ack-now');
  t.is(extra?.number, null);
  t.is(strict.fidelity, 7 / 8);
});

test('a segment that our stack does not send is missing', (t) => {
  // the same ACK a second time, when nothing asks for it
  let copy: Recorded | null = null;
  withChanged(1, (segment, item) => {
    copy = { kind: 'segment', at: item.at + 30 * MS, segment: { ...segment, number: 999 } };
    return item;
  });
  t.truthy(copy);
  const items = [...RECORDING.items, ...(copy === null ? [] : [copy])].sort((a, b) => a.at - b.at);
  const { strict, verdicts } = played({ ...RECORDING, items });
  t.like(strict, { same: 8, missing: 1, extra: 0 });
  t.is(verdicts.find(({ result }) => result === 'missing')?.number, 999);
});

test('another window is a difference in the window', (t) => {
  const { strict, verdicts } = played(
    withChanged(TEXT, (segment, item) => ({
      ...item,
      kind: 'segment',
      segment: { ...segment, window: segment.window + 1 },
    })),
  );
  t.like(strict, { same: 7, different: 1 });
  const different = verdicts.find(({ result }) => result === 'different');
  t.deepEqual(different?.fields, ['window']);
});

test('another flag, number or urgent pointer is named', (t) => {
  const segment = RECORDING.items.flatMap((i) => (i.kind === 'segment' ? [i.segment] : []))[0];
  if (segment === undefined) return t.fail();
  const context = { laterByMs: 0, jitterMs: 0, ticksPerMs: 1, firstTimestamp: 0 };
  const against = (changes: Partial<CapturedSegment>): readonly string[] =>
    differences(segment, { ...segment, ...changes }, context);
  t.deepEqual(against({}), []);
  t.deepEqual(against({ flags: segment.flags | Flag.ECE | Flag.CWR }), ['flags']);
  t.deepEqual(against({ seq: segment.seq + 1 }), ['seq']);
  t.deepEqual(against({ length: 5 }), ['length']);
  t.deepEqual(against({ ttl: 65 }), ['ttl']);
  t.deepEqual(against({ dontFragment: false }), ['df']);
  t.deepEqual(against({ trafficClass: 2 }), ['tos']);
  t.deepEqual(against({ options: { ...segment.options, mss: 1200 } }), ['mss']);
  t.deepEqual(against({ options: { ...segment.options, kinds: [2, 4, 8, 3] } }), ['options']);
  t.deepEqual(against({ options: { ...segment.options, sackBlocks: [[1, 2]] } }), ['sack']);
  const stamped = { ...segment.options, timestamps: { value: 5, echo: 7 } };
  t.deepEqual(against({ options: stamped }), ['tsval', 'tsecr']);
});

test('text that differs is never the same, and cut-off text is compared as far as it is there', (t) => {
  const segment = RECORDING.items.flatMap((i) =>
    i.kind === 'segment' && i.segment.length === 100 ? [i.segment] : [],
  )[0];
  if (segment === undefined) return t.fail();
  const context = { laterByMs: 0, jitterMs: 0, ticksPerMs: 1, firstTimestamp: 0 };
  const other = Uint8Array.from(segment.text);
  other[99] = 0xff;
  t.deepEqual(differences(segment, { ...segment, text: other }, context), ['text']);
  const cut = { ...segment, text: segment.text.subarray(0, 50) };
  t.deepEqual(differences(cut, { ...segment, text: other }, context), []);
});

test('a segment that was recorded earlier than ours can be is later; one much later, earlier', (t) => {
  const later = played(withChanged(TEXT, shiftedBy(-15)));
  t.like(later.strict, { same: 7, timing: 1 });
  t.is(later.verdicts.find(({ result }) => result === 'later')?.reason, 'data');
  const earlier = played(withChanged(TEXT, shiftedBy(40)));
  t.like(earlier.strict, { same: 7, timing: 1 });
  t.is(earlier.verdicts.find(({ result }) => result === 'earlier')?.reason, 'data');
});

test('an answer to what our stack never sent is noted and played for what was sent', (t) => {
  const { client, server } = SIDECAR.ends;
  const calls = client.calls.filter(({ call }) => call !== 'write');
  const sidecar = { ...SIDECAR, ends: { client: { ...client, calls }, server } };
  const { strict, outcome, semantic } = replay(RECORDING, { as: CLIENT, sidecar });
  t.true(outcome.notes.some(({ text }) => /acknowledges \d+ octets.*has not sent/.test(text)));
  t.true(strict.missing >= 1);
  t.true(strict.fidelity < 1);
  t.true(semantic.fidelity < 1);
});

test('when our connection has ended and the recorded one goes on, the replay stops', (t) => {
  const { client, server } = SIDECAR.ends;
  const abort = [
    { at: 0.06, call: 'setsockopt', option: 'SO_LINGER', value: 0 },
    { at: 0.06, call: 'close' },
  ] as const;
  const calls = [...client.calls.slice(0, 2), ...abort];
  const sidecar = { ...SIDECAR, ends: { client: { ...client, calls }, server } };
  const { outcome, strict } = replay(RECORDING, { as: CLIENT, sidecar });
  t.regex(outcome.stopped?.text ?? '', /ended with ECONNABORTED; the recorded one goes on/);
  t.true(strict.missing >= 2);
});
