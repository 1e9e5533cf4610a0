import test from 'ava';
import { BROADCAST_MAC, parseMac } from '../../src/core/base/address.ts';
import { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import { type Device, NO_OFFLOAD } from '../../src/core/base/ports.ts';
import { captureDevice } from '../../src/core/capture/captureDevice.ts';

/** A device that gives the frames of a list and takes frames while it may. */
class FakeDevice implements Device {
  readonly name = 'fake0';
  readonly mtu = 1500;
  readonly macAddress = parseMac('02:00:0a:6b:00:02') ?? BROADCAST_MAC;
  readonly offload = NO_OFFLOAD;
  writable = true;
  onReadable: (() => void) | null = null;
  onWritable: (() => void) | null = null;
  closed = 0;
  readonly arriving: Uint8Array[] = [];

  receive(packet: PacketBuffer): boolean {
    const frame = this.arriving.shift();
    if (frame !== undefined) packet.setFrame(frame);
    return frame !== undefined;
  }

  send(): boolean {
    return this.writable;
  }

  close(): void {
    this.closed++;
  }
}

function open(): { inner: FakeDevice; device: Device; seen: string[] } {
  const inner = new FakeDevice();
  const seen: string[] = [];
  let now = 100;
  const device = captureDevice(
    inner,
    { frame: (octets, at, direction) => seen.push(`${at} ${direction} ${octets.join(' ')}`) },
    { now: () => now++ },
  );
  return { inner, device, seen };
}

test('every frame that passes is recorded once, with its time and direction', (t) => {
  const { inner, device, seen } = open();
  const packet = new PacketBuffer(64);
  inner.arriving.push(new Uint8Array([1, 2]), new Uint8Array([3]));
  while (device.receive(packet));
  packet.setFrame(new Uint8Array([4, 5, 6]));
  t.true(device.send(packet));
  t.deepEqual(seen, ['100 in 1 2', '101 in 3', '102 out 4 5 6']);
});

test('a frame that the device refuses, or does not have, is not recorded', (t) => {
  const { inner, device, seen } = open();
  const packet = new PacketBuffer(64);
  inner.writable = false;
  t.false(device.writable);
  t.false(device.send(packet));
  t.false(device.receive(packet));
  t.deepEqual(seen, []);
});

test('all else is that of the device inside', (t) => {
  const { inner, device } = open();
  const told: string[] = [];
  device.onReadable = () => told.push('readable');
  device.onWritable = () => told.push('writable');
  inner.onReadable?.();
  inner.onWritable?.();
  t.deepEqual(told, ['readable', 'writable']);
  t.is(device.name, 'fake0');
  t.is(device.mtu, 1500);
  t.is(device.macAddress, inner.macAddress);
  device.close();
  t.is(inner.closed, 1);
});
