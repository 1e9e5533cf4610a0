import test from 'ava';
import { SECOND } from '../../../src/core/base/time.ts';
import { established, pattern, type Transcript } from '../../harness/transcript.ts';

/** Five segments are in flight, the first was acknowledged, and of the window `wnd` octets are left. */
function shrunk(c: Transcript, wnd: number): Transcript {
  c.user((user) => user.send(pattern(0, 7300)));
  for (let i = 0; i < 5; i++) c.sends({ seq: 1 + i * 1460, len: 1460 });
  return c.receives({ seq: 1, ack: 1461, wnd }).nothing();
}

const config = { earlyRetransmit: 0 };

test('SHLD-15: beyond the edge of a window that was shrunk nothing new is sent', (t) => {
  const c = shrunk(established(t, { config }, { wnd: 20_000 }), 1460);
  c.user((user) => user.send(pattern(7300, 3000))).nothing();
  c.receives({ seq: 1, ack: 7301, wnd: 1460 }).sends({ seq: 7301, len: 1460 }).nothing();
});

test('SHLD-16: what was sent before, and lies within it, is sent again', (t) => {
  const c = shrunk(established(t, { config }, { wnd: 20_000 }), 2920);
  c.passes(c.established.tcb.rtt.rto).sends({ seq: 1461, len: 1460, reason: 'rto' });
  c.receives({ seq: 1, ack: 2921, wnd: 1460 }).sends({ seq: 2921, len: 1460 }).nothing();
});

test('MAY-7: beyond a window that was shrunk to nothing the oldest segment is sent again, as a probe', (t) => {
  const c = shrunk(established(t, { config }, { wnd: 20_000 }), 0);
  c.passes(c.established.tcb.rtt.rto).sends({ seq: 1461, len: 1460, reason: 'rto' }).nothing();
});

test('MUST-35: a window that was shrunk to nothing is probed like any other', (t) => {
  const c = established(t, {}, { wnd: 16_000 });
  c.user((user) => user.send(pattern(0, 10))).sends({ len: 10 });
  c.receives({ seq: 1, ack: 11, wnd: 0 }).mark();
  c.user((user) => user.send(pattern(10, 10))).nothing();
  const { rto } = c.established.tcb.rtt;
  c.passes(rto).sends({ seq: 10, len: 0, at: rto, reason: 'window-probe' });
});

test('MAY-8: a window stays closed for as long as the user reads nothing', (t) => {
  const c = established(t, { config: { receiveBuffer: 1460 } });
  c.receives({ seq: 1, ack: 1, len: 1460 }).sends({ ack: 1461, wnd: 0 });
  for (let i = 0; i < 24; i++) {
    c.passes(3600 * SECOND)
      .receives({ seq: 1460, ack: 1 })
      .sends({ flags: '.', ack: 1461, wnd: 0 });
  }
  c.is('ESTABLISHED');
  c.user(() => c.read());
  t.true(c.takeSent().wnd > 0);
});

test('SHLD-27: of several writes that go out together the last segment alone pushes', (t) => {
  const c = established(t);
  c.user((user) => {
    for (let i = 0; i < 5; i++) user.send(pattern(i * 700, 700));
  });
  c.sends({ flags: '.', seq: 1, len: 1460 }).sends({ flags: '.', seq: 1461, len: 1460 });
  c.sends({ flags: 'P.', seq: 2921, len: 580 }).nothing();
});

test('MUST-66: at a closed window urgent text is told of, and a RST is believed', (t) => {
  const c = established(t, { config: { receiveBuffer: 1460 } });
  c.receives({ seq: 1, ack: 1, len: 1460 }).sends({ ack: 1461, wnd: 0 });
  c.receives({ flags: 'U.', seq: 1461, ack: 1, len: 10, up: 10 }).dropped('window-closed').skip();
  t.is(c.established.urgent, 1470);
  c.receives({ flags: 'R', seq: 1461 }).is('CLOSED');
});
