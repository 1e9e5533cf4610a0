import test from 'ava';
import { SECOND } from '../../src/core/base/time.ts';
import {
  ALL,
  arp,
  arpReply,
  FAR,
  Host,
  OUR_MAC,
  PEER,
  PEER_MAC,
  ROUTER,
  ROUTER_MAC,
  US,
} from './harness.ts';

const OTHER_MAC = '02:00:00:00:00:33';
const DATA = `${US}>${PEER} proto 6 len 40 DF to`;

test('RFC 5227 2.3: a new address is announced twice, two seconds apart', (t) => {
  const host = new Host();
  const announcement = `arp who-has ${US}>${US} to ${ALL}`;
  t.deepEqual(host.sends(), [announcement]);
  host.runTo(2 * SECOND - 1);
  t.deepEqual(host.sends(), []);
  host.runTo(60 * SECOND);
  t.deepEqual(host.sends(), [announcement]);
  t.is(host.ip.sends.of('arp-announcement'), 2);
});

test('RFC 826: a request for our address is answered, and its sender learned', (t) => {
  const host = new Host();
  host.sends();
  t.is(host.receives(arp({ from: PEER, mac: PEER_MAC, to: US })), null);
  t.deepEqual(host.sends(), [`arp is-at ${US}>${PEER} to ${PEER_MAC}`]);
  t.deepEqual(host.neighbors, [`${PEER} reachable ${PEER_MAC}`]);
});

test('RFC 826: a request for another address is dropped, and its sender not learned', (t) => {
  const host = new Host();
  host.sends();
  t.is(host.receives(arp({ from: PEER, mac: PEER_MAC, to: '10.0.0.9' })), 'arp-not-for-us');
  t.deepEqual(host.sends(), []);
  t.deepEqual(host.neighbors, []);
});

test('RFC 826: a gratuitous request updates a known neighbour and creates none', (t) => {
  const host = Host.settled();
  t.is(host.receives(arp({ from: PEER, mac: OTHER_MAC, to: PEER })), null);
  t.is(host.neighbors[0], `${PEER} stale ${OTHER_MAC}`);
  t.is(host.receives(arp({ from: '10.0.0.9', mac: OTHER_MAC, to: '10.0.0.9' })), 'arp-not-for-us');
  t.is(host.neighbors.length, 2);
  t.deepEqual(host.sends(), []);
});

test('RFC 5227 2.1.1: a probe for our address is answered and teaches nothing', (t) => {
  const host = new Host();
  host.sends();
  t.is(host.receives(arp({ from: '0.0.0.0', mac: PEER_MAC, to: US })), null);
  t.deepEqual(host.sends(), [`arp is-at ${US}>0.0.0.0 to ${PEER_MAC}`]);
  t.deepEqual(host.neighbors, []);
});

test('RFC 826: senders that can be no neighbour are ignored', (t) => {
  const host = new Host();
  host.sends();
  const bad = [
    arp({ from: PEER, mac: '03:00:00:00:00:01', to: US }),
    arp({ from: PEER, mac: '00:00:00:00:00:00', to: US }),
    arp({ from: PEER, mac: OUR_MAC, to: US }),
    arp({ operation: 2, from: '0.0.0.0', mac: PEER_MAC, to: US }),
    arp({ from: FAR, mac: PEER_MAC, to: US }),
    arp({ from: '10.0.0.255', mac: PEER_MAC, to: US }),
    arp({ from: '224.0.0.1', mac: PEER_MAC, to: US }),
  ];
  for (const frame of bad) t.is(host.receives(frame), 'arp-bad-sender');
  t.deepEqual(host.sends(), []);
  t.deepEqual(host.neighbors, []);
});

test('RFC 5227 2.4: a station that claims our address is counted, not believed', (t) => {
  const host = new Host();
  host.sends();
  t.is(host.receives(arp({ from: US, mac: PEER_MAC, to: PEER })), 'arp-conflict');
  t.deepEqual(host.sends(), []);
  t.is(host.ip.drops.of('arp-conflict'), 1);
});

test('RFC 826: truncated packets and other operations or types are dropped by name', (t) => {
  const host = new Host();
  t.is(host.receives(arp({ from: PEER, mac: PEER_MAC, to: US }).subarray(0, 41)), 'arp-truncated');
  t.is(host.receives(arp({ operation: 3, from: PEER, mac: PEER_MAC, to: US })), 'arp-unsupported');
  const ieee = arp({ from: PEER, mac: PEER_MAC, to: US });
  ieee[15] = 6;
  t.is(host.receives(ieee), 'arp-unsupported');
});

test('RFC 1122 2.3.2.2: datagrams wait for the answer and leave in order', (t) => {
  const host = new Host();
  host.sends();
  const flow = host.flow();
  host.sendSegment(flow, 20);
  host.sendSegment(flow, 21);
  t.deepEqual(host.sends(), [`arp who-has ${US}>${PEER} to ${ALL}`]);
  t.deepEqual(host.neighbors, [`${PEER} incomplete ?`]);
  t.is(host.receives(arpReply(PEER, PEER_MAC)), null);
  t.deepEqual(host.sends(), [
    `${DATA} ${PEER_MAC}`,
    `${US}>${PEER} proto 6 len 41 DF to ${PEER_MAC}`,
  ]);
  t.is(host.ip.snapshot(host.now).interfaces[0]?.waitingOctets, 0);
  host.sendSegment(flow);
  t.deepEqual(host.sends(), [`${DATA} ${PEER_MAC}`]);
});

test('RFC 1122 2.3.2.2: the oldest of too many waiting datagrams gives way', (t) => {
  const host = new Host({ limits: { waitingDatagrams: 2 } });
  host.sends();
  const flow = host.flow();
  for (const length of [20, 21, 22]) host.sendSegment(flow, length);
  t.deepEqual(host.notes.unsent_, ['neighbor-queue-full']);
  host.sends();
  host.receives(arpReply(PEER, PEER_MAC));
  t.deepEqual(host.sends(), [
    `${US}>${PEER} proto 6 len 41 DF to ${PEER_MAC}`,
    `${US}>${PEER} proto 6 len 42 DF to ${PEER_MAC}`,
  ]);
});

test('RFC 1122 2.3.2.2: the octets that wait for all neighbours together are bounded', (t) => {
  const host = new Host({ limits: { waitingOctets: 100 } });
  host.sendSegment(host.flow('10.0.0.3'), 60);
  host.sendSegment(host.flow('10.0.0.4'), 60);
  t.deepEqual(host.notes.unsent_, ['neighbor-queue-full']);
  t.is(host.ip.snapshot(host.now).interfaces[0]?.waitingOctets, 80);
  host.runTo(10 * SECOND);
  t.is(host.ip.snapshot(host.now).interfaces[0]?.waitingOctets, 0);
  t.deepEqual(host.tcp.errors, ['host-unreachable 10.0.0.2:1000>10.0.0.3:80 seq 77 mtu 0']);
});

test('RFC 1122 2.3.2.1: one request per second, three in all, then the transport is told', (t) => {
  const host = new Host();
  host.runTo(5 * SECOND);
  host.sends();
  host.sendSegment(host.flow());
  const request = `arp who-has ${US}>${PEER} to ${ALL}`;
  t.deepEqual(host.sends(), [request]);
  host.runTo(6 * SECOND);
  t.deepEqual(host.sends(), [request]);
  host.runTo(8 * SECOND - 1);
  t.deepEqual(host.sends(), [request]);
  t.deepEqual(host.tcp.errors, []);
  host.runTo(20 * SECOND);
  t.deepEqual(host.sends(), []);
  t.deepEqual(host.tcp.errors, [`host-unreachable ${US}:1000>${PEER}:80 seq 77 mtu 0`]);
  t.deepEqual(host.notes.unsent_, ['neighbor-unreachable']);
  t.deepEqual(host.neighbors, []);
});

test('RFC 1122 2.3.2.2: a flow asks again after its neighbour failed', (t) => {
  const host = new Host();
  const flow = host.flow();
  host.sendSegment(flow);
  host.runTo(5 * SECOND);
  host.sends();
  host.sendSegment(flow);
  t.deepEqual(host.sends(), [`arp who-has ${US}>${PEER} to ${ALL}`]);
  host.receives(arpReply(PEER, PEER_MAC));
  t.deepEqual(host.sends(), [`${DATA} ${PEER_MAC}`]);
});

test('RFC 1122 2.3.2.1: a stale neighbour is used, asked by unicast, then by broadcast, then given up', (t) => {
  const host = Host.settled();
  const flow = host.flow();
  host.runTo(51 * SECOND);
  t.is(host.neighbors[0], `${PEER} stale ${PEER_MAC}`);
  t.deepEqual(host.sends(), [], 'nobody asks while nothing is sent');
  host.sendSegment(flow);
  const toIt = `arp who-has ${US}>${PEER} to ${PEER_MAC}`;
  const toAll = `arp who-has ${US}>${PEER} to ${ALL}`;
  t.deepEqual(host.sends(), [`${DATA} ${PEER_MAC}`, toIt]);
  t.is(host.neighbors[0], `${PEER} probe ${PEER_MAC}`);
  host.sendSegment(flow);
  t.deepEqual(host.sends(), [`${DATA} ${PEER_MAC}`]);
  host.runTo(51 * SECOND + 5 * SECOND);
  t.deepEqual(host.sends(), [toIt, toIt, toAll, toAll, toAll]);
  host.sendSegment(flow);
  t.deepEqual(host.sends(), [`${DATA} ${PEER_MAC}`]);
  host.runTo(60 * SECOND);
  t.deepEqual(host.neighbors, [`${ROUTER} stale ${ROUTER_MAC}`]);
  host.sendSegment(flow);
  t.deepEqual(host.sends(), [toAll]);
});

test('RFC 4861 7.3.3: an answer makes a probed neighbour reachable and ends the requests', (t) => {
  const host = Host.settled();
  const flow = host.flow();
  host.runTo(60 * SECOND);
  host.sendSegment(flow);
  host.sends();
  host.receives(arpReply(PEER, OTHER_MAC));
  t.is(host.neighbors[0], `${PEER} reachable ${OTHER_MAC}`);
  host.runTo(74 * SECOND);
  host.sendSegment(flow);
  t.deepEqual(host.sends(), [`${DATA} ${OTHER_MAC}`]);
});

test('RFC 4861 7.3.1: a request of the peer for our address confirms that it is reachable', (t) => {
  const host = Host.settled();
  host.runTo(60 * SECOND);
  host.receives(arp({ from: PEER, mac: PEER_MAC, to: US }));
  host.sends();
  host.sendSegment(host.flow());
  t.deepEqual(host.sends(), [`${DATA} ${PEER_MAC}`]);
});

test('RFC 4861 10: the reachable time is between half and one and a half of 30 s', (t) => {
  for (let seed = 0; seed < 50; seed++) {
    const host = new Host({ seed });
    host.receives(arp({ from: PEER, mac: PEER_MAC, to: US }));
    host.now = 15 * SECOND - 1;
    t.is(host.neighbors[0], `${PEER} reachable ${PEER_MAC}`);
    host.now = 45 * SECOND;
    t.is(host.neighbors[0], `${PEER} stale ${PEER_MAC}`);
  }
});

test('the neighbour cache is bounded: a stale one gives way, then the one unused for longest', (t) => {
  const host = new Host({ limits: { neighbors: 2 } });
  host.receives(arp({ from: '10.0.0.11', mac: PEER_MAC, to: US }));
  host.now = 50 * SECOND;
  host.receives(arp({ from: '10.0.0.12', mac: PEER_MAC, to: US }));
  host.now += 1;
  host.receives(arp({ from: '10.0.0.13', mac: PEER_MAC, to: US }));
  t.deepEqual(
    host.neighbors.map((line) => line.split(' ')[0]),
    ['10.0.0.12', '10.0.0.13'],
  );
  host.now += 1;
  host.sendSegment(host.flow('10.0.0.12'));
  host.receives(arp({ from: '10.0.0.14', mac: PEER_MAC, to: US }));
  t.deepEqual(
    host.neighbors.map((line) => line.split(' ')[0]),
    ['10.0.0.12', '10.0.0.14'],
  );
});

test('the neighbour cache is bounded: what is being searched does not give way', (t) => {
  const host = new Host({ limits: { neighbors: 2 } });
  for (const to of ['10.0.0.11', '10.0.0.12', '10.0.0.13']) host.sendSegment(host.flow(to));
  t.deepEqual(host.neighbors, ['10.0.0.11 incomplete ?', '10.0.0.12 incomplete ?']);
  t.deepEqual(host.notes.unsent_, ['neighbor-queue-full']);
  host.receives(arp({ from: PEER, mac: PEER_MAC, to: US }));
  t.is(host.neighbors.length, 2);
});

test('a flow whose neighbour was evicted looks it up again', (t) => {
  const host = new Host({ limits: { neighbors: 1 } });
  const flow = host.flow();
  host.receives(arp({ from: PEER, mac: PEER_MAC, to: US }));
  host.sendSegment(flow);
  host.receives(arp({ from: '10.0.0.9', mac: OTHER_MAC, to: US }));
  host.sends();
  host.sendSegment(flow);
  t.deepEqual(host.sends(), [`arp who-has ${US}>${PEER} to ${ALL}`]);
});

test('a device that takes no frame: the request is counted as device-full and repeated', (t) => {
  const host = new Host();
  host.runTo(3 * SECOND);
  host.device.writable = false;
  t.false(host.ip.writable);
  host.sends();
  host.sendSegment(host.flow());
  t.deepEqual(host.notes.unsent_, ['device-full']);
  host.device.writable = true;
  t.true(host.ip.writable);
  host.runTo(4 * SECOND);
  t.deepEqual(host.sends(), [`arp who-has ${US}>${PEER} to ${ALL}`]);
});
