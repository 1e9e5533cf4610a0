import type { Tracer } from '../../base/tracer.ts';
import type { TcpConfig } from '../../tcp/config.ts';
import type { Dialect } from '../ast.ts';
import { Unsupported } from '../host/calls.ts';
import type { Host } from '../host/host.ts';
import { parseScript } from '../parser.ts';
import { SimulatedHost } from '../simulated/simulatedHost.ts';
import type { ScriptResult, Verdict } from './result.ts';
import { runScript } from './runner.ts';
import {
  definesFor,
  type NamedValue,
  type Settings,
  type System,
  settingsFor,
} from './settings.ts';

/** How scripts are run. */
export interface DrillOptions {
  readonly mode: 'strict' | 'relaxed';
  /** The stack's settings: a profile. */
  readonly config: Partial<TcpConfig>;
  /** Whose conduct that is, for scripts that ask. Default: Linux. */
  readonly system?: System;
  /** null: what occurs in a script tells. */
  readonly dialect: Dialect | null;
  /** Of the command line: they win over the script's. */
  readonly defines: Readonly<Record<string, string>>;
  readonly overrides: readonly NamedValue[];
  readonly tracer?: Tracer | null;
  /** Makes what is tested in the place of this stack. @throws Unsupported */
  readonly makeHost?: (settings: Settings) => Host;
}

/** Runs the text of a script: against this stack, in virtual time, unless told otherwise. */
export async function drill(text: string, options: DrillOptions): Promise<ScriptResult> {
  const { dialect, system = 'Linux' } = options;
  const defines = { ...definesFor(system), ...options.defines };
  const script = parseScript(text, { defines, ...(dialect === null ? {} : { dialect }) });
  if (script.kind === 'error') return ended('fail', script.message, script.position);
  try {
    const settings = settingsFor(script, options.overrides, system);
    const host = options.makeHost?.(settings) ?? simulatedHost(settings, options);
    try {
      return await runScript(script, { host, settings, mode: options.mode });
    } finally {
      await host.close();
    }
  } catch (problem) {
    if (problem instanceof Unsupported) return ended('unsupported', problem.message, null);
    const message = problem instanceof Error ? problem.message : String(problem);
    return ended('fail', `it broke off: ${message}`, null);
  }
}

function simulatedHost(settings: Settings, { config, tracer }: DrillOptions): Host {
  return new SimulatedHost({
    localAddress: settings.local,
    prefixLength: settings.prefixLength,
    remoteAddress: settings.remote,
    mtu: settings.mtu,
    config: { segmentLayout: 'tun', ...config },
    tracer: tracer ?? null,
  });
}

function ended(verdict: Verdict, reason: string, position: ScriptResult['position']): ScriptResult {
  return {
    verdict,
    reason,
    position,
    transcript: [],
    differences: [],
    expected: null,
    actual: null,
    sendReason: null,
    warnings: [],
  };
}
