import test from 'ava';
import { ipv4 } from '../../src/core/base/address.ts';
import { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import { type Device, NO_OFFLOAD } from '../../src/core/base/ports.ts';
import { Xoshiro128 } from '../../src/core/base/random.ts';
import { TimerQueue } from '../../src/core/base/timerQueue.ts';
import { VirtualClock } from '../../src/core/base/virtualClock.ts';
import { type FrameFate, Impairment } from '../../src/core/sim/impairment.ts';
import { defaultMac } from '../../src/node/devices/tapDevice.ts';

const ETHERNET = 14;

/** What comes out when frames 1, 2, ... go in, each with the fate that it is given. */
function through(count: number, fates: Readonly<Record<number, FrameFate>>): string[] {
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
  const fate = (packet: PacketBuffer) => fates[packet.octets[packet.end - 1] ?? 0] ?? null;
  const clock = new VirtualClock();
  const { device } = new Impairment(inner, { fate }, new Xoshiro128(1), clock, new TimerQueue());
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
