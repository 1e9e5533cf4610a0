import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../failure.ts';

/** Octets of the largest script that is read. */
const MAX_SCRIPT = 1 << 20;

/** The scripts that are meant: files as they are, folders with all `.pkt` files in them, in order. */
export function scriptFiles(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    if (!readable(path, () => statSync(path)).isDirectory()) return [path];
    const names = readdirSync(path, { recursive: true, encoding: 'utf8' });
    return names
      .filter((name) => name.endsWith('.pkt'))
      .sort()
      .map((name) => join(path, name));
  });
}

/** @throws UsageError if it cannot be read, or is too large to be a script */
export function readScript(path: string): string {
  const { size } = readable(path, () => statSync(path));
  if (size > MAX_SCRIPT) throw new UsageError(`${path} is too large for a script`);
  return readable(path, () => readFileSync(path, 'utf8'));
}

function readable<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const why = code === 'ENOENT' ? 'there is no such file' : code;
    throw new UsageError(`${path} cannot be read: ${why}`);
  }
}
