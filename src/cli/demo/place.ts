import { accessSync, constants } from 'node:fs';
import process from 'node:process';
import { hasCommand, tryCommand } from './children.ts';

/** Where the demo's other end lives. */
export type Place =
  /** In a network namespace of the demo's own, which root may make, or in one that the user named. */
  | { readonly kind: 'namespace'; readonly netns: string }
  /** In the namespace of this process, which was made for it. */
  | { readonly kind: 'user-namespace' }
  /** This program must be started again within a user namespace, where anybody may open a TAP. */
  | { readonly kind: 'unshare' }
  /** Nowhere: the other end is a second stack. */
  | { readonly kind: 'memory'; readonly why: string };

const TUN = '/dev/net/tun';
/** Tells a program that it was started within a namespace of its own. */
const MARK = 'GLASSTCP_OWN_NAMESPACE';
/** Makes a user and a network namespace, and its caller root in them. */
export const UNSHARE = ['unshare', '--user', '--map-root-user', '--net'] as const;

/** The environment of a program that runs within a namespace of its own. */
export function markedEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, [MARK]: '1' };
}

/** Finds the best place that this machine and user allow, and makes the namespace if it needs one. */
export function findPlace(netns: string | undefined): Place {
  if (netns !== undefined) return { kind: 'namespace', netns };
  if (process.env[MARK] !== undefined) return { kind: 'user-namespace' };
  const why = whatIsMissing();
  if (why !== null) return { kind: 'memory', why };
  const name = `glass-demo-${process.pid}`;
  const whyNoNamespace = makeNamespace(name);
  if (whyNoNamespace === null) return { kind: 'namespace', netns: name };
  const whyNoUnshare = whyNoUserNamespace();
  if (whyNoUnshare === null) return { kind: 'unshare' };
  const isRoot = process.geteuid?.() === 0;
  return { kind: 'memory', why: isRoot ? whyNoNamespace : `not root, and ${whyNoUnshare}` };
}

/** Removes a namespace of {@link findPlace}. */
export function removeNamespace(name: string): void {
  tryCommand('ip', 'netns', 'del', name);
}

/** What stands in the way of any TAP, for any user; null: nothing. */
function whatIsMissing(): string | null {
  if (process.platform !== 'linux') return `a TAP needs Linux, and this is ${process.platform}`;
  if (!hasCommand('ip')) return 'the command ip is missing (Debian package iproute2)';
  try {
    accessSync(TUN, constants.R_OK | constants.W_OK);
    return null;
  } catch {
    return process.geteuid?.() === 0
      ? `there is no ${TUN} ("modprobe tun", or start the container with --device ${TUN})`
      : `${TUN} may not be opened by this user`;
  }
}

/** @returns null if this user may have one with a TAP in it, else why not */
function whyNoUserNamespace(): string | null {
  const [unshare, ...flags] = UNSHARE;
  if (!hasCommand(unshare)) return `the command ${unshare} is missing (Debian package util-linux)`;
  return tryCommand(unshare, ...flags, ...probe());
}

/** @returns null if it is there and takes a TAP, else why not */
function makeNamespace(name: string): string | null {
  if (process.geteuid?.() !== 0) return 'not root';
  const why =
    tryCommand('ip', 'netns', 'add', name) ??
    tryCommand('ip', '-n', name, 'link', 'set', 'dev', 'lo', 'up') ??
    tryCommand('ip', 'netns', 'exec', name, ...probe());
  if (why !== null) removeNamespace(name);
  return why;
}

/** A command that succeeds where a TAP can be made; it is gone with its namespace, or at once. */
function probe(): string[] {
  const make = 'ip tuntap add dev probe mode tap && ip tuntap del dev probe mode tap';
  return ['sh', '-c', make];
}
