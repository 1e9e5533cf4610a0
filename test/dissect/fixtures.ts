import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Recorded here, and by other projects. */
const FOLDERS = ['../../pcaps/', '../../../shared/pcaps/'].map((path) =>
  fileURLToPath(new URL(path, import.meta.url)),
);

/** The captures of the two folders, as far as these are there, and what to say of the others. */
export function captures(): { readonly paths: readonly string[]; readonly missing: string[] } {
  const there = FOLDERS.filter((folder) => existsSync(folder));
  const paths = there.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => /\.pcap(ng)?(\.gz)?$/.test(name))
      .sort()
      .map((name) => join(folder, name)),
  );
  const missing = FOLDERS.filter((folder) => !there.includes(folder));
  return { paths, missing: missing.map((folder) => `there is no ${folder}`) };
}
