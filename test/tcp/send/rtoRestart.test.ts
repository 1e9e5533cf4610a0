import test, { type ExecutionContext } from 'ava';
import { MS } from '../../../src/core/base/time.ts';
import { established, pattern } from '../../harness/transcript.ts';

const SEGMENT = 1460;
const RTT = 100 * MS;

/**
 * So many full segments leave at once on a connection without SACK; an ACK of the first comes after
 * {@link RTT}, and none any more. Counted from the segments on, the timeout comes `late` after the RTO.
 */
function expires(
  t: ExecutionContext,
  segments: number,
  { rtoRestart, late }: { rtoRestart: boolean; late: number },
): void {
  const c = established(t, { config: { rtoRestart } });
  c.mark();
  c.user((user) => user.send(pattern(0, segments * SEGMENT))).skip();
  c.passes(RTT).receives({ seq: 1, ack: 1 + SEGMENT });
  const { rto } = c.established.tcb.rtt;
  c.passes(rto + RTT).sends({ seq: 1 + SEGMENT, reason: 'rto', at: late + rto });
}

test('RFC 7765 4: the timeout of few segments counts from when the earliest of them was sent', (t) => {
  expires(t, 4, { rtoRestart: true, late: 0 });
});

test('RFC 7765 4: where three duplicate ACKs can come it begins anew with the ACK', (t) => {
  expires(t, 5, { rtoRestart: true, late: RTT });
});

test('RFC 7765 4: as in Linux it is off unless asked for', (t) => {
  expires(t, 4, { rtoRestart: false, late: RTT });
});
