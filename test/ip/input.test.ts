import test from 'ava';
import { Protocol } from '../../src/core/base/ports.ts';
import { SECOND } from '../../src/core/base/time.ts';
import {
  ALL,
  arp,
  arpReply,
  checksum,
  datagram,
  FAR,
  Host,
  icmp,
  icmpFrame,
  octets,
  PEER,
  PEER_MAC,
  ROUTER_MAC,
  US,
  udp,
} from './harness.ts';

/** The frame with one octet of its IP header changed, and the header checksum right again. */
function withHeader(frame: Uint8Array, at: number, value: number): Uint8Array {
  const changed = frame.slice();
  const view = new DataView(changed.buffer);
  changed[14 + at] = value;
  view.setUint16(24, 0);
  view.setUint16(24, checksum(changed.subarray(14, 34)));
  return changed;
}

test('RFC 1122 3.2: a datagram for us reaches its transport without the padding of the frame', (t) => {
  const host = Host.settled();
  t.is(host.receives(datagram(octets(21))), null);
  t.deepEqual(host.tcp.datagrams, [{ source: PEER, destination: US, octets: octets(21) }]);
  t.deepEqual(host.sends(), []);
});

test('the verdict of the transport is that of the frame, and counted once', (t) => {
  const host = Host.settled();
  host.tcp.verdict = 'tcp-no-connection';
  t.is(host.receives(datagram(octets(20))), 'tcp-no-connection');
  t.is(host.ip.drops.of('tcp-no-connection'), 1);
});

test('IEEE 802.3: frames for other stations, groups, and too short ones are dropped', (t) => {
  const host = Host.settled();
  const toOther = datagram(octets(20), { frameTo: '02:00:00:00:00:77' });
  t.is(host.receives(toOther), 'ethernet-not-for-us');
  const toGroup = datagram(octets(20), { frameTo: '33:33:00:00:00:01' });
  t.is(host.receives(toGroup), 'ethernet-not-for-us');
  t.is(host.receives(datagram(octets(20)).subarray(0, 13)), 'ethernet-truncated');
  t.is(host.receives(octets(0)), 'ethernet-truncated');
  t.is(host.tcp.datagrams.length, 0);
});

test('RFC 1122 2.3.3: IPv6 and other ethertypes are dropped by name', (t) => {
  const host = Host.settled();
  for (const type of [0x86dd, 0x88cc, 60]) {
    const frame = datagram(octets(20));
    new DataView(frame.buffer).setUint16(12, type);
    t.is(host.receives(frame), 'ethertype-unknown');
  }
});

test('RFC 1122 3.2.1: version, length and checksum are checked before the addresses', (t) => {
  const host = Host.settled();
  const toOther = datagram(octets(20), { destination: '10.0.0.9' });
  t.is(host.receives(withHeader(toOther, 0, 0x65)), 'ip-bad-version');
  t.is(host.receives(withHeader(toOther, 0, 0x44)), 'ip-bad-header-length');
  t.is(host.receives(withHeader(toOther, 2, 0xff)), 'ip-truncated');
  const damaged = toOther.slice();
  damaged[22] = 63;
  t.is(host.receives(damaged), 'ip-bad-checksum');
  t.is(host.receives(toOther), 'ip-not-for-us');
});

test('RFC 1122 3.2.1.3: datagrams for other hosts, groups and 127.0.0.0/8 are dropped', (t) => {
  const host = Host.settled();
  for (const destination of ['10.0.0.9', FAR, '224.0.0.251', '127.0.0.1', '0.0.0.0']) {
    t.is(host.receives(datagram(octets(20), { destination })), 'ip-not-for-us', destination);
  }
  t.is(host.tcp.datagrams.length, 0);
});

test('MUST-63, RFC 1122 3.2.1.3: datagrams from what is not one other host are dropped', (t) => {
  const host = Host.settled();
  const sources = ['0.0.0.0', '0.1.2.3', '127.0.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'];
  for (const source of [...sources, '10.0.0.255', US]) {
    t.is(host.receives(datagram(octets(20), { source })), 'ip-martian-source', source);
  }
  t.is(host.receives(icmpFrame(icmp(8, 0, 1), { source: '127.0.0.1' })), 'ip-martian-source');
  t.deepEqual(host.sends(), []);
});

test('RFC 1122 3.3.6: a link-layer broadcast of a datagram for us alone is dropped', (t) => {
  const host = Host.settled();
  t.is(host.receives(datagram(octets(20), { frameTo: ALL })), 'ip-link-broadcast');
});

test('MUST-57: TCP to a broadcast or multicast address is dropped', (t) => {
  const host = Host.settled();
  for (const destination of ['10.0.0.255', '255.255.255.255', '224.0.0.1']) {
    const frame = datagram(octets(20), { destination, frameTo: ALL });
    t.is(host.receives(frame), 'tcp-not-unicast', destination);
  }
  t.deepEqual(host.sends(), []);
});

test('MUST-50, RFC 7126 4.3: source-routed datagrams are dropped, other options are not', (t) => {
  const host = Host.settled();
  const loose = [131, 7, 4, 10, 0, 0, 9, 0];
  const strict = [137, 7, 4, 10, 0, 0, 9, 0];
  t.is(host.receives(datagram(octets(20), { options: loose })), 'ip-source-route');
  t.is(host.receives(datagram(octets(20), { options: strict })), 'ip-source-route');
  t.is(host.receives(datagram(octets(20), { options: [148, 4, 0, 0] })), null);
  t.is(host.receives(datagram(octets(20), { options: [1, 1, 7, 40] })), 'ip-bad-option');
  t.deepEqual(
    host.tcp.datagrams.map((d) => d.octets),
    [octets(20)],
  );
});

test('RFC 791 3.2: a host takes a datagram whose time to live is 1, or 0', (t) => {
  const host = Host.settled();
  t.is(host.receives(datagram(octets(20), { ttl: 1 })), null);
  t.is(host.receives(datagram(octets(20), { ttl: 0 })), null);
});

test('RFC 1122 3.2.2.1: an unknown protocol is answered by protocol unreachable', (t) => {
  const host = Host.settled();
  const frame = datagram(octets(600), { protocol: 132 });
  t.is(host.receives(frame), 'ip-protocol-unknown');
  const [answer] = host.sentFrames();
  t.truthy(answer);
  if (answer === undefined) return;
  t.deepEqual([...answer.subarray(34, 36)], [3, 2]);
  t.is(answer.length, 14 + 576, 'RFC 1812 4.3.2.3: as much as fits in 576 octets');
  t.deepEqual(answer.subarray(42), frame.slice(14, 14 + 548));
  t.is(answer[15], 0xc0);
});

test('RFC 1122 4.1.3.1: UDP to us is answered by port unreachable, as no port is open', (t) => {
  const host = Host.settled();
  const frame = datagram(udp(4), { protocol: Protocol.UDP });
  t.is(host.receives(frame), 'udp-no-port');
  t.deepEqual(host.sends(), [`${US}>${PEER} proto 1 len 60 tc 192 icmp 3/3 to ${PEER_MAC}`]);
  t.is(host.ip.sends.of('icmp-error'), 1);
});

test('RFC 768: damaged UDP is dropped without an answer', (t) => {
  const host = Host.settled();
  const damaged = udp(4);
  damaged[7] = 1;
  t.is(host.receives(datagram(damaged, { protocol: Protocol.UDP })), 'udp-bad-checksum');
  t.is(host.receives(datagram(octets(7), { protocol: Protocol.UDP })), 'udp-truncated');
  t.deepEqual(host.sends(), []);
});

test('RFC 1122 3.2.2: no error is sent about a broadcast', (t) => {
  const host = Host.settled();
  const destination = '10.0.0.255';
  t.is(host.receives(datagram(udp(4), { protocol: 17, destination, frameTo: ALL })), 'udp-no-port');
  const unknown = datagram(octets(20), { protocol: 132, destination, frameTo: ALL });
  t.is(host.receives(unknown), 'ip-protocol-unknown');
  t.deepEqual(host.sends(), []);
});

test('RFC 1122 3.2.2: an answer to a host of another network goes through the gateway', (t) => {
  const host = Host.settled();
  host.receives(datagram(udp(4), { protocol: Protocol.UDP, source: FAR }));
  t.deepEqual(host.sends(), [`${US}>${FAR} proto 1 len 60 tc 192 icmp 3/3 to ${ROUTER_MAC}`]);
  const alone = new Host({ gateway: null });
  alone.sends();
  alone.receives(datagram(udp(4), { protocol: Protocol.UDP, source: FAR }));
  t.deepEqual(alone.sends(), []);
  t.deepEqual(alone.notes.unsent_, ['no-route']);
});

test('RFC 1812 4.3.2.8: ICMP errors are limited to 50 at once and 1000 per second', (t) => {
  const host = Host.settled();
  const frame = datagram(udp(4), { protocol: Protocol.UDP });
  for (let i = 0; i < 60; i++) t.is(host.receives(frame), 'udp-no-port');
  t.is(host.sends().length, 50);
  t.is(host.ip.drops.of('icmp-rate-limit'), 10);
  host.now += 2_500;
  for (let i = 0; i < 5; i++) host.receives(frame);
  t.is(host.sends().length, 2);
  host.now += 500;
  host.receives(frame);
  t.is(host.sends().length, 1);
});

test('a registered transport gets the datagrams of its protocol; ICMP belongs to IP', (t) => {
  const host = Host.settled();
  host.ip.register(Protocol.UDP, host.tcp);
  t.is(host.receives(datagram(octets(9), { protocol: Protocol.UDP })), null);
  t.is(host.tcp.datagrams.length, 1);
  t.throws(() => host.ip.register(Protocol.ICMP, host.tcp), { instanceOf: RangeError });
  t.throws(() => host.ip.register(256, host.tcp), { instanceOf: RangeError });
});

test('receiveFrames takes as many frames as its budget allows', (t) => {
  const host = Host.settled();
  for (let i = 0; i < 5; i++) host.device.inbox.push(datagram(octets(20)));
  t.is(host.ip.receiveFrames(host.iface, 3, host.now), 3);
  t.is(host.ip.receiveFrames(host.iface, 3, host.now), 2);
  t.is(host.ip.receiveFrames(host.iface, 3, host.now), 0);
  t.is(host.tcp.datagrams.length, 5);
});

test('what IP itself sends while the device takes no frame is dropped as device-full', (t) => {
  const host = Host.settled();
  host.device.writable = false;
  t.is(host.receives(icmpFrame(icmp(8, 0, 1))), null);
  host.receives(datagram(udp(4), { protocol: Protocol.UDP }));
  host.receives(arp({ from: PEER, mac: PEER_MAC, to: US }));
  t.deepEqual(host.notes.unsent_, ['device-full', 'device-full', 'device-full']);
});

test('RFC 1122 2.3.2.2: an own answer waits for ARP like any datagram, whole in its fragments', (t) => {
  const host = new Host();
  host.runTo(5 * SECOND);
  host.sends();
  const request = icmp(8, 0, 0x00070001, octets(2000));
  host.receives(datagram(request.subarray(0, 1480), { protocol: 1, more: true }));
  host.receives(datagram(request.subarray(1480), { protocol: 1, offset: 1480 }));
  t.deepEqual(host.sends(), [`arp who-has ${US}>${PEER} to ${ALL}`]);
  host.receives(arpReply(PEER, PEER_MAC));
  const parts = host.sentFrames();
  const data = parts.flatMap((frame) => [...frame.subarray(34)]);
  t.deepEqual(Uint8Array.from(data.slice(8)), octets(2000));
});
