import test from 'ava';
import { subnetBroadcast } from '../../src/core/base/address.ts';
import { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import { Protocol } from '../../src/core/base/ports.ts';
import {
  address,
  arp,
  FAR,
  FakeDevice,
  Host,
  PEER,
  PEER_MAC,
  ROUTER,
  ROUTER_MAC,
  US,
} from './harness.ts';

test('RFC 1122 3.3.1.1: hosts of the network get frames directly, others through the gateway', (t) => {
  const host = Host.settled();
  host.sendSegment(host.flow(PEER));
  host.sendSegment(host.flow(FAR));
  t.deepEqual(host.sends(), [
    `${US}>${PEER} proto 6 len 40 DF to ${PEER_MAC}`,
    `${US}>${FAR} proto 6 len 40 DF to ${ROUTER_MAC}`,
  ]);
  t.is(host.ip.sends.of('data'), 2);
});

test('RFC 1122 3.3.1: without a gateway no route leads beyond the network', (t) => {
  const host = new Host({ gateway: null });
  t.is(host.ip.openFlow(address(US), address(FAR), Protocol.TCP), null);
  t.is(host.ip.sourceFor(address(FAR)), null);
  t.is(host.ip.sourceFor(address(PEER)), address(US));
});

test('RFC 1122 3.2.1.3: no flow leads to our own address, a broadcast, a group or 127.0.0.0/8', (t) => {
  const host = Host.settled();
  for (const to of [US, '10.0.0.255', '255.255.255.255', '224.0.0.1', '127.0.0.1', '0.0.0.0']) {
    t.is(host.ip.openFlow(address(US), address(to), Protocol.TCP), null, to);
    t.is(host.ip.sourceFor(address(to)), null, to);
  }
  t.true(host.ip.isLocal(address(US)));
  t.false(host.ip.isLocal(address(PEER)));
  t.true(host.ip.isBroadcastOrMulticast(subnetBroadcast(host.iface.cidr)));
  t.true(host.ip.isBroadcastOrMulticast(address('239.1.2.3')));
  t.false(host.ip.isBroadcastOrMulticast(address(PEER)));
});

test('RFC 1122 3.2.1.3: a flow from an address that is not ours is refused', (t) => {
  const host = Host.settled();
  const open = () => host.ip.openFlow(address(PEER), address(FAR), Protocol.TCP);
  t.throws(open, { instanceOf: RangeError });
});

test('RFC 1122 3.3.1.2: with two interfaces the longest prefix decides', (t) => {
  const host = new Host({ cidr: '10.0.0.2/8', gateway: null });
  const second = new FakeDevice(900);
  const narrow = { address: address('10.7.0.2'), prefixLength: 16 };
  host.ip.addInterface(second, narrow, address('10.7.0.1'), 0);
  t.is(host.ip.sourceFor(address('10.7.1.1')), address('10.7.0.2'));
  t.is(host.ip.sourceFor(address('10.8.1.1')), address('10.0.0.2'));
  t.is(host.ip.sourceFor(address(FAR)), address('10.7.0.2'));
  t.is(host.ip.receiveMtu(address('10.7.0.2')), 900);
  t.is(host.ip.receiveMtu(address(US)), 1500);
  t.throws(() => host.ip.receiveMtu(address(PEER)), { instanceOf: RangeError });
  t.is(host.ip.openFlow(address(US), address('10.7.1.1'), Protocol.TCP)?.mtu, 900);
  t.true(host.ip.writable);
  second.writable = false;
  t.false(host.ip.writable);
});

test('an interface is refused an address or a gateway that is impossible', (t) => {
  const add = (cidr: string, gateway: string | null) => () => new Host({ cidr, gateway });
  t.throws(add('10.0.0.255/24', null), { instanceOf: RangeError });
  t.throws(add('127.0.0.1/8', null), { instanceOf: RangeError });
  t.throws(add('224.0.0.1/8', null), { instanceOf: RangeError });
  t.throws(add('10.0.0.2/24', '10.0.1.1'), { instanceOf: RangeError });
  t.throws(add('10.0.0.2/24', '10.0.0.2'), { instanceOf: RangeError });
  t.throws(add('10.0.0.2/24', '10.0.0.0'), { instanceOf: RangeError });
  t.throws(add('10.0.0.2/24', '10.0.0.255'), { instanceOf: RangeError });
  t.notThrows(add('10.0.0.2/31', '10.0.0.3'));
});

test('RFC 3021: a network of two addresses has no broadcast address', (t) => {
  const host = new Host({ cidr: '10.0.0.2/31', gateway: null });
  t.not(host.ip.openFlow(address(US), address('10.0.0.3'), Protocol.TCP), null);
});

test('RFC 791 3.1: time to live and traffic class of a flow are those of its datagrams', (t) => {
  const host = Host.settled();
  const flow = host.flow();
  t.is(flow.ttl, 64);
  flow.ttl = 3;
  flow.trafficClass = 2;
  host.sendSegment(flow);
  flow.trafficClass = 0xb8;
  host.sendSegment(flow);
  flow.trafficClass = 0;
  host.sendSegment(flow);
  const frames = host.sentFrames();
  t.deepEqual(
    frames.map((frame) => [frame[15], frame[22]]),
    [
      [2, 3],
      [0xb8, 3],
      [0, 3],
    ],
  );
  t.throws(
    () => {
      flow.ttl = 0;
    },
    { instanceOf: RangeError },
  );
  t.throws(
    () => {
      flow.trafficClass = 256;
    },
    { instanceOf: RangeError },
  );
});

test('RFC 6864 4.1: the Identification of a flow counts from a random start, modulo 2^16', (t) => {
  const host = Host.settled();
  const flow = host.flow();
  const ids: number[] = [];
  for (let i = 0; i < 70_000; i++) {
    host.sendSegment(flow, 20);
    const frame = host.sentFrames()[0];
    if (frame !== undefined) ids.push(new DataView(frame.buffer).getUint16(18));
  }
  t.true(ids.every((id, i) => i === 0 || id === (((ids[i - 1] ?? 0) + 1) & 0xffff)));
  const [first] = ids;
  host.sendSegment(host.flow());
  const other = host.sentFrames()[0];
  t.not(other === undefined ? first : new DataView(other.buffer).getUint16(18), first);
});

test('RFC 791 2.3: a datagram with DF that is longer than the path MTU is dropped by name', (t) => {
  const host = Host.settled();
  const flow = host.flow();
  host.sendSegment(flow, 1480);
  t.is(host.sends().length, 1);
  host.sendSegment(flow, 1481);
  t.deepEqual(host.sends(), []);
  t.deepEqual(host.notes.unsent_, ['frame-too-long']);
  t.is(host.ip.drops.of('frame-too-long'), 1);
});

test('a device that cuts segments is given longer ones, up to what it announces', (t) => {
  const host = Host.settled();
  host.device.offload = { checksum: true, segmentation: 10_000 };
  const flow = host.flow();
  host.sendSegment(flow, 10_020);
  t.is(host.sends().length, 1);
  host.sendSegment(flow, 10_061);
  t.deepEqual(host.notes.unsent_, ['frame-too-long']);
});

test('a device that takes no frame: the segment is counted as device-full', (t) => {
  const host = Host.settled();
  const flow = host.flow();
  host.device.writable = false;
  host.sendSegment(flow);
  t.deepEqual(host.notes.unsent_, ['device-full']);
  t.is(host.ip.drops.of('device-full'), 1);
});

test('a flow of another maker is refused', (t) => {
  const host = Host.settled();
  const flow = { ...host.flow(), source: address(US), destination: address(PEER), mtu: 1500 };
  const send = () =>
    host.ip.send(new PacketBuffer(100), { ...flow, ttl: 64, trafficClass: 0 }, 'data', 0);
  t.throws(send, { instanceOf: TypeError });
});

test('an established flow finds its way without the routing table or the cache', (t) => {
  const host = Host.settled();
  const flow = host.flow();
  host.sendSegment(flow);
  host.receives(arp({ from: ROUTER, mac: ROUTER_MAC, to: US }));
  host.sends();
  for (let i = 0; i < 3; i++) host.sendSegment(flow);
  t.deepEqual(host.sends(), Array(3).fill(`${US}>${PEER} proto 6 len 40 DF to ${PEER_MAC}`));
});
