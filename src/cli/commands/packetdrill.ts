import { Command, InvalidArgumentError, Option } from 'commander';
import type { Dialect } from '../../core/packetdrill/ast.ts';
import { type DrillOptions, drill } from '../../core/packetdrill/run/drill.ts';
import type { ScriptResult } from '../../core/packetdrill/run/result.ts';
import type { NamedValue, System } from '../../core/packetdrill/run/settings.ts';
import { PROFILES, type ProfileName } from '../../core/tcp/profiles.ts';
import { Failure, UsageError } from '../failure.ts';
import { readScript, scriptFiles } from '../packetdrill/files.ts';
import { type FromPcapChoice, writeScriptOf } from '../packetdrill/fromPcap.ts';
import { kernelHosts, runOnKernel } from '../packetdrill/kernel.ts';
import { PcapOfScript } from '../packetdrill/pcapOfScript.ts';
import { countsOf, failureLines, resultLine, summary } from '../packetdrill/report.ts';
import { type Result, runCommand } from '../runCommand.ts';

/** Options of scripts that the command line may set too: its value wins. */
const NUMBERS = ['tolerance_usecs', 'tolerance_percent', 'tcp_ts_tick_usecs', 'mss', 'mtu'];
const NUMBERS_TOO = ['bind_port', 'connect_port'];
const TEXTS = ['ip_version', 'local_ip', 'remote_ip'];
const SWITCHES = ['strict_segments', 'tcp_ts_ecr_scaled'];

interface PacketdrillOptions extends FromPcapChoice {
  readonly fromPcap?: string;
  readonly profile: ProfileName;
  readonly relaxed?: true;
  readonly against: 'stack' | 'kernel';
  readonly dialect?: Dialect;
  readonly define: Readonly<Record<string, string>>;
  readonly pcap?: string;
  readonly verbose?: true;
  readonly json?: true;
  /** The options of scripts. */
  readonly [name: string]: unknown;
}

/** `glasstcp packetdrill FILE.pkt...` */
export function packetdrillCommand(): Command {
  const command = new Command('packetdrill')
    .description('run packetdrill scripts against this stack, in virtual time')
    .argument('[file...]', 'scripts, or folders of them')
    .addOption(
      new Option('--profile <name>', 'whose conduct the stack shows')
        .choices(Object.keys(PROFILES))
        .default('linux'),
    )
    .addOption(
      new Option(
        '--against <what>',
        'this stack, or as root the kernel of this machine, in real time',
      )
        .choices(['stack', 'kernel'])
        .default('stack'),
    )
    .option('--relaxed', 'compare the set of options; ignore PSH and the window')
    .addOption(
      new Option(
        '--dialect <name>',
        'whose language the scripts are (default: told by them)',
      ).choices(['google', 'nplab']),
    )
    .addOption(
      new Option('-D, --define <name=value>', 'a symbol of the scripts')
        .argParser(define)
        .default({}),
    )
    .option('--pcap <file>', 'record what happens in the one script; a .pcapng says why')
    .option('--from-pcap <file>', 'run nothing: write the script of a recorded conversation')
    .option('--as <end>', 'of --from-pcap: ADDRESS[:PORT] of the end that the script tests')
    .option('--stream <number>', 'of --from-pcap: this conversation, counted from 0', parseStream)
    .option('--sidecar <file>', 'of --from-pcap: what the applications did (default: .json beside)')
    .option('--no-sidecar', 'of --from-pcap: read the calls off the packets')
    .option('--windows', 'of --from-pcap: expect the windows of sent packets, too')
    .option('--verbose', 'the transcript of each script, passed or not')
    .option('--json', 'the results as JSON in the last line');
  for (const name of [...NUMBERS, ...NUMBERS_TOO]) {
    command.addOption(
      new Option(`--${name} <number>`, `as in scripts`).argParser(digits).hideHelp(),
    );
  }
  for (const name of TEXTS) command.addOption(new Option(`--${name} <value>`).hideHelp());
  for (const name of SWITCHES) command.addOption(new Option(`--${name}`).hideHelp());
  return command
    .addHelpText('after', `\nAs in scripts, and with more force: ${scriptOptions()}.`)
    .action((paths: string[], options: PacketdrillOptions) =>
      runCommand('packetdrill', options, () => run(paths, options)),
    );
}

function scriptOptions(): string {
  return [...NUMBERS, ...NUMBERS_TOO, ...TEXTS, ...SWITCHES].map((name) => `--${name}`).join(', ');
}

/** Scripts about FreeBSD are in nplab's dialect; null: they tell. */
function dialectOf({ dialect, profile }: PacketdrillOptions): Dialect | null {
  return dialect ?? (profile === 'freebsd' ? 'nplab' : null);
}

function systemOf({ against, profile }: PacketdrillOptions): System {
  return against === 'stack' && profile === 'freebsd' ? 'FreeBSD' : 'Linux';
}

async function run(paths: readonly string[], options: PacketdrillOptions): Promise<Result> {
  const { fromPcap } = options;
  if (fromPcap !== undefined) {
    if (paths.length > 0) throw new UsageError('--from-pcap runs no script: give it no other file');
    return writeScriptOf(fromPcap, options);
  }
  if (paths.length === 0) throw new UsageError('no script is given; name files or folders');
  const files = scriptFiles(paths);
  if (files.length === 0) throw new UsageError(`no .pkt file is in ${paths.join(', ')}`);
  const { pcap, profile } = options;
  if (pcap !== undefined && options.against === 'kernel') {
    throw new UsageError('--pcap records what this stack does, not the kernel');
  }
  if (pcap !== undefined && files.length > 1) {
    throw new UsageError('--pcap records one script: give it one file');
  }
  const mode = options.relaxed === true ? 'relaxed' : 'strict';
  const isKernel = options.against === 'kernel';
  const drillOptions: DrillOptions = {
    ...(isKernel && { makeHost: await kernelHosts() }),
    mode,
    config: PROFILES[profile],
    system: systemOf(options),
    dialect: dialectOf(options),
    defines: options.define,
    overrides: overridesOf(options),
  };
  const results: { readonly file: string; readonly result: ScriptResult }[] = [];
  for (const file of files) {
    const text = readScript(file);
    const result = isKernel
      ? await runOnKernel(text, drillOptions)
      : await runOne(text, drillOptions, pcap);
    results.push({ file, result });
    const isShown = options.verbose === true || result.verdict === 'fail';
    print([resultLine(file, result), ...(isShown ? failureLines(result) : [])]);
  }
  const counts = countsOf(results.map(({ result }) => result));
  print([`${summary(counts)} (${mode}, ${isKernel ? 'the kernel' : `profile ${profile}`})`]);
  const told: Result = {
    mode,
    against: options.against,
    profile,
    ...counts,
    scripts: results.map(({ file, result: { verdict, reason } }) => ({
      file,
      result: verdict,
      reason,
    })),
  };
  if (counts.fail === 0) return told;
  throw new Failure(`${counts.fail} of ${files.length} scripts failed`, told);
}

async function runOne(
  text: string,
  options: DrillOptions,
  pcap: string | undefined,
): Promise<ScriptResult> {
  if (pcap === undefined) return drill(text, options);
  const recording = new PcapOfScript(pcap);
  try {
    return await drill(text, { ...options, tracer: recording });
  } finally {
    recording.close();
  }
}

function overridesOf(options: PacketdrillOptions): NamedValue[] {
  const names = [...NUMBERS, ...NUMBERS_TOO, ...TEXTS, ...SWITCHES];
  return names
    .filter((name) => options[name] !== undefined)
    .map((name) => ({ name, value: options[name] === true ? null : String(options[name]) }));
}

function parseStream(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('it must be a number from 0');
}

function digits(text: string): string {
  if (/^\d+(\.\d+)?$/.test(text)) return text;
  throw new InvalidArgumentError('it must be a number');
}

function define(
  text: string,
  before: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const match = /^(\w+)=(.*)$/s.exec(text);
  if (match === null) throw new InvalidArgumentError('it must be NAME=VALUE');
  return { ...before, [match[1] ?? '']: match[2] ?? '' };
}

function print(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}
