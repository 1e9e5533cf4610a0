import type { MacAddress } from '../../src/core/base/address.ts';
import { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import type { Device, Offload } from '../../src/core/base/ports.ts';

/**
 * A device in the cable of another one. `cut`, it loses all frames of both ways; while it holds, what
 * the stack sends waits, and what it receives does not.
 */
export class Valve implements Device {
  readonly name: string;
  readonly mtu: number;
  readonly macAddress: MacAddress;
  readonly offload: Offload;
  /** Frames that wait. */
  readonly held: Uint8Array[] = [];
  #mode: 'open' | 'cut' | 'hold' = 'open';
  readonly #device: Device;
  readonly #packet: PacketBuffer;

  constructor(device: Device) {
    this.name = device.name;
    this.mtu = device.mtu;
    this.macAddress = device.macAddress;
    this.offload = device.offload;
    this.#device = device;
    this.#packet = new PacketBuffer(device.mtu + 14);
  }

  cut(): void {
    this.#mode = 'cut';
  }

  hold(): void {
    this.#mode = 'hold';
  }

  /** Everything passes again, first what was held. */
  open(): void {
    this.#mode = 'open';
    for (const frame of this.held.splice(0)) {
      this.#packet.setFrame(frame);
      this.#device.send(this.#packet);
    }
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
    if (this.#mode !== 'cut') return this.#device.receive(packet);
    while (this.#device.receive(packet));
    return false;
  }

  send(packet: PacketBuffer): boolean {
    if (this.#mode === 'open') return this.#device.send(packet);
    if (this.#mode === 'hold') this.held.push(packet.frame().slice());
    return true;
  }

  close(): void {
    this.#device.close();
  }
}
