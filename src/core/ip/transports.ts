import { ANY_ADDRESS, ipv4 } from '../base/address.ts';
import type { PacketBuffer } from '../base/packetBuffer.ts';
import { Protocol, type TransportError, type TransportHandler } from '../base/ports.ts';
import type { Micros } from '../base/time.ts';

/** Where the protocol and the addresses stand in an IPv4 header. @rfc 791 3.1 */
const PROTOCOL = 9;
const SOURCE = 12;
const DESTINATION = 16;

/** Octets of a transport header that name the two ports and the sequence number. @rfc 792 */
const QUOTED = 8;

/** The transports above IP, by protocol number. */
export class Transports {
  /** The record in which bad news is told; filled anew each time. */
  readonly error: TransportError = {
    kind: 'host-unreachable',
    local: ANY_ADDRESS,
    remote: ANY_ADDRESS,
    localPort: 0,
    remotePort: 0,
    sequence: 0,
    mtu: 0,
  };
  readonly #handlers: (TransportHandler | null)[] = new Array(256).fill(null);

  /** @throws RangeError if it is not a protocol number, or is ICMP, which belongs to IP itself */
  register(protocol: number, handler: TransportHandler): void {
    if (!(protocol >= 0 && protocol < 256) || protocol === Protocol.ICMP) {
      throw new RangeError(`no transport can have the protocol number ${protocol}`);
    }
    this.#handlers[protocol] = handler;
  }

  /** Who processes datagrams of this protocol; null: nobody. */
  handlerFor(protocol: number): TransportHandler | null {
    return this.#handlers[protocol] ?? null;
  }

  /** Tells the transport of a datagram of ours that nobody answered for its next hop. @rfc 1122 2.3.2.2 */
  hostUnreachable(packet: PacketBuffer, now: Micros): void {
    const { view, network, transport } = packet;
    const handler = this.handlerFor(view.getUint8(network + PROTOCOL));
    if (handler === null || packet.end - transport < QUOTED) return;
    const error = this.error;
    error.kind = 'host-unreachable';
    error.local = ipv4(view.getUint32(network + SOURCE));
    error.remote = ipv4(view.getUint32(network + DESTINATION));
    error.localPort = view.getUint16(transport);
    error.remotePort = view.getUint16(transport + 2);
    error.sequence = view.getUint32(transport + 4);
    error.mtu = 0;
    handler.errorArrives(error, now);
  }
}
