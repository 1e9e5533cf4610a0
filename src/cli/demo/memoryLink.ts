import { Duplex } from 'node:stream';
import type { MacAddress } from '../../core/base/address.ts';
import { DuplexDevice } from '../../node/devices/duplexDevice.ts';

/** Frames that may be on the way to either end. */
const QUEUE_LIMIT = 1024;
const MTU = 1500;

/** Two devices that are joined by a cable within this process. */
export function memoryLink(
  a: MacAddress,
  b: MacAddress,
): readonly [left: DuplexDevice, right: DuplexDevice] {
  const [left, right] = duplexPair();
  const common = { mtu: MTU, queueLimit: QUEUE_LIMIT };
  return [
    new DuplexDevice(left, { ...common, name: 'memory0', macAddress: a }),
    new DuplexDevice(right, { ...common, name: 'memory1', macAddress: b }),
  ];
}

/** Two streams, of which each reads what the other writes, chunk by chunk. */
function duplexPair(): readonly [Duplex, Duplex] {
  const left = new Wire();
  const right = new Wire();
  left.other = right;
  right.other = left;
  return [left, right];
}

/** One end of the cable. */
class Wire extends Duplex {
  other: Wire | null = null;
  /** Called when the reader of the other end has room again. */
  #resume: (() => void) | null = null;

  constructor() {
    super({ objectMode: true, highWaterMark: QUEUE_LIMIT });
  }

  override _read(): void {
    const resume = this.#resume;
    this.#resume = null;
    resume?.();
  }

  override _write(chunk: unknown, _encoding: string, done: () => void): void {
    const { other } = this;
    if (other === null || other.destroyed || other.push(chunk)) done();
    else other.#resume = done;
  }

  override _final(done: () => void): void {
    this.other?.push(null);
    done();
  }
}
