import { Command, InvalidArgumentError } from 'commander';
import type { CapturedPacket } from '../../core/capture/capturedPacket.ts';
import { describeConversation } from '../../core/dissect/describe.ts';
import { type DissectedPacket, Dissector } from '../../core/dissect/dissector.ts';
import { FINDINGS } from '../../core/dissect/findings.ts';
import { CaptureInputError, readCapture } from '../../node/captureInput.ts';
import { UsageError } from '../failure.ts';
import { type Interruption, type Result, runCommand } from '../runCommand.ts';
import { StandardOutput } from '../standardOutput.ts';

/** Packets with findings that are listed for `--json`. */
const MAX_LISTED = 10_000;

interface DissectOptions {
  readonly stream?: number;
  readonly conversations?: true;
  readonly json?: true;
}

/** `glasstcp dissect FILE` */
export function dissectCommand(): Command {
  return new Command('dissect')
    .summary('each packet of a capture, and what it is in its conversation')
    .description(
      'Tell a capture (pcap or pcapng, also packed by gzip) in the notation of tcpdump, with what ' +
        'each segment is in its conversation and the states of both ends behind it; then list the ' +
        'conversations. Times of day are UTC; those of --json are microseconds.',
    )
    .argument('<file>', 'the capture; - is standard input')
    .option('--stream <number>', 'this conversation alone, counted from 0', parseStream)
    .option('--conversations', 'list the conversations, not each packet')
    .option('--json', 'the result as JSON in the last line of standard output')
    .action((file: string, options: DissectOptions) =>
      runCommand('dissect', options, (interruption) => dissect(file, options, interruption)),
    );
}

async function dissect(
  file: string,
  options: DissectOptions,
  { interrupted }: Interruption,
): Promise<Result> {
  const input = readCapture(file);
  const dissection = new Dissection(options);
  interrupted.then(() => dissection.stop());
  try {
    for await (const packet of input) {
      await dissection.tell(packet);
      if (dissection.isOver) break;
    }
  } catch (error) {
    if (error instanceof CaptureInputError) throw new UsageError(error.message);
    throw error;
  }
  checkStream(options.stream, dissection.count, input.name);
  const { format, linkTypes, problem } = input;
  const result = await dissection.conclude();
  if (problem !== null) process.stderr.write(`glasstcp: ${problem}\n`);
  return { file: input.name, format, linkTypes, problem, ...result };
}

/** What is told of one capture, and found out for `--json`. */
class Dissection {
  readonly #options: DissectOptions;
  readonly #output = new StandardOutput();
  readonly #dissector = new Dissector();
  readonly #found = new FoundList();
  #packets = 0;
  #isStopped = false;

  constructor(options: DissectOptions) {
    this.#options = options;
  }

  /** Conversations seen. */
  get count(): number {
    return this.#dissector.analyser.count;
  }

  /** Does nobody want to hear more? */
  get isOver(): boolean {
    return this.#isStopped || this.#output.isBroken;
  }

  stop(): void {
    this.#isStopped = true;
  }

  async tell(packet: CapturedPacket): Promise<void> {
    this.#packets++;
    const dissected = this.#dissector.add(packet);
    if (!this.#isWanted(dissected.stream)) return;
    if (this.#options.json === true) this.#found.add(packet.number, dissected);
    if (this.#options.conversations !== true) await this.#output.line(dissected.line());
  }

  /** Lists the conversations. */
  async conclude(): Promise<Result> {
    const { stream } = this.#options;
    const known = this.#dissector.conversations();
    const conversations = known.filter((c) => this.#isWanted(c.stream));
    const isList = this.#options.conversations === true;
    if (!isList && conversations.length > 0) await this.#output.line('');
    for (const conversation of conversations) {
      for (const line of describeConversation(conversation)) await this.#output.line(line);
    }
    const { forgotten, count } = this.#dissector.analyser;
    if (forgotten > 0 && stream === undefined) {
      await this.#output.line(`${forgotten} more are not listed: they were silent for longest`);
    }
    await this.#output.flush();
    return {
      packets: this.#packets,
      segments: this.#dissector.segments,
      streams: count,
      conversations,
      forgotten,
      findings: this.#found.listed,
      findingsLeftOut: this.#found.leftOut,
    };
  }

  #isWanted(stream: number | null): boolean {
    return this.#options.stream === undefined || this.#options.stream === stream;
  }
}

function checkStream(stream: number | undefined, count: number, name: string): void {
  if (stream === undefined || stream < count) return;
  const there = count === 0 ? 'it has none' : `it has 0 to ${count - 1}`;
  throw new UsageError(`${name} has no conversation ${stream}: ${there}`);
}

/** The findings by packet, as many as fit into a result. */
class FoundList {
  readonly listed: Result[] = [];
  /** Packets with findings that are not listed. */
  leftOut = 0;

  add(packet: number, { stream, analysis }: DissectedPacket): void {
    if (analysis === null || analysis.findings.length === 0) return;
    if (this.listed.length >= MAX_LISTED) {
      this.leftOut++;
      return;
    }
    const findings = analysis.findings.map((f) => ({ ...f, rfc: FINDINGS[f.name].rfc }));
    this.listed.push({ packet, stream, findings });
  }
}

function parseStream(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Conversations are numbered from 0.');
}
