import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

const { PATH = '' } = process.env;
const ENVIRONMENT = { ...process.env, PATH: `${PATH}:/usr/sbin:/sbin`, LC_ALL: 'C' };
const BUILT = 'dist/cli/main.js';

/** `glasstcp`: what was built of its sources, which starts sooner, or else the sources themselves. */
export const GLASSTCP: readonly string[] = isBuilt()
  ? [process.execPath, BUILT]
  : [process.execPath, '--import=tsx', 'src/cli/main.ts'];

/** Is nothing that it is made of newer than what was built? As `scripts/install.sh` asks. */
function isBuilt(): boolean {
  if (!existsSync(BUILT)) return false;
  const built = statSync(BUILT).mtimeMs;
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' });
  const all = ['scripts/build.json', 'tsconfig.json', ...sources.map((name) => join('src', name))];
  return all.every((path) => statSync(path).mtimeMs <= built);
}

/** What a process wrote, and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** A process that a test has started; it is killed when the test ends before it does. */
export class Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  readonly #stdout: Buffer[] = [];
  #octets = 0;
  #stderr = '';
  #isOver = false;
  #onChange: (() => void) | null = null;

  constructor(t: ExecutionContext, line: readonly string[]) {
    const [command = '', ...args] = line;
    this.child = spawn(command, args, { env: ENVIRONMENT, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stdin?.on('error', () => {}); // it may end before it has read all
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.#stdout.push(chunk);
      this.#octets += chunk.length;
      this.#onChange?.();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.#stderr += chunk.toString();
      this.#onChange?.();
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.once('error', reject);
      this.child.once('close', (code) => {
        this.#isOver = true;
        resolve({ code, stdout: Buffer.concat(this.#stdout), stderr: this.#stderr });
        this.#onChange?.();
      });
    });
    t.teardown(async () => {
      this.child.kill('SIGKILL');
      await this.ended.catch(() => {});
    });
  }

  /** Waits for something on standard output or error. @throws Error if it ends before */
  async says(pattern: RegExp): Promise<void> {
    const said = (): string => `${Buffer.concat(this.#stdout).toString()}\n${this.#stderr}`;
    await this.#until(() => pattern.test(said()), `it did not say ${pattern}`);
  }

  /** Waits for so many octets on standard output. @throws Error if it ends before */
  async received(octets: number): Promise<void> {
    await this.#until(() => this.#octets >= octets, `it did not write ${octets} octets`);
  }

  async #until(isDone: () => boolean, otherwise: string): Promise<void> {
    while (!isDone()) {
      if (this.#isOver) throw new Error(`${otherwise} before it ended: ${this.#stderr}`);
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
  }

  /** Gives it all of its standard input. */
  input(octets: Uint8Array | string): this {
    this.child.stdin?.end(octets);
    return this;
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }
}

/** Starts `glasstcp`. */
export function glasstcp(t: ExecutionContext, ...args: readonly string[]): Running {
  return new Running(t, [...GLASSTCP, ...args]);
}

/** Starts a command in a namespace. */
export function within(t: ExecutionContext, ns: string, ...line: readonly string[]): Running {
  return new Running(t, ['ip', 'netns', 'exec', ns, ...line]);
}

/** Runs `glasstcp` to its end, without input. */
export function runGlasstcp(t: ExecutionContext, ...args: readonly string[]): Promise<Ended> {
  return glasstcp(t, ...args).input('').ended;
}

/** Runs a command in a namespace to its end. @returns its standard output @throws if it fails */
export async function runWithin(
  t: ExecutionContext,
  ns: string,
  ...line: readonly string[]
): Promise<string> {
  const { code, stdout, stderr } = await within(t, ns, ...line).input('').ended;
  if (code !== 0) throw new Error(`${line.join(' ')}: exit code ${code}: ${stderr}`);
  return stdout.toString();
}

/** The last line of standard output, as JSON. */
export function resultOf({ stdout }: Ended): Record<string, unknown> {
  return JSON.parse(stdout.toString().trimEnd().split('\n').at(-1) ?? '');
}
