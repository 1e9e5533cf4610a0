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
  const out: string[] = [];
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
      const text = packet.frame().subarray(ETHERNET);
      const [first = 0] = text;
      out.push(text.every((octet) => octet === first) ? String(first) : 'damaged');
      return true;
    },
    close: () => {},
  };
  const clock = new VirtualClock();
  const { device } = new Impairment(inner, options, new Xoshiro128(1), clock, new TimerQueue());
  const packet = new PacketBuffer(64);
  for (let i = 1; i <= count; i++) {
    packet.setFrame(new Uint8Array(ETHERNET + 20).fill(i, ETHERNET));
    device.send(packet);
  }
  return out;
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
