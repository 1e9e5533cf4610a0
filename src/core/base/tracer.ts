import type { PacketBuffer } from './packetBuffer.ts';
import type { DropReason, SendReason } from './reasons.ts';
import type { Micros } from './time.ts';

/**
 * Who watches. Every place that calls it is guarded by `if (tracer !== null)`, so a stack without
 * one pays a comparison. A packet is valid during the call alone: copy what is to be kept.
 */
export interface Tracer {
  /** A frame was handed to the device; its offsets `link`, `network` and `transport` are set. */
  sent(packet: PacketBuffer, reason: SendReason, now: Micros): void;
  /** A frame was received and processed (`drop` null), or discarded for the reason given. */
  received(packet: PacketBuffer, drop: DropReason | null, now: Micros): void;
  /** Something that was to be sent was not. */
  unsent(packet: PacketBuffer, drop: DropReason, now: Micros): void;
  /** A connection went from one state of RFC 9293 figure 5 to another. */
  transition(connection: number, from: string, to: string, now: Micros): void;
}
