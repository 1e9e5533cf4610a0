import type { Duplex } from 'node:stream';
import type { MacAddress } from '../../core/base/address.ts';
import type { PacketBuffer } from '../../core/base/packetBuffer.ts';
import { type Device, NO_OFFLOAD } from '../../core/base/ports.ts';
import { DeviceError, messageOf } from './deviceError.ts';

/** What a {@link DuplexDevice} is told about its stream. */
export interface DuplexOptions {
  readonly name: string;
  /** Octets, the Ethernet header not counted. */
  readonly mtu: number;
  /** The station address of the stack's side. */
  readonly macAddress: MacAddress;
  /** Received frames that may wait for the stack; 256 if not given. */
  readonly queueLimit?: number;
}

const DEFAULT_QUEUE_LIMIT = 256;

/**
 * Any Duplex that carries one Ethernet frame per chunk, such as the Tap of the package `tuntap2`,
 * as a device. While the queue of received frames is full the stream is paused; a frame that comes
 * all the same is dropped and counted, the older ones are kept.
 */
export class DuplexDevice implements Device {
  readonly name: string;
  readonly mtu: number;
  readonly macAddress: MacAddress;
  readonly offload = NO_OFFLOAD;
  writable = true;
  onReadable: (() => void) | null = null;
  onWritable: (() => void) | null = null;
  /** Called once if the stream failed or ended by itself; the device is closed then. */
  onError: ((error: DeviceError) => void) | null = null;
  /** Received frames that found the queue full or were too long for the stack's buffer. */
  framesDropped = 0;

  readonly #stream: Duplex;
  readonly #queue: (Uint8Array | undefined)[];
  #first = 0;
  #waiting = 0;
  #notifying = false;
  #closed = false;

  /** Takes the stream over: it is destroyed by `close`. */
  constructor(stream: Duplex, options: DuplexOptions) {
    this.name = options.name;
    this.mtu = options.mtu;
    this.macAddress = options.macAddress;
    this.#stream = stream;
    this.#queue = new Array(options.queueLimit ?? DEFAULT_QUEUE_LIMIT).fill(undefined);
    stream.on('drain', () => this.#resume());
    stream.on('error', (error) => this.#fail(`failed: ${messageOf(error)}`, error));
    stream.on('end', () => this.#fail('ended'));
    stream.on('close', () => this.#fail('was closed'));
    stream.on('data', (chunk: unknown) => this.#frameArrives(chunk));
  }

  receive(packet: PacketBuffer): boolean {
    while (this.#waiting > 0) {
      const frame = this.#queue[this.#first];
      this.#queue[this.#first] = undefined;
      this.#first = (this.#first + 1) % this.#queue.length;
      this.#waiting--;
      if (this.#waiting === 0 && this.#stream.isPaused()) this.#stream.resume();
      if (frame !== undefined && frame.length <= packet.capacity) {
        packet.setFrame(frame);
        return true;
      }
      this.framesDropped++;
    }
    return false;
  }

  send(packet: PacketBuffer): boolean {
    if (!this.writable) return false;
    // the stream keeps the chunk until it is written, the stack reuses the buffer: hence a copy
    this.writable = this.#stream.write(Buffer.from(packet.frame()));
    return true;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.writable = false;
    this.#waiting = 0;
    this.#queue.fill(undefined);
    this.#stream.destroy();
  }

  #frameArrives(chunk: unknown): void {
    if (this.#closed) return;
    if (!(chunk instanceof Uint8Array) || this.#waiting === this.#queue.length) {
      this.framesDropped++;
      return;
    }
    this.#queue[(this.#first + this.#waiting) % this.#queue.length] = chunk;
    this.#waiting++;
    if (this.#waiting === this.#queue.length) this.#stream.pause();
    this.#notify();
  }

  /** Once per round of the event loop as long as frames wait, so that a stack may take a part. */
  #notify(): void {
    if (this.#notifying) return;
    this.#notifying = true;
    setImmediate(() => {
      this.#notifying = false;
      if (this.#waiting === 0) return;
      this.onReadable?.();
      if (this.#waiting > 0) this.#notify();
    });
  }

  #resume(): void {
    if (this.#closed) return;
    this.writable = true;
    this.onWritable?.();
  }

  #fail(what: string, cause?: unknown): void {
    if (this.#closed) return;
    this.close();
    this.onError?.(new DeviceError('gone', `the stream of ${this.name} ${what}`, cause));
  }
}
