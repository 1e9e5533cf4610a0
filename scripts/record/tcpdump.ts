import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { environment, INTERFACE, type Namespace } from './namespace.ts';

/** How long tcpdump gets to take the last packets before it is told to end. */
const LAST_PACKETS_MS = 150;

const running = new Set<Tcpdump>();

/** Ends all that run; for the end of the process, however it comes. */
export function killDumps(): void {
  for (const dump of running) dump.kill();
}

/** One tcpdump that writes what goes over the interface of a namespace to a file. */
export class Tcpdump {
  readonly file: string;
  readonly #process: ChildProcess;
  #said = '';

  private constructor(namespace: Namespace, file: string, snapLength: number) {
    this.file = file;
    const options = ['-i', INTERFACE, '-n', '-U', '--immediate-mode', '-Z', 'root'];
    const output = ['-s', String(snapLength), '-B', '8192', '-w', file, 'tcp or icmp'];
    const args = ['netns', 'exec', namespace.name, 'tcpdump', ...options, ...output];
    this.#process = spawn('ip', args, { env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#said += text;
    });
  }

  /** Starts it, and waits until it listens. */
  static async start(namespace: Namespace, file: string, snapLength: number): Promise<Tcpdump> {
    const tcpdump = new Tcpdump(namespace, file, snapLength);
    running.add(tcpdump);
    tcpdump.#process.once('exit', () => running.delete(tcpdump));
    while (!tcpdump.#said.includes('listening on')) {
      if (tcpdump.#process.exitCode !== null) throw new Error(`tcpdump: ${tcpdump.#said.trim()}`);
      await delay(5);
    }
    return tcpdump;
  }

  /** Ends it. @throws Error if it has not got every packet */
  async stop(): Promise<void> {
    const ended = once(this.#process, 'exit');
    await delay(LAST_PACKETS_MS);
    this.#process.kill('SIGINT');
    await ended;
    const captured = this.#count('captured');
    const received = this.#count('received by filter');
    const dropped = this.#count('dropped by kernel');
    if (captured !== received || dropped !== 0) {
      throw new Error(`tcpdump has ${captured} of ${received} packets, ${dropped} were dropped`);
    }
  }

  /** Ends it without asking what it has. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }

  #count(what: string): number {
    const found = new RegExp(`(\\d+) packets? ${what}`).exec(this.#said);
    return Number(found?.[1] ?? Number.NaN);
  }
}
