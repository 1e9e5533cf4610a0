import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { Failure } from '../failure.ts';

/** A user's PATH often lacks the directories of administrators, where `ip` lies. */
const PATH = [process.env['PATH'] ?? '', '/usr/sbin', '/sbin'].join(delimiter);
const ENVIRONMENT = { ...process.env, PATH, LC_ALL: 'C' };

/** Is there such a command? */
export function hasCommand(name: string): boolean {
  return PATH.split(delimiter).some((folder) => folder !== '' && existsSync(join(folder, name)));
}

/** Runs a command that is over at once. @returns null, or why it failed, in one line */
export function tryCommand(command: string, ...args: readonly string[]): string | null {
  try {
    execFileSync(command, args, { env: ENVIRONMENT, stdio: ['ignore', 'ignore', 'pipe'] });
    return null;
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    return said === '' ? String(error) : said.replaceAll(/\s*\n\s*/g, '; ');
  }
}

/** The processes that a command has started, so that none survives it. */
export class Children {
  readonly #running = new Set<ChildProcess>();
  /** What every command line begins with: how to get into a namespace. */
  readonly #prefix: readonly string[];

  constructor(prefix: readonly string[]) {
    this.#prefix = prefix;
  }

  /** Runs a command to its end. @returns its standard output @throws Failure if it fails */
  async run(...line: readonly string[]): Promise<string> {
    const child = this.start(...line);
    const [stdout, stderr, code] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      exitOf(child),
    ]);
    if (code === 0) return stdout;
    const why = stderr.trim().replaceAll(/\s*\n\s*/g, '; ');
    throw new Failure(`${line[0]} failed: ${why === '' ? `exit code ${code}` : why}`);
  }

  /** Starts a command whose output the caller reads. */
  start(...line: readonly string[]) {
    const [command = '', ...args] = [...this.#prefix, ...line];
    const child = spawn(command, args, { env: ENVIRONMENT, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#running.add(child);
    child.once('close', () => this.#running.delete(child));
    return child;
  }

  /** Ends those that still run, and waits for that. */
  async close(): Promise<void> {
    const ends = [...this.#running].map((child) => once(child, 'close'));
    for (const child of this.#running) child.kill('SIGKILL');
    await Promise.all(ends);
  }
}

/** @throws Failure if the command could not be started */
function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Failure(error.message)));
    child.once('close', resolve);
  });
}
