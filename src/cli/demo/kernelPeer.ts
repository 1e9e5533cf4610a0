import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { type Digest, digestOf, pseudoRandom } from '../../apps/pseudoRandom.ts';
import { Failure } from '../failure.ts';
import { Children, hasCommand } from './children.ts';
import { type Peer, Skipped } from './peer.ts';
import type { Fetched } from './programs.ts';

/** Compiled or not, the program lies beside this file. */
const PROGRAM = fileURLToPath(new URL(`kernelProgram${extname(import.meta.url)}`, import.meta.url));
/** The port of the site on the stack. */
const SITE_PORT = '80';

/** The kernel, within the namespace that the stack's TAP lies in. */
export class KernelPeer implements Peer {
  readonly client = hasCommand('curl') ? 'curl' : "node's http client";
  readonly name = 'kernel';
  readonly note =
    this.client === 'curl'
      ? null
      : "The command curl is missing (Debian package curl): node's http client takes its place.";
  readonly #children: Children;
  readonly #stackAddress: string;
  readonly #folder: string;

  /**
   * @param prefix what a command line begins with to run in the namespace
   * @param folder where large files may lie
   */
  private constructor(prefix: readonly string[], stackAddress: string, folder: string) {
    this.#children = new Children(prefix);
    this.#stackAddress = stackAddress;
    this.#folder = folder;
  }

  static async open(netns: string | null, stackAddress: string): Promise<KernelPeer> {
    const prefix = netns === null ? [] : ['ip', 'netns', 'exec', netns];
    const folder = await mkdtemp(join(tmpdir(), 'glass-demo-'));
    return new KernelPeer(prefix, stackAddress, folder);
  }

  async fetch(path: string): Promise<Fetched> {
    if (this.client !== 'curl') return this.#program('fetch', SITE_PORT, path);
    const file = join(this.#folder, 'fetched');
    const status = await this.#curl('-o', file, '-w', '%{http_code}', this.#url(path));
    const digest = await digestOf(createReadStream(file));
    return { status: Number(status), ...digest };
  }

  async upload(octets: number): Promise<string> {
    if (this.client !== 'curl') return this.#program('upload', SITE_PORT, String(octets));
    const file = join(this.#folder, 'upload');
    await pipeline(pseudoRandom(octets), createWriteStream(file));
    return this.#curl('-T', file, this.#url('/upload'));
  }

  async ping(): Promise<string> {
    if (!hasCommand('ping')) {
      throw new Skipped('the command ping is missing (Debian package iputils-ping)');
    }
    const said = await this.#children.run('ping', '-c3', '-i0.2', '-w5', this.#stackAddress);
    const [, received = '0'] = /(\d+) received/.exec(said) ?? [];
    const [, average = '?'] = /= [\d.]+\/([\d.]+)\//.exec(said) ?? [];
    if (Number(received) < 3) throw new Failure(`${received} of 3 echo requests were answered`);
    return `3 of 3 echo requests answered, round trip ${average} ms`;
  }

  halfClose(port: number, request: string): Promise<Digest> {
    return this.#program('half-close', String(port), request);
  }

  expectRefusal(port: number): Promise<number> {
    return this.#program('refusal', String(port));
  }

  async serveEcho(port: number): Promise<void> {
    const child = this.#children.start(...this.#node('echo', String(port)));
    await new Promise<void>((resolve, reject) => {
      child.stdout.once('data', () => resolve());
      child.stderr.once('data', (said) => reject(new Failure(String(said).trim())));
      child.once('close', (code) => reject(new Failure(`the echo server ended with ${code}`)));
    });
  }

  async counters(): Promise<ReadonlyMap<string, number>> {
    const text = await this.#children.run('cat', '/proc/net/snmp', '/proc/net/netstat');
    return parseCounters(text);
  }

  async close(): Promise<void> {
    await this.#children.close();
    await rm(this.#folder, { recursive: true, force: true });
  }

  #url(path: string): string {
    return `http://${this.#stackAddress}${path}`;
  }

  #curl(...args: readonly string[]): Promise<string> {
    return this.#children.run('curl', '--silent', '--show-error', '--noproxy', '*', ...args);
  }

  async #program<T>(program: string, port: string, argument = ''): Promise<T> {
    return JSON.parse(await this.#children.run(...this.#node(program, port, argument)));
  }

  #node(program: string, port: string, argument = ''): string[] {
    const { execPath, execArgv } = process;
    return [execPath, ...execArgv, PROGRAM, program, this.#stackAddress, port, argument];
  }
}

/** The counters of /proc/net/snmp and netstat, as in `TcpInCsumErrors`. */
export function parseCounters(text: string): Map<string, number> {
  const counters = new Map<string, number>();
  const lines = text.trim().split('\n');
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [group = '', ...names] = (lines[i] ?? '').split(' ');
    const values = (lines[i + 1] ?? '').split(' ').slice(1);
    for (const [n, name] of names.entries()) {
      counters.set(group.replace(':', '') + name, Number(values[n]));
    }
  }
  return counters;
}
