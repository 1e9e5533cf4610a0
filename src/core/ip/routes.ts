import { type Ipv4Address, type Ipv4Cidr, inNetwork } from '../base/address.ts';
import type { Interface } from './interface.ts';

/** Where datagrams for a network go. */
export interface Route {
  readonly network: Ipv4Cidr;
  /** The router that takes them; null: their destination is on the link itself. */
  readonly gateway: Ipv4Address | null;
  readonly iface: Interface;
}

/** The routing table of a host: its networks and its default gateways. @rfc 1122 3.3.1.1 */
export class RouteTable {
  /** Longest prefix first; equal ones in the order in which they were added. */
  readonly #routes: Route[] = [];

  add(route: Route): void {
    const length = route.network.prefixLength;
    const shorter = this.#routes.findIndex((other) => other.network.prefixLength < length);
    if (shorter === -1) this.#routes.push(route);
    else this.#routes.splice(shorter, 0, route);
  }

  /** The route with the longest prefix; null: none leads there. */
  lookup(destination: Ipv4Address): Route | null {
    for (const route of this.#routes) {
      if (inNetwork(destination, route.network)) return route;
    }
    return null;
  }
}
