import test from 'ava';
import { ipv4, type MacAddress } from '../../src/core/base/address.ts';
import { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import { type Micros, MS, SECOND } from '../../src/core/base/time.ts';
import { TimerQueue } from '../../src/core/base/timerQueue.ts';
import { VirtualClock } from '../../src/core/base/virtualClock.ts';
import { Link, type LinkOptions } from '../../src/core/sim/link.ts';
import { Router } from '../../src/core/sim/router.ts';
import { finish, sum } from '../../src/core/wire/checksum.ts';
import { EtherType, writeEthernet } from '../../src/core/wire/ethernet.ts';
import { Ipv4Header, ipv4Template, parseIpv4, writeIpv4 } from '../../src/core/wire/ipv4.ts';

const MACS = [0x020000000001 as MacAddress, 0x020000000002 as MacAddress] as const;
const [HERE, THERE] = [ipv4(0x0a000001), ipv4(0x0a000102)];
const FRAME = 1514;
const NOT_ECT = 0;
const ECT = 2;
const CE = 3;

/** A UDP datagram in a frame of `length` octets, with a number and an ECN codepoint. */
function frameOf(id: number, { length = FRAME, ecn = NOT_ECT } = {}): PacketBuffer {
  const packet = new PacketBuffer(FRAME);
  packet.clear();
  packet.end = packet.transport + length - 34;
  writeIpv4(packet, ipv4Template(HERE, THERE, 17, 64, ecn), id);
  writeEthernet(packet, MACS[1], MACS[0], EtherType.IPV4);
  return packet;
}

/** What came out of a wire: the number of the datagram, when, and its ECN codepoint. */
interface Arrival {
  readonly id: number;
  readonly at: Micros;
  readonly ecn: number;
}

/** A wire, and what comes out of its other end. */
class Wire {
  readonly clock = new VirtualClock(SECOND);
  readonly timers = new TimerQueue();
  readonly link: Link;
  readonly arrivals: Arrival[] = [];

  constructor(options: LinkOptions) {
    this.link = new Link(MACS, options, this.clock, this.timers);
    const packet = new PacketBuffer(FRAME);
    const ip = new Ipv4Header();
    this.link.b.onReadable = () => {
      while (this.link.b.receive(packet)) {
        packet.network = packet.link + 14;
        const { octets, view, network } = packet;
        if (finish(sum(octets, view, network, network + 20, 0)) !== 0) throw new Error('checksum');
        parseIpv4(packet, ip);
        const ecn = ip.trafficClass & CE;
        this.arrivals.push({ id: ip.identification, at: this.clock.now() - SECOND, ecn });
      }
    };
  }

  passes(time: Micros): void {
    const until = this.clock.now() + time;
    for (let next = this.timers.next(); next <= until; next = this.timers.next()) {
      this.clock.advanceTo(Math.max(next, this.clock.now()));
      this.timers.expire(this.clock.now());
    }
    this.clock.advanceTo(until);
  }

  /** Frames at this many times the rate of the wire, whoever hears of it, for `time`. */
  floods(load: number, time: Micros, rate: number, ecn = NOT_ECT): void {
    const gap = (FRAME * 8 * SECOND) / rate / load;
    const count = Math.floor(time / gap);
    const begin = this.clock.now();
    for (let i = 1; i <= count; i++) {
      this.link.a.send(frameOf(i & 0xffff, { ecn }));
      this.passes(Math.round(begin + i * gap) - this.clock.now());
    }
  }
}

function times({ arrivals }: Wire): number[] {
  return arrivals.map(({ at }) => at);
}

function ids({ arrivals }: Wire): number[] {
  return arrivals.map(({ id }) => id);
}

test('link: a frame takes its time on the wire and the delay, one after the other', (t) => {
  const wire = new Wire({ rate: 100e6, delay: 5 * MS });
  for (let i = 1; i <= 3; i++) wire.link.a.send(frameOf(i));
  wire.passes(SECOND);
  t.deepEqual(times(wire), [5121, 5242, 5363]);
});

test('link: a full queue drops at the tail', (t) => {
  const wire = new Wire({ rate: 100e6, queue: 2 });
  for (let i = 1; i <= 5; i++) wire.link.a.send(frameOf(i));
  wire.passes(SECOND);
  t.deepEqual(ids(wire), [1, 2, 3]);
  t.is(wire.link.a.framesDropped, 2);
});

function jittered(options: LinkOptions): Wire {
  const wire = new Wire({ delay: 10 * MS, jitter: 4 * MS, ...options });
  for (let i = 1; i <= 200; i++) {
    wire.link.a.send(frameOf(i));
    wire.passes(MS);
  }
  wire.passes(SECOND);
  return wire;
}

test('link: jitter delays frames by chance, and keeps their order', (t) => {
  const wire = jittered({ seed: 1 });
  t.deepEqual(
    ids(wire),
    [...ids(wire)].sort((a, b) => a - b),
  );
  const delays = wire.arrivals.map(({ id, at }) => at - (id - 1) * MS);
  t.true(Math.min(...delays) >= 10 * MS && Math.max(...delays) <= 14 * MS);
  t.true(Math.max(...delays) - Math.min(...delays) > 2 * MS);
});

test('link: with overtaking jitter changes their order, always in the same way from one seed', (t) => {
  const wire = jittered({ seed: 1, overtaking: true });
  t.is(wire.arrivals.length, 200);
  t.notDeepEqual(
    ids(wire),
    [...ids(wire)].sort((a, b) => a - b),
  );
  t.deepEqual(
    times(wire),
    [...times(wire)].sort((a, b) => a - b),
  );
  t.deepEqual(jittered({ seed: 1, overtaking: true }).arrivals, wire.arrivals);
  t.notDeepEqual(jittered({ seed: 2, overtaking: true }).arrivals, wire.arrivals);
});

const RATE = 10e6;
const PIE: LinkOptions = { rate: RATE, queue: 1000, aqm: 'pie' };

/** How long the frames of the last half waited for the wire, on average. */
function waited({ arrivals }: Wire, load: number): Micros {
  const onWire = (FRAME * 8 * SECOND) / RATE;
  const late = arrivals.slice(arrivals.length / 2);
  const waits = late.map(({ id, at }) => at - onWire - ((id - 1) * onWire) / load);
  return waits.reduce((a, b) => a + b, 0) / waits.length;
}

test('RFC 8033 4.2: PIE keeps an overloaded queue near 15 ms', (t) => {
  const wire = new Wire(PIE);
  wire.floods(1.2, 20 * SECOND, RATE);
  const wait = waited(wire, 1.2);
  t.true(Math.abs(wait - 15 * MS) < 5 * MS, `${wait} µs`);
  t.is(wire.link.a.framesDropped, 0);
  t.is(wire.link.a.framesMarked, 0);
  // a sixth is too much
  const share = wire.link.a.framesDroppedEarly / (wire.arrivals.length * 1.2);
  t.true(Math.abs(share - 1 / 6) < 0.03, `${share}`);
});

test('RFC 8033 4.4: PIE lets a burst of 150 ms through', (t) => {
  const wire = new Wire(PIE);
  wire.floods(5, 140 * MS, RATE);
  t.is(wire.link.a.framesDroppedEarly, 0);
  wire.floods(5, 140 * MS, RATE);
  t.true(wire.link.a.framesDroppedEarly > 0);
});

test('RFC 8033 4.1: PIE leaves a queue alone that the wire can serve', (t) => {
  const wire = new Wire(PIE);
  wire.floods(0.95, 5 * SECOND, RATE);
  t.is(wire.link.a.framesDroppedEarly, 0);
});

test('RFC 8033 5.1: PIE marks what is ECN-capable, and drops it above 10 % alone', (t) => {
  const wire = new Wire(PIE);
  wire.floods(1.02, 2 * SECOND, RATE, ECT);
  const { a } = wire.link;
  t.true(a.framesMarked > 0);
  t.is(a.framesDroppedEarly, 0);
  wire.passes(SECOND);
  t.is(wire.arrivals.filter(({ ecn }) => ecn === CE).length, a.framesMarked);
  wire.floods(2, 5 * SECOND, RATE, ECT);
  t.true(a.framesDroppedEarly > 0);
});

/** A router between two wires, the second one of a smaller MTU; what comes back to the sender. */
function tooLong(isSilent: boolean): { readonly back: number[]; readonly router: Router } {
  const clock = new VirtualClock(SECOND);
  const timers = new TimerQueue();
  const near = new Link(MACS, {}, clock, timers);
  const far = new Link(MACS, { mtu: 1000 }, clock, timers);
  const router = new Router();
  router.isSilent = isSilent;
  router.attach(near.b, { address: ipv4(0x0a0000fe), prefixLength: 24 });
  router.attach(far.a, { address: ipv4(0x0a0001fe), prefixLength: 24 });
  const back: number[] = [];
  router.onError = (packet) => {
    back.push(packet.octets[packet.transport] ?? 0, packet.octets[packet.transport + 1] ?? 0);
    back.push(packet.view.getUint32(packet.transport + 4));
  };
  const arp = new Uint8Array(42);
  arp.set([0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1], 14);
  arp.set([8, 6], 12);
  const packet = new PacketBuffer(FRAME);
  packet.setFrame(arp);
  near.a.send(packet);
  near.a.send(frameOf(1, { length: 1014 }));
  near.a.send(frameOf(2, { length: 1015 }));
  timers.expire(clock.now());
  return { back, router };
}

test('RFC 1191 4: a router tells the sender of what is too long, and the MTU behind it', (t) => {
  const { back, router } = tooLong(false);
  t.deepEqual(back, [3, 4, 1000]);
  t.is(router.tooLong, 0);
});

test('RFC 2923 2.1: a black hole swallows what is too long', (t) => {
  const { back, router } = tooLong(true);
  t.deepEqual(back, []);
  t.is(router.tooLong, 1);
});
