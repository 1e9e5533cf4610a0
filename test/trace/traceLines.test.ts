import test from 'ava';
import fc from 'fast-check';
import { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import { TraceLines } from '../../src/core/trace/traceLines.ts';

const SYN =
  '02000a6b0002 020000000001 0800 4500 0028 0007 0000 4006 0000 0a6b0001 0a6b0002' +
  '9c40 0050 000003e8 00000000 5002 0200 0000 0000';
const SHOWN = 'IP 10.107.0.1.40000 > 10.107.0.2.80: Flags [S], seq 1000, win 512, length 0';

function packet(): PacketBuffer {
  const made = new PacketBuffer(100);
  made.setFrame(Uint8Array.from(Buffer.from(SYN.replaceAll(' ', ''), 'hex')));
  made.network = made.link + 14;
  made.transport = made.network + 20;
  return made;
}

function open(): { trace: TraceLines; lines: string[] } {
  const lines: string[] = [];
  return { trace: new TraceLines((line) => lines.push(line), 5_000_000), lines };
}

test('a frame that was sent is a line with the reason, its section and what it means', (t) => {
  const { trace, lines } = open();
  trace.sent(packet(), 'handshake', 5_000_000);
  t.deepEqual(lines, [
    `0.000000 > ${SHOWN} — sent: handshake (RFC 9293 3.5): synchronize sequence numbers`,
  ]);
});

test('a frame that was received is accepted, or dropped with the reason', (t) => {
  const { trace, lines } = open();
  trace.received(packet(), null, 5_000_031);
  trace.received(packet(), 'paws', 6_500_000);
  trace.received(packet(), 'frame-too-long', 6_500_000);
  t.deepEqual(lines, [
    `0.000031 < ${SHOWN} — accepted`,
    `1.500000 < ${SHOWN} — dropped: paws (RFC 7323 5): the timestamp is older than the last one`,
    `1.500000 < ${SHOWN} — dropped: frame-too-long: the frame is larger than the MTU`,
  ]);
});

test('what was to be sent and was not is shown too, with a link header or without', (t) => {
  const { trace, lines } = open();
  const cut = packet();
  trace.unsent(cut, 'device-full', 5_000_000);
  cut.link = cut.network;
  trace.unsent(cut, 'no-route', 5_000_000);
  t.deepEqual(lines, [
    `0.000000 ! ${SHOWN} — not sent: device-full: the device takes no more frames now`,
    `0.000000 ! ${SHOWN} — not sent: no-route (RFC 1122 3.3.1): no route leads to the destination`,
  ]);
});

test('a transition stands on the line of the segment that made it', (t) => {
  const { trace, lines } = open();
  trace.transition(1, 'LISTEN', 'SYN-RECEIVED', 5_000_010);
  trace.received(packet(), null, 5_000_010);
  trace.transition(1, 'SYN-RECEIVED', 'ESTABLISHED', 5_000_020);
  trace.transition(1, 'ESTABLISHED', 'CLOSE-WAIT', 5_000_020);
  trace.received(packet(), null, 5_000_020);
  trace.flush();
  t.deepEqual(lines, [
    `0.000010 < ${SHOWN} — accepted; connection 1 LISTEN -> SYN-RECEIVED`,
    `0.000020 < ${SHOWN} — accepted; connection 1 SYN-RECEIVED -> ESTABLISHED; ` +
      'connection 1 ESTABLISHED -> CLOSE-WAIT',
  ]);
});

test('a transition that no frame follows at its instant has a line of its own', (t) => {
  const { trace, lines } = open();
  trace.transition(7, 'TIME-WAIT', 'CLOSED', 65_000_000);
  t.deepEqual(lines, []);
  trace.transition(8, 'TIME-WAIT', 'CLOSED', 66_000_000);
  trace.received(packet(), null, 67_000_000);
  trace.transition(9, 'FIN-WAIT-2', 'CLOSED', 68_000_000);
  trace.flush();
  trace.flush();
  t.deepEqual(lines, [
    '60.000000 * connection 7 TIME-WAIT -> CLOSED',
    '61.000000 * connection 8 TIME-WAIT -> CLOSED',
    `62.000000 < ${SHOWN} — accepted`,
    '63.000000 * connection 9 FIN-WAIT-2 -> CLOSED',
  ]);
});

test('a frame is one line, whatever its octets and offsets are', (t) => {
  const { trace, lines } = open();
  const any = new PacketBuffer(200);
  const offset = fc.nat(any.octets.length);
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: any.octets.length }),
      fc.tuple(offset, offset, offset),
      (octets, [link, network, end]) => {
        any.octets.set(octets);
        any.link = link;
        any.network = network;
        any.end = end;
        trace.sent(any, 'data', 0);
        trace.received(any, null, 0);
        trace.unsent(any, 'no-route', 0);
      },
    ),
  );
  t.true(lines.every((line) => /^-?\d+\.\d{6} [<>!] \S.* — \S/.test(line)));
});

test('what IP answers while it processes a frame follows the line of that frame', (t) => {
  const { trace, lines } = open();
  trace.sent(packet(), 'echo-reply', 5_000_000);
  trace.received(packet(), null, 5_000_000);
  trace.sent(packet(), 'icmp-error', 6_000_000); // by a timer: no frame follows
  trace.sent(packet(), 'handshake', 7_000_000);
  trace.sent(packet(), 'arp-reply', 8_000_000);
  trace.flush();
  t.deepEqual(
    lines.map(
      (line) =>
        `${line.slice(0, 10)} ${/(accepted|[a-z]+-[a-z]+|handshake) ?\(?/.exec(line.split('—')[1] ?? '')?.[1]}`,
    ),
    [
      '0.000000 < accepted',
      '0.000000 > echo-reply',
      '1.000000 > icmp-error',
      '2.000000 > handshake',
      '3.000000 > arp-reply',
    ],
  );
});
