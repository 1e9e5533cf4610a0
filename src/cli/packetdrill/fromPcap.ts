import { scriptFromRecording } from '../../core/packetdrill/fromPcap.ts';
import { UsageError } from '../failure.ts';
import { chooseFrom } from '../replayFile.ts';
import type { Result } from '../runCommand.ts';
import { StandardOutput } from '../standardOutput.ts';

/** Which conversation of a capture becomes a script, and how. */
export interface FromPcapChoice {
  readonly as?: string;
  readonly stream?: number;
  readonly sidecar?: string | false;
  readonly windows?: true;
}

/**
 * Writes the script of a recorded conversation to standard output; what it leaves out is told on
 * the other one.
 */
export async function writeScriptOf(file: string, choice: FromPcapChoice): Promise<Result> {
  const chosen = await chooseFrom(file, choice);
  const made = scriptFromRecording(chosen.recording, {
    ...chosen,
    windows: choice.windows === true,
  });
  if (made.kind === 'refused') throw new UsageError(`${file}: ${made.message}`);
  const output = new StandardOutput();
  for (const line of made.text.trimEnd().split('\n')) await output.line(line);
  await output.flush();
  const notes = chosen.problem === null ? made.notes : [...made.notes, chosen.problem];
  for (const note of notes) process.stderr.write(`glasstcp: ${note}\n`);
  return { file, stream: chosen.recording.stream, notes };
}
