import { type Command, InvalidArgumentError, Option } from 'commander';
import {
  formatCidr,
  formatIpv4,
  type Ipv4Cidr,
  inNetwork,
  isLoopback,
  isMulticast,
  netmask,
  parseCidr,
  subnetBroadcast,
} from '../core/base/address.ts';
import { UsageError } from './failure.ts';

/** The options of every command that opens a TAP. */
export interface LinkOptions {
  /** The interface, for the kernel. */
  readonly tap: string;
  /** The address and network of the stack. */
  readonly address: Ipv4Cidr;
  /** The same of the kernel's end. */
  readonly peer: Ipv4Cidr;
  /** A namespace of `ip netns` for the kernel's end; not given: that of this process. */
  readonly netns?: string;
  /** Where the frames of both directions are recorded. */
  readonly pcap?: string;
  /** A line per frame on standard error? */
  readonly trace?: true;
  /** The result as JSON in the last line of standard output? */
  readonly json?: true;
}

/** The kernel's limit, IFNAMSIZ less the final zero. */
const MAX_INTERFACE_NAME = 15;

/** Adds the options of {@link LinkOptions} to a command. */
export function addLinkOptions(command: Command): Command {
  return command
    .option('--tap <name>', 'the TAP interface to make', parseInterfaceName, 'glass0')
    .addOption(cidrOption('--address <cidr>', 'address of the stack', '10.107.0.2/24'))
    .addOption(cidrOption('--peer <cidr>', "address of the kernel's end", '10.107.0.1/24'))
    .option('--netns <name>', "existing network namespace for the kernel's end")
    .option('--pcap <file>', 'record the frames of both directions; a .pcapng says why')
    .option('--trace', 'one line per frame with its reason, on standard error')
    .option('--json', 'the result as JSON in the last line of standard output');
}

/** @throws UsageError if the two addresses cannot be the ends of one link */
export function checkLink({ address, peer }: LinkOptions): void {
  checkHost('--address', address);
  checkHost('--peer', peer);
  if (address.address === peer.address) {
    const text = formatIpv4(address.address);
    throw new UsageError(`--address and --peer are both ${text}: give each its own address`);
  }
  if (address.prefixLength !== peer.prefixLength || !inNetwork(peer.address, address)) {
    const ends = `--address ${formatCidr(address)} and --peer ${formatCidr(peer)}`;
    throw new UsageError(`${ends} are in different networks: take both from one, as in /24`);
  }
}

function checkHost(option: string, cidr: Ipv4Cidr): void {
  const { address, prefixLength } = cidr;
  const text = `${option} ${formatCidr(cidr)}`;
  if (prefixLength < 1 || prefixLength > 31) {
    throw new UsageError(`${text}: the prefix must be /1 to /31, so that two hosts have room`);
  }
  if (
    isMulticast(address) ||
    isLoopback(address) ||
    address >>> 24 === 0 ||
    address >>> 28 === 15
  ) {
    throw new UsageError(`${text} is no address of a host: take one such as 10.107.0.2/24`);
  }
  if (prefixLength === 31) return; // RFC 3021: both addresses are hosts
  const network = (address & netmask(prefixLength)) >>> 0;
  if (address === network || address === subnetBroadcast(cidr)) {
    const which = address === network ? 'the network itself' : 'the broadcast address';
    throw new UsageError(`${text} is ${which}: take another address of that network`);
  }
}

/** A port of TCP, as the argument of a command or option. */
export function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) {
    throw new InvalidArgumentError('A port is a number from 1 to 65535.');
  }
  return port;
}

function cidrOption(flags: string, description: string, initially: string): Option {
  return new Option(flags, description).argParser(readCidr).default(readCidr(initially), initially);
}

function readCidr(text: string): Ipv4Cidr {
  const cidr = parseCidr(text);
  if (cidr === null) {
    throw new InvalidArgumentError('It takes an IPv4 address and prefix, as in 10.107.0.2/24.');
  }
  return cidr;
}

function parseInterfaceName(text: string): string {
  if (Buffer.byteLength(text) > MAX_INTERFACE_NAME) {
    throw new InvalidArgumentError(
      `It is longer than ${MAX_INTERFACE_NAME} characters, the most that Linux takes.`,
    );
  }
  if (!/^[^\s/:%]+$/.test(text) || text === '.' || text === '..') {
    throw new InvalidArgumentError('An interface is called by letters, digits, "-", "_" and ".".');
  }
  return text;
}
