import {
  type Ipv4Address,
  type Ipv4Cidr,
  isLoopback,
  isMulticast,
  LIMITED_BROADCAST,
  subnetBroadcast,
} from '../base/address.ts';
import type { Interface } from './interface.ts';

/** From this prefix length on a network has no broadcast address. @rfc 3021 2.1 */
const POINT_TO_POINT = 31;

/** Which addresses are ours, and which are not those of one host. */
export class Addresses {
  readonly interfaces: Interface[] = [];

  /** The interface with this address of ours; null: it is not ours. */
  interfaceOf(address: Ipv4Address): Interface | null {
    for (const iface of this.interfaces) if (iface.cidr.address === address) return iface;
    return null;
  }

  isLocal(address: Ipv4Address): boolean {
    return this.interfaceOf(address) !== null;
  }

  /** A limited broadcast, or that of one of our networks? @rfc 1122 3.2.1.3 */
  isBroadcast(address: Ipv4Address): boolean {
    if (address === LIMITED_BROADCAST) return true;
    for (const iface of this.interfaces) {
      if (isBroadcastOf(iface.cidr, address)) return true;
    }
    return false;
  }

  isBroadcastOrMulticast(address: Ipv4Address): boolean {
    return isMulticast(address) || this.isBroadcast(address);
  }

  /**
   * May one other host have this address? Not 0.0.0.0/8, 127.0.0.0/8, class D and E, a broadcast,
   * nor one of our own: nothing comes from such a source, and nothing is sent to it (there is no
   * loopback in this stack).
   *
   * @rfc 1122 3.2.1.3
   */
  isOtherHost(address: Ipv4Address): boolean {
    const first = address >>> 24;
    if (first === 0 || first >= 224 || isLoopback(address)) return false;
    return !this.isLocal(address) && !this.isBroadcast(address);
  }
}

/** The broadcast address of the network? */
export function isBroadcastOf(network: Ipv4Cidr, address: Ipv4Address): boolean {
  return network.prefixLength < POINT_TO_POINT && address === subnetBroadcast(network);
}
