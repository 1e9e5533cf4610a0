import { ANY_ADDRESS, type Ipv4Address, type MacAddress } from '../../src/core/base/address.ts';
import { PacketBuffer } from '../../src/core/base/packetBuffer.ts';
import { type Device, NO_OFFLOAD } from '../../src/core/base/ports.ts';
import { Xoshiro128 } from '../../src/core/base/random.ts';
import { type Micros, NEVER, SECOND } from '../../src/core/base/time.ts';
import { ADDRESS_A, ADDRESS_B } from '../../src/core/sim/network.ts';
import { Stack, type StackOptions } from '../../src/core/stack/stack.ts';
import type { Connection } from '../../src/core/tcp/connection.ts';

/** Frames that wait between the two stacks, each way. */
const FRAMES = 8192;
const PORT = 80;
const SHORT = 512;
/** From one turn to the next. */
const STEP: Micros = 20;

/** One end of a wire that allocates nothing, so that what is measured is the stacks. */
class RingDevice implements Device {
  readonly name = 'ring';
  readonly macAddress: MacAddress;
  readonly mtu: number;
  readonly offload = NO_OFFLOAD;
  onReadable: (() => void) | null = null;
  onWritable: (() => void) | null = null;
  peer: RingDevice | null = null;
  frames = 0;
  readonly #ring: PacketBuffer[];
  #first = 0;
  #count = 0;

  constructor(macAddress: MacAddress, mtu: number) {
    this.macAddress = macAddress;
    this.mtu = mtu;
    this.#ring = Array.from({ length: FRAMES }, () => new PacketBuffer(mtu + 14));
  }

  get writable(): boolean {
    return this.peer !== null && this.peer.#count < FRAMES;
  }

  send(packet: PacketBuffer): boolean {
    return this.peer?.take(packet) ?? true;
  }

  take(packet: PacketBuffer): boolean {
    if (this.#count === FRAMES) return false;
    copy(packet, this.#ring[(this.#first + this.#count++) % FRAMES]);
    this.frames++;
    return true;
  }

  receive(packet: PacketBuffer): boolean {
    if (this.#count === 0) return false;
    copy(this.#ring[this.#first], packet);
    this.#first = (this.#first + 1) % FRAMES;
    if (this.#count-- === FRAMES) this.peer?.onWritable?.();
    return true;
  }

  close(): void {}
}

/** Short frames octet by octet: a view would be garbage. */
function copy(from: PacketBuffer | undefined, to: PacketBuffer | undefined): void {
  if (from === undefined || to === undefined) return;
  if (from.end - from.link > SHORT) {
    to.setFrame(from.frame());
    return;
  }
  to.clear();
  to.end = to.link + from.end - from.link;
  for (let at = from.link, into = to.link; at < from.end; at++, into++) {
    to.octets[into] = from.octets[at] ?? 0;
  }
}

/** Two stacks, a connection between them, and a stream from one user to the other. */
export class RingPair {
  readonly client: Connection;
  readonly server: Connection;
  now: Micros = SECOND;
  readonly #a: Stack;
  readonly #b: Stack;
  readonly #devices: readonly [RingDevice, RingDevice];

  constructor(mtu: number, config: StackOptions['config'] = {}) {
    const [a, b] = [
      new RingDevice(0x020000000001 as MacAddress, mtu),
      new RingDevice(0x020000000002 as MacAddress, mtu),
    ];
    a.peer = b;
    b.peer = a;
    this.#devices = [a, b];
    this.#a = this.#host(a, ADDRESS_A, config, 1);
    this.#b = this.#host(b, ADDRESS_B, config, 2);
    const listener = this.#b.listen(ANY_ADDRESS, PORT, 1);
    this.client = this.#a.connect({ remoteAddress: ADDRESS_B, remotePort: PORT }, this.now);
    let server: Connection | null = null;
    while (server === null) {
      this.turn();
      server = listener.accept();
    }
    this.server = server;
  }

  /** Frames that went either way. */
  get frames(): number {
    return this.#devices[0].frames + this.#devices[1].frames;
  }

  /** Segments that were sent again, either way. */
  get retransmitted(): number {
    return this.#a.tcp.counters.tcpRetransSegs + this.#b.tcp.counters.tcpRetransSegs;
  }

  /** One turn of each; with nothing to do the time goes on to when there is. */
  turn(): void {
    const more = this.#a.turn(this.now);
    if (this.#b.turn(this.now) || more) return;
    this.now += STEP;
  }

  /** Lets all timers expire that there are. */
  finish(): void {
    for (;;) {
      this.turn();
      const next = Math.min(this.#a.nextDeadline(), this.#b.nextDeadline());
      if (this.#a.tcp.connectionCount + this.#b.tcp.connectionCount === 0 || next === NEVER) return;
      this.now = Math.max(this.now, next);
    }
  }

  #host(
    device: RingDevice,
    address: Ipv4Address,
    config: StackOptions['config'],
    seed: number,
  ): Stack {
    const stack = new Stack({ random: new Xoshiro128(seed), config: config ?? {} });
    stack.addInterface(device, { address, prefixLength: 24 }, null, this.now);
    return stack;
  }
}
