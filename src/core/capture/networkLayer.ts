import { EtherType } from '../wire/ethernet.ts';
import type { CapturedPacket } from './capturedPacket.ts';

/** What a packet begins with: LINKTYPE_* of the tcpdump group, as far as read here. */
export const LinkType = {
  /** Four octets of address family, in the byte order of the host that captured. */
  NULL: 0,
  ETHERNET: 1,
  /** Raw IP as some systems' DLT_RAW was numbered. */
  RAW_BSD: 12,
  RAW_OPENBSD: 14,
  RAW: 101,
  /** As NULL, most significant octet first. */
  LOOP: 108,
  /** Linux's "cooked" header of the `any` interface, 16 octets. */
  LINUX_SLL: 113,
  IPV4: 228,
  IPV6: 229,
  /** Its second version, 20 octets. */
  LINUX_SLL2: 276,
} as const;

/** Where the layer above the link begins. */
export interface NetworkLayer {
  /** As of Ethernet, 0x0600 and above. */
  readonly etherType: number;
  /** Index into the octets of the packet. */
  readonly offset: number;
}

/** 802.1Q, 802.1ad, and what some switches used before: four octets, the last two of them a type. */
const VLAN_TAGS = [0x8100, 0x88a8, 0x9100];

/** The numbers of AF_INET6 on NetBSD and OpenBSD, FreeBSD, Darwin, and Linux. */
const INET6_FAMILIES = [24, 28, 30, 10];
const INET_FAMILY = 2;

/** @returns null: of a link type that is not known, cut off, or without a type of Ethernet */
export function networkLayer(packet: CapturedPacket): NetworkLayer | null {
  const { octets, linkType } = packet;
  switch (linkType) {
    case LinkType.ETHERNET:
      return behindTags(octets, 12);
    case LinkType.LINUX_SLL:
      return behindTags(octets, 14);
    case LinkType.LINUX_SLL2:
      return behindType(octets, 0, 20);
    case LinkType.RAW_BSD:
    case LinkType.RAW_OPENBSD:
    case LinkType.RAW:
    case LinkType.IPV4:
    case LinkType.IPV6:
      return byVersion(octets);
    case LinkType.NULL:
    case LinkType.LOOP:
      return byFamily(octets);
    default:
      return null;
  }
}

/** The type lies at `at`, behind it the data, or, if it is that of a tag, a tag and a type again. */
function behindTags(octets: Uint8Array, at: number): NetworkLayer | null {
  let typeAt = at;
  while (VLAN_TAGS.includes(uint16(octets, typeAt))) typeAt += 4;
  return behindType(octets, typeAt, typeAt + 2);
}

/** @param data where they begin if they are not tagged */
function behindType(octets: Uint8Array, at: number, data: number): NetworkLayer | null {
  const etherType = uint16(octets, at);
  if (octets.length < data || etherType < 0x0600) return null;
  if (VLAN_TAGS.includes(etherType)) return behindTags(octets, data + 2);
  return { etherType, offset: data };
}

function byVersion(octets: Uint8Array): NetworkLayer | null {
  const version = (octets[0] ?? 0) >>> 4;
  if (version === 4) return { etherType: EtherType.IPV4, offset: 0 };
  return version === 6 ? { etherType: EtherType.IPV6, offset: 0 } : null;
}

function byFamily(octets: Uint8Array): NetworkLayer | null {
  if (octets.length < 4) return null;
  // families are small: one half of the four octets is zero, and says which byte order it is
  const family = uint16(octets, 0) === 0 ? uint16(octets, 2) : octets[0];
  if (family === INET_FAMILY) return { etherType: EtherType.IPV4, offset: 4 };
  const isInet6 = family !== undefined && INET6_FAMILIES.includes(family);
  return isInet6 ? { etherType: EtherType.IPV6, offset: 4 } : null;
}

/** 0 if it is cut off. */
function uint16(octets: Uint8Array, at: number): number {
  return ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0);
}
