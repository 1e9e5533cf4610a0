import type { Micros } from '../base/time.ts';

/**
 * How the checksum of a captured segment stands: `offloaded` is the pseudo-header sum alone, which a
 * sender leaves for its network card to finish; `unknown` means that octets were cut off.
 */
export type ChecksumState = 'good' | 'bad' | 'offloaded' | 'unknown';

/** The TCP options of one segment; null: absent. */
export interface CapturedOptions {
  readonly mss: number | null;
  /** As on the wire, 0 to 255: what is above 14 counts as 14 (RFC 7323 2.3). */
  readonly windowShift: number | null;
  readonly sackPermitted: boolean;
  readonly timestamps: { readonly value: number; readonly echo: number } | null;
  /** [left, right) in the order of the segment; empty: absent. */
  readonly sackBlocks: readonly (readonly [number, number])[];
  /** RFC 7413's cookie, of 0 octets in a request. */
  readonly fastOpenCookie: Uint8Array | null;
  /** Kinds in their order, NOPs (1) and end (0) included, as far as they can be told apart. */
  readonly kinds: readonly number[];
}

/** One TCP segment of a capture, as plain numbers; addresses are canonical text (RFC 5952 for IPv6). */
export interface CapturedSegment {
  /** Of the packet within its file, from 1. */
  readonly number: number;
  /** Since 1970. */
  readonly time: Micros;
  readonly nanos: number;
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly ipVersion: 4 | 6;
  readonly ttl: number;
  /** The type-of-service or traffic-class octet: DSCP and ECN. */
  readonly trafficClass: number;
  /** IPv4 identification; 0 for IPv6. */
  readonly identification: number;
  readonly dontFragment: boolean;
  /** SEG.SEQ, SEG.ACK: 0 to 2^32 - 1, as on the wire. */
  readonly seq: number;
  readonly ack: number;
  /** The bits of `Flag` of wire/tcp, and 256 for the AE bit. */
  readonly flags: number;
  /** SEG.WND as on the wire, not scaled. */
  readonly window: number;
  readonly urgentPointer: number;
  readonly options: CapturedOptions;
  /** Octets of text that the segment had on the wire. */
  readonly length: number;
  /** As many of them as were kept. */
  readonly text: Uint8Array;
  readonly checksum: ChecksumState;
  /** The datagram from its IP header on, as kept. */
  readonly datagram: Uint8Array;
}
