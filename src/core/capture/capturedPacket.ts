import type { Micros } from '../base/time.ts';

/** One packet of a capture file, whatever its format. */
export interface CapturedPacket {
  /** 1 for the first of the file, as tcpdump and Wireshark count. */
  readonly number: number;
  /** Since 1970, whole microseconds. */
  readonly time: Micros;
  /** What lies beyond `time`: 0 to 999 nanoseconds. */
  readonly nanos: number;
  /** LINKTYPE_* of the tcpdump group: what the octets begin with. */
  readonly linkType: number;
  /** As many octets as were kept; they belong to whoever got the packet. */
  readonly octets: Uint8Array;
  /** As many octets as there were on the wire. */
  readonly originalLength: number;
  /** pcapng's `opt_comment`s of this packet. */
  readonly comments: readonly string[];
}
