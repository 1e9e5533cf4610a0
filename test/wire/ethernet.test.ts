import test from 'ava';
import fc from 'fast-check';
import { BROADCAST_MAC, formatMac, type MacAddress } from '../../src/core/base/address.ts';
import {
  ETHERNET_HEADER,
  EthernetHeader,
  EtherType,
  parseEthernet,
  writeEthernet,
} from '../../src/core/wire/ethernet.ts';
import { emptyPacket, exactPacketOf, hex, octetsFrom, packetOf, START } from './packets.ts';

/** Captured between two Linux hosts. */
const ARP_REQUEST = hex(
  `ffff ffff ffff 765b c51d 00b6 0806 0001 0800 0604 0001 765b c51d 00b6 0a09 0001
   0000 0000 0000 0a09 0002`,
);

test('RFC 894: the header of a captured frame', (t) => {
  const packet = packetOf(ARP_REQUEST);
  const header = new EthernetHeader();
  t.is(parseEthernet(packet, header), null);
  t.is(header.destination, BROADCAST_MAC);
  t.is(formatMac(header.source), '76:5b:c5:1d:00:b6');
  t.is(header.type, EtherType.ARP);
  t.is(packet.network, START + ETHERNET_HEADER);
});

test('RFC 894: a frame shorter than its header is refused', (t) => {
  for (let length = 0; length < ETHERNET_HEADER; length++) {
    const frame = ARP_REQUEST.subarray(0, length);
    for (const packet of [packetOf(frame), exactPacketOf(frame)]) {
      t.is(parseEthernet(packet, new EthernetHeader()), 'ethernet-truncated');
    }
  }
  t.is(parseEthernet(exactPacketOf(ARP_REQUEST.subarray(0, 14)), new EthernetHeader()), null);
});

test('RFC 894: what is written is read', (t) => {
  const mac = fc.integer({ min: 0, max: 2 ** 48 - 1 }).map((n) => n as MacAddress);
  const type = fc.integer({ min: 0, max: 0xffff });
  fc.assert(
    fc.property(mac, mac, type, (destination, source, type) => {
      const packet = emptyPacket(60);
      packet.end += 60;
      packet.network -= 20;
      const network = packet.network;
      writeEthernet(packet, destination, source, type);
      t.is(packet.link, network - ETHERNET_HEADER);
      const header = new EthernetHeader();
      t.is(parseEthernet(packet, header), null);
      t.like(header, { destination, source, type });
      t.is(packet.network, network);
    }),
  );
});

test('RFC 894: the captured header is written octet by octet', (t) => {
  const packet = packetOf(ARP_REQUEST);
  const header = new EthernetHeader();
  parseEthernet(packet, header);
  packet.octets.fill(0, packet.link, packet.network);
  writeEthernet(packet, header.destination, header.source, header.type);
  t.deepEqual(octetsFrom(packet, packet.link), ARP_REQUEST);
});
