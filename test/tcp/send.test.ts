import test from 'ava';
import { MS, SECOND } from '../../src/core/base/time.ts';
import {
  established,
  listening,
  opening,
  pattern,
  type Transcript,
} from '../harness/transcript.ts';

/** Expects `count` full segments from number `from` on. */
function sendsFull(c: Transcript, from: number, count: number, size = 1460): void {
  for (let i = 0; i < count; i++) c.sends({ seq: from + i * size, ack: 1, len: size });
}

/** As if an ACK had measured a round trip of so many µs. */
function measure(c: Transcript, rtt: number): void {
  const { rtt: estimator, snd } = c.established.tcb;
  estimator.sample(rtt, snd.una, snd.nxt);
}

test('MUST-60, MUST-61, SHLD-28: text is sent in full segments, the last of which pushes', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 3000)));
  c.sends({ flags: '.', seq: 1, text: pattern(0, 1460), reason: 'data' });
  c.sends({ flags: '.', seq: 1461, text: pattern(1460, 1460) });
  c.sends({ flags: 'P.', seq: 2921, text: pattern(2920, 80) });
  c.nothing();
});

test('MUST-19, RFC 6928: ten segments go out before the first ACK, then two for each one acknowledged', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 100_000)));
  sendsFull(c, 1, 10);
  c.receives({ seq: 1, ack: 2921 });
  sendsFull(c, 14_601, 4);
  c.nothing();
});

test('MUST-19, RFC 5681 3.1: in congestion avoidance a window of ACKs lets one more segment go', (t) => {
  const c = established(t, { config: { congestionControl: 'reno' } });
  const { congestion, sample } = c.established.tcb;
  congestion.cwnd = 20 * 1460;
  congestion.onRto(true, sample); // ssthresh: 10 segments
  c.user((user) => user.send(pattern(0, 400_000)));
  let una = 1;
  const windows: number[] = [];
  for (let round = 0; round < 8; round++) {
    const count = c.unexpected;
    windows.push(count);
    sendsFull(c, una, count);
    una += count * 1460;
    c.receives({ seq: 1, ack: una });
  }
  t.deepEqual(windows, [1, 2, 4, 8, 10, 11, 12, 13]);
  c.skip();
});

test('SHLD-7: Nagle: a small segment waits for the ACK of another small one', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 10))).sends({ flags: 'P.', seq: 1, len: 10 });
  c.user((user) => user.send(pattern(10, 10))).nothing();
  c.user((user) => user.send(pattern(20, 10))).nothing();
  c.receives({ seq: 1, ack: 11 }).sends({ flags: 'P.', seq: 11, text: pattern(10, 20) });
});

test('MUST-17: without Nagle each write goes out at once', (t) => {
  const c = established(t, { config: { noDelay: true } });
  for (let i = 0; i < 3; i++) {
    c.user((user) => user.send(pattern(i * 10, 10))).sends({
      flags: 'P.',
      seq: 1 + i * 10,
      len: 10,
    });
  }
});

test('MUST-17: Nagle can be switched off while text waits', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 10))).sends({ len: 10 });
  c.user((user) => user.send(pattern(10, 10))).nothing();
  c.user((user, now) => user.configure({ noDelay: true }, now)).sends({ seq: 11, len: 10 });
});

test('Linux tcp_tso_autosize: a burst is what the pace of the connection allows in a millisecond', (t) => {
  const c = opening(t);
  c.sends({ flags: 'S', seq: 0 }).passes(20 * MS);
  c.receives({ flags: 'S.', seq: 0, ack: 1, mss: 1460 }).sends({ flags: '.', seq: 1, ack: 1 });
  c.user((user) => user.send(pattern(0, 100_000))); // ten segments in 20 ms are one in each
  for (let i = 0; i < 5; i++) c.sends({ flags: '.', len: 1460 }).sends({ flags: 'P.', len: 1460 });
  c.nothing();
});

test('RFC 9293 3.8.1: small segments are repeated as one, and the FIN with them', (t) => {
  const c = established(t, { config: { noDelay: true } }, { wnd: 5000 });
  measure(c, 100);
  for (let i = 0; i < 3; i++) c.user((user) => user.send(pattern(i * 10, 10))).sends({ len: 10 });
  c.user((user, now) => user.close(now)).sends({ flags: 'F.', seq: 31 });
  const { rto } = c.established.tcb.rtt;
  c.passes(rto)
    .sends({ flags: 'FP.', seq: 1, text: pattern(0, 30), reason: 'rto' })
    .nothing();
  c.receives({ seq: 1, ack: 32 }).is('FIN-WAIT-2');
});

test('RFC 9293 3.8.1: what is repeated together fits a segment and the window', (t) => {
  const c = established(t, { config: { noDelay: true } }, { wnd: 5000 });
  measure(c, 100);
  for (let i = 0; i < 3; i++) {
    c.user((user) => user.send(pattern(i * 700, 700))).sends({ seq: 1 + i * 700, len: 700 });
  }
  const { rto } = c.established.tcb.rtt;
  c.passes(rto)
    .sends({ flags: 'P.', seq: 1, text: pattern(0, 1400), reason: 'rto' })
    .nothing();
  c.receives({ seq: 2, ack: 1, len: 1, wnd: 1000 })
    .skip()
    .passes(2 * rto);
  c.sends({ seq: 1, text: pattern(0, 1000), reason: 'rto' }).nothing();
});

test('Linux TCP_CORK: only full segments go, until it is taken away', (t) => {
  const c = established(t, { config: { cork: true } });
  c.user((user) => user.send(pattern(0, 100))).nothing();
  c.user((user) => user.send(pattern(100, 1400))).sends({ flags: '.', seq: 1, len: 1460 });
  c.receives({ seq: 1, ack: 1461 }).nothing();
  c.user((user, now) => user.configure({ cork: false }, now));
  c.sends({ flags: 'P.', seq: 1461, len: 40 });
});

test('Linux TCP_CORK: what waits for more goes out after one RTO', (t) => {
  const c = established(t, { config: { cork: true, noDelay: true } });
  const { rto } = c.established.tcb.rtt;
  c.user((user) => user.send(pattern(0, 100))).nothing();
  c.passes(rto).sends({ flags: 'P.', seq: 1, len: 100, at: rto, reason: 'data' });
});

test('Linux TCP_CORK: a FIN takes along what waits', (t) => {
  const c = established(t, { config: { cork: true } });
  c.user((user) => user.send(pattern(0, 100))).nothing();
  c.user((user, now) => user.close(now)).sends({ flags: 'FP.', seq: 1, len: 100, reason: 'data' });
});

test('MAY-15, MAY-16: text that more is to follow (MSG_MORE) waits, and is not pushed', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 100), 0, 100, { more: true })).nothing();
  c.user((user) => user.send(pattern(100, 100))).sends({ flags: 'P.', seq: 1, len: 200 });
  c.user((user) => user.send(pattern(200, 100), 0, 100, { more: true })).nothing();
  c.receives({ seq: 1, ack: 201 }).sends({ flags: '.', seq: 201, len: 100, reason: 'data' });
});

test('Linux MSG_MORE: a FIN takes along what waits, without PSH', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 50), 0, 50, { more: true })).nothing();
  c.user((user, now) => user.close(now)).sends({ flags: 'F.', seq: 1, len: 50, reason: 'data' });
});

test('MUST-62, RFC 6093 3.1: the urgent pointer names the octet behind urgent text', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 10), 0, 10, { urgent: true }));
  c.sends({ flags: 'PU.', seq: 1, len: 10, up: 10 });
  c.user((user) => user.send(pattern(10, 10))).sends({ flags: 'P.', seq: 11, len: 10, up: 0 });
  c.receives({ seq: 1, ack: 21 }).nothing();
  c.user((user) => user.send(pattern(20, 10))).sends({ flags: 'P.', seq: 21, len: 10, up: 0 });
});

test('MUST-30, MUST-31: each segment up to the end of urgent text points to it', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 3000), 0, 3000, { urgent: true }));
  c.sends({ flags: 'U.', seq: 1, len: 1460, up: 3000 });
  c.sends({ flags: 'U.', seq: 1461, len: 1460, up: 1540 });
  c.sends({ flags: 'PU.', seq: 2921, len: 80, up: 80 }).nothing();
});

test('RFC 9293 3.8.6.2.1: the peer’s window is not overrun, and filled to its end by a burst', (t) => {
  const c = established(t, {}, { wnd: 7360 }); // room for five segments and 60 octets
  c.user((user) => user.send(pattern(0, 20_000)));
  sendsFull(c, 1, 5);
  c.sends({ flags: 'P.', seq: 7301, len: 60 }).nothing();
  c.receives({ seq: 1, ack: 7361, wnd: 7360 });
  sendsFull(c, 7361, 5);
  c.sends({ flags: 'P.', seq: 14_661, len: 60 }).nothing();
});

test('RFC 9293 3.7.4: the rest of a window waits while another small segment is unacknowledged', (t) => {
  const c = established(t, {}, { wnd: 7360 });
  c.user((user) => user.send(pattern(0, 20_000)));
  sendsFull(c, 1, 5);
  c.sends({ seq: 7301, len: 60 });
  c.receives({ seq: 1, ack: 7301, wnd: 7420 }); // room for as much again
  sendsFull(c, 7361, 5);
  c.nothing();
});

test('RFC 9293 3.8.6.2.1: less than a segment is not sent of what does not end there', (t) => {
  const c = established(t, {}, { wnd: 10_000 });
  c.user((user) => user.send(pattern(0, 10))).sends({ flags: 'P.', seq: 1, len: 10 });
  c.receives({ seq: 1, ack: 11, wnd: 1459 });
  c.user((user) => user.send(pattern(10, 5000))).nothing();
  c.receives({ seq: 1, ack: 11, wnd: 1460 }).sends({ flags: '.', seq: 11, len: 1460 });
});

test('MUST-38: segments are no longer than half the largest window', (t) => {
  const c = established(t, {}, { wnd: 1000 });
  c.user((user) => user.send(pattern(0, 3000)));
  sendsFull(c, 1, 2, 500);
  c.nothing();
  c.receives({ seq: 1, ack: 1001, wnd: 499 }).nothing();
  c.receives({ seq: 1, ack: 1001, wnd: 500 }).sends({ seq: 1001, len: 500 });
});

test('MUST-38: a window below the default segment size is filled by one segment', (t) => {
  const c = established(t, {}, { wnd: 300 });
  c.user((user) => user.send(pattern(0, 1000)));
  c.sends({ seq: 1, len: 300 }).nothing();
});

test('RFC 9293 3.7.1: the segment size that the user set limits what is sent too', (t) => {
  const c = listening(t, { config: { mss: 700 } });
  c.receives({ flags: 'S', mss: 1460 }).sends({ flags: 'S.', mss: 700 });
  c.receives({ seq: 1, ack: 1 });
  c.connection = c.listener?.accept() ?? null;
  c.user((user) => user.send(pattern(0, 1400)));
  sendsFull(c, 1, 2, 700);
});

test('RFC 9293 3.9.1.2: PSH also stands where more than half the largest window was written', (t) => {
  const c = established(t, {}, { wnd: 2918 }); // two segments, each of which is sent by itself
  c.user((user) => user.send(pattern(0, 20_000)));
  c.sends({ flags: '.', seq: 1, len: 1459 }).sends({ flags: 'P.', seq: 1460, len: 1459 }).nothing();
});

test('RFC 9293 3.9.1.2: the last segment of a burst pushes', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 100_000)));
  for (let i = 0; i < 2; i++) {
    for (let k = 0; k < 4; k++) c.sends({ flags: '.', len: 1460 });
    c.sends({ flags: 'P.', len: 1460 }); // half of cwnd in one burst
  }
  c.nothing();
});

test('MUST-36, SHLD-29, SHLD-30: a closed window is probed after one RTO, then less and less often', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 10))).sends({ len: 10 });
  c.receives({ seq: 1, ack: 11, wnd: 0 }).mark();
  const rto = c.established.tcb.rtt.rto;
  c.user((user) => user.send(pattern(10, 10))).nothing();
  for (const factor of [1, 3, 7, 15]) {
    c.passes(rto * (factor === 1 ? 1 : (factor + 1) / 2));
    c.sends({ flags: '.', seq: 10, len: 0, at: rto * factor, reason: 'window-probe' });
    c.receives({ seq: 1, ack: 11, wnd: 0 }).nothing();
  }
  c.receives({ seq: 1, ack: 11, wnd: 1000 }).sends({ flags: 'P.', seq: 11, text: pattern(10, 10) });
});

test('MUST-37: a connection whose probes are answered stays for ever', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 10))).sends({ len: 10 });
  c.receives({ seq: 1, ack: 11, wnd: 0 });
  c.user((user) => user.send(pattern(10, 10)));
  for (let i = 0; i < 100; i++) {
    c.passes(121 * SECOND);
    while (c.unexpected > 0) c.sends({ seq: 10, reason: 'window-probe' });
    c.receives({ seq: 1, ack: 11, wnd: 0 });
  }
  c.is('ESTABLISHED');
});

test('RFC 9293 3.8.6.1: unanswered probes end the connection after 15', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 10))).sends({ len: 10 });
  c.receives({ seq: 1, ack: 11, wnd: 0 });
  c.user((user) => user.send(pattern(10, 10)));
  c.passes(3600 * SECOND);
  for (let i = 0; i < 15; i++) c.sends({ seq: 10, reason: 'window-probe' });
  c.is('CLOSED');
  t.is(c.established.error, 'ETIMEDOUT');
});

test('RFC 9293 3.8.6.2.1: a small window is used after the override timeout', (t) => {
  const c = established(t, {}, { wnd: 10_000 });
  c.user((user) => user.send(pattern(0, 10))).sends({ len: 10 });
  c.receives({ seq: 1, ack: 11, wnd: 100 });
  c.user((user) => user.send(pattern(10, 5000)))
    .nothing()
    .mark();
  const { rto } = c.established.tcb.rtt;
  c.passes(rto).sends({ seq: 11, len: 100, at: rto, reason: 'data' });
});

test('MUST-34: a window that the peer has shrunk is survived', (t) => {
  const c = established(t, {}, { wnd: 8000 });
  c.user((user) => user.send(pattern(0, 8000)));
  sendsFull(c, 1, 5);
  c.sends({ len: 700 });
  c.receives({ seq: 1, ack: 1461, wnd: 1460 }).nothing(); // the edge moved left
  c.receives({ seq: 1, ack: 8001, wnd: 8000 });
  c.user((user) => user.send(pattern(8000, 100))).sends({ seq: 8001, len: 100 });
});

test('RFC 9293 3.10.7.4 Fifth: an older segment does not change the window', (t) => {
  const c = established(t);
  c.receives({ seq: 11, ack: 1, len: 10, wnd: 5000 }).sends({ ack: 1 });
  c.receives({ seq: 1, ack: 1, len: 10, wnd: 100 }).sends({ ack: 21 });
  t.is(c.established.tcb.snd.wnd, 5000);
});

test('RFC 9293 3.9.1.2: SEND takes what fits, and tells when there is room again', (t) => {
  const c = established(t, { config: { sendBuffer: 3000 } });
  const told: number[] = [];
  c.established.onEvents = (events) => told.push(events);
  t.is(c.established.send(pattern(0, 5000)), 3000);
  c.turn();
  sendsFull(c, 1, 2);
  c.sends({ len: 80 });
  t.deepEqual(told, []);
  c.receives({ seq: 1, ack: 1461 });
  t.deepEqual(told, [4]);
});

test('MUST-19, RFC 6298 5: an unacknowledged segment is sent again, with doubled timeouts', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 10)))
    .sends({ len: 10 })
    .mark();
  const rto = c.established.tcb.rtt.rto;
  c.passes(8 * rto);
  for (const factor of [1, 3, 7]) {
    c.sends({ flags: 'P.', seq: 1, text: pattern(0, 10), at: factor * rto, reason: 'rto' });
  }
  c.nothing();
});

test('SHLD-11: text is given up after R2, 924.6 s with the shortest timeout, by Linux’s arithmetic', (t) => {
  const c = established(t);
  measure(c, 100);
  c.user((user) => user.send(pattern(0, 10)))
    .skip()
    .mark();
  c.passes(900 * SECOND);
  t.is(c.unexpected, 15);
  c.skip().is('ESTABLISHED');
  c.passes(200 * SECOND);
  while (c.unexpected > 0) c.sends({ flags: 'P.', reason: 'rto' });
  c.is('CLOSED');
  t.is(c.established.error, 'ETIMEDOUT');
});

test('MUST-21: the user timeout ends a connection whose text is not acknowledged', (t) => {
  const c = established(t, { config: { userTimeout: 5 * SECOND } });
  measure(c, 100);
  c.user((user) => user.send(pattern(0, 10)))
    .skip()
    .mark();
  c.passes(20 * SECOND);
  while (c.unexpected > 0) c.sends({ flags: 'P.', reason: 'rto' });
  c.is('CLOSED');
  t.is(c.established.error, 'ETIMEDOUT');
});

test('RFC 5482: the user timeout counts from the first repetition, and ends the wait by itself', (t) => {
  const c = established(t, { config: { userTimeout: 5 * SECOND } });
  measure(c, 100);
  const { rto } = c.established.tcb.rtt;
  c.user((user) => user.send(pattern(0, 10))).skip();
  c.passes(rto + 5 * SECOND - 1)
    .skip()
    .is('ESTABLISHED');
  c.passes(1).is('CLOSED');
  t.is(c.established.error, 'ETIMEDOUT');
});

test('RFC 5482: the user timeout ends the probing of a closed window too', (t) => {
  const c = established(t, { config: { userTimeout: 5 * SECOND } });
  c.receives({ seq: 1, ack: 1, wnd: 0 });
  c.user((user) => user.send(pattern(0, 10)));
  const { rto } = c.established.tcb.rtt;
  c.passes(rto + 5 * SECOND - 1)
    .skip()
    .is('ESTABLISHED');
  c.passes(1).is('CLOSED');
  t.is(c.established.error, 'ETIMEDOUT');
});

test('MUST-18, RFC 6298 3: a segment that was sent twice is no measurement (Karn)', (t) => {
  const c = established(t);
  const { rtt } = c.established.tcb;
  const before = rtt.srtt;
  c.user((user) => user.send(pattern(0, 10))).skip();
  c.passes(rtt.rto).sends({ reason: 'rto' });
  c.receives({ seq: 1, ack: 11 });
  t.is(rtt.srtt, before);
  t.is(rtt.backoff, 1); // "until ... an RTT sample"
});

test('RFC 7323 4: with timestamps a repeated segment is a measurement', (t) => {
  const c = established(t, { config: { timestamps: true } }, { tsVal: 1000 });
  const { rtt } = c.established.tcb;
  c.user((user) => user.send(pattern(0, 10))).skip();
  c.passes(rtt.rto);
  c.sends({ reason: 'rto' });
  const tsEcr = c.lines.at(-1)?.match(/TS val (\d+)/)?.[1];
  c.passes(30 * MS).receives({ seq: 1, ack: 11, tsVal: 1002, tsEcr: Number(tsEcr) });
  t.is(rtt.backoff, 0);
});

test('RFC 5681 3.2: the third duplicate ACK sends the missing segment again', (t) => {
  const c = established(t, { config: { congestionControl: 'reno' } });
  c.user((user) => user.send(pattern(0, 14_600)));
  sendsFull(c, 1, 10);
  c.receives({ seq: 1, ack: 1 }).nothing();
  c.receives({ seq: 1, ack: 1 }).nothing();
  c.receives({ seq: 1, ack: 1 });
  c.sends({ seq: 1, text: pattern(0, 1460), reason: 'fast-retransmit' });
  c.nothing();
  const { congestion } = c.established.tcb;
  t.is(congestion.ssthresh, 7300);
  c.receives({ seq: 1, ack: 14_601 });
  t.is(congestion.cwnd, 7300);
});

test('RFC 3042: the first two duplicate ACKs let new segments go', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 100_000)));
  sendsFull(c, 1, 10);
  c.receives({ seq: 1, ack: 1 });
  c.sends({ seq: 14_601, len: 1460, reason: 'limited-transmit' });
  c.receives({ seq: 1, ack: 1 }).sends({ seq: 16_061, reason: 'limited-transmit' });
  c.receives({ seq: 1, ack: 1 }).sends({ seq: 1, reason: 'fast-retransmit' }).nothing();
});

test('RFC 6582 3.2: a partial ACK sends the next missing segment, a full ACK ends recovery', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 14_600)));
  sendsFull(c, 1, 10);
  for (let i = 0; i < 3; i++) c.receives({ seq: 1, ack: 1 });
  c.sends({ seq: 1, reason: 'fast-retransmit' });
  c.receives({ seq: 1, ack: 4381 }).sends({ seq: 4381, reason: 'partial-ack' });
  c.receives({ seq: 1, ack: 8761 }).sends({ seq: 8761, reason: 'partial-ack' });
  c.receives({ seq: 1, ack: 14_601 }).nothing();
  // "full acknowledgments": but duplicate ACKs of what was sent twice may follow
  t.is(c.established.tcb.recovery.phase, 'recovery');
  c.user((user) => user.send(pattern(14_600, 10))).skip();
  c.receives({ seq: 1, ack: 14_611 });
  t.is(c.established.tcb.recovery.phase, 'open');
});

test('RFC 5681 2: a window update or text is no duplicate ACK', (t) => {
  const c = established(t, {}, { wnd: 60_000 });
  c.user((user) => user.send(pattern(0, 14_600)));
  sendsFull(c, 1, 10);
  for (let i = 1; i <= 5; i++) c.receives({ seq: 1, ack: 1, wnd: 60_000 + i }).nothing();
  for (let i = 0; i < 5; i++) c.receives({ seq: 1 + i * 10, ack: 1, len: 10, wnd: 60_005 }).skip();
  t.is(c.established.tcb.recovery.duplicateAcks, 0);
});

test('Linux tcp_may_update_window: an ACK that repeats the last one with less of a window is a duplicate', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 14_600)));
  sendsFull(c, 1, 10);
  for (let i = 1; i <= 2; i++) c.receives({ seq: 1, ack: 1, wnd: 60_000 - i }).nothing();
  c.receives({ seq: 1, ack: 1, wnd: 59_000 }).sends({ seq: 1, reason: 'fast-retransmit' });
  t.is(c.established.tcb.snd.wnd, 65_535);
  c.receives({ seq: 1, ack: 1, wnd: 0 }).skip(); // but one that is closed is believed
  t.is(c.established.tcb.snd.wnd, 0);
});

test('RFC 5681 3.1: after a timeout the rest follows in slow start from one segment', (t) => {
  const c = established(t, { config: { congestionControl: 'reno' } });
  c.user((user) => user.send(pattern(0, 14_600)));
  sendsFull(c, 1, 10);
  c.passes(c.established.tcb.rtt.rto).sends({ seq: 1, len: 1460, reason: 'rto' }).nothing();
  c.receives({ seq: 1, ack: 1461 });
  c.sends({ seq: 1461, reason: 'loss-retransmission' }).sends({ seq: 2921, len: 1460 }).nothing();
  c.receives({ seq: 1, ack: 4381 });
  for (let i = 0; i < 4; i++) c.sends({ seq: 4381 + i * 1460, reason: 'loss-retransmission' });
  c.nothing();
  t.is(c.established.tcb.congestion.ssthresh, 7300);
});

test('RFC 6582 3.2 step 2: duplicate ACKs of what a timeout repeated are no second loss', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 5840)));
  sendsFull(c, 1, 4);
  c.passes(c.established.tcb.rtt.rto).sends({ seq: 1, reason: 'rto' });
  c.receives({ seq: 1, ack: 5841 });
  const { ssthresh } = c.established.tcb.congestion;
  c.user((user) => user.send(pattern(5840, 5840))).skip();
  for (let i = 0; i < 4; i++) c.receives({ seq: 1, ack: 5841 }).skip();
  t.is(c.established.tcb.congestion.ssthresh, ssthresh);
});

test('RFC 5681 4.1: after an idle time cwnd falls back towards the initial window', (t) => {
  const c = established(t);
  c.user((user) => user.send(pattern(0, 60_000)));
  for (let una = 1; una < 60_001; ) {
    const count = c.unexpected;
    c.skip();
    una = Math.min(60_001, una + count * 1460);
    c.receives({ seq: 1, ack: una });
  }
  t.true(c.established.tcb.congestion.cwnd > 30_000);
  c.passes(60 * SECOND);
  c.user((user) => user.send(pattern(60_000, 60_000)));
  sendsFull(c, 60_001, 10);
  c.nothing();
});

test('RFC 9293 3.8.3: an ACK of anything starts R2 anew', (t) => {
  const c = established(t, { config: { userTimeout: 5 * SECOND } });
  c.user((user) => user.send(pattern(0, 2920))).skip();
  for (let i = 0; i < 5; i++) {
    c.passes(4 * SECOND).skip();
    c.receives({ seq: 1, ack: 2 + i }).skip();
  }
  c.is('ESTABLISHED');
});

test('SHLD-17: text beyond a window that was shrunk to zero does not end a connection that answers', (t) => {
  const c = established(t);
  measure(c, 100);
  c.user((user) => user.send(pattern(0, 10))).skip();
  c.receives({ seq: 1, ack: 1, wnd: 0 });
  for (let i = 0; i < 60; i++) {
    c.passes(60 * SECOND).skip();
    c.receives({ seq: 1, ack: 1, wnd: 0 }).skip();
  }
  c.is('ESTABLISHED');
});
