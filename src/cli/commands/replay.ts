import { writeFileSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { type Replay, replay } from '../../core/replay/replay.ts';
import { reportLines, reportObject, scoreIn, summary } from '../../core/replay/report.ts';
import type { Sidecar, SidecarEnd } from '../../core/replay/sidecar.ts';
import { Failure, UsageError } from '../failure.ts';
import { chooseFrom } from '../replayFile.ts';
import { type Result, runCommand } from '../runCommand.ts';
import { StandardOutput } from '../standardOutput.ts';

interface ReplayCommandOptions {
  readonly as?: string;
  readonly stream?: number;
  readonly semantic?: true;
  readonly minFidelity: number;
  readonly sidecar?: string | false;
  readonly writeSidecar?: string;
  readonly json?: true;
}

/** `glasstcp replay FILE` */
export function replayCommand(): Command {
  return new Command('replay')
    .summary('this stack in the place of one end of a capture: what would it have sent?')
    .description(
      'Put this stack in the place of one end of a recorded conversation: the other end says what ' +
        'it said, when it said it, the application does what it did, and each segment that is sent ' +
        'is compared with the recorded one. Time is virtual, no network is touched.',
    )
    .argument('<file>', 'the capture, pcap or pcapng, also packed by gzip')
    .option('--as <end>', 'ADDRESS[:PORT] of the end to play (default: the kernel, or who opened)')
    .option('--stream <number>', 'this conversation, counted from 0', parseStream)
    .option('--semantic', 'compare what the other end would notice, not each segment')
    .option('--min-fidelity <share>', 'exit with 1 below this, 0 to 1', parseShare, 1)
    .option('--sidecar <file>', 'what the applications did (default: the .json beside the capture)')
    .option('--no-sidecar', 'infer from the recording what the application did')
    .option('--write-sidecar <file>', 'write down what was inferred, to be corrected by hand')
    .option('--json', 'the result as JSON in the last line of standard output')
    .action((file: string, options: ReplayCommandOptions) =>
      runCommand('replay', options, () => replayFile(file, options)),
    );
}

async function replayFile(file: string, options: ReplayCommandOptions): Promise<Result> {
  const { minFidelity } = options;
  const chosen = await chooseFrom(file, options);
  const mode = options.semantic === true ? 'semantic' : 'strict';
  const replayed = replay(chosen.recording, chosen);
  const output = new StandardOutput();
  if (chosen.conversations > 1 && options.stream === undefined) {
    const { stream } = chosen.recording;
    await output.line(
      `${chosen.conversations} conversations: this is number ${stream}; --stream takes another`,
    );
  }
  for (const line of reportLines(replayed, mode)) await output.line(line);
  await output.flush();
  if (chosen.problem !== null) process.stderr.write(`glasstcp: ${chosen.problem}\n`);
  if (options.writeSidecar !== undefined) writeSidecar(options.writeSidecar, replayed);

  const score = scoreIn(replayed, mode);
  const object = { file, minFidelity, ...reportObject(replayed, mode), problem: chosen.problem };
  if (score.fidelity < minFidelity) {
    throw new Failure(`${summary(score, mode)}; asked for was ${minFidelity}`, object);
  }
  return object;
}

/** @throws UsageError if the file cannot be written */
function writeSidecar(file: string, { part, script }: Replay): void {
  const own: SidecarEnd = {
    ...part.own,
    stack: 'crafted',
    mtu: script.mtu,
    calls: script.written,
  };
  const peer: SidecarEnd = { ...part.peer, stack: 'crafted', mtu: script.mtu, calls: [] };
  const sidecar: Sidecar = {
    description: 'Inferred from the recording.',
    capturedAt: part.opens === part.isNear ? 'client' : 'server',
    link: '',
    ends: part.opens ? { client: own, server: peer } : { client: peer, server: own },
  };
  try {
    writeFileSync(file, `${JSON.stringify(sidecar, null, 2)}\n`);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${file} cannot be written: ${why}`);
  }
}

function parseStream(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Conversations are numbered from 0.');
}

function parseShare(text: string): number {
  const share = /^\d*\.?\d+$/.test(text) ? Number(text) : Number.NaN;
  if (share >= 0 && share <= 1) return share;
  throw new InvalidArgumentError('It is a share from 0 to 1, as in 0.95.');
}
