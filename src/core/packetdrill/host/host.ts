import type { Micros } from '../../base/time.ts';
import type { Script } from '../ast.ts';
import type { CallOutcome, HostCall } from './calls.ts';

/** At once in virtual time, later where time is real. */
export type Awaitable<T> = T | Promise<T>;

/** A datagram that the host has sent. */
export interface SentDatagram {
  readonly at: Micros;
  /** From the IP header on; it belongs to whoever takes it. */
  readonly octets: Uint8Array;
  /** Why, in the words of this stack; null: the host does not say. */
  readonly reason: string | null;
}

/** A call that was begun. */
export interface CallInProgress {
  /** null: it blocks. */
  readonly outcome: CallOutcome | null;
  /** When it returned; without meaning before. */
  readonly endedAt: Micros;
}

/** `tcpi_*` and other names of Linux, with its numbers and units. */
export type InfoNames = ReadonlyMap<string, number>;

/** Which connections are meant, by ports; null: any. */
export interface ConnectionQuery {
  readonly localPort: number | null;
  readonly remotePort: number | null;
}

/**
 * The system under test, with a network of its own that only the script speaks on: sockets, a way
 * in and out for datagrams, and a clock. The simulated one has virtual time, in which nothing
 * happens but what a script asks for; a kernel has real time.
 */
export interface Host {
  /** Now, on a clock that begins anywhere. */
  now(): Micros;
  /** Lets the time go on to `at`; what is sent meanwhile waits to be taken. */
  passTo(at: Micros): Awaitable<void>;
  /** The oldest datagram sent that was not taken yet, or the next one until `limit`; null: none. */
  takeDatagram(limit: Micros): Awaitable<SentDatagram | null>;
  /**
   * A datagram arrives.
   * @param segmentSize octets of text in each of the segments that the device has joined to this one,
   *   but for the last; 0: it is one segment
   */
  inject(datagram: Uint8Array, segmentSize: number): Awaitable<void>;
  /** Begins a system call. @throws Unsupported */
  begin(call: HostCall): Awaitable<CallInProgress>;
  /** Lets the time go on until the call has returned, but not beyond `limit`. */
  finish(call: CallInProgress, limit: Micros): Awaitable<void>;
  /** `TCP_INFO` of a socket, or of the connection with these ports; null: there is none. */
  info(of: number | ConnectionQuery): Awaitable<InfoNames | null>;
  /** The states (as RFC 9293 writes them) of the connections and listeners of these ports. */
  states(query: ConnectionQuery): Awaitable<readonly string[]>;
  /** The counters of TCP by the names that nstat has for them (`TcpExtTCPTimeouts`). */
  counters(): Awaitable<InfoNames>;
  /** Aborts the connections of a state; null: all of them. */
  drop(state: string | null): Awaitable<void>;
  /** Says, before anything runs, that a call cannot be made here. @throws Unsupported */
  check(call: HostCall): void;
  /** Says, before anything runs, that the host has no such setting. @throws Unsupported */
  checkSetting(name: string, value: string): void;
  /** Why a script is not for this host at all; null: nothing speaks against it. */
  missing(script: Script): string | null;
  /** Changes settings of the host: those of `sysctl`, by the name of each. @throws Unsupported */
  configure(name: string, value: string): Awaitable<void>;
  /** Gives back what it holds. */
  close(): Awaitable<void>;
}
