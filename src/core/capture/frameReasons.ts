import type { PacketBuffer } from '../base/packetBuffer.ts';
import { type DropReason, explainDrop, explainSend, type SendReason } from '../base/reasons.ts';
import type { Micros } from '../base/time.ts';
import type { Tracer } from '../base/tracer.ts';
import type { Direction, FrameSink } from './captureDevice.ts';

/** Who keeps frames with what a stack says of them. */
export interface CommentedFrameSink {
  /** @param comment null: nobody said anything */
  commented(octets: Uint8Array, now: Micros, direction: Direction, comment: string | null): void;
}

interface Waiting {
  readonly octets: Uint8Array;
  readonly now: Micros;
  readonly direction: Direction;
  comment: string | null;
  /** There is nothing more to be said. */
  isComplete: boolean;
}

/** Frames that wait at most: more than a stack sends in answer to one frame, all fragments counted. */
const MAX_WAITING = 256;

/**
 * Joins the frames that a device passes with the reasons that the stack gives for them. The device
 * has a received frame before the stack has judged it, and may have sent an answer to it by then:
 * so frames wait, in their order, for what is said of them.
 *
 * It is the sink of {@link captureDevice} and a tracer of the stack behind it. Without the latter
 * frames are kept all the same, a little later.
 */
export class FrameReasons implements FrameSink, Tracer {
  readonly #sink: CommentedFrameSink;
  readonly #waiting: Waiting[] = [];

  constructor(sink: CommentedFrameSink) {
    this.#sink = sink;
  }

  frame(octets: Uint8Array, now: Micros, direction: Direction): void {
    // the stack has said what it had to say of the frame before on this way
    for (const waiting of this.#waiting) {
      if (waiting.direction === direction) waiting.isComplete = true;
    }
    const copy = octets.slice();
    this.#waiting.push({ octets: copy, now, direction, comment: null, isComplete: false });
    if (this.#waiting.length > MAX_WAITING) this.flush();
    else this.#release();
  }

  sent(packet: PacketBuffer, reason: SendReason): void {
    const last = this.#last('out');
    // a sink may be given frames of others than this stack
    if (last !== null && isEqual(last.octets, packet.frame())) {
      this.#complete(last, `sent: ${explainSend(reason)}`);
    }
  }

  received(_packet: PacketBuffer, drop: DropReason | null): void {
    const last = this.#last('in');
    if (last === null) return;
    this.#complete(last, drop === null ? 'accepted' : `dropped: ${explainDrop(drop)}`);
  }

  unsent(): void {}

  transition(): void {}

  /** Gives away the frames of which nothing was said yet. */
  flush(): void {
    for (const waiting of this.#waiting) waiting.isComplete = true;
    this.#release();
  }

  #last(direction: Direction): Waiting | null {
    return this.#waiting.findLast((w) => w.direction === direction && !w.isComplete) ?? null;
  }

  #complete(waiting: Waiting, comment: string): void {
    waiting.comment = comment;
    waiting.isComplete = true;
    this.#release();
  }

  #release(): void {
    for (let first = this.#waiting[0]; first?.isComplete === true; first = this.#waiting[0]) {
      this.#waiting.shift();
      this.#sink.commented(first.octets, first.now, first.direction, first.comment);
    }
  }
}

function isEqual(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, n) => octet === b[n]);
}
