import test from 'ava';
import fc from 'fast-check';
import { formatIpv4, formatMac, ipv4, type MacAddress } from '../../src/core/base/address.ts';
import { ArpOperation, ArpPacket, parseArp, writeArp } from '../../src/core/wire/arp.ts';
import { emptyPacket, exactPacketOf, hex, octetsFrom, packetOf } from './packets.ts';

/** Captured between two Linux hosts. */
const REPLY = hex('0001 0800 0604 0002 96bf 368d 128f 0a09 0002 765b c51d 00b6 0a09 0001');

function changed(at: number, octet: number): Uint8Array {
  const copy = REPLY.slice();
  copy[at] = octet;
  return copy;
}

test('RFC 826: a captured reply', (t) => {
  const arp = new ArpPacket();
  t.is(parseArp(packetOf(REPLY), arp), null);
  t.is(arp.operation, ArpOperation.REPLY);
  t.is(formatMac(arp.senderMac), '96:bf:36:8d:12:8f');
  t.is(formatIpv4(arp.senderIp), '10.9.0.2');
  t.is(formatMac(arp.targetMac), '76:5b:c5:1d:00:b6');
  t.is(formatIpv4(arp.targetIp), '10.9.0.1');
});

test('RFC 826: the captured reply is written octet by octet', (t) => {
  const arp = new ArpPacket();
  parseArp(packetOf(REPLY), arp);
  const packet = emptyPacket(28);
  writeArp(packet, arp);
  t.deepEqual(octetsFrom(packet, packet.network), REPLY);
  t.is(packet.transport, packet.end);
});

test('RFC 826: a packet shorter than 28 octets is refused', (t) => {
  for (let length = 0; length < REPLY.length; length++) {
    const octets = REPLY.subarray(0, length);
    t.is(parseArp(packetOf(octets), new ArpPacket()), 'arp-truncated');
    t.is(parseArp(exactPacketOf(octets), new ArpPacket()), 'arp-truncated');
  }
});

test('RFC 826: only Ethernet and IPv4 are spoken', (t) => {
  for (const octets of [changed(1, 6), changed(2, 0x86), changed(4, 8), changed(5, 16)]) {
    t.is(parseArp(packetOf(octets), new ArpPacket()), 'arp-unsupported');
  }
});

test('RFC 826: what is written is read', (t) => {
  const mac = fc.integer({ min: 0, max: 2 ** 48 - 1 }).map((n) => n as MacAddress);
  const address = fc.integer({ min: 0, max: 0xffffffff }).map(ipv4);
  const record = fc.record({
    operation: fc.integer({ min: 0, max: 0xffff }),
    senderMac: mac,
    senderIp: address,
    targetMac: mac,
    targetIp: address,
  });
  fc.assert(
    fc.property(record, (fields) => {
      const packet = emptyPacket(28);
      writeArp(packet, Object.assign(new ArpPacket(), fields));
      const arp = new ArpPacket();
      t.is(parseArp(packet, arp), null);
      t.like(arp, { ...fields });
    }),
  );
});
