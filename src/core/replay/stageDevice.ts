import { PacketBuffer } from '../base/packetBuffer.ts';
import { type Device, NO_OFFLOAD } from '../base/ports.ts';
import { ArpOperation, ArpPacket, parseArp, writeArp } from '../wire/arp.ts';
import { EthernetHeader, EtherType, parseEthernet, writeEthernet } from '../wire/ethernet.ts';
import { OWN_MAC, PEER_MAC } from './addresses.ts';

/** The station address of everybody else is known by a frame of this length. */
const ARP_FRAME = 64;

const ETHERNET_HEADER = 14;

/** A frame that waits to be taken. */
interface ArrivedFrame {
  readonly octets: Uint8Array;
  readonly segmentSize: number;
}

/**
 * The device of a stack that plays a part: frames are put in one by one, longer ones than the MTU
 * too. Questions of ARP are answered, whoever is asked for; datagrams that the stack sends are handed
 * out, or go nowhere (a tracer sees them).
 */
export class StageDevice implements Device {
  readonly name: string;
  readonly macAddress = OWN_MAC;
  readonly offload = NO_OFFLOAD;
  /** While it is false, nothing is sent: what arrives is taken in, and answered later. */
  writable = true;
  readonly mtu: number;
  onReadable: (() => void) | null = null;
  onWritable: (() => void) | null = null;
  readonly #inbox: ArrivedFrame[] = [];
  readonly #ethernet = new EthernetHeader();
  readonly #arp = new ArpPacket();
  readonly #answer = new PacketBuffer(ARP_FRAME);
  readonly #onDatagram: ((octets: Uint8Array) => void) | null;

  /** @param onDatagram is given each datagram that is sent; the octets are its own */
  constructor(name: string, mtu: number, onDatagram: ((octets: Uint8Array) => void) | null = null) {
    this.name = name;
    this.mtu = mtu;
    this.#onDatagram = onDatagram;
  }

  /** A datagram arrives. @param segmentSize see {@link PacketBuffer.segmentSize} */
  putDatagram(datagram: Uint8Array, segmentSize = 0): void {
    const frame = new Uint8Array(ETHERNET_HEADER + datagram.length);
    const view = new DataView(frame.buffer);
    view.setUint16(0, Math.floor(OWN_MAC / 2 ** 32));
    view.setUint32(2, OWN_MAC >>> 0);
    view.setUint16(6, Math.floor(PEER_MAC / 2 ** 32));
    view.setUint32(8, PEER_MAC >>> 0);
    view.setUint16(12, EtherType.IPV4);
    frame.set(datagram, ETHERNET_HEADER);
    this.put(frame, segmentSize);
  }

  /** A frame arrives. */
  put(octets: Uint8Array, segmentSize = 0): void {
    this.#inbox.push({ octets, segmentSize });
    this.onReadable?.();
  }

  receive(packet: PacketBuffer): boolean {
    const frame = this.#inbox.shift();
    if (frame === undefined) return false;
    packet.setFrame(frame.octets);
    packet.segmentSize = frame.segmentSize;
    return true;
  }

  send(packet: PacketBuffer): boolean {
    const type = packet.view.getUint16(packet.link + 12);
    if (type === EtherType.ARP) this.#onArp(packet);
    else this.#onDatagram?.(packet.octets.slice(packet.link + ETHERNET_HEADER, packet.end));
    return true;
  }

  close(): void {
    this.#inbox.length = 0;
  }

  #onArp(packet: PacketBuffer): void {
    const arp = this.#arp;
    const copy = new PacketBuffer(packet.end - packet.link);
    copy.setFrame(packet.frame());
    if (parseEthernet(copy, this.#ethernet) !== null || parseArp(copy, arp) !== null) return;
    if (arp.operation !== ArpOperation.REQUEST || arp.targetIp === arp.senderIp) return;
    const out = this.#answer;
    out.clear();
    const asked = arp.targetIp;
    arp.targetMac = arp.senderMac;
    arp.targetIp = arp.senderIp;
    arp.senderMac = PEER_MAC;
    arp.senderIp = asked;
    arp.operation = ArpOperation.REPLY;
    writeArp(out, arp);
    writeEthernet(out, OWN_MAC, PEER_MAC, EtherType.ARP);
    this.put(out.frame().slice());
  }
}
