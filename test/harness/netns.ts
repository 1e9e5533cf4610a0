import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { ExecutionContext } from 'ava';

/**
 * Network namespaces for tests against the kernel. Each is called `glass-<pid>-<n>`, and is removed
 * when its test ends, also by failure, and when the process exits.
 */

let made = 0;
let reason: string | null | undefined;
const open = new Set<string>();
let isWatchingExit = false;
const { PATH = '' } = process.env;
const environment = { ...process.env, PATH: `${PATH}:/usr/sbin:/sbin` };

/** Runs a command without a shell. @returns what it wrote to standard output */
export function run(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, {
    env: environment,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Why no TAP can be opened in a namespace here; null: one can. */
export function canUseTap(): string | null {
  if (reason === undefined) reason = findReason();
  return reason;
}

function findReason(): string | null {
  if (process.platform !== 'linux') return 'this is not Linux';
  if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun';
  if (process.geteuid?.() !== 0) return 'network namespaces need root';
  const name = nextName();
  try {
    run('ip', 'netns', 'add', name);
    run('ip', '-n', name, 'tuntap', 'add', 'dev', 'probe', 'mode', 'tap');
    return null;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return message.trim().replaceAll('\n', '; ');
  } finally {
    remove(name);
  }
}

/**
 * Passes a test that cannot run here and says so: in its log, and on standard error in a form that
 * a machine can look for, since a run in which all of these were skipped proves little.
 */
export function skip(t: ExecutionContext, why: string): void {
  t.log(`SKIPPED: ${why}`);
  process.stderr.write(`SKIPPED-KERNEL-TEST: ${t.title}: ${why}\n`);
  t.pass();
}

/** Runs the test with a namespace of its own, or skips it where there can be none. */
export async function withNamespace(
  t: ExecutionContext,
  body: (ns: string) => Promise<void>,
): Promise<void> {
  const why = canUseTap();
  if (why !== null) {
    skip(t, why);
    return;
  }
  const name = nextName();
  if (!isWatchingExit) {
    process.once('exit', removeAll);
    // ava ends a process whose tests hang by this signal
    process.once('SIGTERM', () => process.exit(1));
  }
  isWatchingExit = true;
  open.add(name);
  t.teardown(() => remove(name));
  run('ip', 'netns', 'add', name);
  run('ip', '-n', name, 'link', 'set', 'dev', 'lo', 'up');
  await body(name);
}

function nextName(): string {
  made++;
  return `glass-${process.pid}-${made}`;
}

function remove(name: string): void {
  open.delete(name);
  try {
    run('ip', 'netns', 'del', name);
  } catch {
    // it was never made
  }
}

function removeAll(): void {
  for (const name of open) remove(name);
}

/** What the kernel has counted in a namespace, by names such as `TcpExtTCPChallengeACK`. */
export function countersOf(ns: string): ReadonlyMap<string, number> {
  const files = ['/proc/net/snmp', '/proc/net/netstat'];
  const lines = run('ip', 'netns', 'exec', ns, 'cat', ...files)
    .trim()
    .split('\n');
  const counters = new Map<string, number>();
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [group = '', ...names] = (lines[i] ?? '').split(' ');
    const values = (lines[i + 1] ?? '').split(' ').slice(1);
    for (const [n, name] of names.entries()) {
      counters.set(group.replace(':', '') + name, Number(values[n]));
    }
  }
  return counters;
}
