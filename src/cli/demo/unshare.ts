import { spawn } from 'node:child_process';
import { Delegated } from '../failure.ts';
import { markedEnvironment, UNSHARE } from './place.ts';

/**
 * Starts this program again, with the same arguments, within a user and a network namespace.
 * @throws Delegated when it has ended
 */
export async function runUnshared(): Promise<never> {
  const [command, ...flags] = UNSHARE;
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const child = spawn(command, [...flags, ...again], {
    env: markedEnvironment(),
    stdio: 'inherit',
  });
  // a signal to this process is meant for that one, which cleans up and ends
  const pass = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  process.once('SIGTERM', pass).once('SIGINT', pass);
  const exitCode = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
  throw new Delegated(exitCode);
}
