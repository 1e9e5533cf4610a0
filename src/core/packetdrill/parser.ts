import { type Micros, SECOND } from '../base/time.ts';
import type {
  Action,
  CodeAction,
  CommandAction,
  Dialect,
  EventTime,
  PacketDirection,
  Position,
  Script,
  ScriptEvent,
  ScriptOption,
  UnsupportedAction,
} from './ast.ts';
import { Cursor, OutOfScope, SyntaxProblem } from './cursor.ts';
import { type Defines, lex } from './lexer.ts';
import { parseCall } from './parseCall.ts';
import { parsePacket } from './parsePacket.ts';
import type { ScriptError } from './scriptError.ts';

/**
 * Reads packetdrill scripts, both dialects as one: their grammars do not contradict each other.
 *
 *     options*   init-command?   event+   cleanup-command?
 */

/** What {@link parseScript} may be told. */
export interface ParseOptions {
  /** Absent: what occurs in the script tells. */
  readonly dialect?: Dialect;
  /** Symbols of the command line; they win over those of the script. */
  readonly defines?: Defines;
}

/**
 * Reads a script. Whatever the text is, this ends and throws nothing; what lies beyond TCP and ICMP
 * is read over and listed as unsupported.
 */
export function parseScript(text: string, options: ParseOptions = {}): Script | ScriptError {
  const tokens = lex(text, options.defines);
  if ('kind' in tokens) return tokens;
  try {
    return new Parser(new Cursor(text, tokens), options.dialect ?? null).script();
  } catch (problem) {
    if (!(problem instanceof SyntaxProblem)) throw problem;
    return { kind: 'error', position: problem.position, message: problem.message };
  }
}

/** Seconds that a time may be: 158 years, exact in microseconds; the clock of captures has 136. */
const MAX_SECONDS = 5e9;

/** Commands and names that the FreeBSD suite alone has. */
const FREEBSD = /\bnet\.inet6?\.|\bkern\.ipc\.|\bsockstat\b|\btcpdrop\b|\bkld(un)?load\b/;

class Parser {
  readonly #cursor: Cursor;
  readonly #dialect: Dialect | null;
  readonly #events: ScriptEvent[] = [];

  constructor(cursor: Cursor, dialect: Dialect | null) {
    this.#cursor = cursor;
    this.#dialect = dialect;
  }

  script(): Script {
    const cursor = this.#cursor;
    const options: ScriptOption[] = [];
    while (cursor.seesKind('option')) options.push(parseOption(cursor));
    const init = cursor.seesKind('backquoted') ? parseCommand(cursor) : null;
    while (!cursor.isEnd() && !cursor.seesKind('backquoted')) this.#events.push(this.#event());
    if (this.#events.length === 0) {
      cursor.fail(`expected an event, as '0 socket(...) = 3', found ${cursor.describe()}`);
    }
    const cleanup = cursor.seesKind('backquoted') ? parseCommand(cursor) : null;
    if (!cursor.isEnd()) {
      cursor.fail(
        `found ${cursor.describe()} after the cleanup command; a command before the last event needs a time`,
      );
    }
    const commands = [init, cleanup, ...this.#events.map(({ action }) => action)];
    return {
      kind: 'script',
      dialect: this.#dialect ?? this.#guess(commands),
      options,
      init,
      events: this.#events,
      cleanup,
      unsupported: this.#events.map(({ action }) => action).filter(isUnsupported),
    };
  }

  #guess(actions: readonly (Action | null)[]): Dialect {
    const isFreeBsd = actions.some(
      (action) => action?.kind === 'command' && FREEBSD.test(action.text),
    );
    return isFreeBsd || this.#cursor.sawNplab ? 'nplab' : 'google';
  }

  #event(): ScriptEvent {
    const cursor = this.#cursor;
    const from = cursor.index;
    const { position } = cursor.peek();
    const time = parseTime(cursor);
    this.#checkOrder(time, position);
    const action = this.#action(time);
    if ((time.kind === 'any' || 'from' in time) && !isSent(action)) {
      cursor.fail('* and ranges of time are for sent packets (>) alone', position);
    }
    return { position, text: cursor.textFrom(from), time, action };
  }

  /** The first event is at 0, and absolute times in a row do not go back. */
  #checkOrder(time: EventTime, position: Position): void {
    const before = this.#events.at(-1);
    if (before === undefined) {
      if (!('at' in time) || time.at !== 0) {
        this.#cursor.fail('the first event must be at time 0: write 0 or +0', position);
      }
      return;
    }
    const last = absoluteStart(before.time);
    const next = absoluteStart(time);
    if (last !== null && next !== null && next < last) {
      const [from, to] = [last / SECOND, next / SECOND];
      this.#cursor.fail(
        `time goes back, from ${from} s to ${to} s; events stand in order`,
        position,
      );
    }
  }

  #action(time: EventTime): Action {
    const cursor = this.#cursor;
    const from = cursor.index;
    const { kind } = cursor.peek();
    if (kind === 'backquoted') return parseCommand(cursor);
    if (kind === 'code') return parseCode(cursor);
    if (kind === 'ellipsis' || kind === 'word') return this.#call(time);
    const direction = acceptDirection(cursor);
    if (direction === null) {
      return cursor.fail(
        `expected a packet (< or >), a system call, \`a command\` or %{ code }%, found ${cursor.describe()}`,
      );
    }
    try {
      return parsePacket(cursor, direction);
    } catch (problem) {
      if (!(problem instanceof OutOfScope)) throw problem;
      cursor.surface();
      this.#skipFrom(from);
      return problem.asAction(direction);
    }
  }

  #call(time: EventTime): Action {
    const cursor = this.#cursor;
    if (!cursor.seesKind('ellipsis')) return parseCall(cursor, null);
    cursor.take();
    const { position } = cursor.peek();
    const until = parseSeconds(cursor);
    if ('at' in time && until < time.at) {
      cursor.fail('the call returns before it begins', position);
    }
    return parseCall(cursor, until);
  }

  /** Goes from the start of an action to that of the next event, which stands on a line of its own. */
  #skipFrom(start: number): void {
    const cursor = this.#cursor;
    let depth = 0;
    while (!cursor.isEnd()) {
      if (cursor.index > start && depth <= 0 && this.#beginsLine() && seesEvent(cursor)) return;
      const { kind, text } = cursor.take();
      if (kind !== 'mark') continue;
      if (text === '(' || text === '[' || text === '{') depth++;
      if (text === ')' || text === ']' || text === '}') depth--;
    }
  }

  #beginsLine(): boolean {
    const cursor = this.#cursor;
    return cursor.source.slice(cursor.previous.end, cursor.peek().start).includes('\n');
  }
}

function isUnsupported(action: Action): action is UnsupportedAction {
  return action.kind === 'unsupported';
}

function isSent(action: Action): boolean {
  return 'direction' in action && action.direction === 'outbound';
}

/** `--name`, `--name=value`; the value is one token, or several that touch each other. */
function parseOption(cursor: Cursor): ScriptOption {
  const { text: name, position } = cursor.take();
  if (!cursor.accept('=')) return { position, name, value: null };
  if (cursor.isEnd()) cursor.fail(`--${name}= needs a value`);
  let value = cursor.take().text;
  while (!cursor.isEnd() && cursor.isAdjacent()) value += cursor.take().text;
  return { position, name, value };
}

function parseCommand(cursor: Cursor): CommandAction {
  const { text, position } = cursor.take();
  return { kind: 'command', position, text };
}

function parseCode(cursor: Cursor): CodeAction {
  const { text, position } = cursor.take();
  const blanks = /^[ \t]*/.exec(text)?.[0].length ?? 0;
  return {
    kind: 'code',
    position: { line: position.line, column: position.column + 2 + blanks },
    text: text.replace(/^[ \t]+|[ \t]+$/g, ''),
  };
}

function acceptDirection(cursor: Cursor): PacketDirection | null {
  if (cursor.accept('<')) return 'inbound';
  return cursor.accept('>') ? 'outbound' : null;
}

// ---- time -----------------------------------------------------------------------------------

/** `T`, `+T`, `*`, `T1~T2` or `+T1~+T2`. */
function parseTime(cursor: Cursor): EventTime {
  const { position } = cursor.peek();
  if (cursor.accept('*')) return { kind: 'any' };
  const isRelative = cursor.accept('+');
  const from = parseSeconds(cursor);
  if (!cursor.accept('~')) return { kind: isRelative ? 'relative' : 'absolute', at: from };
  if (isRelative) cursor.expect('+', 'since a range is +T1~+T2 or T1~T2');
  const to = parseSeconds(cursor);
  if (to < from) cursor.fail('the range of time ends before it begins', position);
  return { kind: isRelative ? 'relative-range' : 'absolute-range', from, to };
}

function parseSeconds(cursor: Cursor): Micros {
  const { kind, text } = cursor.peek();
  if (kind !== 'integer' && kind !== 'float') {
    return cursor.fail(`expected a time in seconds, found ${cursor.describe()}`);
  }
  const seconds = Number(text);
  if (!(seconds >= 0 && seconds <= MAX_SECONDS)) {
    cursor.fail(`a time of ${text} s; times are 0 to ${MAX_SECONDS} s`);
  }
  cursor.take();
  return Math.round(seconds * SECOND);
}

/** null: relative, or any time. */
function absoluteStart(time: EventTime): Micros | null {
  if (time.kind === 'absolute') return time.at;
  return time.kind === 'absolute-range' ? time.from : null;
}

/** Does what comes next look like a time with an action behind it, or the cleanup command? */
function seesEvent(cursor: Cursor): boolean {
  if (cursor.seesKind('backquoted')) return true;
  let at = 0;
  if (cursor.sees('*')) at = 1;
  else {
    if (cursor.sees('+')) at++;
    if (!seesNumber(cursor, at)) return false;
    at++;
    if (cursor.sees('~', at)) at += cursor.sees('+', at + 1) ? 3 : 2;
    if (cursor.seesKind('ellipsis', at)) at += 2;
  }
  if (cursor.sees('<', at) || cursor.sees('>', at)) return true;
  const { kind } = cursor.peek(at);
  if (kind === 'word') return cursor.sees('(', at + 1);
  return kind === 'backquoted' || kind === 'code';
}

function seesNumber(cursor: Cursor, at: number): boolean {
  return cursor.seesKind('integer', at) || cursor.seesKind('float', at);
}
