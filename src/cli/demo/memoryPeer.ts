import { type Digest, pseudoRandom } from '../../apps/pseudoRandom.ts';
import type { NodeStack } from '../../node/nodeStack.ts';
import { type Peer, Skipped } from './peer.ts';
import {
  expectRefusal,
  type Fetched,
  fetchPath,
  halfClose,
  serveEcho,
  upload,
} from './programs.ts';

/** The port of the site on the first stack. */
const SITE_PORT = 80;

/** A second stack, in the place of the kernel. */
export class MemoryPeer implements Peer {
  readonly client = "node's http client on a second stack";
  readonly name = 'second stack';
  readonly note = null;
  readonly #stack: NodeStack;
  readonly #host: string;

  /** @param host the address of the first stack */
  constructor(stack: NodeStack, host: string) {
    this.#stack = stack;
    this.#host = host;
  }

  fetch(path: string): Promise<Fetched> {
    return fetchPath(this.#stack.net, { host: this.#host, port: SITE_PORT }, path);
  }

  upload(octets: number): Promise<string> {
    const target = { host: this.#host, port: SITE_PORT };
    return upload(this.#stack.net, target, '/upload', pseudoRandom(octets));
  }

  async ping(): Promise<string> {
    throw new Skipped('there is no kernel that could ping');
  }

  halfClose(port: number, request: string): Promise<Digest> {
    return halfClose(this.#stack.net, { host: this.#host, port }, request);
  }

  expectRefusal(port: number): Promise<number> {
    return expectRefusal(this.#stack.net, { host: this.#host, port });
  }

  async serveEcho(port: number): Promise<void> {
    await serveEcho(this.#stack.net, port);
  }

  async counters(): Promise<ReadonlyMap<string, number>> {
    return new Map();
  }

  async close(): Promise<void> {
    await this.#stack.close();
  }
}
