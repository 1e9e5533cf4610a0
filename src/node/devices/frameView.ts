import { HEADROOM } from '../../core/base/packetBuffer.ts';

/** Octets at which a frame may begin in a packet buffer: 0 to its headroom. */
const STARTS = HEADROOM + 1;

/**
 * The octets of a packet buffer from a given start on, as views that are made once: a new one for
 * each frame would be garbage for each frame. Serves one buffer at a time, which is what a stack
 * has for each direction.
 */
export class FrameView {
  #octets: Uint8Array | null = null;
  readonly #views: (Uint8Array | undefined)[] = new Array(STARTS).fill(undefined);

  /** The octets from `start` to the end of the buffer. */
  from(octets: Uint8Array, start: number): Uint8Array {
    if (octets !== this.#octets) {
      this.#octets = octets;
      this.#views.fill(undefined);
    }
    if (start >= STARTS) return octets.subarray(start);
    const known = this.#views[start];
    if (known !== undefined) return known;
    const made = octets.subarray(start);
    this.#views[start] = made;
    return made;
  }
}
