import test from 'ava';
import fc from 'fast-check';
import { add } from '../../../src/core/base/seq.ts';
import {
  isWindowUpdateDue,
  openWindow,
  selectWindow,
  windowShiftFor,
  windowToAnnounce,
} from '../../../src/core/tcp/receive/window.ts';
import type { Tcb } from '../../../src/core/tcp/tcb.ts';
import { pattern } from '../../harness/transcript.ts';
import { bareTcb } from '../send/bareTcb.ts';

const MSS = 1460;

/** The window of the SYN has been announced. */
function receiving(receiveBuffer: number, windowScaling = false, mss = MSS): Tcb {
  const tcb = bareTcb({ config: { receiveBuffer, windowScaling } });
  tcb.rcv.mss = mss;
  openWindow(tcb, mss);
  return tcb;
}

/** `count` octets of text arrive in order. */
function arrive(tcb: Tcb, count: number): void {
  tcb.receiveBuffer.insert(tcb.rcv.nxt, 0, pattern(0, count), 0, count);
  tcb.rcv.nxt = add(tcb.rcv.nxt, count);
  tcb.rcv.wnd -= count;
}

function read(tcb: Tcb, count: number): void {
  tcb.receiveBuffer.read(new Uint8Array(count), 0, count);
}

function announce(tcb: Tcb): number {
  tcb.rcv.wnd = windowToAnnounce(tcb);
  tcb.window.announced = tcb.rcv.wnd;
  return tcb.rcv.wnd;
}

test('RFC 7323 2.3: the shift suits the largest window, 14 at most (Linux: ilog2(space) - 15)', (t) => {
  t.is(windowShiftFor(0), 0);
  t.is(windowShiftFor(65_535), 0);
  t.is(windowShiftFor(65_536), 1);
  t.is(windowShiftFor(1 << 20), 5);
  t.is(windowShiftFor(6_291_456), 7);
  t.is(windowShiftFor(33_554_432), 10);
  t.is(windowShiftFor(2 ** 30), 14);
  t.is(windowShiftFor(2 ** 40), 14);
});

test('RFC 7323 2.2: the first window is one of whole segments', (t) => {
  t.is(receiving(0).rcv.wnd, 44 * MSS);
  t.is(receiving(10_000).rcv.wnd, 6 * MSS);
  t.is(receiving(1000).rcv.wnd, 1152);
});

test('Linux __tcp_select_window: the window closes when less than a segment, or a 16th, is free', (t) => {
  const tcb = receiving(65_536);
  tcb.ack.segment = MSS;
  const closesAt = (free: number): number => {
    const copy = receiving(65_536);
    copy.ack.segment = MSS;
    arrive(copy, 65_536 - free);
    copy.receiveBuffer.memory.total = 2 * (65_536 - free);
    return selectWindow(copy);
  };
  t.is(closesAt(4096), 2 * MSS);
  t.is(closesAt(4095), 0);
  t.is(closesAt(40_000) > 0, true);
});

test('Linux __tcp_select_window: with less than half of the buffer free, quick ACKs are over', (t) => {
  const tcb = receiving(65_536);
  tcb.ack.quick = 16;
  tcb.receiveBuffer.memory.total = 65_536 - 2;
  selectWindow(tcb);
  t.is(tcb.ack.quick, 16);
  tcb.receiveBuffer.memory.total = 65_536 + 4;
  selectWindow(tcb);
  t.is(tcb.ack.quick, 0);
});

test('RFC 9293 3.8.6.2.2: the peer is told of a window that has doubled, and fills half the buffer', (t) => {
  const tcb = receiving(8 * MSS);
  arrive(tcb, 4 * MSS);
  announce(tcb);
  t.false(isWindowUpdateDue(tcb));
  arrive(tcb, tcb.rcv.wnd);
  announce(tcb);
  read(tcb, MSS);
  t.false(isWindowUpdateDue(tcb));
  read(tcb, tcb.receiveBuffer.length);
  t.true(isWindowUpdateDue(tcb));
});

/** What happens between two segments that carry the window. */
const step = fc.record({ arrives: fc.nat(20_000), reads: fc.nat(20_000) });
const world = fc.record({
  buffer: fc.oneof(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 1, max: 300_000 })),
  isScaled: fc.boolean(),
  mss: fc.integer({ min: 48, max: 9000 }),
  steps: fc.array(step, { maxLength: 60, size: 'max' }),
});

test('SHLD-14: whatever arrives and is read, the right edge never moves left, nor beyond the buffer', (t) => {
  fc.assert(
    fc.property(world, ({ buffer, isScaled, mss, steps }) => {
      const tcb = receiving(buffer, isScaled, mss);
      const { rcv, receiveBuffer } = tcb;
      const unit = 2 ** rcv.shift;
      for (const { arrives, reads } of steps) {
        arrive(tcb, Math.min(arrives, rcv.wnd));
        read(tcb, reads);
        const before = rcv.wnd;
        announce(tcb);
        t.true(rcv.wnd >= before, `${before} -> ${rcv.wnd}`);
        t.true(rcv.wnd <= receiveBuffer.free);
        t.true(rcv.wnd <= before + unit || rcv.wnd <= Math.max(1152, buffer) + unit);
      }
    }),
    { numRuns: 500 },
  );
});

test('RFC 9293 3.8.6.2.2: a user that has read everything finds the window open again', (t) => {
  fc.assert(
    fc.property(world, ({ buffer, isScaled, mss, steps }) => {
      const tcb = receiving(buffer, isScaled, mss);
      const first = tcb.rcv.wnd;
      for (const { arrives } of steps) {
        arrive(tcb, Math.min(arrives, tcb.rcv.wnd));
        announce(tcb);
      }
      read(tcb, tcb.receiveBuffer.length);
      const open = windowToAnnounce(tcb);
      t.true(
        Math.min(first, 65_535) - open < Math.max(mss, tcb.ack.segment),
        `${first} -> ${open}`,
      );
    }),
  );
});
