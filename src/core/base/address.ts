declare const ipv4Brand: unique symbol;
declare const macBrand: unique symbol;

/** An IPv4 address as an unsigned 32-bit number: compared with `===`, kept without allocation. */
export type Ipv4Address = number & { readonly [ipv4Brand]: true };

/** An Ethernet station address as an unsigned 48-bit number (exact in a double). */
export type MacAddress = number & { readonly [macBrand]: true };

/** 0.0.0.0: this host, or any. */
export const ANY_ADDRESS = 0 as Ipv4Address;
/** 255.255.255.255 */
export const LIMITED_BROADCAST = 0xffffffff as Ipv4Address;
/** ff:ff:ff:ff:ff:ff */
export const BROADCAST_MAC = 0xffffffffffff as MacAddress;

/** The number as an address. */
export function ipv4(n: number): Ipv4Address {
  return (n >>> 0) as Ipv4Address;
}

/** Dotted decimal of four parts, 0 to 255 without leading zeros; null if it is anything else. */
export function parseIpv4(text: string): Ipv4Address | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let n = 0;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    n = n * 256 + Number(part);
  }
  return ipv4(n);
}

/** `10.107.0.2` */
export function formatIpv4(a: Ipv4Address): string {
  return `${a >>> 24}.${(a >>> 16) & 255}.${(a >>> 8) & 255}.${a & 255}`;
}

/** A multicast (class D) address? @rfc 1112 4 */
export function isMulticast(a: Ipv4Address): boolean {
  return a >>> 28 === 0xe;
}

/** 127.0.0.0/8? It never appears on a wire. @rfc 1122 3.2.1.3 */
export function isLoopback(a: Ipv4Address): boolean {
  return a >>> 24 === 127;
}

/** An address with the length of its network prefix, as in `10.107.0.2/24`. */
export interface Ipv4Cidr {
  readonly address: Ipv4Address;
  /** 0 to 32 */
  readonly prefixLength: number;
}

/** `ADDRESS/LENGTH`, both required; null if it is anything else. */
export function parseCidr(text: string): Ipv4Cidr | null {
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(text);
  if (match === null) return null;
  const address = parseIpv4(match[1] ?? '');
  const prefixLength = Number(match[2]);
  if (address === null || prefixLength > 32) return null;
  return { address, prefixLength };
}

/** `10.107.0.2/24` */
export function formatCidr(cidr: Ipv4Cidr): string {
  return `${formatIpv4(cidr.address)}/${cidr.prefixLength}`;
}

/** The mask of a prefix: 24 → 255.255.255.0. */
export function netmask(prefixLength: number): Ipv4Address {
  return ipv4(prefixLength === 0 ? 0 : 0xffffffff << (32 - prefixLength));
}

/** Is the address in the network of the prefix? */
export function inNetwork(a: Ipv4Address, network: Ipv4Cidr): boolean {
  return ((a ^ network.address) & netmask(network.prefixLength)) === 0;
}

/** The address whose host part is all ones. @rfc 1122 3.2.1.3 */
export function subnetBroadcast(network: Ipv4Cidr): Ipv4Address {
  return ipv4(network.address | ~netmask(network.prefixLength));
}

/** Six octets in hexadecimal with colons; null if it is anything else. */
export function parseMac(text: string): MacAddress | null {
  if (!/^[\da-f]{2}(:[\da-f]{2}){5}$/i.test(text)) return null;
  return Number.parseInt(text.replaceAll(':', ''), 16) as MacAddress;
}

/** `02:00:0a:6b:00:02` */
export function formatMac(mac: MacAddress): string {
  return mac
    .toString(16)
    .padStart(12, '0')
    .replace(/..(?=.)/g, '$&:');
}

/** A group (multicast or broadcast) address: the lowest bit of its first octet is set. */
export function isGroupMac(mac: MacAddress): boolean {
  return (Math.floor(mac / 2 ** 40) & 1) === 1;
}

/** Reads six octets at `at`. */
export function readMac(view: DataView, at: number): MacAddress {
  return (view.getUint16(at) * 0x100000000 + view.getUint32(at + 2)) as MacAddress;
}

/** Writes six octets at `at`. */
export function writeMac(view: DataView, at: number, mac: MacAddress): void {
  view.setUint16(at, Math.floor(mac / 0x100000000));
  view.setUint32(at + 2, mac >>> 0);
}
