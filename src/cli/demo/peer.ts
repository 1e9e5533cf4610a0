import type { Digest } from '../../apps/pseudoRandom.ts';
import type { Fetched } from './programs.ts';

/** The other end of the demo's link: the kernel, or a second stack. */
export interface Peer {
  /** What fetches: `curl`, or what stands in for it. */
  readonly client: string;
  /** Whose sockets those are, for people. */
  readonly name: string;
  /** What the user should know before: what is missing. */
  readonly note: string | null;
  fetch(path: string): Promise<Fetched>;
  /** Uploads the pseudo-random octets. @returns the answer */
  upload(octets: number): Promise<string>;
  /** @returns what `ping` found out @throws Skipped where there is none */
  ping(): Promise<string>;
  /** Sends a request, ends its side, and reads the answer. */
  halfClose(port: number, request: string): Promise<Digest>;
  /** @returns milliseconds until a connection to that port was refused */
  expectRefusal(port: number): Promise<number>;
  /** Starts a server that sends back what it gets. */
  serveEcho(port: number): Promise<void>;
  /** What the kernel counted; empty where there is none. */
  counters(): Promise<ReadonlyMap<string, number>>;
  /** Ends all that runs. */
  close(): Promise<void>;
}

/** A step cannot be done here: the message says what is missing. */
export class Skipped extends Error {}
