import test from 'ava';
import { Flag } from '../../../src/core/wire/tcp.ts';
import {
  established,
  listening,
  opening,
  PEER,
  pattern,
  type Transcript,
  US,
} from '../../harness/transcript.ts';
import { datagramsOf, sumOf, withOptions } from './octets.ts';

/** Text, a hole, a FIN and a RST: segments of every kind. */
function life(c: Transcript): void {
  c.receives({ flags: 'S', mss: 1460, windowShift: 7, sackPermitted: true, tsVal: 1 }).skip();
  c.receives({ seq: 1, ack: 1, tsVal: 2 }).skip();
  c.connection = c.listener?.accept() ?? null;
  c.user((user) => user.send(pattern(0, 4001))).skip();
  c.receives({ seq: 101, ack: 4002, len: 33, tsVal: 3 }).skip();
  c.user((user, now) => user.close(now)).skip();
  c.receives({ seq: 1, ack: 4003, len: 100, tsVal: 4 }).skip();
  c.user((user, now) => user.abort(now)).skip();
}

const EVERYTHING = { config: { timestamps: true, windowScaling: true } };

/** The options of a segment that lies in a datagram. */
function optionsOf(datagram: Uint8Array): Uint8Array {
  return datagram.subarray(40, 20 + ((datagram[32] ?? 0) >>> 4) * 4);
}

test('MUST-1: a window above 32,767 is no negative one', (t) => {
  const c = established(t, {}, { wnd: 40_000 });
  c.established.tcb.congestion.cwnd = 1 << 20;
  c.user((user) => user.send(pattern(0, 100_000)));
  let octets = 0;
  while (c.unexpected > 0) octets += c.takeSent().textLength;
  t.is(octets, 40_000);
});

test('REC-1: a window takes more than 16 bits, scaled to 30', (t) => {
  const c = established(t, { config: { windowScaling: true } }, { windowShift: 14 });
  c.receives({ seq: 1, ack: 1, wnd: 65_535 });
  t.is(c.established.tcb.snd.wnd, 65_535 * 16_384);
});

test('MUST-2: the checksum of every segment is right, of text, ACK, FIN and RST', (t) => {
  const c = listening(t, EVERYTHING);
  const seen = datagramsOf(c);
  life(c);
  c.remotePort++;
  c.receives({ seq: 1, ack: 5 }).skip(); // a RST from nobody
  t.true(seen.length >= 8);
  for (const datagram of seen) t.is(sumOf(datagram.subarray(20), US, PEER), 0xffff);
});

test('MUST-4, MUST-64: no-operation, MSS that begins at no word, and the end of the list', (t) => {
  const c = listening(t);
  c.receivesFrame(withOptions(c, { flags: 'S' }, [1, 2, 4, 0x02, 0xbc, 0, 0, 0]));
  c.sends({ flags: 'S.', ack: 1 }).receives({ seq: 1, ack: 1 });
  t.is(c.listener?.accept()?.tcb.snd.mss, 700);
});

test('MUST-5: any segment may have options, and an MSS that is in no SYN changes nothing', (t) => {
  const c = established(t);
  const options = [2, 4, 1, 0, 1, 253, 4, 9, 9, 0, 0, 0];
  c.receivesFrame(withOptions(c, { seq: 1, ack: 1, len: 10 }, options));
  c.sends({ ack: 11 });
  t.deepEqual(c.read(), pattern(0, 10));
  t.is(c.established.tcb.snd.mss, 1460);
});

test('MUST-65: MSS stands in SYNs alone', (t) => {
  const c = listening(t, EVERYTHING);
  const seen = datagramsOf(c);
  life(c);
  for (const datagram of seen) {
    const isSyn = ((datagram[33] ?? 0) & Flag.SYN) !== 0;
    t.is(kindsOf(optionsOf(datagram)).includes(2), isSyn);
  }
});

test('MUST-68: each option of ours has its length, but the end of the list and no-operation', (t) => {
  for (const optionOrder of ['linux', 'freebsd'] as const) {
    const c = listening(t, { config: { ...EVERYTHING.config, optionOrder } });
    const seen = datagramsOf(c);
    life(c);
    for (const datagram of seen) t.notThrows(() => kindsOf(optionsOf(datagram)));
    t.deepEqual(
      kindsOf(optionsOf(seen[0] ?? new Uint8Array(0))).sort((a, b) => a - b),
      [2, 3, 4, 8],
    );
  }
});

test('MUST-69: behind the end of the list there are zeros', (t) => {
  const c = opening(t, { config: { optionOrder: 'freebsd' } });
  c.sends({ flags: 'S', sackPermitted: true });
  const seen = datagramsOf(c);
  c.passes(1_000_000).sends({ flags: 'S' });
  t.deepEqual([...optionsOf(seen[0] ?? new Uint8Array(0))], [2, 4, 0x05, 0xb4, 4, 2, 0, 0]);
});

/** The kinds of a list of options; throws where a length leads out of it. */
function kindsOf(options: Uint8Array): number[] {
  const kinds: number[] = [];
  for (let at = 0; at < options.length; ) {
    const kind = options[at] ?? 0;
    if (kind === 0) break;
    if (kind === 1) {
      at++;
      continue;
    }
    const length = options[at + 1] ?? 0;
    if (length < 2 || at + length > options.length) throw new Error(`option ${kind}: ${length}`);
    kinds.push(kind);
    at += length;
  }
  return kinds;
}
