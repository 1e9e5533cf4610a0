import { formatCidr, formatIpv4 } from '../core/base/address.ts';
import type { Tracer } from '../core/base/tracer.ts';
import { TeeTracer } from '../core/trace/teeTracer.ts';
import { TraceLines } from '../core/trace/traceLines.ts';
import { CaptureFile } from '../node/captureFile.ts';
import { defaultMac, openTap } from '../node/devices/tapDevice.ts';
import { HostClock } from '../node/hostClock.ts';
import { createStack, type NodeStack } from '../node/nodeStack.ts';
import { checkLink, type LinkOptions } from './options.ts';

/** A stack on a TAP, as long as a command runs. */
export interface Session {
  readonly stack: NodeStack;
  /** Rejects when the interface is deleted under us; never resolves. */
  readonly broken: Promise<never>;
  /** Ends the connections, gives back the interface, completes the capture. */
  close(): Promise<void>;
}

/** What a command adds to its options. */
export interface SessionExtras {
  /** Who watches beside the user. */
  readonly tracer?: Tracer;
  /** Octets recorded of each frame; all if not given. */
  readonly snapLength?: number;
}

/** Opens the TAP and what records and traces it. @throws DeviceError, UsageError */
export async function openSession(
  options: LinkOptions,
  extras: SessionExtras = {},
): Promise<Session> {
  checkLink(options);
  const { tap: name, netns, address, peer } = options;
  const device = await openTap({
    name,
    macAddress: defaultMac(address.address),
    kernelAddress: peer,
    ...(netns === undefined ? {} : { netns }),
  });
  const broken = new Promise<never>((_resolve, reject) => {
    device.onError = reject;
  });
  broken.catch(() => {}); // a command that is not interested does not fail by it
  try {
    const { tracer, capture, close: closeWatchers } = openWatchers(options, extras);
    const stack = createStack({
      device,
      address: formatCidr(address),
      gateway: formatIpv4(peer.address),
      tracer,
      ...(capture === null ? {} : { capture }),
    });
    const close = async (): Promise<void> => {
      await stack.close();
      closeWatchers();
    };
    return { stack, broken, close };
  } catch (error) {
    device.close();
    throw error;
  }
}

/** Who watches the frames of a stack. */
export interface Watchers {
  readonly tracer: Tracer | null;
  readonly capture: CaptureFile | null;
  close(): void;
}

/** The capture file and the tracers that were asked for. @throws Error if the file cannot be made */
export function openWatchers(
  { pcap, tap, trace }: Pick<LinkOptions, 'pcap' | 'tap' | 'trace'>,
  { tracer: extra, snapLength }: SessionExtras,
): Watchers {
  const clock = new HostClock();
  const limit = snapLength === undefined ? {} : { snapLength };
  const fileOptions = { interfaceName: tap, ...limit };
  const capture = pcap === undefined ? null : new CaptureFile(pcap, clock, fileOptions);
  const lines = trace === true ? new TraceLines(writeTraceLine, clock.now()) : null;
  const tracers = [capture?.tracer, lines, extra].filter((t) => t !== null && t !== undefined);
  return {
    tracer: tracers.length === 0 ? null : new TeeTracer(tracers),
    capture,
    close: () => {
      lines?.flush();
      capture?.close();
    },
  };
}

/** Standard error, because standard output belongs to what was asked for. */
function writeTraceLine(line: string): void {
  process.stderr.write(`${line}\n`);
}
