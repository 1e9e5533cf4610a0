import type { Micros } from '../../base/time.ts';
import type { TimedCall } from '../../replay/application.ts';
import type { ApplicationCall } from '../../replay/sidecar.ts';

/**
 * What an application did as system calls of a script. All sockets are non-blocking: each call is
 * written for when it was done, where it had to wait.
 */

/** A call of the script; several lines happen at once. */
export interface WrittenCall {
  readonly at: Micros;
  readonly lines: readonly string[];
}

/** What a script has to do before the first packet, the calls themselves, and what was left out. */
export interface WrittenCalls {
  readonly prelude: readonly string[];
  readonly calls: readonly WrittenCall[];
  readonly notes: readonly string[];
}

const FIRST = 3;
const ACCEPTED = 4;
/** For reads that find the end. */
const SOME = 1000;

/** What a script must know of a conversation, besides what was called. */
export interface Circumstances {
  /** It is the client. */
  readonly opens: boolean;
  /** What TCP_MAXSEG is set to; null: nothing. */
  readonly mss: number | null;
  /** Of the last packet. */
  readonly end: Micros;
}

export function writeCalls(
  calls: readonly TimedCall[],
  { opens, mss, end }: Circumstances,
): WrittenCalls {
  const writer = new Writer(opens);
  const written = calls.flatMap((timed, index) => {
    const isVague = timed.call.call === 'error' && timed.until === timed.at;
    // when it returned is not known, but the next call came later
    const until = isVague ? Math.max(timed.at, calls[index + 1]?.at ?? end) : timed.until;
    return writer.write({ ...timed, until });
  });
  return {
    prelude: calls.length === 0 ? [] : prelude(opens, mss),
    calls: written.filter(({ lines }) => lines.length > 0).sort((a, b) => a.at - b.at),
    notes: writer.notes,
  };
}

function prelude(opens: boolean, mss: number | null): string[] {
  const lines = [
    `socket(..., SOCK_STREAM, IPPROTO_TCP) = ${FIRST}`,
    opens ? nonBlocking(FIRST) : `setsockopt(${FIRST}, SOL_SOCKET, SO_REUSEADDR, [1], 4) = 0`,
  ];
  if (mss !== null) lines.push(`setsockopt(${FIRST}, SOL_TCP, TCP_MAXSEG, [${mss}], 4) = 0`);
  return lines;
}

function nonBlocking(fd: number): string {
  return `fcntl(${fd}, F_SETFL, O_RDWR|O_NONBLOCK) = 0`;
}

class Writer {
  readonly notes: string[] = [];
  #fd = FIRST;
  readonly #opens: boolean;

  constructor(opens: boolean) {
    this.#opens = opens;
  }

  /** A call that had to wait is written for when it returned, since sockets do not block here. */
  write({ at, until, call }: TimedCall): WrittenCall[] {
    switch (call.call) {
      case 'accept':
      case 'read':
        return [{ at: until, lines: this.#lines(call) }];
      case 'error': {
        const lines = this.#error(this.#fd, call.of, call.error);
        if (call.of !== 'connect') return [{ at: until, lines }];
        return [
          { at, lines: [connectLine(this.#fd)] },
          { at: until, lines },
        ];
      }
    }
    return [{ at, lines: this.#lines(call) }];
  }

  #lines(call: Exclude<ApplicationCall, { call: 'error' }>): string[] {
    const fd = this.#fd;
    switch (call.call) {
      case 'connect':
        return [connectLine(fd)];
      case 'listen':
        return [`bind(${fd}, ..., ...) = 0`, `listen(${fd}, ${call.backlog}) = 0`];
      case 'accept':
        if (this.#opens) return [];
        this.#fd = ACCEPTED;
        return [`accept(${FIRST}, ..., ...) = ${ACCEPTED}`, nonBlocking(ACCEPTED)];
      case 'write':
        return [writeLine(fd, call.octets, call.flags ?? [])];
      case 'read':
        return [`read(${fd}, ..., ${call.octets === 0 ? SOME : call.octets}) = ${call.octets}`];
      case 'shutdown':
        return [`shutdown(${fd}, ${SHUTDOWNS[call.how]}) = 0`];
      case 'close':
        return [`close(${fd}) = 0`];
      case 'setsockopt':
        return this.#option(fd, call.option, call.value);
      default:
        return call satisfies never;
    }
  }

  #option(fd: number, option: string, value: number | string): string[] {
    const level = LEVELS.find(([prefix]) => option.startsWith(prefix))?.[1];
    // it came from a file, and goes into a text
    if (level === undefined || !/^\w+$/.test(option)) return this.#leftOut(`setsockopt ${option}`);
    const set = `setsockopt(${fd}, ${level}, ${option}`;
    if (option === 'SO_LINGER') {
      const seconds = Number(value);
      const [on, linger] = seconds < 0 ? [0, 0] : [1, seconds];
      return [`${set}, {onoff=${on}, linger=${linger}}, 8) = 0`];
    }
    if (typeof value === 'string') {
      if (!/^[\w-]+$/.test(value)) return this.#leftOut(`setsockopt ${option}`);
      return [`${set}, "${value}", ${value.length}) = 0`];
    }
    if (!Number.isInteger(value)) return this.#leftOut(`setsockopt ${option} to ${value}`);
    return [`${set}, [${value}], 4) = 0`];
  }

  #error(fd: number, of: string, error: string): string[] {
    if (!/^E[A-Z0-9]+$/.test(error)) return this.#leftOut(`${of} that failed`);
    switch (of) {
      case 'connect':
        return [`getsockopt(${fd}, SOL_SOCKET, SO_ERROR, [${error}], [4]) = 0`];
      case 'read':
        return [`read(${fd}, ..., ${SOME}) = -1 ${error}`];
      case 'write':
        return [`write(${fd}, ..., 1) = -1 ${error}`];
    }
    return this.#leftOut(`${of} that failed with ${error}`);
  }

  #leftOut(what: string): string[] {
    this.notes.push(`left out: ${what.replace(/[^ -~]+/g, ' ')}`);
    return [];
  }
}

function connectLine(fd: number): string {
  return `connect(${fd}, ..., ...) = -1 EINPROGRESS (Operation now in progress)`;
}

function writeLine(fd: number, octets: number, flags: readonly string[]): string {
  if (flags.length === 0) return `write(${fd}, ..., ${octets}) = ${octets}`;
  const names = flags.map((flag) => `MSG_${flag.toUpperCase()}`).join('|');
  return `send(${fd}, ..., ${octets}, ${names}) = ${octets}`;
}

const SHUTDOWNS = { read: 'SHUT_RD', write: 'SHUT_WR', both: 'SHUT_RDWR' } as const;

const LEVELS: readonly (readonly [string, string])[] = [
  ['SO_', 'SOL_SOCKET'],
  ['TCP_', 'SOL_TCP'],
  ['IP_', 'SOL_IP'],
];
