import type { PacketBuffer } from '../base/packetBuffer.ts';
import type { DropReason, SendReason } from '../base/reasons.ts';
import type { Micros } from '../base/time.ts';
import type { Tracer } from '../base/tracer.ts';

/** How often each reason occurred since the stack was made. */
export class ReasonCounters<Reason extends string> {
  readonly #cells = new Map<Reason, { count: number }>();

  count(reason: Reason): void {
    const cell = this.#cells.get(reason);
    if (cell === undefined) this.#cells.set(reason, { count: 1 });
    else cell.count++;
  }

  of(reason: Reason): number {
    return this.#cells.get(reason)?.count ?? 0;
  }

  get total(): number {
    let total = 0;
    for (const cell of this.#cells.values()) total += cell.count;
    return total;
  }

  /** The reasons that occurred, with their counts, as plain data. */
  snapshot(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const [reason, cell] of this.#cells) counts[reason] = cell.count;
    return counts;
  }
}

/**
 * The one place where IP says what became of a frame: each is counted, and shown to the tracer if
 * there is one. A frame received gets exactly one verdict.
 */
export class Journal {
  /** Frames and datagrams discarded, received ones and own ones. */
  readonly drops = new ReasonCounters<DropReason>();
  /** Frames that devices took, those of the transports included. */
  readonly sends = new ReasonCounters<SendReason>();
  readonly #tracer: Tracer | null;

  constructor(tracer: Tracer | null) {
    this.#tracer = tracer;
  }

  /** @param drop null: the frame was processed */
  received(packet: PacketBuffer, drop: DropReason | null, now: Micros): void {
    if (drop !== null) this.drops.count(drop);
    if (this.#tracer !== null) this.#tracer.received(packet, drop, now);
  }

  sent(packet: PacketBuffer, reason: SendReason, now: Micros): void {
    this.sends.count(reason);
    if (this.#tracer !== null) this.#tracer.sent(packet, reason, now);
  }

  unsent(packet: PacketBuffer, drop: DropReason, now: Micros): void {
    this.drops.count(drop);
    if (this.#tracer !== null) this.#tracer.unsent(packet, drop, now);
  }
}
