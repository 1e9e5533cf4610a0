import { codeOf, DeviceError, messageOf } from '../node/devices/deviceError.ts';

/** Exit codes of every command. */
export const ExitCode = {
  /** What was asked was done, or a signal ended it. */
  DONE: 0,
  /** What was asked failed. */
  FAILED: 1,
  /** It was not asked properly. */
  USAGE: 2,
} as const;

/** A command was called wrongly: the message says in one line what would be right. */
export class UsageError extends Error {}

/** What was asked failed: the message says in one line why. */
export class Failure extends Error {
  /** What was found out nevertheless, for `--json`. */
  readonly result: Readonly<Record<string, unknown>>;

  constructor(message: string, result: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.result = result;
  }
}

/** Another process did the work and told the user about it: its exit code is ours. */
export class Delegated extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`ended with ${exitCode}`);
    this.exitCode = exitCode;
  }
}

/** The exit code for what a command threw. */
export function exitCodeOf(thrown: unknown): number {
  if (thrown instanceof UsageError) return ExitCode.USAGE;
  if (thrown instanceof DeviceError && thrown.code === 'invalid-option') return ExitCode.USAGE;
  return ExitCode.FAILED;
}

/** What is told the user about what a command threw, in one line. */
export function explain(thrown: unknown): string {
  return messageOf(thrown);
}

/** Why a connection to `peer` failed or ended, in words. */
export function explainConnection(thrown: unknown, peer: string): string {
  switch (codeOf(thrown)) {
    case 'ECONNREFUSED':
      return `${peer} refused the connection: nothing listens on that port`;
    case 'ECONNRESET':
      return `${peer} reset the connection`;
    case 'EPIPE':
      return `${peer} takes no more data: the connection is closed`;
    case 'ETIMEDOUT':
      return `${peer} does not answer: the connection timed out`;
    case 'EHOSTUNREACH':
      return `${peer} cannot be reached: no such host answers on its network (EHOSTUNREACH)`;
    case 'ENETUNREACH':
      return `${peer} cannot be reached: no route leads to its network (ENETUNREACH)`;
    case 'EADDRNOTAVAIL':
      return `${peer} cannot be reached: no local port is free`;
    default:
      return `connection to ${peer} failed: ${messageOf(thrown)}`;
  }
}
