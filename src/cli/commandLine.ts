import { Command, CommanderError } from 'commander';
import { connectCommand } from './commands/connect.ts';
import { demoCommand } from './commands/demo.ts';
import { dissectCommand } from './commands/dissect.ts';
import { labCommand } from './commands/lab.ts';
import { packetdrillCommand } from './commands/packetdrill.ts';
import { proxyCommand } from './commands/proxy.ts';
import { replayCommand } from './commands/replay.ts';
import { serveCommand } from './commands/serve.ts';
import { Delegated, ExitCode, exitCodeOf, explain, UsageError } from './failure.ts';

const COMMANDS = [
  serveCommand,
  connectCommand,
  proxyCommand,
  labCommand,
  dissectCommand,
  replayCommand,
  packetdrillCommand,
  demoCommand,
];

/**
 * Does what a command line asks for.
 * @param complain is told in one line what failed or was called wrongly
 * @returns the exit code
 */
export async function runCommandLine(
  args: readonly string[],
  complain: (line: string) => void,
): Promise<number> {
  try {
    if (args.length === 0) throw new UsageError('which command? See glasstcp --help');
    await program().parseAsync(args, { from: 'user' });
    return ExitCode.DONE;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return ExitCode.DONE; // --help
    if (error instanceof Delegated) return error.exitCode;
    const failure = error instanceof CommanderError ? usageError(error) : error;
    complain(`glasstcp: ${explain(failure)}`);
    return exitCodeOf(failure);
  }
}

function program(): Command {
  const program = new Command('glasstcp')
    .description('A TCP/IP stack that you can see through, on a Linux TAP')
    .addHelpText('after', '\nExit codes: 0 done, 1 failed, 2 called wrongly.');
  for (const make of COMMANDS) program.addCommand(make());
  for (const command of [program, ...program.commands]) {
    // what is wrong is said above, in one line
    command.exitOverride().configureOutput({ outputError: () => {} });
  }
  return program;
}

/** One line, where commander writes a sentence, an offer in a line of its own, and a full stop. */
function usageError({ message }: CommanderError): UsageError {
  const what = message
    .replace(/^error: /, '')
    .replace(/\.$/, '')
    .replace('\n', ' ');
  return new UsageError(`${what}: see glasstcp --help`);
}
