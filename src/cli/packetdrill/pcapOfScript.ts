import type { PacketBuffer } from '../../core/base/packetBuffer.ts';
import type { DropReason, SendReason } from '../../core/base/reasons.ts';
import type { Clock, Micros } from '../../core/base/time.ts';
import type { Tracer } from '../../core/base/tracer.ts';
import { CaptureFile } from '../../node/captureFile.ts';

/** Records the frames of a script as the stack sees them, with its reasons where the format has room. */
export class PcapOfScript implements Tracer {
  readonly #file: CaptureFile;
  #now: Micros = 0;

  /** @throws Error if the file cannot be made */
  constructor(path: string) {
    const clock: Clock = { now: () => this.#now };
    this.#file = new CaptureFile(path, clock, { interfaceName: 'packetdrill' });
  }

  sent(packet: PacketBuffer, reason: SendReason, now: Micros): void {
    this.#frame(packet, now, 'out');
    this.#file.tracer?.sent(packet, reason, now);
  }

  received(packet: PacketBuffer, drop: DropReason | null, now: Micros): void {
    this.#frame(packet, now, 'in');
    this.#file.tracer?.received(packet, drop, now);
  }

  unsent(packet: PacketBuffer, drop: DropReason, now: Micros): void {
    this.#file.tracer?.unsent(packet, drop, now);
  }

  transition(connection: number, from: string, to: string, now: Micros): void {
    this.#file.tracer?.transition(connection, from, to, now);
  }

  /** Completes the file. */
  close(): void {
    this.#file.close();
  }

  #frame(packet: PacketBuffer, now: Micros, direction: 'in' | 'out'): void {
    this.#now = now;
    this.#file.frame(packet.frame(), now, direction);
  }
}
