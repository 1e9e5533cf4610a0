import type { Ipv4Address } from '../../base/address.ts';
import { type Seq, seq } from '../../base/seq.ts';
import { SipHash } from '../../base/siphash.ts';
import type { Micros } from '../../base/time.ts';

/** Octets of the secret. */
export const SECRET_LENGTH = 16;
/** "M is the 4 microsecond timer". */
const CLOCK_STEP: Micros = 4;
/** Keeps the two uses of the hash apart. */
const FOR_ISN = 0;
const FOR_TIMESTAMP = 1;

/** What the numbers of a connection are counted from. */
export interface InitialNumbers {
  /** The initial send sequence number, ISS. */
  isn(
    local: Ipv4Address,
    localPort: number,
    remote: Ipv4Address,
    remotePort: number,
    now: Micros,
  ): Seq;
  /** Added to the clock of a connection's TSval, 0 to 2^32 - 1. */
  timestampOffset(local: Ipv4Address, remote: Ipv4Address): number;
  /** The one Fast Open cookie that listeners give, and take; null, or absent: those that they make. */
  readonly fastOpenCookie?: Uint8Array | null;
}

/**
 * Initial sequence numbers, ISN = M + F(localip, localport, remoteip, remoteport, secretkey), and
 * the offset of each connection's timestamps. F is SipHash-2-4, which outsiders cannot compute.
 *
 * @rfc 6528 3, 9293 3.4.1 MUST-8 and MUST-9, 7323 5.4
 */
export class IsnGenerator implements InitialNumbers {
  readonly #hash: SipHash;
  readonly #words = new Uint32Array(4);

  /** @param secret {@link SECRET_LENGTH} random octets, new in each process */
  constructor(secret: Uint8Array) {
    this.#hash = new SipHash(secret);
  }

  isn(
    local: Ipv4Address,
    localPort: number,
    remote: Ipv4Address,
    remotePort: number,
    now: Micros,
  ): Seq {
    const f = this.#of(local, remote, localPort * 0x10000 + remotePort, FOR_ISN);
    return seq(Math.floor(now / CLOCK_STEP) + f);
  }

  timestampOffset(local: Ipv4Address, remote: Ipv4Address): number {
    return this.#of(local, remote, 0, FOR_TIMESTAMP);
  }

  #of(local: Ipv4Address, remote: Ipv4Address, ports: number, use: number): number {
    this.#words[0] = local;
    this.#words[1] = remote;
    this.#words[2] = ports;
    this.#words[3] = use;
    return this.#hash.hash32(this.#words, 4);
  }
}
