import { ExitCode, exitCodeOf, explain, Failure } from './failure.ts';

/** What a command found out, for `--json`. */
export type Result = Readonly<Record<string, unknown>>;

/** A command that a signal may end. */
export interface Interruption {
  /** Resolves when SIGINT or SIGTERM arrives. */
  readonly interrupted: Promise<void>;
}

/**
 * Runs the body of a command: a signal ends it as if it was done, its result becomes the last line
 * of standard output if that was asked for, and what it throws goes on to whoever sets the exit code.
 */
export async function runCommand(
  name: string,
  options: { readonly json?: true },
  body: (interruption: Interruption) => Promise<Result>,
): Promise<void> {
  // a second signal ends the process as it does without a handler
  let interrupt = (): void => {};
  const interrupted = new Promise<void>((resolve) => {
    interrupt = resolve;
  });
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  try {
    const result = await body({ interrupted });
    if (options.json === true) writeJson({ command: name, ok: true, ...result });
  } catch (error) {
    if (options.json === true && exitCodeOf(error) === ExitCode.FAILED) {
      const result = error instanceof Failure ? error.result : {};
      writeJson({ command: name, ok: false, error: explain(error), ...result });
    }
    throw error;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  }
}

function writeJson(value: Result): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
