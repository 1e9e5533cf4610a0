import test from 'ava';
import fc from 'fast-check';
import { ipv4 } from '../../src/core/base/address.ts';
import { finish, pseudoHeaderSum, sum } from '../../src/core/wire/checksum.ts';
import { parseUdp, UdpHeader } from '../../src/core/wire/udp.ts';
import { exactPacketOf, hex, packetOf } from './packets.ts';

const A = ipv4(0x0a090001);
const B = ipv4(0x0a090002);
/** Captured between two Linux hosts, from A to B. */
const HELLO = hex('8684 270f 000d fa59 6865 6c6c 6f');

test('RFC 768: a captured datagram', (t) => {
  const udp = new UdpHeader();
  t.is(parseUdp(packetOf(HELLO), A, B, udp), null);
  t.like(udp, { sourcePort: 34436, destinationPort: 9999, length: 13, checksum: 0xfa59 });
});

test('RFC 768: a datagram cut anywhere is refused', (t) => {
  for (let length = 0; length < HELLO.length; length++) {
    const octets = HELLO.subarray(0, length);
    t.is(parseUdp(exactPacketOf(octets), A, B, new UdpHeader()), 'udp-truncated');
    t.is(parseUdp(packetOf(octets), A, B, new UdpHeader()), 'udp-truncated');
  }
});

test('RFC 768: a length below 8 is refused', (t) => {
  const copy = HELLO.slice();
  copy[5] = 7;
  t.is(parseUdp(packetOf(copy), A, B, new UdpHeader()), 'udp-truncated');
});

test('RFC 768: the checksum covers text and addresses', (t) => {
  const copy = HELLO.slice();
  copy[12] = 0x70;
  t.is(parseUdp(packetOf(copy), A, B, new UdpHeader()), 'udp-bad-checksum');
  t.is(parseUdp(packetOf(HELLO), A, ipv4(B + 1), new UdpHeader()), 'udp-bad-checksum');
});

test('RFC 768: a checksum of zero was not computed', (t) => {
  const copy = HELLO.slice();
  copy.fill(0, 6, 8);
  copy[12] = 0x70;
  t.is(parseUdp(packetOf(copy), A, B, new UdpHeader()), null);
});

test('RFC 768: what is written is read, whatever lies behind it', (t) => {
  const port = fc.integer({ min: 0, max: 0xffff });
  fc.assert(
    fc.property(
      port,
      port,
      fc.uint8Array({ maxLength: 60 }),
      fc.uint8Array({ maxLength: 5 }),
      (sourcePort, destinationPort, text, behind) => {
        const length = 8 + text.length;
        const octets = Uint8Array.from([...new Uint8Array(8), ...text, ...behind]);
        const view = new DataView(octets.buffer);
        view.setUint16(0, sourcePort);
        view.setUint16(2, destinationPort);
        view.setUint16(4, length);
        const checksum = finish(sum(octets, view, 0, length, pseudoHeaderSum(A, B, 17, length)));
        view.setUint16(6, checksum || 0xffff);
        const udp = new UdpHeader();
        t.is(parseUdp(exactPacketOf(octets), A, B, udp), null);
        t.like(udp, { sourcePort, destinationPort, length });
      },
    ),
  );
});
