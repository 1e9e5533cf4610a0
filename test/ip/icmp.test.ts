import test from 'ava';
import { Protocol } from '../../src/core/base/ports.ts';
import { SECOND } from '../../src/core/base/time.ts';
import {
  ALL,
  datagram,
  FAR,
  Host,
  icmp,
  icmpFrame,
  octets,
  PEER,
  PEER_MAC,
  quoted,
  US,
} from './harness.ts';

test('RFC 1122 3.2.2.6: an echo request is answered with the same octets and TOS', (t) => {
  const host = Host.settled();
  const request = icmp(8, 0, 0x12340001, octets(56));
  t.is(host.receives(icmpFrame(request, { trafficClass: 0x10 })), null);
  const [reply] = host.sentFrames();
  t.truthy(reply);
  if (reply === undefined) return;
  t.deepEqual(reply.subarray(34), icmp(0, 0, 0x12340001, octets(56)));
  t.is(reply[15], 0x10);
  t.is(new DataView(reply.buffer).getUint16(20), 0, 'DF is clear');
  t.is(host.ip.sends.of('echo-reply'), 1);
});

test('RFC 791 3.2: an echo reply that is larger than the MTU leaves in fragments', (t) => {
  const host = Host.settled({ mtu: 1500 });
  const request = icmp(8, 0, 7, octets(4000));
  for (let at = 0; at < request.length; at += 1480) {
    const more = at + 1480 < request.length;
    const part = datagram(request.subarray(at, at + 1480), { protocol: 1, offset: at, more });
    t.is(host.receives(part), more ? 'fragment-held' : null);
  }
  const frames = host.sentFrames();
  t.is(frames.length, 3);
  const data = frames.flatMap((frame) => [...frame.subarray(34)]);
  t.deepEqual(Uint8Array.from(data), icmp(0, 0, 7, octets(4000)));
  t.deepEqual(
    frames.map((frame) => new DataView(frame.buffer).getUint16(20)),
    [0x2000, 0x2000 | 185, 370],
  );
  t.is(new Set(frames.map((frame) => new DataView(frame.buffer).getUint16(18))).size, 1);
  t.is(host.ip.sends.of('fragment'), 3);
});

test('RFC 791 3.2: the largest echo request is answered', (t) => {
  const host = Host.settled();
  const request = icmp(8, 0, 7, octets(65507));
  for (let at = 0; at < request.length; at += 1480) {
    const more = at + 1480 < request.length;
    host.receives(datagram(request.subarray(at, at + 1480), { protocol: 1, offset: at, more }));
  }
  const data = host.sentFrames().flatMap((frame) => [...frame.subarray(34)]);
  t.deepEqual(Uint8Array.from(data), icmp(0, 0, 7, octets(65507)));
});

test('RFC 1122 3.2.2.6: an echo request to a broadcast or multicast address is dropped', (t) => {
  const host = Host.settled();
  for (const destination of ['10.0.0.255', '255.255.255.255', '224.0.0.1']) {
    const frame = icmpFrame(icmp(8, 0, 1), { destination, frameTo: ALL });
    t.is(host.receives(frame), 'icmp-broadcast-echo');
  }
  const error = icmpFrame(icmp(3, 1, 0, quoted()), { destination: '10.0.0.255', frameTo: ALL });
  t.is(host.receives(error), 'icmp-unknown');
  t.deepEqual(host.sends(), []);
  t.deepEqual(host.tcp.errors, []);
});

test('RFC 1122 3.2.2: echo replies and unknown types are dropped', (t) => {
  const host = Host.settled();
  for (const type of [0, 1, 13, 15, 17, 255]) {
    t.is(host.receives(icmpFrame(icmp(type, 0, 0))), 'icmp-unknown');
  }
  t.deepEqual(host.sends(), []);
});

test('RFC 792: truncated and damaged messages are dropped', (t) => {
  const host = Host.settled();
  t.is(host.receives(icmpFrame(octets(7))), 'icmp-truncated');
  const damaged = icmp(8, 0, 1, octets(8));
  damaged[9] = 99;
  t.is(host.receives(icmpFrame(damaged)), 'icmp-bad-checksum');
  t.is(host.receives(icmpFrame(icmp(3, 1, 0, quoted().subarray(0, 27)))), 'icmp-truncated');
});

test('RFC 6633, RFC 1122 3.2.2.2: source quench and redirects change nothing', (t) => {
  const host = Host.settled();
  t.is(host.receives(icmpFrame(icmp(4, 0, 0, quoted()))), 'icmp-source-quench');
  t.is(host.receives(icmpFrame(icmp(5, 1, 0x0a000001, quoted()))), 'icmp-redirect');
  t.deepEqual(host.tcp.errors, []);
});

test('RFC 1122 3.2.2.1: each code of Destination Unreachable reaches the transport by its kind', (t) => {
  const host = Host.settled();
  const kinds: string[] = [];
  for (let code = 0; code < 16; code++) {
    t.is(host.receives(icmpFrame(icmp(3, code, 0, quoted()))), null);
    kinds.push(host.tcp.errors[code]?.split(' ')[0] ?? '');
  }
  t.deepEqual(kinds, [
    'net-unreachable',
    'host-unreachable',
    'protocol-unreachable',
    'port-unreachable',
    'fragmentation-needed',
    'source-route-failed',
    'net-unreachable',
    'host-unreachable',
    'host-unreachable',
    'admin-prohibited',
    'admin-prohibited',
    'net-unreachable',
    'host-unreachable',
    'admin-prohibited',
    'host-unreachable',
    'host-unreachable',
  ]);
  t.is(host.receives(icmpFrame(icmp(3, 16, 0, quoted()))), 'icmp-unknown');
  t.is(host.tcp.errors.length, 16);
  t.is(host.tcp.errors[1], `host-unreachable ${US}:1000>${PEER}:80 seq 77 mtu 0`);
});

test('RFC 1122 3.2.2.4, 3.2.2.5: time exceeded and parameter problem reach the transport', (t) => {
  const host = Host.settled();
  t.is(host.receives(icmpFrame(icmp(11, 0, 0, quoted()), { source: FAR })), null);
  t.is(host.receives(icmpFrame(icmp(12, 0, 0, quoted()))), null);
  t.deepEqual(host.tcp.errors, [
    `time-exceeded ${US}:1000>${PEER}:80 seq 77 mtu 0`,
    `parameter-problem ${US}:1000>${PEER}:80 seq 77 mtu 0`,
  ]);
  t.deepEqual(host.sends(), [], 'RFC 1122 3.2.2: no error about an error');
});

test('RFC 5927 4.1: errors that quote nothing of ours are dropped', (t) => {
  const host = Host.settled();
  const foreign = icmp(3, 1, 0, quoted({ source: '10.0.0.9' }));
  t.is(host.receives(icmpFrame(foreign)), 'icmp-no-connection');
  const udp = icmp(3, 3, 0, quoted({ protocol: Protocol.UDP }));
  t.is(host.receives(icmpFrame(udp)), 'icmp-no-connection');
  t.deepEqual(host.tcp.errors, []);
  host.tcp.errorVerdict = 'icmp-out-of-window';
  t.is(host.receives(icmpFrame(icmp(3, 1, 0, quoted()))), 'icmp-out-of-window');
});

test('RFC 1191 4: the path MTU goes down when the transport believes the error', (t) => {
  const host = Host.settled();
  const flow = host.flow();
  const other = host.flow(FAR);
  t.is(flow.mtu, 1500);
  host.receives(icmpFrame(icmp(3, 4, 1400, quoted())));
  t.is(flow.mtu, 1400);
  t.is(other.mtu, 1500);
  t.is(host.flow().mtu, 1400);
  t.deepEqual(host.tcp.errors, [`fragmentation-needed ${US}:1000>${PEER}:80 seq 77 mtu 1400`]);
  host.sendSegment(flow, 1381);
  t.deepEqual(host.notes.unsent_, ['frame-too-long']);
});

test('RFC 5927 7: the path MTU stays when the transport does not believe the error', (t) => {
  const host = Host.settled();
  host.tcp.errorVerdict = 'icmp-no-connection';
  t.is(host.receives(icmpFrame(icmp(3, 4, 1400, quoted()))), 'icmp-no-connection');
  t.is(host.flow().mtu, 1500);
  t.deepEqual(host.ip.snapshot(host.now).pathMtus, []);
});

test('RFC 1191 6.3: no message raises the path MTU, none brings it below 552', (t) => {
  const host = Host.settled();
  const flow = host.flow();
  host.receives(icmpFrame(icmp(3, 4, 9000, quoted())));
  t.is(flow.mtu, 1500);
  host.receives(icmpFrame(icmp(3, 4, 1000, quoted())));
  host.receives(icmpFrame(icmp(3, 4, 1200, quoted())));
  t.is(flow.mtu, 1000);
  host.receives(icmpFrame(icmp(3, 4, 68, quoted())));
  t.is(flow.mtu, 552);
});

test('RFC 1191 7.1: a router that tells no MTU makes it the next plateau', (t) => {
  const host = Host.settled();
  const flow = host.flow();
  const told = (length: number) => host.receives(icmpFrame(icmp(3, 4, 0, quoted({ length }))));
  told(1480);
  t.is(flow.mtu, 1492);
  told(1472);
  t.is(flow.mtu, 1006);
  told(986);
  t.is(flow.mtu, 552);
});

test('RFC 1191 6.3: a path MTU is forgotten after ten minutes', (t) => {
  const host = Host.settled();
  const flow = host.flow();
  const start = host.now;
  host.receives(icmpFrame(icmp(3, 4, 1400, quoted())));
  host.runTo(start + 60 * SECOND);
  host.receives(icmpFrame(icmp(3, 4, 1300, quoted({ destination: FAR }))));
  host.runTo(start + 600 * SECOND - 1);
  t.is(flow.mtu, 1400);
  host.runTo(start + 600 * SECOND);
  t.is(flow.mtu, 1500);
  t.is(host.flow(FAR).mtu, 1300);
  host.runTo(start + 660 * SECOND);
  t.is(host.flow(FAR).mtu, 1500);
  t.is(host.timers.size, 0);
});

test('the table of path MTUs is bounded: the oldest gives way', (t) => {
  const host = Host.settled({ limits: { pathMtus: 2 } });
  for (const last of [11, 12, 13]) {
    const destination = `10.0.0.${last}`;
    host.receives(icmpFrame(icmp(3, 4, 1400, quoted({ destination }))));
  }
  t.deepEqual(
    host.ip.snapshot(host.now).pathMtus.map((entry) => entry.destination),
    ['10.0.0.12', '10.0.0.13'],
  );
  t.is(host.flow('10.0.0.11').mtu, 1500);
});

test('RFC 1191 4: own answers are cut to the path MTU', (t) => {
  const host = Host.settled();
  host.receives(icmpFrame(icmp(3, 4, 600, quoted())));
  host.receives(icmpFrame(icmp(8, 0, 1, octets(800))));
  t.deepEqual(host.sends(), [
    `${US}>${PEER} proto 1 len 596 frag 0+ to ${PEER_MAC}`,
    `${US}>${PEER} proto 1 len 252 frag 576 to ${PEER_MAC}`,
  ]);
});
