import type { Ipv4Address } from '../base/address.ts';
import { ANY_ADDRESS } from '../base/address.ts';
import type { Connection } from './connection.ts';
import type { Listener } from './listen/listener.ts';

/**
 * From the four-tuple to the connection, and from the port to the listener. A lookup allocates
 * nothing. Where a connection lies depends on a secret, so that long chains cannot be planned.
 *
 * @rfc 9293 3.3.1
 */
export class Demux {
  readonly #secret: number;
  readonly #connections = new Map<number, Connection>();
  readonly #listeners = new Map<number, Listener<Connection>[]>();
  /** Connections in the table, those in TIME-WAIT included. */
  size = 0;

  constructor(secret: number) {
    this.#secret = secret;
  }

  find(
    local: Ipv4Address,
    localPort: number,
    remote: Ipv4Address,
    remotePort: number,
  ): Connection | null {
    let c = this.#connections.get(this.#place(remote, localPort, remotePort)) ?? null;
    while (c !== null && !isOf(c, local, localPort, remote, remotePort)) c = c.nextInTable;
    return c;
  }

  add(connection: Connection): void {
    const { tcb } = connection;
    const place = this.#place(tcb.remoteAddress, tcb.localPort, tcb.remotePort);
    connection.nextInTable = this.#connections.get(place) ?? null;
    this.#connections.set(place, connection);
    this.size++;
  }

  remove(connection: Connection): void {
    const { tcb } = connection;
    const place = this.#place(tcb.remoteAddress, tcb.localPort, tcb.remotePort);
    const first = this.#connections.get(place);
    if (first === undefined) return;
    if (first === connection) {
      if (connection.nextInTable === null) this.#connections.delete(place);
      else this.#connections.set(place, connection.nextInTable);
    } else {
      let c = first;
      while (c.nextInTable !== null && c.nextInTable !== connection) c = c.nextInTable;
      if (c.nextInTable === null) return;
      c.nextInTable = connection.nextInTable;
    }
    connection.nextInTable = null;
    this.size--;
  }

  /** The listener of the address, else the one of any address. */
  listenerOn(address: Ipv4Address, port: number): Listener<Connection> | null {
    const listeners = this.#listeners.get(port);
    if (listeners === undefined) return null;
    for (const l of listeners) if (l.address === address) return l;
    for (const l of listeners) if (l.address === ANY_ADDRESS) return l;
    return null;
  }

  /** Does a listener stand in the way of one on this address and port? */
  isListened(address: Ipv4Address, port: number): boolean {
    const listeners = this.#listeners.get(port) ?? [];
    return listeners.some(
      (l) => l.address === address || l.address === ANY_ADDRESS || address === ANY_ADDRESS,
    );
  }

  addListener(listener: Listener<Connection>): void {
    const listeners = this.#listeners.get(listener.port) ?? [];
    listeners.push(listener);
    this.#listeners.set(listener.port, listeners);
  }

  removeListener(listener: Listener<Connection>): void {
    const left = (this.#listeners.get(listener.port) ?? []).filter((l) => l !== listener);
    if (left.length === 0) this.#listeners.delete(listener.port);
    else this.#listeners.set(listener.port, left);
  }

  *connections(): Generator<Connection> {
    for (const first of this.#connections.values()) {
      for (let c: Connection | null = first; c !== null; c = c.nextInTable) yield c;
    }
  }

  /** A number of 30 bits, so that V8 keeps it without a box. */
  #place(remote: Ipv4Address, localPort: number, remotePort: number): number {
    const a = Math.imul(remote ^ this.#secret, 0x9e3779b1);
    const b = Math.imul(a ^ (a >>> 15) ^ ((localPort << 16) | remotePort), 0x85ebca6b);
    return (b ^ (b >>> 13)) & 0x3fffffff;
  }
}

function isOf(
  c: Connection,
  local: Ipv4Address,
  localPort: number,
  remote: Ipv4Address,
  remotePort: number,
): boolean {
  const { tcb } = c;
  return (
    tcb.remotePort === remotePort &&
    tcb.localPort === localPort &&
    tcb.remoteAddress === remote &&
    tcb.localAddress === local
  );
}
