import type { CapturedPacket } from './capturedPacket.ts';
import type { OctetQueue } from './octetQueue.ts';

/** Most octets of one packet or block: a length beyond it is damage, not a reason to wait. */
export const MAX_ITEM_LENGTH = 16 * 1024 * 1024;

/** Where packets were captured. */
export interface CaptureInterface {
  /** LINKTYPE_* of the tcpdump group. */
  readonly linkType: number;
  /** Most octets kept of a packet; 0: no limit. */
  readonly snapLength: number;
  /** pcapng's `if_name`; null: the file does not say. */
  readonly name: string | null;
}

/** Why nothing behind this can be read, as the end of a sentence. */
export interface Damage {
  readonly damage: string;
}

/** One of the formats of capture files: what follows what, and in which byte order. */
export interface CaptureFormat {
  /** Those described so far, in this section of the file. */
  readonly interfaces: readonly CaptureInterface[];
  /**
   * Takes octets up to the end of the next packet.
   *
   * @param number of the next packet, from 1
   * @returns null: more octets are needed
   */
  next(queue: OctetQueue, number: number): CapturedPacket | Damage | null;
}

/** Is it one of the three magic numbers of pcap, in the byte order that it was read in? */
export function isPcapMagic(word: number): boolean {
  return word === PcapMagic.MICROS || word === PcapMagic.NANOS || word === PcapMagic.MODIFIED;
}

/** What a pcap file begins with. */
export const PcapMagic = {
  MICROS: 0xa1b2c3d4,
  NANOS: 0xa1b23c4d,
  /** Of Linux 2.2's time: 8 octets more in front of each packet. */
  MODIFIED: 0xa1b2cd34,
} as const;
