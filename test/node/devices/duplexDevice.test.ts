import { Duplex } from 'node:stream';
import { setImmediate as nextRound } from 'node:timers/promises';
import test from 'ava';
import { ipv4 } from '../../../src/core/base/address.ts';
import { PacketBuffer } from '../../../src/core/base/packetBuffer.ts';
import type { DeviceError } from '../../../src/node/devices/deviceError.ts';
import { DuplexDevice } from '../../../src/node/devices/duplexDevice.ts';
import { defaultMac } from '../../../src/node/devices/tapDevice.ts';

/** A stream as the package tuntap2 makes them: one frame per chunk, either way. */
class FakeTap extends Duplex {
  readonly written: Uint8Array[] = [];
  /** Acknowledges the write that is under way. */
  finishWrite: () => void = () => {};

  constructor() {
    super({ writableHighWaterMark: 100, readableHighWaterMark: 1 });
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.written.push(chunk);
    this.finishWrite = done;
  }
}

function open(queueLimit = 4): { tap: FakeTap; device: DuplexDevice } {
  const tap = new FakeTap();
  const macAddress = defaultMac(ipv4(0x0a6b0002));
  const device = new DuplexDevice(tap, { name: 'tap0', mtu: 1500, macAddress, queueLimit });
  return { tap, device };
}

function frame(first: number, length = 60): Uint8Array {
  return new Uint8Array(length).fill(first);
}

test('frames come out one by one in their order, and the stack is told', async (t) => {
  const { tap, device } = open();
  const packet = new PacketBuffer(1514);
  const seen: number[] = [];
  device.onReadable = () => {
    // takes one per call: it must be called again for the rest
    if (device.receive(packet)) seen.push(packet.frame()[0] ?? -1);
  };
  t.false(device.receive(packet));
  for (const n of [1, 2, 3]) tap.push(frame(n));
  for (let n = 0; n < 10; n++) await nextRound();
  t.deepEqual(seen, [1, 2, 3]);
  t.is(packet.end - packet.link, 60);
  t.false(device.receive(packet));
});

test('a full queue pauses the stream; it goes on when the queue is empty', async (t) => {
  const { tap, device } = open(4);
  const packet = new PacketBuffer(1514);
  for (let n = 1; n <= 6; n++) tap.push(frame(n));
  await nextRound();
  t.true(tap.isPaused());
  const seen: number[] = [];
  for (let n = 0; n < 3; n++) {
    while (device.receive(packet)) seen.push(packet.frame()[0] ?? -1);
    await nextRound();
  }
  t.deepEqual(seen, [1, 2, 3, 4, 5, 6]);
  t.is(device.framesDropped, 0);
});

test('a frame that does not fit the buffer is dropped and counted', async (t) => {
  const { tap, device } = open();
  tap.push(frame(1, 2000));
  tap.push(frame(2));
  await nextRound();
  const packet = new PacketBuffer(1514);
  t.true(device.receive(packet));
  t.is(packet.frame()[0], 2);
  t.is(device.framesDropped, 1);
});

test('what is sent is copied; a full stream is not writable until it drains', async (t) => {
  const { tap, device } = open();
  const packet = new PacketBuffer(1514);
  let told = 0;
  device.onWritable = () => {
    told++;
  };
  packet.setFrame(frame(1));
  t.true(device.send(packet));
  packet.setFrame(frame(2));
  t.true(device.send(packet)); // the second one passes the mark of 100 octets
  t.false(device.writable);
  packet.setFrame(frame(3));
  t.false(device.send(packet));
  t.is(told, 0);
  tap.finishWrite();
  await nextRound();
  tap.finishWrite();
  await nextRound();
  t.true(device.writable);
  t.is(told, 1);
  t.deepEqual(
    tap.written.map((w) => w[0]),
    [1, 2],
  );
});

test('an error of the stream closes the device and is told once', async (t) => {
  const { tap, device } = open();
  const errors: DeviceError[] = [];
  device.onError = (error) => errors.push(error);
  tap.destroy(new Error('read failed'));
  await nextRound();
  t.deepEqual(
    errors.map((e) => e.message),
    ['the stream of tap0 failed: read failed'],
  );
  t.is(errors[0]?.code, 'gone');
  t.false(device.send(new PacketBuffer(60)));
});

test('a stream that ends closes the device', async (t) => {
  const { tap, device } = open();
  const told = new Promise<DeviceError>((resolve) => {
    device.onError = resolve;
  });
  tap.push(null);
  t.is((await told).message, 'the stream of tap0 ended');
});

test('close destroys the stream and is silent, also the second time', async (t) => {
  const { tap, device } = open();
  device.onError = () => t.fail();
  device.close();
  device.close();
  await nextRound();
  t.true(tap.destroyed);
  t.false(device.writable);
  t.false(device.receive(new PacketBuffer(60)));
});
