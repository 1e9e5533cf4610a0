#!/usr/bin/env node
import { runCommandLine } from './commandLine.ts';

// a reader that went away (`| head`) is no reason to stop serving
process.stdout.on('error', () => {});
process.stderr.on('error', () => {});

const exitCode = await runCommandLine(process.argv.slice(2), (line) => {
  process.stderr.write(`${line}\n`);
});
// what was written to a pipe must be read before the process may go
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
