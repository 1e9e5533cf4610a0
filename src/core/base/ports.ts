import type { Ipv4Address, MacAddress } from './address.ts';
import type { PacketBuffer } from './packetBuffer.ts';
import type { DropReason, SendReason } from './reasons.ts';
import type { Micros } from './time.ts';

/** What a device does for the stack, so that the code in front of it need not. */
export interface Offload {
  /** It fills in TCP checksums (and has verified those of what it hands up). */
  readonly checksum: boolean;
  /** Most octets of TCP text in one frame that it cuts to size itself; 0: it does not. */
  readonly segmentation: number;
}

/** A device without any offload. */
export const NO_OFFLOAD: Offload = { checksum: false, segmentation: 0 };

/** A place where Ethernet frames go in and out. */
export interface Device {
  /** For people: `glass0`. */
  readonly name: string;
  /** Octets of the largest datagram in a frame (the Ethernet header not counted): 68 to 65535. */
  readonly mtu: number;
  /** The station address that the stack uses on this device. */
  readonly macAddress: MacAddress;
  readonly offload: Offload;
  /** Copies the next received frame into `packet` (from `link` to `end`); false: there is none. */
  receive(packet: PacketBuffer): boolean;
  /**
   * Sends the frame from `packet.link` to `packet.end`, of which it keeps no reference.
   * @returns false if it takes no frame now: the frame is lost, and `onWritable` will be called
   */
  send(packet: PacketBuffer): boolean;
  /** May a frame be sent now? */
  readonly writable: boolean;
  /** Called by the device when `receive` may return true again. Set by the stack. */
  onReadable: (() => void) | null;
  /** Called by the device when `writable` has become true again. Set by the stack. */
  onWritable: (() => void) | null;
  /** Gives back what the device holds. Safe to call twice. */
  close(): void;
}

/** IP protocol numbers that are spoken here. @rfc 5237 */
export const Protocol = { ICMP: 1, TCP: 6, UDP: 17 } as const;

/** The kinds of bad news about a datagram of ours, from ICMP or from our own ARP. */
export type UnreachableKind =
  | 'net-unreachable'
  | 'host-unreachable'
  | 'protocol-unreachable'
  | 'port-unreachable'
  | 'fragmentation-needed'
  | 'source-route-failed'
  | 'admin-prohibited'
  | 'reassembly-timeout'
  | 'time-exceeded'
  | 'parameter-problem';

/** Bad news about one datagram that we sent. One record is reused for all: copy what you keep. */
export interface TransportError {
  kind: UnreachableKind;
  /** Our address, as quoted. */
  local: Ipv4Address;
  /** The destination of the datagram, as quoted. */
  remote: Ipv4Address;
  localPort: number;
  remotePort: number;
  /** The third and fourth quoted word: SEG.SEQ of a TCP segment. */
  sequence: number;
  /** Fragmentation needed: the MTU of the next hop in octets (RFC 1191), 0 if not told. */
  mtu: number;
}

/** What IP calls of a transport: the way up. */
export interface TransportHandler {
  /**
   * A datagram arrived: the transport's octets lie from `packet.transport` to `packet.end`, and
   * `packet.trafficClass` says how routers have marked it.
   * @returns null if it was processed, else why it was dropped
   */
  datagramArrives(
    packet: PacketBuffer,
    source: Ipv4Address,
    destination: Ipv4Address,
    now: Micros,
  ): DropReason | null;
  /** A datagram of ours did not arrive. @rfc 1122 3.2.2 */
  errorArrives(error: TransportError, now: Micros): DropReason | null;
}

/** The way from one of our addresses to a destination, with the IPv4 header made in advance. */
export interface Flow {
  readonly source: Ipv4Address;
  readonly destination: Ipv4Address;
  /** Octets of the largest datagram that may be sent now (path MTU). @rfc 1191 */
  readonly mtu: number;
  /** Time to live, 1 to 255. */
  ttl: number;
  /** The octet of DSCP and ECN. */
  trafficClass: number;
  /** Negative advice: nothing comes back from there, so the next hop may be dead. @rfc 1122 3.3.1.4 */
  suspect(now: Micros): void;
}

/** What a transport calls of IP: the way down. */
export interface DatagramSink {
  /** False while the device takes no frame: send nothing that can wait. */
  readonly writable: boolean;
  /** The address that we use towards `destination`; null: no route leads there. @rfc 1122 3.3.4.3 */
  sourceFor(destination: Ipv4Address): Ipv4Address | null;
  /** Is it one of our own addresses? */
  isLocal(address: Ipv4Address): boolean;
  /** Is it a limited, subnet or multicast destination, that is: not one host's? */
  isBroadcastOrMulticast(address: Ipv4Address): boolean;
  /** Octets of the largest datagram that an interface with this address of ours can receive. */
  receiveMtu(local: Ipv4Address): number;
  /** Opens a flow; null: no route leads to `destination`. */
  openFlow(source: Ipv4Address, destination: Ipv4Address, protocol: number): Flow | null;
  /** Sends the octets from `packet.transport` to `packet.end`, DF set, and forgets them. */
  send(packet: PacketBuffer, flow: Flow, reason: SendReason, now: Micros): void;
}
