import { deviceAround } from '../base/deviceAround.ts';
import type { Device } from '../base/ports.ts';
import type { Clock, Micros } from '../base/time.ts';

/** Which way a frame went, seen from the stack. */
export type Direction = 'in' | 'out';

/** Who keeps frames. */
export interface FrameSink {
  /** The octets are valid during the call alone: copy what is to be kept. */
  frame(octets: Uint8Array, now: Micros, direction: Direction): void;
}

/**
 * A device round a device that hands every frame it passes to a sink, once: a received one when
 * the stack has taken it, a sent one when the device has taken it. A frame that the device refused
 * was on no wire and is not recorded. The sink belongs to whoever made it.
 */
export function captureDevice(device: Device, sink: FrameSink, clock: Clock): Device {
  return deviceAround(device, {
    receive(packet) {
      if (!device.receive(packet)) return false;
      sink.frame(packet.frame(), clock.now(), 'in');
      return true;
    },
    send(packet) {
      // asked before, because a device may hand the answer up while it sends
      const now = clock.now();
      if (!device.send(packet)) return false;
      sink.frame(packet.frame(), now, 'out');
      return true;
    },
  });
}
