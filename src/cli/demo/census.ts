import { formatIpv4, ipv4 } from '../../core/base/address.ts';
import type { PacketBuffer } from '../../core/base/packetBuffer.ts';
import { Protocol } from '../../core/base/ports.ts';
import type { DropReason, SendReason } from '../../core/base/reasons.ts';
import type { Tracer } from '../../core/base/tracer.ts';

const ETHERNET_HEADER_LENGTH = 14;
const ETHERTYPE_IPV4 = 0x0800;
const FRAGMENT_OFFSET_MASK = 0x1fff;
const TCP_HEADER_LENGTH = 20;
const RST = 0x04;

/** A segment with the RST bit. */
export interface Reset {
  readonly from: string;
  readonly fromPort: number;
  readonly to: string;
  readonly toPort: number;
}

/** Counts frames by what became of them, and keeps those that reset a connection. */
export class Census implements Tracer {
  readonly sentFor = new Map<SendReason, number>();
  readonly droppedFor = new Map<DropReason, number>();
  accepted = 0;
  readonly resets: Reset[] = [];

  sent(packet: PacketBuffer, reason: SendReason): void {
    count(this.sentFor, reason);
    this.#keepReset(packet);
  }

  received(packet: PacketBuffer, drop: DropReason | null): void {
    if (drop === null) this.accepted++;
    else count(this.droppedFor, drop);
    this.#keepReset(packet);
  }

  unsent(_packet: PacketBuffer, drop: DropReason): void {
    count(this.droppedFor, drop);
  }

  transition(): void {
    // the states are of no interest here
  }

  /** Segments that were sent more than once, or would not have been without a loss. */
  get retransmissions(): number {
    const reasons: readonly SendReason[] = [
      'rto',
      'handshake-retransmission',
      'loss-retransmission',
      'fast-retransmit',
      'partial-ack',
    ];
    return reasons.reduce((sum, reason) => sum + (this.sentFor.get(reason) ?? 0), 0);
  }

  /** As plain data. */
  summary(): Record<string, unknown> {
    return {
      sent: Object.fromEntries(this.sentFor),
      accepted: this.accepted,
      dropped: Object.fromEntries(this.droppedFor),
      retransmissions: this.retransmissions,
      resets: this.resets,
    };
  }

  #keepReset(packet: PacketBuffer): void {
    const reset = resetIn(packet);
    if (reset !== null) this.resets.push(reset);
  }
}

function count<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** The ends of the segment in a frame, if it has the RST bit; null: it has not, or is none. */
function resetIn({ view, link, end }: PacketBuffer): Reset | null {
  const network = link + ETHERNET_HEADER_LENGTH;
  if (end < network + 20 || view.getUint16(link + 12) !== ETHERTYPE_IPV4) return null;
  if (view.getUint8(network + 9) !== Protocol.TCP) return null;
  if ((view.getUint16(network + 6) & FRAGMENT_OFFSET_MASK) !== 0) return null;
  const transport = network + (view.getUint8(network) & 15) * 4;
  if (end < transport + TCP_HEADER_LENGTH) return null;
  if ((view.getUint8(transport + 13) & RST) === 0) return null;
  return {
    from: formatIpv4(ipv4(view.getUint32(network + 12))),
    fromPort: view.getUint16(transport),
    to: formatIpv4(ipv4(view.getUint32(network + 16))),
    toPort: view.getUint16(transport + 2),
  };
}
