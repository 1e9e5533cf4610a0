import type { PacketBuffer } from '../base/packetBuffer.ts';
import type { DropReason, SendReason } from '../base/reasons.ts';
import type { Micros } from '../base/time.ts';
import type { Tracer } from '../base/tracer.ts';

/** Several tracers as one. */
export class TeeTracer implements Tracer {
  readonly #tracers: readonly Tracer[];

  constructor(tracers: readonly Tracer[]) {
    this.#tracers = tracers;
  }

  sent(packet: PacketBuffer, reason: SendReason, now: Micros): void {
    for (const tracer of this.#tracers) tracer.sent(packet, reason, now);
  }

  received(packet: PacketBuffer, drop: DropReason | null, now: Micros): void {
    for (const tracer of this.#tracers) tracer.received(packet, drop, now);
  }

  unsent(packet: PacketBuffer, drop: DropReason, now: Micros): void {
    for (const tracer of this.#tracers) tracer.unsent(packet, drop, now);
  }

  transition(connection: number, from: string, to: string, now: Micros): void {
    for (const tracer of this.#tracers) tracer.transition(connection, from, to, now);
  }
}
