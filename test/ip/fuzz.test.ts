import test from 'ava';
import { Xoshiro128 } from '../../src/core/base/random.ts';
import { DROP_REASONS } from '../../src/core/base/reasons.ts';
import { MS } from '../../src/core/base/time.ts';
import {
  arp,
  arpReply,
  checksum,
  datagram,
  Host,
  icmp,
  icmpFrame,
  octets,
  PEER,
  PEER_MAC,
  quoted,
  US,
  udp,
} from './harness.ts';

const FRAMES = 20_000;
const SEED = 20260;

const LIMITS = {
  neighbors: 16,
  waitingDatagrams: 3,
  waitingOctets: 5_000,
  partialDatagrams: 8,
  fragmentOctets: 20_000,
  fragmentsPerDatagram: 6,
  pathMtus: 8,
};

test('whatever arrives, nothing throws, each frame gets one verdict, and all tables stay bounded', (t) => {
  const random = new Xoshiro128(SEED);
  const pick = (limit: number) => random.u32() % limit;
  const host = new Host({ limits: LIMITS });
  const flow = host.flow();
  let processed = 0;
  for (let i = 0; i < FRAMES; i++) {
    const drop = host.receives(mutated(pick));
    if (drop === null) processed++;
    else t.true(drop in DROP_REASONS);
    if (pick(50) === 0) host.sendSegment(flow, 20 + pick(1600));
    host.runTo(host.now + pick(5) * MS);
    host.sends();
    const snapshot = host.ip.snapshot(host.now);
    const [iface] = snapshot.interfaces;
    t.true((iface?.neighbors.length ?? 0) <= LIMITS.neighbors);
    t.true((iface?.waitingOctets ?? 0) <= LIMITS.waitingOctets);
    t.true((iface?.neighbors ?? []).every((n) => n.waiting <= LIMITS.waitingDatagrams));
    t.true(snapshot.reassembly.datagrams <= LIMITS.partialDatagrams);
    t.true(snapshot.reassembly.octets <= LIMITS.fragmentOctets);
    t.true(snapshot.pathMtus.length <= LIMITS.pathMtus);
  }
  const verdicts = host.notes.received_;
  t.is(verdicts.length, FRAMES);
  const unsent = host.notes.unsent_.length + host.ip.drops.of('fragment-timeout');
  t.is(host.ip.drops.total, FRAMES - processed + unsent, 'each drop is counted once');
  t.true(processed > 500, 'enough of the frames got through to mean something');
  t.log(`${processed} processed, ${new Set(verdicts).size} different verdicts, seed ${SEED}`);
});

/** A valid frame of some kind, mostly with a few octets changed, or no frame at all. */
function mutated(pick: (limit: number) => number): Uint8Array {
  const frame = seedFrame(pick).slice();
  const style = pick(4);
  if (style === 0) return frame;
  for (let n = pick(4); n >= 0; n--) frame[14 + pick(frame.length - 14)] = pick(256);
  if (style === 1) frame.fill(pick(256), pick(frame.length));
  if (style === 2) repairChecksum(frame);
  return pick(8) === 0 ? frame.subarray(0, pick(frame.length)) : frame;
}

function seedFrame(pick: (limit: number) => number): Uint8Array {
  const from = `10.0.0.${pick(40)}`;
  const to = `10.0.0.${pick(60)}`;
  const more = pick(2) === 0;
  switch (pick(9)) {
    case 0:
      return arp({ from, mac: PEER_MAC, to: US });
    case 1:
      return arpReply(PEER, PEER_MAC);
    case 2:
      return datagram(octets(20 + pick(100)), { source: from });
    case 3:
      return datagram(udp(pick(50)), { protocol: 17, source: from });
    case 4:
      return icmpFrame(icmp(8, 0, 1, octets(pick(2000))), { source: from });
    case 5:
      return icmpFrame(icmp(3, pick(17), pick(1600), quoted({ destination: to })));
    case 6:
      return datagram(octets(8 * (1 + pick(100))), { id: pick(20), offset: 8 * pick(60), more });
    case 7:
      return datagram(octets(40), { protocol: pick(256), options: [pick(256), pick(9), 1, 0] });
    default:
      return Uint8Array.from({ length: 15 + pick(100) }, () => pick(256));
  }
}

/** Makes the checksum of an IP header right, so that the frame gets further. */
function repairChecksum(frame: Uint8Array): void {
  if (frame.length < 34) return;
  const view = new DataView(frame.buffer);
  const length = Math.min(14 + (view.getUint8(14) & 15) * 4, frame.length);
  view.setUint16(24, 0);
  view.setUint16(24, checksum(frame.subarray(14, length)));
}
