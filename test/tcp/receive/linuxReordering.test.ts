import test from 'ava';
import { MS } from '../../../src/core/base/time.ts';
import { established, type Transcript, type Written } from '../../harness/transcript.ts';

/** Windows and ACKs after text out of order, as Linux 6.18 was recorded with them (pcaps/reorder-1-server). */

const TEXT = 524;
const SYN: Written = { flags: 'S', mss: 536, windowShift: 10, tsVal: 1, sackPermitted: true };

/** The segment with the `index`-th 524 octets. */
function arrives(c: Transcript, index: number): Transcript {
  return c.receives({ flags: '.', seq: 1 + index * TEXT, ack: 1, len: TEXT, tsVal: 2 });
}

/** A connection that has read 10 segments, and that waits for its 11th. */
function begun(c: Transcript): void {
  for (let i = 0; i < 10; i++) arrives(c, i).sends({ ack: 1 + (i + 1) * TEXT, wnd: 64 });
  c.read(10 * TEXT);
  c.turn();
  c.passes(20 * MS).nothing();
  c.established.tcb.tuning.rtt = 8 * 20 * MS;
}

test('Linux tcp_ofo_queue: one read takes what was mended and what followed, and the buffer grows', (t) => {
  const config = { timestamps: true, windowScaling: true, segmentLayout: 'linear' as const };
  const c = established(t, { config, mtu: 576 }, SYN);
  begun(c);
  for (let i = 10; i < 14; i++) arrives(c, i).sends({ ack: 1 + (i + 1) * TEXT, wnd: 64 });
  arrives(c, 15).sends({ ack: 1 + 14 * TEXT, sack: [[1 + 15 * TEXT, 1 + 16 * TEXT]] });
  arrives(c, 14).sends({ ack: 1 + 16 * TEXT, wnd: 63 });
  const { window, tuning, receiveBuffer } = c.established.tcb;
  t.is(receiveBuffer.memory.firstOctets, 6 * TEXT);
  for (let i = 16; i < 24; i++) arrives(c, i).skip();
  c.passes(1 * MS).skip();
  const before = window.buffer;
  c.read();
  c.turn();
  c.skip();
  t.is(tuning.space, 24 * TEXT);
  t.true(window.buffer > before);
  c.passes(20 * MS).skip();
  for (let i = 24; i < 32; i++) {
    arrives(c, i).sends({ ack: 1 + (i + 1) * TEXT, wnd: 65 + i - 24, reason: 'ack-now' });
  }
});
