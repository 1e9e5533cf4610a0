import type { MacAddress } from '../base/address.ts';
import type { PacketBuffer } from '../base/packetBuffer.ts';
import type { Device, Offload } from '../base/ports.ts';
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
 * was on no wire and is not recorded.
 */
export class CaptureDevice implements Device {
  readonly name: string;
  readonly mtu: number;
  readonly macAddress: MacAddress;
  readonly offload: Offload;
  readonly #device: Device;
  readonly #sink: FrameSink;
  readonly #clock: Clock;

  constructor(device: Device, sink: FrameSink, clock: Clock) {
    this.name = device.name;
    this.mtu = device.mtu;
    this.macAddress = device.macAddress;
    this.offload = device.offload;
    this.#device = device;
    this.#sink = sink;
    this.#clock = clock;
  }

  get writable(): boolean {
    return this.#device.writable;
  }

  get onReadable(): (() => void) | null {
    return this.#device.onReadable;
  }

  set onReadable(callback: (() => void) | null) {
    this.#device.onReadable = callback;
  }

  get onWritable(): (() => void) | null {
    return this.#device.onWritable;
  }

  set onWritable(callback: (() => void) | null) {
    this.#device.onWritable = callback;
  }

  receive(packet: PacketBuffer): boolean {
    if (!this.#device.receive(packet)) return false;
    this.#sink.frame(packet.frame(), this.#clock.now(), 'in');
    return true;
  }

  send(packet: PacketBuffer): boolean {
    // asked before, because a device may hand the answer up while it sends
    const now = this.#clock.now();
    if (!this.#device.send(packet)) return false;
    this.#sink.frame(packet.frame(), now, 'out');
    return true;
  }

  /** Closes the device; the sink belongs to whoever made it. */
  close(): void {
    this.#device.close();
  }
}
