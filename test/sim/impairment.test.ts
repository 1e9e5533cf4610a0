import test from 'ava';
import { ipv4 } from '../../src/core/base/address.ts';
import { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import { type Device, NO_OFFLOAD } from '../../src/core/base/ports.ts';
import { Xoshiro128 } from '../../src/core/base/random.ts';
import { TimerQueue } from '../../src/core/base/timerQueue.ts';
import { VirtualClock } from '../../src/core/base/virtualClock.ts';
import {
  type FrameFate,
  Impairment,
  type ImpairmentOptions,
} from '../../src/core/sim/impairment.ts';
import { finish, sum } from '../../src/core/wire/checksum.ts';
import { EtherType } from '../../src/core/wire/ethernet.ts';
import { ipv4Template } from '../../src/core/wire/ipv4.ts';
import { defaultMac } from '../../src/node/devices/tapDevice.ts';

const ETHERNET = 14;

/** What comes out when frames 1, 2, ... go in, each with the fate that it is given. */
function through(count: number, fates: Readonly<Record<number, FrameFate>>): string[] {
  return throughAll(count, {
    fate: (packet) => fates[packet.octets[packet.end - 1] ?? 0] ?? null,
  });
}

/** ... with these options. */
function throughAll(count: number, options: ImpairmentOptions): string[] {
  const frames = Array.from({ length: count }, (_, i) => frameOf(new Uint8Array(20).fill(i + 1)));
  return passing(frames, options).map((text) => {
    const [first = 0] = text;
    return text.every((octet) => octet === first) ? String(first) : 'damaged';
  });
}

function frameOf(datagram: Uint8Array, type = 0): Uint8Array {
  const frame = new Uint8Array(ETHERNET + datagram.length);
  new DataView(frame.buffer).setUint16(12, type);
  frame.set(datagram, ETHERNET);
  return frame;
}

/** What comes out of these frames, without the Ethernet header. */
function passing(frames: readonly Uint8Array[], options: ImpairmentOptions): Uint8Array[] {
  const out: Uint8Array[] = [];
  const inner: Device = {
    name: 'inner',
    macAddress: defaultMac(ipv4(0)),
    mtu: 1500,
    offload: NO_OFFLOAD,
    writable: true,
    onReadable: null,
    onWritable: null,
    receive: () => false,
    send: (packet) => {
      out.push(packet.frame().slice(ETHERNET));
      return true;
    },
    close: () => {},
  };
  const clock = new VirtualClock();
  const { device } = new Impairment(inner, options, new Xoshiro128(1), clock, new TimerQueue());
  const packet = new PacketBuffer(64);
  for (const frame of frames) {
    packet.setFrame(frame);
    device.send(packet);
  }
  return out;
}

/** Headers of IPv4 with these codepoints come out with those; a wrong checksum is a `?`. */
function marked(codepoints: readonly number[], options: ImpairmentOptions): string {
  const frames = codepoints.map((trafficClass) => {
    const template = ipv4Template(ipv4(0x0a000001), ipv4(0x0a000002), 6, 64, trafficClass);
    return frameOf(template, EtherType.IPV4);
  });
  const headers = passing(frames, options).map((header) => {
    const view = new DataView(header.buffer);
    const isRight = finish(sum(header, view, 0, header.length, 0)) === 0;
    return isRight ? String(header[1] ?? 0) : '?';
  });
  return headers.join(' ');
}

test('a frame is lost, sent twice or damaged as its fate says', (t) => {
  t.deepEqual(through(5, { 1: 'pass', 2: 'lose', 3: 'duplicate', 4: 'corrupt' }), [
    '1',
    '3',
    '3',
    'damaged',
    '5',
  ]);
});

test('a frame is held until as many as were said have overtaken it', (t) => {
  t.deepEqual(through(5, { 1: { overtakenBy: 3 } }), ['2', '3', '4', '1', '5']);
  t.deepEqual(through(5, { 1: { overtakenBy: 2 }, 2: { overtakenBy: 1 } }), [
    '3',
    '2',
    '4',
    '1',
    '5',
  ]);
});

test('what is lost overtakes nobody, and what is held to the end never comes', (t) => {
  t.deepEqual(through(3, { 1: { overtakenBy: 2 }, 2: 'lose' }), ['3']);
});

test('losses come in bursts, as long and as far apart as was said', (t) => {
  t.deepEqual(throughAll(200, { bursts: { begin: 1, end: 0 } }), []);
  t.is(throughAll(200, { bursts: { begin: 0, end: 1 } }).length, 200);
  const passed = throughAll(20_000, { bursts: { begin: 0.01, end: 0.25 } }).map(Number);
  // frames are numbered modulo 256, and no burst is that long
  const gaps = passed.slice(1).map((number, i) => (number - (passed[i] ?? 0) - 1) & 255);
  const bursts = gaps.filter((gap) => gap > 0);
  const lost = bursts.reduce((sum, gap) => sum + gap, 0);
  t.true(Math.abs(lost / bursts.length - 4) < 0.5, `${lost / bursts.length} in a burst`);
  t.true(
    Math.abs(passed.length / bursts.length - 100) < 15,
    `${passed.length} in ${bursts.length}`,
  );
});

test('RFC 3168 5: CE is set in ECN-capable datagrams alone, and the header checksum is right', (t) => {
  const sent = [0, 2, 1, 3, 0xba, 0xb8];
  t.is(marked(sent, { marking: 1 }), '0 3 3 3 187 184');
  t.is(marked(sent, { marking: 0 }), '0 2 1 3 186 184');
  t.is(marked(sent, { fate: () => 'mark' }), '0 3 3 3 187 184');
});

test('RFC 3168 5: datagrams are marked by their number, or a share of them', (t) => {
  t.is(marked([0, 2, 2, 0, 2, 2], { mark: [2, 4] }), '0 2 3 0 2 3');
  const some = marked(new Array<number>(1000).fill(2), { marking: 0.25 });
  const share = some.split(' ').filter((codepoint) => codepoint === '3').length;
  t.true(Math.abs(share - 250) < 40, `${share} of 1000`);
});
