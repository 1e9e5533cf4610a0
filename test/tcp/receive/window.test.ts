import test from 'ava';
import fc from 'fast-check';
import { add } from '../../../src/core/base/seq.ts';
import {
  initialWindow,
  isWindowUpdateDue,
  windowShiftFor,
  windowToAnnounce,
} from '../../../src/core/tcp/receive/window.ts';
import type { Tcb } from '../../../src/core/tcp/tcb.ts';
import { pattern } from '../../harness/transcript.ts';
import { bareTcb } from '../send/bareTcb.ts';

const MSS = 1460;

/** The window of the SYN has been announced. */
function receiving(receiveBuffer: number, shift: number, mss: number): Tcb {
  const tcb = bareTcb({ config: { receiveBuffer } });
  tcb.rcv.mss = mss;
  tcb.rcv.shift = shift;
  tcb.rcv.wnd = initialWindow(tcb);
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

test('RFC 7323 2.3: the shift is the smallest that can announce the whole buffer, 14 at most', (t) => {
  t.is(windowShiftFor(1), 0);
  t.is(windowShiftFor(65_535), 0);
  t.is(windowShiftFor(65_536), 1);
  t.is(windowShiftFor(1 << 20), 5);
  t.is(windowShiftFor(2 ** 30), 14);
  t.is(windowShiftFor(2 ** 40), 14);
});

test('RFC 7323 2.2: the window of a SYN is not scaled: 65535 octets at most, in whole segments', (t) => {
  t.is(receiving(1 << 20, 5, MSS).rcv.wnd, 44 * MSS);
  t.is(receiving(10_000, 0, MSS).rcv.wnd, 6 * MSS);
  t.is(receiving(1000, 0, MSS).rcv.wnd, 1000);
});

test('MUST-39: the window opens by a segment, or by half of a buffer that is smaller', (t) => {
  const tcb = receiving(4 * MSS, 0, MSS);
  arrive(tcb, 2 * MSS);
  t.is(windowToAnnounce(tcb), 2 * MSS);
  read(tcb, MSS - 1);
  t.is(windowToAnnounce(tcb), 2 * MSS);
  read(tcb, 1);
  t.is(windowToAnnounce(tcb), 3 * MSS);
  const small = receiving(1000, 0, MSS);
  arrive(small, 1000);
  read(small, 499);
  t.is(windowToAnnounce(small), 0);
  read(small, 1);
  t.is(windowToAnnounce(small), 500);
});

test('RFC 9293 3.8.6.2.2: the peer is told of a window that has doubled, and fills half the buffer', (t) => {
  const tcb = receiving(4 * MSS, 0, MSS);
  arrive(tcb, 2 * MSS);
  t.false(isWindowUpdateDue(tcb));
  read(tcb, MSS);
  t.false(isWindowUpdateDue(tcb));
  read(tcb, MSS);
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
      const shift = isScaled ? windowShiftFor(buffer) : 0;
      const unit = 2 ** shift;
      const tcb = receiving(buffer, shift, mss);
      const { rcv, receiveBuffer } = tcb;
      t.true(rcv.wnd <= Math.min(65_535, receiveBuffer.free));
      for (const { arrives, reads } of steps) {
        arrive(tcb, Math.min(arrives, rcv.wnd));
        read(tcb, reads);
        const before = rcv.wnd;
        rcv.wnd = windowToAnnounce(tcb);
        t.true(rcv.wnd >= before, `${before} -> ${rcv.wnd}`);
        t.true(rcv.wnd <= receiveBuffer.free);
        const onWire = Math.floor(rcv.wnd / unit);
        t.true(onWire <= 0xffff);
        // What the peer reads is what was meant, or less by what the unit cannot say.
        t.true(rcv.wnd - onWire * unit < unit);
        const growth = rcv.wnd - before;
        t.true(growth < unit || growth >= Math.min(Math.floor(buffer / 2), mss));
      }
    }),
    { numRuns: 500 },
  );
});

test('RFC 9293 3.8.6.2.2: a user that has read everything finds the window open again', (t) => {
  fc.assert(
    fc.property(world, ({ buffer, isScaled, mss, steps }) => {
      const shift = isScaled ? windowShiftFor(buffer) : 0;
      const tcb = receiving(buffer, shift, mss);
      for (const { arrives } of steps) {
        arrive(tcb, Math.min(arrives, tcb.rcv.wnd));
        tcb.rcv.wnd = windowToAnnounce(tcb);
      }
      read(tcb, buffer);
      const most = Math.min(buffer, 65_535 * 2 ** shift);
      t.true(most - windowToAnnounce(tcb) < Math.max(mss, 2 ** shift));
    }),
  );
});
