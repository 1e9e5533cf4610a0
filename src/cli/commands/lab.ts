import { Command, InvalidArgumentError } from 'commander';
import { Lab } from '../../lab/lab.ts';
import type { Scenario, ScenarioOptions } from '../../lab/scenario.ts';
import { SCENARIOS } from '../../lab/scenarios.ts';
import { linesOf } from '../../lab/story.ts';
import { CaptureFile } from '../../node/captureFile.ts';
import { UsageError } from '../failure.ts';
import { type Result, runCommand } from '../runCommand.ts';

/** Columns of a paragraph. */
const WIDTH = 96;
/** Most probes that a connection can be set to (Linux: MAX_TCP_KEEPCNT). */
const MAX_PROBES = 127;

interface LabCommandOptions extends ScenarioOptions {
  readonly pcap?: string;
  readonly json?: true;
}

/** `glasstcp lab list`, `glasstcp lab NAME` */
export function labCommand(): Command {
  return new Command('lab')
    .description('tell a scenario step by step, in virtual time; `lab list` lists them')
    .argument('<name>', 'a scenario, or list')
    .option('--probes <number>', 'keepalive probes before giving up (default: 9)', parseProbes)
    .option('--pcap <file>', 'record each frame as its sender sends it; a .pcapng says why')
    .option('--json', 'print the outcome as JSON in the last line')
    .action((name: string, options: LabCommandOptions) =>
      runCommand('lab', options, () => (name === 'list' ? list() : tell(named(name), options))),
    );
}

async function list(): Promise<Result> {
  for (const { name, claim } of SCENARIOS) print([name, ...indented(claim), '']);
  return { scenarios: SCENARIOS.map(({ name, claim }) => ({ name, claim })) };
}

async function tell(scenario: Scenario, options: LabCommandOptions): Promise<Result> {
  const { pcap } = options;
  let file: CaptureFile | null = null;
  const lab: Lab = new Lab({
    tell: (event) => print(linesOf(event, lab.start)),
    ...(pcap !== undefined && {
      capture: (clock) => {
        file = new CaptureFile(pcap, clock);
        return file;
      },
    }),
  });
  print([`${scenario.name}`, ...indented(scenario.claim)]);
  try {
    const outcome = await scenario.run(lab, options);
    print(['', 'What this shows', ...indented(scenario.shows)]);
    return { scenario: scenario.name, outcome };
  } finally {
    (file as CaptureFile | null)?.close();
  }
}

function named(name: string): Scenario {
  const scenario = SCENARIOS.find((s) => s.name === name);
  if (scenario === undefined) {
    throw new UsageError(`no scenario is called "${name}": see glasstcp lab list`);
  }
  return scenario;
}

function parseProbes(text: string): number {
  const count = Number(text);
  if (/^\d+$/.test(text) && count >= 1 && count <= MAX_PROBES) return count;
  throw new InvalidArgumentError(`it must be a number from 1 to ${MAX_PROBES}`);
}

function print(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

/** The text in lines that a terminal has room for. */
function indented(text: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line.length + 1 + word.length > WIDTH) {
      lines.push(`  ${line}`);
      line = '';
    }
    line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, `  ${line}`];
}
