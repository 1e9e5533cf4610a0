import { execFileSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import process from 'node:process';
import { formatMac, type MacAddress } from '../../src/core/base/address.ts';
import { enterNamespace } from './libc.ts';

const { PATH = '' } = process.env;
/** For commands: a user's PATH often lacks the folders that `ip` and `tcpdump` lie in. */
export const environment = { ...process.env, PATH: `${PATH}:/usr/sbin:/sbin` };

/** The name that the interface has in each namespace. */
export const INTERFACE = 'glass0';

/** Runs a command without a shell. @returns what it wrote to standard output */
export function run(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, {
    env: environment,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const open = new Set<Namespace>();

/** Removes all that there are; for the end of the process, however it comes. */
export function removeNamespaces(): void {
  for (const namespace of open) namespace.remove();
}

/** A network namespace of one end, which has nothing but its loopback and one interface. */
export class Namespace {
  readonly name: string;
  readonly #home: number;
  readonly #fd: number;

  constructor(name: string) {
    this.name = name;
    run('ip', 'netns', 'add', name);
    open.add(this);
    run('ip', '-n', name, 'link', 'set', 'dev', 'lo', 'up');
    this.#home = openSync('/proc/self/ns/net', 'r');
    this.#fd = openSync(`/var/run/netns/${name}`, 'r');
  }

  /** Calls `body`, which must not wait, with this thread in the namespace. */
  within<T>(body: () => T): T {
    enterNamespace(this.#fd);
    try {
      return body();
    } finally {
      enterNamespace(this.#home);
    }
  }

  ip(...args: readonly string[]): void {
    run('ip', '-n', this.name, ...args);
  }

  exec(...args: readonly string[]): string {
    return run('ip', 'netns', 'exec', this.name, ...args);
  }

  /** @param name without `net.ipv4.` */
  sysctl(name: string): string {
    return this.exec('sysctl', '-n', `net.ipv4.${name}`).trim().replace(/\s+/g, ' ');
  }

  setSysctl(name: string, value: string): void {
    this.exec('sysctl', '-q', '-w', `net.ipv4.${name}=${value}`);
  }

  /** Makes known which station has an address, so that no ARP delays a segment. */
  know(address: string, station: MacAddress): void {
    const entry = ['lladdr', formatMac(station), 'dev', INTERFACE, 'nud', 'permanent'];
    this.ip('neighbour', 'replace', address, ...entry);
  }

  remove(): void {
    if (!open.delete(this)) return;
    closeSync(this.#fd);
    closeSync(this.#home);
    try {
      run('ip', 'netns', 'del', this.name);
    } catch {
      // it is gone already
    }
  }
}
