import test from 'ava';
import { MS } from '../../../src/core/base/time.ts';
import { opening } from '../../harness/transcript.ts';

/** A buffer of the smallest size (pcaps/silly-window-small-writes, Linux 6.18, over TAP). */
const CONFIG = {
  timestamps: true,
  windowScaling: true,
  segmentLayout: 'linear',
  receiveBuffer: 2304,
} as const;

test('Linux tcp_can_ingest: small segments fill a small buffer, which opens when all was read', (t) => {
  const c = opening(t, { config: CONFIG });
  c.sends({ flags: 'S', wnd: 1460, windowShift: 0 });
  c.receives({ flags: 'S.', ack: 1, mss: 1460, windowShift: 10, tsVal: 1, sackPermitted: true });
  c.sends({ flags: '.', seq: 1, ack: 1, wnd: 1460 });
  c.receives({ flags: 'P.', seq: 1, ack: 1, len: 50, tsVal: 2 }).sends({ ack: 51, wnd: 1460 });
  for (let i = 1; i < 10; i++) {
    c.receives({ flags: 'P.', seq: 1 + i * 50, ack: 1, len: 50, tsVal: 2 }).nothing();
  }
  c.receives({ flags: '.', seq: 501, ack: 1, len: 730, tsVal: 2 }).nothing();
  c.receives({ flags: 'P.', seq: 1231, ack: 1, len: 280, tsVal: 2 }).nothing();
  c.passes(10 * MS).nothing();
  c.read(200);
  c.turn();
  c.sends({ ack: 1511, wnd: 0, reason: 'ack-second-segment' });
  for (let left = 1310; left > 100; left -= 100) {
    c.read(100);
    c.turn();
    c.passes(20 * MS).nothing();
  }
  c.read();
  c.turn();
  c.sends({ ack: 1511, wnd: 1460, reason: 'window-update' });
  c.receives({ flags: '.', seq: 1511, ack: 1, len: 730, tsVal: 3 }).sends({ wnd: 1460 });
});
