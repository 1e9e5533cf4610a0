import { deviceAround } from '../../src/core/base/deviceAround.ts';
import { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import type { Device } from '../../src/core/base/ports.ts';
import { Xoshiro128 } from '../../src/core/base/random.ts';
import { NEVER } from '../../src/core/base/time.ts';
import { TimerQueue } from '../../src/core/base/timerQueue.ts';
import { Impairment, type ImpairmentOptions } from '../../src/core/sim/impairment.ts';
import { HostClock } from '../../src/node/hostClock.ts';

/** A device on an unreliable way: frames suffer in both directions, in the time of this machine. */
export function impaired(inner: Device, options: ImpairmentOptions, seed: number): Device {
  const random = new Xoshiro128(seed);
  const clock = new HostClock();
  const timers = new TimerQueue();
  let timeout: NodeJS.Timeout | null = null;
  const wait = (): void => {
    if (timeout !== null || timers.next() === NEVER) return;
    const delay = Math.max(0, timers.next() - clock.now()) / 1000;
    timeout = setTimeout(() => {
      timeout = null;
      timers.expire(clock.now());
      wait();
    }, delay);
  };

  const arrived: Uint8Array[] = [];
  const inbox = deviceAround(inner, {
    receive: () => false,
    send: (packet) => {
      arrived.push(packet.frame().slice());
      inner.onReadable?.();
      return true;
    },
  });
  const there = new Impairment(inner, options, random, clock, timers);
  const here = new Impairment(inbox, options, random, clock, timers);
  const raw = new PacketBuffer(inner.mtu + 14);
  return deviceAround(inner, {
    send: (packet) => {
      const passed = there.device.send(packet);
      wait();
      return passed;
    },
    receive: (packet) => {
      while (arrived.length === 0) {
        if (!inner.receive(raw)) return false;
        here.device.send(raw);
        wait();
      }
      packet.setFrame(arrived.shift() ?? new Uint8Array());
      return true;
    },
  });
}
