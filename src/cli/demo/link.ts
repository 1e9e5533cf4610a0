import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatCidr, formatIpv4 } from '../../core/base/address.ts';
import { defaultMac } from '../../node/devices/tapDevice.ts';
import { createStack, type NodeStack } from '../../node/nodeStack.ts';
import type { LinkOptions } from '../options.ts';
import { openSession, openWatchers, type SessionExtras } from '../session.ts';
import type { Census } from './census.ts';
import { KernelPeer } from './kernelPeer.ts';
import { memoryLink } from './memoryLink.ts';
import { MemoryPeer } from './memoryPeer.ts';
import type { Peer } from './peer.ts';
import type { Place } from './place.ts';

/** Octets kept of each frame where nobody asked for the capture: all headers are in them. */
const SHORT_SNAP_LENGTH = 128;

/** The stack of the demo and who is at the other end. */
export interface DemoLink {
  readonly stack: NodeStack;
  readonly peer: Peer;
  /** The capture file. */
  readonly pcap: string;
  /** Rejects when the interface is deleted under us. */
  readonly broken: Promise<never>;
  close(): Promise<void>;
}

/** Joins the stack with the other end. @throws DeviceError */
export async function openLink(
  place: Exclude<Place, { kind: 'unshare' }>,
  options: LinkOptions,
  census: Census,
): Promise<DemoLink> {
  const isAsked = options.pcap !== undefined;
  const pcap = options.pcap ?? join(tmpdir(), `glass-demo-${process.pid}.pcap`);
  const extras = { tracer: census, ...(isAsked ? {} : { snapLength: SHORT_SNAP_LENGTH }) };
  const link =
    place.kind === 'memory'
      ? openMemory({ ...options, pcap }, extras)
      : await openTap(
          place.kind === 'namespace' ? place.netns : null,
          { ...options, pcap },
          extras,
        );
  return { ...link, pcap };
}

type OpenLink = Omit<DemoLink, 'pcap'>;

async function openTap(
  netns: string | null,
  options: LinkOptions,
  extras: SessionExtras,
): Promise<OpenLink> {
  const session = await openSession(netns === null ? options : { ...options, netns }, extras);
  const { stack, broken } = session;
  const peer = await KernelPeer.open(netns, formatIpv4(options.address.address));
  const close = async (): Promise<void> => {
    await peer.close();
    await session.close();
  };
  return { stack, peer, broken, close };
}

function openMemory(options: LinkOptions, extras: SessionExtras): OpenLink {
  const { address, peer: other } = options;
  const watchers = openWatchers(options, extras);
  const [left, right] = memoryLink(defaultMac(address.address), defaultMac(other.address));
  const { tracer, capture } = watchers;
  const stack = createStack({
    device: left,
    address: formatCidr(address),
    tracer,
    ...(capture === null ? {} : { capture }),
  });
  const second = createStack({ device: right, address: formatCidr(other) });
  const peer = new MemoryPeer(second, formatIpv4(address.address));
  const close = async (): Promise<void> => {
    await stack.close();
    await peer.close();
    watchers.close();
  };
  return { stack, peer, broken: new Promise<never>(() => {}), close };
}
