import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { formatCidr, type Ipv4Cidr } from '../../core/base/address.ts';
import { codeOf, DeviceError, messageOf } from './deviceError.ts';
import { notPermitted } from './tapIoctl.ts';

/** Where `ip netns` keeps its namespaces. */
const NAMESPACES = '/var/run/netns';

/**
 * Frames that may wait for this process. The kernel's 1000 are not enough for the ACKs of a few
 * hundred connections while the process is busy: what does not fit is lost.
 */
const QUEUE_LENGTH = '5000';

/** How the kernel's end of an interface is to be. */
export interface KernelEnd {
  readonly name: string;
  /** The namespace that the interface lies in; null: that of this process. */
  readonly netns: string | null;
  readonly address: Ipv4Cidr;
  readonly mtu: number;
}

/** @throws DeviceError if `ip netns` knows no such namespace */
export function checkNamespace(netns: string): void {
  if (/^[^/\0]+$/.test(netns) && netns !== '.' && netns !== '..') {
    if (existsSync(`${NAMESPACES}/${netns}`)) return;
  }
  throw new DeviceError(
    'no-such-namespace',
    `network namespace "${netns}" does not exist: make it with "ip netns add NAME"`,
  );
}

/** Moves an interface of this process's namespace into another one and gives it its name there. */
export async function moveToNamespace(from: string, netns: string, name: string): Promise<void> {
  await ip(['link', 'set', 'dev', from, 'netns', netns]);
  await ip(['-n', netns, 'link', 'set', 'dev', from, 'name', name]);
}

/** Gives the kernel's end its address and MTU, and takes it up. */
export async function configureKernelEnd(end: KernelEnd): Promise<void> {
  const where = end.netns === null ? [] : ['-n', end.netns];
  // without a link-local address the kernel sends no IPv6 frames unasked; where there is no IPv6
  // in the kernel, this fails and is not needed
  await ip([...where, 'link', 'set', 'dev', end.name, 'addrgenmode', 'none']).catch(() => {});
  await ip([...where, 'address', 'add', formatCidr(end.address), 'dev', end.name]);
  const link = ['mtu', String(end.mtu), 'txqueuelen', QUEUE_LENGTH, 'up'];
  await ip([...where, 'link', 'set', 'dev', end.name, ...link]);
}

/** Runs the `ip` command without a shell. @throws DeviceError */
async function ip(args: readonly string[]): Promise<void> {
  // a user's PATH often lacks the directories that `ip` lies in
  const { PATH = '' } = process.env;
  const env = { ...process.env, PATH: `${PATH}:/usr/sbin:/sbin` };
  const { error, stderr } = await new Promise<{ error: Error | null; stderr: string }>(
    (resolve) => {
      execFile('ip', args, { env }, (error, _stdout, stderr) => resolve({ error, stderr }));
    },
  );
  if (error === null) return;
  const command = `ip ${args.join(' ')}`;
  if (codeOf(error) === 'ENOENT') {
    const message = 'the command "ip" is missing: install iproute2 (Debian: apt install iproute2)';
    throw new DeviceError('no-ip-command', message, error);
  }
  if (/not permitted|denied/i.test(stderr)) throw notPermitted(`"${command}" was refused`, error);
  if (/file exists/i.test(stderr)) {
    const code = args.includes('address') ? 'address-in-use' : 'name-in-use';
    throw new DeviceError(code, `"${command}": it exists already, take another`, error);
  }
  const why = stderr.trim() === '' ? messageOf(error) : messageOf(stderr);
  throw new DeviceError('failed', `"${command}" failed: ${why}`, error);
}
