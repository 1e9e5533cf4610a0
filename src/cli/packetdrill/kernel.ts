import { readdirSync } from 'node:fs';
import { setPriority } from 'node:os';
import type { Host } from '../../core/packetdrill/host/host.ts';
import { type DrillOptions, drill } from '../../core/packetdrill/run/drill.ts';
import type { ScriptResult } from '../../core/packetdrill/run/result.ts';
import type { Settings } from '../../core/packetdrill/run/settings.ts';
import { loadLinuxCalls } from '../../node/devices/linuxCalls.ts';
import { KernelHost } from '../../node/packetdrill/kernelHost.ts';

/** Time is real, and a machine may be busy: as often a script may try to be on time. */
const TRIES = 3;
const HIGHEST_PRIORITY = -20;

/** Makes, for each script, the kernel in a network namespace of its own. @throws DeviceError */
export async function kernelHosts(): Promise<(settings: Settings) => Host> {
  const calls = await loadLinuxCalls();
  beOnTime();
  return (settings) => {
    const host = new KernelHost(calls, settings);
    // what new network namespaces have instead may be another one, or paced
    host.configure('net.ipv4.tcp_congestion_control', 'cubic');
    return host;
  };
}

/** What a script does late is judged as if the kernel were: other processes have to wait. */
function beOnTime(): void {
  try {
    // threads too: calls that block are made in them
    for (const thread of readdirSync('/proc/self/task')) {
      setPriority(Number(thread), HIGHEST_PRIORITY);
    }
  } catch {
    // not permitted: what follows needs root all the more, and says so
  }
}

/** The result of the first try that does not fail, or of the last one. */
export async function runOnKernel(text: string, options: DrillOptions): Promise<ScriptResult> {
  for (let tries = 1; ; tries++) {
    const result = await drill(text, options);
    if (result.verdict !== 'fail' || tries === TRIES) return result;
  }
}
