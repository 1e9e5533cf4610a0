import test from 'ava';
import { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import { FrameReasons } from '../../src/core/capture/frameReasons.ts';

function open(): { reasons: FrameReasons; seen: string[] } {
  const seen: string[] = [];
  const reasons = new FrameReasons({
    commented: (octets, now, direction, comment) => {
      seen.push(`${now} ${direction} ${octets.join(' ')} ${comment}`);
    },
  });
  return { reasons, seen };
}

function packet(...octets: number[]): PacketBuffer {
  const buffer = new PacketBuffer(64);
  buffer.setFrame(new Uint8Array(octets));
  return buffer;
}

const FIN = 'sent: fin (RFC 9293 3.6): the user closed: no more text follows';

test('a frame that was sent has its reason, section and sentence', (t) => {
  const { reasons, seen } = open();
  reasons.frame(new Uint8Array([1]), 5, 'out');
  t.deepEqual(seen, []);
  reasons.sent(packet(1), 'fin');
  t.deepEqual(seen, [`5 out 1 ${FIN}`]);
});

test('a frame that was received stands before the answer that preceded its verdict', (t) => {
  const { reasons, seen } = open();
  reasons.frame(new Uint8Array([1]), 5, 'in');
  reasons.frame(new Uint8Array([2]), 6, 'out');
  reasons.sent(packet(2), 'arp-reply');
  t.deepEqual(seen, []);
  reasons.received(packet(1), null);
  reasons.frame(new Uint8Array([3]), 7, 'in');
  reasons.received(packet(3), 'tcp-bad-checksum');
  t.is(seen.length, 3);
  t.is(seen[0], '5 in 1 accepted');
  t.regex(seen[1] ?? '', /^6 out 2 sent: arp-reply \(RFC 826\): a neighbour asked/);
  t.regex(seen[2] ?? '', /^7 in 3 dropped: tcp-bad-checksum \(RFC 9293 3\.1\): /);
});

test('the octets are those of the time when they passed', (t) => {
  const { reasons, seen } = open();
  const octets = new Uint8Array([1]);
  reasons.frame(octets, 5, 'in');
  octets[0] = 9;
  reasons.received(packet(9), null);
  t.deepEqual(seen, ['5 in 1 accepted']);
});

test('a frame of somebody else does not get the reason of the next', (t) => {
  const { reasons, seen } = open();
  reasons.frame(new Uint8Array([1]), 5, 'out');
  reasons.frame(new Uint8Array([2]), 6, 'out');
  t.deepEqual(seen, ['5 out 1 null']);
  reasons.sent(packet(3), 'data');
  reasons.received(packet(3), null);
  t.is(seen.length, 1);
  reasons.sent(packet(2), 'fin');
  t.deepEqual(seen.slice(1), [`6 out 2 ${FIN}`]);
});

test('what was not sent is on no wire, and frames wait neither for ever nor in any number', (t) => {
  const { reasons, seen } = open();
  reasons.unsent();
  reasons.frame(new Uint8Array([1]), 5, 'in');
  for (let n = 0; n < 1000; n++) reasons.frame(new Uint8Array([2]), n, 'out');
  t.true(seen.length >= 1000 - 256);
  t.is(seen[0], '5 in 1 null');
  reasons.flush();
  t.is(seen.length, 1001);
});
