import test, { type ExecutionContext } from 'ava';
import { MS } from '../../src/core/base/time.ts';
import type { TcpConfig } from '../../src/core/tcp/config.ts';
import { Ecn } from '../../src/core/wire/tcp.ts';
import { established, listening, opening, type Transcript } from '../harness/transcript.ts';

/** A connection that uses ECN, with segments of 1000 octets. */
function capable(t: ExecutionContext, config: Partial<TcpConfig> = {}): Transcript {
  const c = listening(t, { config });
  c.receives({ flags: 'SEW', mss: 1000 }).sends({ flags: 'S.E', seq: 0, ack: 1 });
  c.receives({ flags: '.', seq: 1, ack: 1 });
  c.connection = c.listener?.accept() ?? null;
  return c.is('ESTABLISHED');
}

function write(c: Transcript, octets: number): Transcript {
  return c.user((user) => user.send(new Uint8Array(octets)));
}

test('SHLD-8, RFC 3168 6.1: a connection asks for ECN, marks its text capable, and answers ECE by CWR', (t) => {
  const c = opening(t, { config: { ecn: 'on' } });
  c.sends({ flags: 'SEW', seq: 0, ecn: Ecn.NOT_ECT });
  c.receives({ flags: 'S.E', ack: 1, mss: 1000 }).sends({ flags: '.', ack: 1, ecn: Ecn.NOT_ECT });
  write(c, 1000).sends({ flags: 'P.', len: 1000, ecn: Ecn.ECT_0, reason: 'data' });
  c.receives({ flags: '.E', seq: 1, ack: 1001 }).nothing();
  t.is(c.established.status(c.now).caState, 'cwr'); // until CWR has arrived
  write(c, 1000).sends({ flags: 'P.W', len: 1000, ecn: Ecn.ECT_0, reason: 'data' });
  c.receives({ flags: '.', seq: 1, ack: 2001 }).nothing();
  t.is(c.established.status(c.now).caState, 'open');
});

test('settings: ecn of the stack, of a listener and of a connection say who asks and who answers', (t) => {
  const answers = listening(t);
  answers.receives({ flags: 'SEW', mss: 1000 }).sends({ flags: 'S.E' });
  const silent = listening(t, { config: { ecn: 'off' } });
  silent.receives({ flags: 'SEW', mss: 1000 }).sends({ flags: 'S.' });
  opening(t).sends({ flags: 'S' });
  opening(t, { config: { ecn: 'accept' } }).sends({ flags: 'S' });
  opening(t, { config: { ecn: 'on' } }).sends({ flags: 'SEW' });
});

test('RFC 3168 6.1.2: the status tells of ECN, of what was seen of it, and of the reduction', (t) => {
  const c = capable(t, { congestionControl: 'reno' });
  t.true(c.established.status(c.now).ecn);
  t.false(c.established.status(c.now).ecnSeen);
  c.receives({ flags: '.', seq: 1, ack: 1, len: 1000, ecn: Ecn.ECT_0 }).skip();
  t.true(c.established.status(c.now).ecnSeen);
  write(c, 10_000).skip();
  c.passes(10 * MS)
    .receives({ flags: '.E', seq: 1001, ack: 2001 })
    .skip();
  const { caState, sndSsthresh, deliveredCe } = c.established.status(c.now);
  t.deepEqual(
    { caState, sndSsthresh, deliveredCe },
    { caState: 'cwr', sndSsthresh: 5, deliveredCe: 2 },
  );
  t.is(c.stack.counters().tcp.TCPDeliveredCE, 2);
  const plain = established(t).established.status(0);
  t.deepEqual([plain.ecn, plain.ecnSeen, plain.deliveredCe], [false, false, 0]);
});

test('RFC 3168 5: datagrams are counted by their codepoint', (t) => {
  const c = capable(t);
  const before = c.stack.counters().ip;
  for (const [i, ecn] of [0, 1, 2, 2, 3, 3, 3].entries()) {
    c.receives({ flags: '.', seq: 1 + i, ack: 1, len: 1, ecn }).skip();
  }
  const after = c.stack.counters().ip;
  t.deepEqual(
    [
      after.InNoECTPkts - before.InNoECTPkts,
      after.InECT1Pkts - before.InECT1Pkts,
      after.InECT0Pkts - before.InECT0Pkts,
      after.InCEPkts - before.InCEPkts,
    ],
    [1, 1, 2, 3],
  );
});

test('RFC 8511 3.1: ecnBackoff may change while a connection lives', (t) => {
  const c = capable(t, { congestionControl: 'reno' });
  c.established.tcb.congestion.ssthresh = 10_000;
  c.user((user, now) => user.configure({ ecnBackoff: 'abe' }, now));
  write(c, 10_000).skip();
  c.receives({ flags: '.E', seq: 1, ack: 1001 }).skip();
  t.is(c.established.status(c.now).sndSsthresh, 8);
});

test('Linux IP_TOS: the two lowest bits of trafficClass are not the user’s', (t) => {
  const c = capable(t, { trafficClass: 0x2b });
  write(c, 1000).sends({ len: 1000, ecn: Ecn.ECT_0, reason: 'data' });
  const plain = established(t, { config: { trafficClass: 0x2b } });
  write(plain, 1000).sends({ len: 1000, ecn: Ecn.NOT_ECT, reason: 'data' });
});
