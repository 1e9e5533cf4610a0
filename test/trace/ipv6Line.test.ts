import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import { Conversations } from '../../src/core/trace/conversations.ts';
import { formatFrame } from '../../src/core/trace/line.ts';

// what is expected here is what tcpdump 4.99.3 says of the same octets

const ETHERNET = '02000a6b0002 020000000001 86dd';
const ADDRESSES = '20010db8000000000000000000000001 20010db8000000000000000000000002';
const ENDS = 'IP6 2001:db8::1.40000 > 2001:db8::2.80:';
const HOSTS = 'IP6 2001:db8::1 > 2001:db8::2:';
/** SEG.SEQ 1000, SEG.WND 512. */
const SYN = '9c40 0050 000003e8 00000000 5002 0200 0000 0000';

/** A datagram round a payload. @param longer octets that its length says are there besides */
function datagram(next: number, payload: string, longer = 0): string {
  const length = payload.replaceAll(' ', '').length / 2 + longer;
  const word = length.toString(16).padStart(4, '0');
  return `60000000 ${word} ${next.toString(16).padStart(2, '0')} 40 ${ADDRESSES} ${payload}`;
}

function frame(hex: string): PacketBuffer {
  const packet = new PacketBuffer(2048);
  packet.setFrame(Uint8Array.from(Buffer.from(`${ETHERNET}${hex}`.replaceAll(' ', ''), 'hex')));
  return packet;
}

function shown(t: ExecutionContext, hex: string, expected: string): void {
  t.is(formatFrame(frame(hex)), expected);
}

test('a segment and a user datagram in IPv6', (t) => {
  shown(t, datagram(6, SYN), `${ENDS} Flags [S], seq 1000, win 512, length 0`);
  shown(
    t,
    datagram(17, '0001 0002 000c 0000 61626364'),
    `${HOSTS.slice(0, -1).replace(' >', '.1 >')}.2: UDP, length 4`,
  );
});

test('numbers are counted from the beginning of a conversation in IPv6 as well', (t) => {
  const conversations = new Conversations();
  const ack = (seq: string, of: string): string =>
    formatFrame(frame(datagram(6, `9c40 0050 ${seq} ${of} 5010 0200 0000 0000`)), conversations);
  ack('000003e8', '000007d0');
  t.is(ack('000003e8', '000007d8'), `${ENDS} Flags [.], ack 9, win 512, length 0`);
});

test('extension headers stand between the addresses and the ports', (t) => {
  const segment = '40000 > 80: Flags [S], seq 1000, win 512, length 0';
  shown(t, datagram(60, `0600010400000000 ${SYN}`), `${HOSTS} DSTOPT ${segment}`);
  shown(t, datagram(44, `0600000100000007 ${SYN}`), `${HOSTS} frag (0|20) ${segment}`);
  shown(t, datagram(44, `0600000900000007 ${SYN}`), `${HOSTS} frag (8|20)`);
  shown(t, datagram(59, ''), `${HOSTS} no next header`);
  shown(t, datagram(99, '6162636465666768'), `${HOSTS}  ip-proto-99 8`);
});

test('ICMPv6: errors name the destination, neighbour discovery the target', (t) => {
  const quoted = datagram(6, SYN);
  const target = '20010db8000000000000000000000009';
  const icmp = (hex: string, expected: string): void =>
    shown(t, datagram(58, hex), `${HOSTS} ICMP6, ${expected}`);
  icmp('8000 0000 0001 0002', 'echo request, id 1, seq 2, length 8');
  icmp('8100 0000 0001 0002', 'echo reply, id 1, seq 2, length 8');
  icmp(`8700 0000 00000000 ${target}`, 'neighbor solicitation, who has 2001:db8::9, length 24');
  icmp(`8800 0000 e0000000 ${target}`, 'neighbor advertisement, tgt is 2001:db8::9, length 24');
  icmp('8500 0000 00000000', 'router solicitation, length 8');
  const unreachable = 'destination unreachable';
  icmp(`0100 0000 00000000 ${quoted}`, `${unreachable}, unreachable route 2001:db8::2, length 68`);
  icmp(
    `0104 0000 00000000 ${quoted}`,
    `${unreachable}, unreachable port, 2001:db8::2 tcp port 80, length 68`,
  );
  icmp(`0200 0000 00000500 ${quoted}`, 'packet too big, mtu 1280, length 68');
  icmp(`0300 0000 00000000 ${quoted}`, 'time exceeded in-transit for 2001:db8::2, length 68');
  icmp(`0400 0000 00000006 ${quoted}`, 'parameter problem, erroneous - octet 6, length 68');
  shown(
    t,
    datagram(0, '3a00050200000100 8f00 0000 00000001'),
    `${HOSTS} HBH ICMP6, multicast listener report v2, 1 group record(s), length 8`,
  );
});

test('a datagram that ends too soon says how much is missing', (t) => {
  shown(
    t,
    datagram(6, SYN, 40),
    `IP6 truncated-ip6 - 40 bytes missing!2001:db8::1.40000 > 2001:db8::2.80: ` +
      'Flags [S], seq 1000:1040, win 512, length 40',
  );
  shown(t, `5${datagram(6, SYN).slice(1)}`, 'IP6 version error: 5 != 6');
  shown(t, datagram(6, SYN).slice(0, 40), 'IP6 [|ip6]');
});

test('no octets make it throw', (t) => {
  const octets = fc.uint8Array({ minLength: 0, maxLength: 120 });
  const next = fc.constantFrom(0, 6, 17, 43, 44, 58, 59, 60, 99);
  fc.assert(
    fc.property(next, octets, (protocol, payload) => {
      const hex = Buffer.from(payload).toString('hex');
      t.true(formatFrame(frame(datagram(protocol, hex))).startsWith('IP6 '));
    }),
  );
});
