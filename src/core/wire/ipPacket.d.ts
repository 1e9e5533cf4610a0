/** The part of the package that wire/ipv4.ts uses; it ships no types of its own. */
declare module 'ip-packet' {
  export interface EncodingState {
    /** Where the next octet goes. */
    start: number;
    end: number;
    buffer: Uint8Array;
  }

  export interface IpPacket {
    version: 4;
    /** Six bits. */
    dscp: number;
    /** Two bits. */
    ecn: number;
    identification: number;
    /** Three bits: reserved, DF, MF. */
    flags: number;
    ttl: number;
    protocol: number;
    /** Dotted decimal, like `destinationIp`. */
    sourceIp: string;
    destinationIp: string;
    data: {
      readonly byteLength: number;
      copy(into: Uint8Array, at: number): void;
    };
  }

  /** Writes the header of 20 octets, its checksum left zero, and the data behind it. */
  export function encode(state: EncodingState, packet: IpPacket): void;

  /** Fills in the checksum of the header of 20 octets at the start of `packet`, and returns it. */
  export function checksum(packet: Uint8Array): number;
}
